// The address bar: where the person is, and going elsewhere without loading the page again. Paths are without the base `/console`.

import { type AnchorHTMLAttributes, createElement, type MouseEvent, useSyncExternalStore } from 'react';
import { type Query, queryText, readQuery } from '../lib/route.ts';

const BASE = '/console';
const listeners = new Set<() => void>();

export interface Place {
  readonly pathname: string;
  readonly search: string;
}

/** Whether the person has gone anywhere since the page was loaded. */
let hasMoved = false;

let place: Place = placeNow();

addEventListener('popstate', moved);

function placeNow(): Place {
  const { pathname, search } = location;
  const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : pathname;
  return { pathname: path === '' ? '/' : path, search };
}

function moved(): void {
  place = placeNow();
  for (const listener of listeners) listener();
}

/** A page that was reached by a link takes the focus; one that was just loaded leaves it to the browser. */
export function wasReachedByLink(): boolean {
  return hasMoved;
}

export function hrefOf(path: string, query: Query = {}): string {
  return `${BASE}${path}${queryText(query)}`;
}

export function go(path: string, { query = {}, replace = false }: { query?: Query; replace?: boolean } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', hrefOf(path, query));
  hasMoved ||= !replace;
  moved();
  if (!replace) scrollTo(0, 0);
}

export function usePlace(): Place {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => place,
  );
}

/** The query of the address and a way to change some of it; filters live there, so that they can be sent to somebody. */
export function useQuery(): [Readonly<Record<string, string>>, (change: Query) => void] {
  const { pathname, search } = usePlace();
  const query = readQuery(search);
  return [query, (change) => go(pathname, { query: { ...query, ...change }, replace: true })];
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  readonly to: string;
  readonly query?: Query;
}

/** An ordinary link for everything but a plain click: it opens in a new tab, it can be copied. */
export function Link({ to, query = {}, onClick, ...rest }: LinkProps) {
  return createElement('a', {
    ...rest,
    href: hrefOf(to, query),
    onClick: (event: MouseEvent<HTMLAnchorElement>) => {
      onClick?.(event);
      const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      if (!isPlain || event.defaultPrevented || rest.target !== undefined) return;
      event.preventDefault();
      go(to, { query });
    },
  });
}
