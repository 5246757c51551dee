// One kind of record in Redis: get, put, update, delete, pages by key.
//
// Invariants
//   RT1. A read sees every write that was acknowledged before it, of whichever node: the document is asked for each time. What is kept is what
//        a document was read as (its secrets opened), and it is used for the same text alone.
//   RT2. `update` writes only where the document that it read still stands; else it reads again. Updates of this node take turns.

import { setTimeout as pause } from 'node:timers/promises';
import type { Page, PageOf, Store } from '../directory.ts';
import { encodeCursor } from '../cursor.ts';
import type { Codec } from '../documents.ts';
import { DirectoryContendedError } from './errors.ts';
import type { FiledQuery, FiledStore } from './filed-store.ts';
import { ALL, type Filing, ofWorkspace } from './filing.ts';

export interface RedisTableOptions<T> {
  readonly table: string;
  readonly codec: Codec<T>;
  readonly file: (item: T) => Filing;
  /** Whose it is: what a `workspaceId` is compared with. */
  readonly scopeOf: (item: T) => string | null;
  /** Keep what documents were read as: for kinds that each call asks for. */
  readonly cached?: boolean;
  /** After every write. */
  readonly onWrite?: () => void;
  /** Before another try of an update; default: a few ms, by chance. */
  readonly betweenTries?: (tries: number) => Promise<void>;
}

export interface RedisTable<T> extends Store<T> {
  page(query: Omit<FiledQuery, 'table'>, page: Page): Promise<PageOf<T>>;
}

type Item = { readonly id: string; readonly createdAt: number };

const CACHE_MAX = 5_000;
/** Each lost try means that another node's write went through. */
const TRIES_MAX = 50;
/** Nodes that try in step would let one of them lose every time: after a lost try each waits as long as chance says, up to this. */
const PAUSE_MAX_MS = 16;
const byChance = (tries: number): Promise<void> => pause(Math.random() * Math.min(2 ** tries, PAUSE_MAX_MS));

export function redisTable<T extends Item>(store: FiledStore, options: RedisTableOptions<T>): RedisTable<T> {
  const { table, codec, file, scopeOf, cached = false, onWrite = () => undefined, betweenTries = byChance } = options;
  const known = new Map<string, { readonly document: string; readonly item: T }>();
  const turns = new Map<string, Promise<unknown>>();

  const decode = (id: string, document: string): T => {
    const before = known.get(id);
    if (before?.document === document) return before.item;
    const item = codec.decode(document);
    if (!cached) return item;
    if (known.size >= CACHE_MAX) known.clear();
    known.set(id, { document, item });
    return item;
  };

  const read = async (id: string, workspaceId: string | undefined) => {
    const document = await store.read(table, id);
    if (document === null) return undefined;
    const item = decode(id, document);
    return workspaceId === undefined || scopeOf(item) === workspaceId ? { document, item } : undefined;
  };

  const change = async (id: string, by: (item: T) => T, workspaceId: string | undefined): Promise<T | undefined> => {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const found = await read(id, workspaceId);
      if (found === undefined) return undefined;
      const item = by(found.item);
      const write = { filing: file(item), document: codec.encode(item), expected: found.document };
      if ((await store.write([write])) === 'done') return item;
      await betweenTries(tries);
    }
    throw new DirectoryContendedError(`${table} ${id}`);
  };

  /** After those of this record that came before. */
  const inTurn = async <R>(id: string, work: () => Promise<R>): Promise<R> => {
    const mine = (turns.get(id) ?? Promise.resolve()).then(work, work);
    turns.set(id, mine);
    try {
      return await mine;
    } finally {
      if (turns.get(id) === mine) turns.delete(id);
    }
  };

  const page = async (query: Omit<FiledQuery, 'table'>, wanted: Page): Promise<PageOf<T>> => {
    const documents = await store.find({ table, ...query }, wanted);
    const items = documents.slice(0, wanted.limit).map((document) => codec.decode(document));
    const last = items.at(-1);
    return { items, nextCursor: documents.length > wanted.limit && last !== undefined ? encodeCursor(last) : null };
  };

  return {
    get: async (id, workspaceId) => (await read(id, workspaceId))?.item,
    async put(item) {
      await store.write([{ filing: file(item), document: codec.encode(item) }]);
      onWrite();
    },
    async update(id, by, workspaceId) {
      const changed = await inTurn(id, () => change(id, by, workspaceId));
      if (changed !== undefined) onWrite();
      return changed;
    },
    async delete(id, workspaceId) {
      const isGone = await store.delete(table, id, workspaceId);
      if (isGone) onWrite();
      return isGone;
    },
    list: ({ workspaceId, ...rest }) =>
      page({ place: workspaceId === undefined ? ALL : ofWorkspace(workspaceId) }, rest),
    page,
  };
}
