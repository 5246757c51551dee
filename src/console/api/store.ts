// What was read from the API, by path: several parts of a page that need the same thing read it once, and all see a change at once.
//
// Invariants
//   S1. One request per path at a time; what a slower, older one answers never replaces what a newer one has brought.
//   S2. An error keeps the data that was there: a page with old figures and a notice beats an empty one.
//   S3. Bounded: what nobody looks at is forgotten first.

import { asProblem, type ProblemError } from './problem.ts';
import { request } from './request.ts';

export interface Entry<T> {
  readonly data: T | undefined;
  readonly error: ProblemError | undefined;
  readonly loading: boolean;
}

interface Slot {
  entry: Entry<unknown>;
  readonly listeners: Set<() => void>;
  /** Of the newest request. */
  turn: number;
  readAtMs: number;
}

const EMPTY: Entry<never> = { data: undefined, error: undefined, loading: false };
const SLOTS_MAX = 300;
/** So fresh that mounting another part of the page reads nothing. */
const FRESH_MS = 2_000;

const slots = new Map<string, Slot>();

function slotOf(path: string): Slot {
  const known = slots.get(path);
  if (known !== undefined) return known;
  if (slots.size >= SLOTS_MAX) forgetOne();
  const slot: Slot = { entry: EMPTY, listeners: new Set(), turn: 0, readAtMs: Number.NEGATIVE_INFINITY };
  slots.set(path, slot);
  return slot;
}

function forgetOne(): void {
  for (const [path, slot] of slots) {
    if (slot.listeners.size > 0) continue;
    slots.delete(path);
    return;
  }
}

export function entryOf<T>(path: string): Entry<T> {
  return (slots.get(path)?.entry ?? EMPTY) as Entry<T>;
}

export function subscribe(path: string, listener: () => void): () => void {
  const slot = slotOf(path);
  slot.listeners.add(listener);
  return () => slot.listeners.delete(listener);
}

/** Reads the path unless that is under way or just done. */
export function load(path: string): void {
  const slot = slotOf(path);
  if (slot.entry.loading || Date.now() - slot.readAtMs < FRESH_MS) return;
  void reload(path);
}

export async function reload(path: string): Promise<void> {
  const slot = slotOf(path);
  slot.turn += 1;
  const { turn } = slot;
  show(slot, { ...slot.entry, loading: true });
  try {
    const data = await request<unknown>('GET', path);
    if (turn !== slot.turn) return;
    slot.readAtMs = Date.now();
    show(slot, { data, error: undefined, loading: false });
  } catch (error) {
    if (turn === slot.turn) show(slot, { ...slot.entry, error: asProblem(error), loading: false });
  }
}

/** What begins with the prefix is old: read again where somebody looks, forgotten elsewhere. */
export function refresh(...prefixes: readonly string[]): void {
  for (const [path, slot] of slots) {
    if (!prefixes.some((prefix) => path.startsWith(prefix))) continue;
    if (slot.listeners.size > 0) void reload(path);
    else slots.delete(path);
  }
}

/** Puts a new value in place, such as one that an answer or an event has brought. */
export function put<T>(path: string, data: T): void {
  const slot = slotOf(path);
  slot.turn += 1;
  slot.readAtMs = Date.now();
  show(slot, { data, error: undefined, loading: false });
}

/** Changes what is shown under each path that begins with the prefix; undefined = leave it. */
export function change<T>(prefix: string, edit: (data: T) => T | undefined): void {
  for (const [path, slot] of slots) {
    if (!path.startsWith(prefix) || slot.entry.data === undefined) continue;
    const data = edit(slot.entry.data as T);
    if (data !== undefined) show(slot, { ...slot.entry, data });
  }
}

/** Of another person, or of nobody. */
export function forgetAll(): void {
  for (const slot of slots.values()) {
    slot.turn += 1;
    show(slot, EMPTY);
  }
  slots.clear();
}

function show(slot: Slot, entry: Entry<unknown>): void {
  slot.entry = entry;
  for (const listener of slot.listeners) listener();
}
