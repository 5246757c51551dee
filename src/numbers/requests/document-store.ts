// The bytes of documents: pieces in the store of records, sealed there, so that every engine keeps them alike. Between two pieces other work goes
// on: nothing here holds up a call.

import type { RecordStore } from '../../directory/records.ts';
import { DocumentUnknown } from './errors.ts';
import type { DocumentChunk } from './kinds.ts';
import { LIMITS } from './limits.ts';
import type { DocumentEntry } from './request.ts';

export class DocumentStore {
  readonly #chunks: RecordStore<DocumentChunk>;

  constructor(chunks: RecordStore<DocumentChunk>) {
    this.#chunks = chunks;
  }

  async write(document: DocumentEntry, workspaceId: string, content: Uint8Array): Promise<void> {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    for (let index = 0; index < document.chunks; index += 1) {
      const piece = bytes.subarray(index * LIMITS.chunkBytes, (index + 1) * LIMITS.chunkBytes);
      await this.#chunks.put({
        id: chunkId(document, index),
        createdAt: document.at,
        workspaceId,
        content: piece.toString('base64'),
      });
      await otherWork();
    }
  }

  /** Rejects with DocumentUnknown where a piece is missing: half a document is none. */
  async read(document: DocumentEntry, workspaceId: string): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let index = 0; index < document.chunks; index += 1) {
      const chunk = await this.#chunks.get(chunkId(document, index), workspaceId);
      if (chunk === undefined) throw new DocumentUnknown(`a piece of document ${document.id} is missing`);
      pieces.push(Buffer.from(chunk.content, 'base64'));
      await otherWork();
    }
    const content = Buffer.concat(pieces);
    if (content.length !== document.bytes) throw new DocumentUnknown(`document ${document.id} has another length`);
    return content;
  }

  /** May be repeated. */
  async erase(document: DocumentEntry, workspaceId: string): Promise<void> {
    for (let index = 0; index < document.chunks; index += 1) {
      await this.#chunks.delete(chunkId(document, index), workspaceId);
      await otherWork();
    }
  }
}

export function chunksOf(bytes: number): number {
  return Math.ceil(bytes / LIMITS.chunkBytes);
}

function chunkId({ id }: DocumentEntry, index: number): string {
  return `${id}-${index}`;
}

function otherWork(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
