// Documents come to a request, are looked at, and go.
//
// Invariant DA1. A document stands in its request before its bytes are stored, and until they are erased: what is half done can be found (settler.ts).

import { checkAct } from './acts.ts';
import { EXTENSIONS, mediaTypeOf } from './content.ts';
import { chunksOf } from './document-store.ts';
import { DocumentLimit, DocumentRefused, DocumentUnknown, RequestFieldsInvalid } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { RequestParts } from './parts.ts';
import type { DocumentEntry, NumberRequest } from './request.ts';
import type { Requirement } from './requirement.ts';
import { documentRuleOf } from './rules.ts';
import { known } from './settler.ts';

export interface NewDocument {
  readonly kind: string;
  readonly content: Uint8Array;
}

export interface DocumentFile {
  readonly mediaType: string;
  /** Made of the request's id and the kind: nothing that anybody typed. */
  readonly fileName: string;
  readonly content: Buffer;
}

/** Throws RequestStateError or DocumentLimit where no document of so many bytes may be added. */
export function checkRoom(request: NumberRequest, bytes: number): void {
  checkAct(request, 'attach');
  const kept = request.documents.filter((document) => document.state !== 'erasing');
  if (kept.length >= LIMITS.documentsMax)
    throw new DocumentLimit(`a request has at most ${LIMITS.documentsMax} documents`);
  const total = kept.reduce((sum, document) => sum + document.bytes, bytes);
  if (total > LIMITS.documentsBytesMax) throw new DocumentLimit('the documents of a request have at most 30 MB in all');
}

/** Throws RequestFieldsInvalid or DocumentRefused. */
export function newEntry(
  { ids }: Pick<RequestParts, 'ids'>,
  requirement: Requirement,
  { kind, content }: NewDocument,
  at: number,
): DocumentEntry {
  if (documentRuleOf(requirement, kind) === undefined)
    throw new RequestFieldsInvalid([{ field: 'kind', message: 'is no document that this request asks for' }]);
  if (content.length > LIMITS.documentBytesMax) throw new DocumentRefused('the file is larger than 5 MB');
  const mediaType = mediaTypeOf(content);
  if (mediaType === undefined)
    throw new DocumentRefused('the file is no PDF, JPEG or PNG, or it is damaged or cut off');
  const chunks = chunksOf(content.length);
  return { id: ids.next('doc'), kind, mediaType, bytes: content.length, chunks, state: 'uploading', at };
}

/** Up to the act itself, which makes the document one that counts. */
export async function storeDocument(
  { requests, documents }: RequestParts,
  request: NumberRequest,
  entry: DocumentEntry,
  content: Uint8Array,
): Promise<void> {
  await known(
    requests.update(request.id, (item) => {
      checkRoom(item, entry.bytes);
      return { ...item, documents: [...item.documents, entry] };
    }),
  );
  await documents.write(entry, request.workspaceId, content);
}

/** Throws DocumentUnknown. */
export async function readDocument(
  { documents }: RequestParts,
  request: NumberRequest,
  documentId: string,
): Promise<DocumentFile> {
  const entry = storedDocument(request, documentId);
  const content = await documents.read(entry, request.workspaceId);
  const fileName = `${request.id}-${entry.kind}.${EXTENSIONS[entry.mediaType]}`;
  return { mediaType: entry.mediaType, fileName, content };
}

/** Throws DocumentUnknown: one that is on its way, or on its way out, is none. */
export function storedDocument({ documents }: NumberRequest, documentId: string): DocumentEntry {
  const entry = documents.find((document) => document.id === documentId && document.state === 'stored');
  if (entry === undefined) throw new DocumentUnknown('the request has no such document');
  return entry;
}

export function withState(request: NumberRequest, documentId: string, state: DocumentEntry['state']): NumberRequest {
  const documents = request.documents.map((document) =>
    document.id === documentId ? { ...document, state } : document,
  );
  return { ...request, documents };
}
