// Small things that several routes do: find or say 404, page, read money.

import type { CallManager } from '../../calls/manager.ts';
import type { Page, PageOf } from '../../directory/directory.ts';
import type { CallRecord } from '../../domain/call.ts';
import { type Nano, parseMoney } from '../../domain/money.ts';
import { type Principal, scopeOf } from '../auth.ts';
import { PAGE_LIMIT_DEFAULT } from '../limits.ts';
import { invalidField, Problem } from '../problems.ts';

/** The `{id}` of the path; the router guarantees that it is there. */
export function idOf(params: Readonly<Record<string, string>>, name = 'id'): string {
  return params[name] ?? '';
}

export async function found<T>(item: Promise<T | undefined>): Promise<T> {
  const value = await item;
  if (value === undefined) throw new Problem('not_found');
  return value;
}

/** A call that the asker may see: a workspace's key its own, the operator every one. */
export async function visibleCall(calls: CallManager, principal: Principal, callId: string): Promise<CallRecord> {
  const call = await found(calls.get(callId));
  const scope = scopeOf(principal);
  if (scope !== undefined && call.workspaceId !== scope) throw new Problem('not_found');
  return call;
}

/**
 * Throws `record_limit`. Each of these costs all workspaces something: a rate of its own, a place in a table that calls are looked up in, a gateway
 * that is watched. Two that come at once may both be the last one.
 */
export async function checkRoom(
  store: { list(filter: { workspaceId: string } & Page): Promise<PageOf<unknown>> },
  workspaceId: string,
  max: number,
): Promise<void> {
  const { items } = await store.list({ workspaceId, limit: max });
  if (items.length >= max) throw new Problem('record_limit');
}

/** The workspace that something new belongs to: a key's own, or the one the operator names. */
export function ownerOf(principal: Principal, named: string | undefined): string {
  const workspaceId = scopeOf(principal, named);
  if (workspaceId === undefined) throw invalidField('workspaceId', 'is required with the admin token');
  return workspaceId;
}

export function pageFrom(query: { readonly limit?: number; readonly cursor?: string }): Page {
  const { limit = PAGE_LIMIT_DEFAULT, cursor } = query;
  return cursor === undefined ? { limit } : { limit, cursor };
}

export function viewPage<T>(page: PageOf<T>, view: (item: T) => object): object {
  return { items: page.items.map(view), nextCursor: page.nextCursor };
}

/** For fields that the schema has already checked to be decimal. */
export function positiveMoney(field: string, text: string): Nano {
  const amount = parseMoney(text);
  if (amount === undefined || amount <= 0n) throw invalidField(field, 'must be more than zero');
  return amount;
}

/** Drops `undefined`, so that an absent field of a change keeps what is stored. */
export function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
