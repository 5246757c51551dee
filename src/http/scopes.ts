// What the keys of a workspace may do. The operator may do everything.
//
//   role       read   write   admin
//   read_only   x
//   member      x      x
//   admin       x      x       x       keys, and what else decides who has access
//
// Invariant SC1. A route that says nothing is closed to keys that may only look, unless it looks itself.

import type { KeyRole } from '../domain/directory.ts';
import { Problem } from './problems.ts';
import type { Route } from './route.ts';

export type Scope = 'read' | 'write' | 'admin';

const SCOPES_OF: Readonly<Record<KeyRole, readonly Scope[]>> = {
  read_only: ['read'],
  member: ['read', 'write'],
  admin: ['read', 'write', 'admin'],
};

export const KEY_ROLES = Object.keys(SCOPES_OF) as readonly KeyRole[];

/** What a key needs for this route; null where keys do not come into it. */
export function neededScope({ access, method, needs }: Pick<Route, 'access' | 'method' | 'needs'>): Scope | null {
  if (access !== 'workspace') return null;
  return needs ?? (method === 'GET' ? 'read' : 'write');
}

/** Throws `missing_scope` with what is missing by name. */
export function checkScope(role: KeyRole, scope: Scope): void {
  if (SCOPES_OF[role].includes(scope)) return;
  throw new Problem('missing_scope', {
    detail: `This needs the scope ${scope}, which a key with the role ${role} lacks`,
  });
}
