// The API in components: read a path, read a list page by page, act and say how it went.

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { asProblem, type ProblemError } from './problem.ts';
import { request } from './request.ts';
import { type Entry, entryOf, load, reload, subscribe } from './store.ts';

export interface Reading<T> extends Entry<T> {
  reload(): void;
}

const NOTHING: Entry<never> = { data: undefined, error: undefined, loading: false };
const noSubscription = (): (() => void) => () => undefined;

/** null = nothing to read yet. `everyMs` reads again as long as the page is in sight. */
export function useGet<T>(path: string | null, everyMs?: number): Reading<T> {
  const sub = useCallback(
    (listener: () => void) => (path === null ? noSubscription() : subscribe(path, listener)),
    [path],
  );
  const entry = useSyncExternalStore(sub, () => (path === null ? (NOTHING as Entry<T>) : entryOf<T>(path)));
  useEffect(() => {
    if (path !== null) load(path);
  }, [path]);
  useEffect(() => {
    if (path === null || everyMs === undefined) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void reload(path);
    }, everyMs);
    return () => clearInterval(timer);
  }, [path, everyMs]);
  const again = useCallback(() => {
    if (path !== null) void reload(path);
  }, [path]);
  return { ...entry, reload: again };
}

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export interface Listing<T> {
  readonly items: readonly T[];
  /** There is nothing to show yet. */
  readonly waiting: boolean;
  readonly loadingMore: boolean;
  readonly error: ProblemError | undefined;
  readonly more: boolean;
  loadMore(): void;
  reload(): void;
  /** Puts, changes or removes (null) items here until they are read again. */
  edit(change: (item: T) => T | null): void;
  /** An item that was not there, at the top. */
  add(item: T): void;
}

interface Pages<T> {
  readonly path: string;
  readonly items: readonly T[];
  readonly nextCursor: string | null;
  readonly loaded: boolean;
}

/** A list that is read page by page; another path (other filters) begins again. */
export function useList<T extends { readonly id: string }>(path: string, limit = 100): Listing<T> {
  const [pages, setPages] = useState<Pages<T>>(() => ({ path, items: [], nextCursor: null, loaded: false }));
  const [busy, setBusy] = useState<'first' | 'more' | null>('first');
  const [error, setError] = useState<ProblemError>();
  const turn = useRef(0);

  const read = useCallback(
    async (cursor: string | null) => {
      turn.current += 1;
      const mine = turn.current;
      setBusy(cursor === null ? 'first' : 'more');
      const join = path.includes('?') ? '&' : '?';
      const rest = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      try {
        const page = await request<PageOf<T>>('GET', `${path}${join}limit=${limit}${rest}`);
        if (mine !== turn.current) return;
        setError(undefined);
        setPages((now) => ({
          path,
          items: cursor === null ? page.items : withoutRepeats([...now.items, ...page.items]),
          nextCursor: page.nextCursor,
          loaded: true,
        }));
      } catch (thrown) {
        if (mine === turn.current) setError(asProblem(thrown));
      } finally {
        if (mine === turn.current) setBusy(null);
      }
    },
    [path, limit],
  );

  useEffect(() => {
    void read(null);
    return () => {
      turn.current += 1;
    };
  }, [read]);

  const { nextCursor } = pages;
  return {
    items: pages.items,
    waiting: !pages.loaded && error === undefined,
    loadingMore: busy === 'more',
    error,
    more: nextCursor !== null,
    loadMore: () => {
      if (nextCursor !== null && busy === null) void read(nextCursor);
    },
    reload: () => void read(null),
    edit: (change) => setPages((now) => ({ ...now, items: now.items.flatMap((item) => change(item) ?? []) })),
    add: (item) => setPages((now) => ({ ...now, items: withoutRepeats([item, ...now.items]) })),
  };
}

/** A list that moved between two pages shows an item twice. */
function withoutRepeats<T extends { readonly id: string }>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [item.id, item])).values()];
}

export interface Action<Args extends readonly unknown[], T> {
  readonly busy: boolean;
  readonly problem: ProblemError | undefined;
  /** Undefined where it failed; the problem then says why. */
  run(...args: Args): Promise<T | undefined>;
  clear(): void;
}

/** Something a person does: one at a time, its problem kept for showing. */
export function useAction<Args extends readonly unknown[], T>(act: (...args: Args) => Promise<T>): Action<Args, T> {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const latest = useRef(act);
  latest.current = act;
  const underWay = useRef(false);
  const run = useCallback(async (...args: Args) => {
    if (underWay.current) return undefined;
    underWay.current = true;
    setBusy(true);
    setProblem(undefined);
    try {
      return await latest.current(...args);
    } catch (error) {
      setProblem(asProblem(error));
      return undefined;
    } finally {
      underWay.current = false;
      setBusy(false);
    }
  }, []);
  const clear = useCallback(() => setProblem(undefined), []);
  return { busy, problem, run, clear };
}

/** Wall-clock ms that moves on, for what counts up; stands still when nothing does. */
export function useNow(everyMs: number | null): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (everyMs === null) return undefined;
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
