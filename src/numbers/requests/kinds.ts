// How requests and the bytes of their documents are stored (directory/records.ts).
//
// Invariant RK1. Every value that somebody typed and every byte that somebody uploaded is sealed at rest, at its own place.

import type { RecordKind } from '../../directory/records.ts';
import { isFinal } from './machine.ts';
import { isOpen, isUnsettled, type NumberRequest } from './request.ts';

export const REQUESTS_KIND: RecordKind<NumberRequest> = {
  name: 'number_requests',
  fields: (request) => ({
    status: request.status,
    country: request.country,
    type: request.type,
    requestType: request.requestType,
    /** Counts against what a workspace may have open. */
    open: isOpen(request) ? 'yes' : null,
    /** Was begun and must be brought to its end. */
    unsettled: isUnsettled(request) ? 'yes' : null,
    /** Will be erased: decided already, or not yet. */
    kept: request.erasedAt === null ? (isFinal(request.status) ? 'decided' : 'open') : null,
  }),
  secrets: (request, convert) => ({
    ...request,
    fields: Object.fromEntries(
      Object.entries(request.fields).map(([name, saved]) => [
        name,
        { ...saved, value: convert(saved.value, `fields.${name}`) },
      ]),
    ),
  }),
};

/** A piece of a document. Its id, `<document>-<index>`, is part of its seal: pieces cannot be exchanged. */
export interface DocumentChunk {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  /** Base64. */
  readonly content: string;
}

export const CHUNKS_KIND: RecordKind<DocumentChunk> = {
  name: 'number_request_chunks',
  fields: () => ({}),
  secrets: (chunk, convert) => ({ ...chunk, content: convert(chunk.content, 'content') }),
};
