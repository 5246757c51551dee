// Records in Redis by what they are filed under (filing.ts): the one place that knows the scripts of the configuration.
//
// Invariants
//   FS1. A write of one record or more is one script: all of it or nothing, and nothing where a rule refuses it.
//   FS2. A search looks at LOOKS_MAX entries per script, and those of one node take turns: a call or the books, which use the same server, wait for
//        one such piece per node at most (bench/directory.ts).
//   FS3. Nothing is written under another layout than this version's (layout.ts).

import { randomUUID } from 'node:crypto';
import type { Page } from '../directory.ts';
import { checkPageLimit, decodeCursor } from '../cursor.ts';
import { KeyTaken, NumberTaken, RecordInUse, RecordMoved, RecordTaken, UnknownReference } from '../errors.ts';
import { DirectoryLayoutError } from './errors.ts';
import { filedAs, type Filing, placeText, type TakenCode } from './filing.ts';
import { DOCUMENTS_KEY, join, keysOf, part, recordKey, STATE_KEY, timeText, within } from './keys.ts';
import type { DirectoryConnection } from './scripts.ts';

/** About a quarter of a millisecond of the server's time. */
const LOOKS_MAX = 250;

export interface FiledWrite {
  readonly filing: Filing;
  readonly document: string;
  /** Written only where this stands; else the answer is `changed`. */
  readonly expected?: string;
}

export interface FiledQuery {
  readonly table: string;
  readonly place: readonly [name: string, value: string];
  /** As filing.ts `factNeedle` makes them: all of them. */
  readonly needles?: readonly string[];
  /** The fact `name` has the text in it. */
  readonly sought?: { readonly name: string; readonly text: string };
}

const TAKEN: Readonly<Record<TakenCode, new (message: string) => Error>> = {
  number_taken: NumberTaken,
  key_taken: KeyTaken,
  record_taken: RecordTaken,
};

export class FiledStore {
  readonly #connection: DirectoryConnection;
  readonly #layout: number;
  readonly #keys: readonly [documents: string, meta: string, index: string, once: string, state: string];
  readonly #prepare: () => Promise<void>;
  #searching: Promise<unknown> = Promise.resolve();

  /** `prepare` makes an emptied store one of this layout again. */
  constructor(connection: DirectoryConnection, layout: number, prepare: () => Promise<void>) {
    const { meta, index, once } = keysOf(layout);
    this.#connection = connection;
    this.#layout = layout;
    this.#keys = [DOCUMENTS_KEY, meta, index, once, STATE_KEY];
    this.#prepare = prepare;
  }

  async read(table: string, id: string): Promise<string | null> {
    return await this.#connection.run((client) => client.hget(DOCUMENTS_KEY, recordKey(table, id)));
  }

  /** Throws what `Store.put` rejects with. */
  async write(writes: readonly FiledWrite[]): Promise<'done' | 'changed'> {
    const args = writes.flatMap(({ filing, document, expected = '' }) => [filedAs(filing), document, expected]);
    const send = () =>
      this.#connection.run((client) =>
        client.directoryWrite(...this.#keys, String(this.#layout), randomUUID(), ...args),
      );
    const [outcome, code = ''] = await this.#inLayout(send, ([said]) => said === 'layout');
    const what = writes.map(({ filing }) => `${filing.table} ${filing.id}`).join(', ');
    if (outcome === 'moved') throw new RecordMoved(`${what}: has another workspace or time`);
    if (outcome === 'reference') throw new UnknownReference(`${what}: points at nothing`);
    if (outcome === 'taken') throw new TAKEN[code as TakenCode](`${what}: exists`);
    return outcome as 'done' | 'changed';
  }

  /** False where the record is not, or belongs to another workspace. Throws `RecordInUse`. */
  async delete(table: string, id: string, workspaceId: string | undefined): Promise<boolean> {
    const args = [String(this.#layout), randomUUID(), recordKey(table, id), workspaceId ?? '*'];
    const send = () => this.#connection.run((client) => client.directoryDelete(...this.#keys, ...args));
    const outcome = await this.#inLayout(send, (said) => said === 'layout');
    if (outcome === 'in_use') throw new RecordInUse(`${table} ${id}: still in use`);
    return outcome === 'done';
  }

  /** Newest first; one more than the page's limit where there are more. Throws `InvalidCursor`. */
  async find({ table, place, needles = [], sought }: FiledQuery, { limit, cursor }: Page): Promise<string[]> {
    checkPageLimit(limit);
    const at = placeText(table, place);
    let { min: lower, max: upper } = within(at);
    if (cursor !== undefined) {
      const { createdAt, id } = decodeCursor(cursor);
      upper = `(${join(at, timeText(createdAt), part(id))}`;
    }
    const documents: string[] = [];
    const [, , index] = this.#keys;
    const length = String(Buffer.byteLength(at));
    const name = sought === undefined ? '' : `${sought.name}=`;
    const text = part(sought?.text ?? '');
    while (documents.length <= limit) {
      const wanted = String(limit + 1 - documents.length);
      const bounds = [table, length, upper, lower, wanted, String(LOOKS_MAX), name, text];
      const look = () =>
        this.#connection.run((client) => client.directoryFind(DOCUMENTS_KEY, index, ...bounds, ...needles));
      const isSearch = needles.length > 0 || text !== '';
      const [isEnd, next, ...found] = await (isSearch ? this.#inTurn(look) : look());
      documents.push(...found.filter((document) => document !== null));
      if (isEnd === 1) break;
      upper = next;
    }
    return documents;
  }

  async isEmpty(table: string): Promise<boolean> {
    return (await this.find({ table, place: ['@all', ''] }, { limit: 1 })).length === 0;
  }

  /** Another text after each write to the table, whichever node wrote; null: there was none. */
  async changeOf(table: string): Promise<string | null> {
    return await this.#connection.run((client) => client.hget(STATE_KEY, `changed:${table}`));
  }

  async #inTurn<T>(look: () => Promise<T>): Promise<T> {
    const mine = this.#searching.then(look, look);
    this.#searching = mine;
    return await mine;
  }

  async #inLayout<T>(send: () => Promise<T>, isRefused: (answer: T) => boolean): Promise<T> {
    const answer = await send();
    if (!isRefused(answer)) return answer;
    await this.#prepare();
    const again = await send();
    if (isRefused(again)) throw new DirectoryLayoutError('of another version', this.#layout);
    return again;
  }
}
