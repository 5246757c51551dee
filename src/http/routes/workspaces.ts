// Workspaces, their top-ups and their API keys.

import { createHash, randomBytes as systemRandomBytes } from 'node:crypto';
import type { ApiKey, Workspace, WorkspaceLimits } from '../../domain/directory.ts';
import { formatMoney, type Nano } from '../../domain/money.ts';
import type { NewPosting, Posting } from '../../ledger/books.ts';
import { newToken, scopeOf } from '../auth.ts';
import { idempotencyKey } from '../idempotency.ts';
import { Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import type { RouteDeps } from '../route-deps.ts';
import { pageOf, plainListQuery } from '../schemas/common.ts';
import { postingSchema } from '../schemas/ledger.ts';
import * as schemas from '../schemas/workspaces.ts';
import { viewKey, viewPosting, viewTime, viewWorkspace } from '../views.ts';
import { checkRoom, found, given, idOf, pageFrom, positiveMoney } from './lookup.ts';

const KEYS_MAX = 100;
/** A repeat comes soon: so many newer top-ups of one workspace have not been made meanwhile. */
const TOPUPS_READ_MAX = 1_000;
const NO_LIMITS: WorkspaceLimits = {
  concurrentCalls: null,
  callsPerSecond: null,
  spendPerHour: null,
  spendPerDay: null,
};

export function workspaceRoutes(deps: RouteDeps): readonly Route[] {
  const { directory, books, clock, currency, ids, sessions, streams, randomBytes = systemRandomBytes } = deps;
  const view = async (workspace: Workspace): Promise<object> =>
    viewWorkspace(workspace, await books.balance(workspace.id, clock.wallMs()), currency);

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/workspaces',
      operationId: 'listWorkspaces',
      tag: 'Workspaces',
      summary: 'Lists workspaces; a key sees its own only',
      access: 'workspace',
      query: plainListQuery,
      success: { status: 200, description: 'A page of workspaces', schema: pageOf(schemas.workspaceSchema) },
      problems: [],
      async handle({ principal, query }) {
        const workspaceId = scopeOf(principal);
        const page = await directory.workspaces.list({ ...pageFrom(query), ...given({ workspaceId }) });
        return { body: { items: await Promise.all(page.items.map(view)), nextCursor: page.nextCursor } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/workspaces',
      operationId: 'createWorkspace',
      tag: 'Workspaces',
      summary: 'Creates a workspace',
      access: 'operator',
      body: schemas.newWorkspace,
      success: { status: 201, description: 'The new workspace', schema: schemas.workspaceSchema },
      problems: [],
      async handle({ body }) {
        const workspace: Workspace = {
          id: ids.next('ws'),
          createdAt: clock.wallMs(),
          name: body.name,
          billingMode: body.billingMode ?? 'prepaid',
          limits: changedLimits(NO_LIMITS, body.limits),
        };
        await directory.workspaces.put(workspace);
        return { body: await view(workspace), headers: { location: `/v1/workspaces/${workspace.id}` } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/workspaces/{id}',
      operationId: 'getWorkspace',
      tag: 'Workspaces',
      summary: 'One workspace with its balance',
      access: 'workspace',
      success: { status: 200, description: 'The workspace', schema: schemas.workspaceSchema },
      problems: [],
      async handle({ principal, params }) {
        const workspaceId = scopeOf(principal, idOf(params));
        return { body: await view(await found(directory.workspaces.get(idOf(params), workspaceId))) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/workspaces/{id}',
      operationId: 'changeWorkspace',
      tag: 'Workspaces',
      summary: 'Changes name, billing mode or limits',
      access: 'operator',
      body: schemas.workspaceChange,
      success: { status: 200, description: 'The changed workspace', schema: schemas.workspaceSchema },
      problems: [],
      async handle({ params, body }) {
        const { name, billingMode, limits } = body;
        const change = (workspace: Workspace): Workspace => ({
          ...workspace,
          ...given({ name, billingMode }),
          limits: changedLimits(workspace.limits, limits),
        });
        return { body: await view(await found(directory.workspaces.update(idOf(params), change))) };
      },
    }),
    defineRoute({
      method: 'PUT',
      path: '/v1/workspaces/{id}/default-trunk',
      operationId: 'setDefaultTrunk',
      tag: 'Workspaces',
      summary: 'Says over which trunk calls leave whose caller id has none of its own',
      access: 'workspace',
      body: schemas.defaultTrunk,
      success: { status: 200, description: 'The changed workspace', schema: schemas.workspaceSchema },
      problems: ['unknown_reference'],
      async handle({ principal, params, body }) {
        const workspaceId = idOf(params);
        scopeOf(principal, workspaceId);
        const { trunkId } = body;
        if (trunkId !== null && (await directory.trunks.get(trunkId, workspaceId)) === undefined) {
          const fields = [{ field: 'trunkId', message: 'must be a trunk of the workspace' }];
          throw new Problem('unknown_reference', { fields });
        }
        const change = (workspace: Workspace): Workspace => ({ ...workspace, defaultTrunkId: trunkId });
        return { body: await view(await found(directory.workspaces.update(workspaceId, change))) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/workspaces/{id}/topups',
      operationId: 'topUpWorkspace',
      tag: 'Workspaces',
      summary: 'Adds money to the balance',
      access: 'operator',
      body: schemas.topup,
      idempotent: true,
      success: { status: 201, description: 'The posting', schema: postingSchema },
      problems: [],
      async handle({ params, body, header }) {
        const key = idempotencyKey(header);
        const workspace = await found(directory.workspaces.get(idOf(params)));
        const amount = positiveMoney('amount', body.amount);
        const note = body.note ?? 'Top-up';
        const wanted = { amount: formatMoney(amount), note };
        // The claim fixes the posting's id and time before the books are touched: a repeat after a crash completes the first attempt.
        const claim = await directory.idempotency.claim(
          `topups:${workspace.id}`,
          key,
          JSON.stringify({ ...wanted, id: topUpId(workspace.id, key), at: clock.wallMs() }),
        );
        const first = JSON.parse(claim.value) as { amount: string; note: string; id: string; at: number };
        if (first.amount !== wanted.amount || first.note !== note) throw new Problem('idempotency_key_reused');
        const posting: NewPosting = {
          id: first.id,
          workspaceId: workspace.id,
          callId: null,
          meter: 'topup',
          quantityMs: 0,
          amount,
          at: first.at,
          note,
        };
        const outcome = await book(posting);
        const isFirst = claim.first && outcome === 'posted';
        return { body: await postingOf(posting), headers: isFirst ? {} : { 'idempotent-replayed': 'true' } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/workspaces/{id}/keys',
      operationId: 'listKeys',
      tag: 'Workspaces',
      summary: 'Lists API keys (never their tokens)',
      access: 'workspace',
      query: plainListQuery,
      success: { status: 200, description: 'A page of keys', schema: pageOf(schemas.keySchema) },
      problems: [],
      async handle({ principal, params, query }) {
        const workspace = await found(directory.workspaces.get(idOf(params), scopeOf(principal, idOf(params))));
        const page = await directory.keys.list({ ...pageFrom(query), workspaceId: workspace.id });
        return { body: { items: page.items.map(viewKey), nextCursor: page.nextCursor } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/workspaces/{id}/keys',
      operationId: 'createKey',
      tag: 'Workspaces',
      summary: 'Creates an API key; the token is shown this once',
      access: 'workspace',
      needs: 'admin',
      body: schemas.newKey,
      success: { status: 201, description: 'The key with its token', schema: schemas.createdKeySchema },
      problems: ['record_limit'],
      async handle({ principal, params, body }) {
        const workspace = await found(directory.workspaces.get(idOf(params), scopeOf(principal, idOf(params))));
        await checkRoom(directory.keys, workspace.id, KEYS_MAX);
        const { token, tokenHash } = newToken(randomBytes);
        const key: ApiKey = {
          id: ids.next('key'),
          createdAt: clock.wallMs(),
          workspaceId: workspace.id,
          label: body.label,
          role: body.role ?? 'admin',
          tokenHash,
        };
        await directory.keys.put(key);
        return { body: { ...viewKey(key), token } };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/workspaces/{id}/keys/{keyId}',
      operationId: 'deleteKey',
      tag: 'Workspaces',
      summary: 'Revokes an API key at once, with the sessions that were opened with it',
      access: 'workspace',
      needs: 'admin',
      success: { status: 204, description: 'Revoked' },
      problems: [],
      async handle({ principal, params }) {
        const workspaceId = idOf(params);
        scopeOf(principal, workspaceId);
        const keyId = idOf(params, 'keyId');
        if (!(await directory.keys.delete(keyId, workspaceId))) throw new Problem('not_found');
        streams.endOf({ keyId });
        await sessions.closeOf(keyId);
        return {};
      },
    }),
  ];

  async function book(posting: NewPosting): Promise<'posted' | 'exists'> {
    const { workspaceId } = posting;
    try {
      return await books.settle({ workspaceId, holdId: null, postings: [posting], costs: [] });
    } catch (error) {
      // Another node has booked the key for another amount.
      if ((error as { readonly code?: string }).code === 'posting_conflict')
        throw new Problem('idempotency_key_reused');
      throw error;
    }
  }

  async function postingOf({ id, workspaceId, at }: NewPosting): Promise<object> {
    const query = { workspaceId, meter: 'topup', limit: TOPUPS_READ_MAX } as const;
    const isIt = (each: Posting) => each.id === id;
    const near = await books.postings({ ...query, fromMs: at, toMs: at + 1 });
    // Where another node has booked it, it stands at that one's time.
    const stored = near.find(isIt) ?? (await books.postings(query)).find(isIt);
    if (stored === undefined) throw new Error(`posting ${id} of ${viewTime(at)} is not in the books`);
    return viewPosting(stored);
  }
}

/** Made of the key, because nodes that share books keep their claims apart: what is sent again to another one is the same top-up. */
function topUpId(workspaceId: string, key: string): string {
  return `topup:${createHash('sha256').update(`${workspaceId}\n${key}`).digest('hex').slice(0, 32)}`;
}

interface LimitsChange {
  readonly concurrentCalls?: number | null;
  readonly callsPerSecond?: number | null;
  readonly spendPerHour?: string | null;
  readonly spendPerDay?: string | null;
}

function changedLimits(limits: WorkspaceLimits, change: LimitsChange = {}): WorkspaceLimits {
  const { concurrentCalls, callsPerSecond } = change;
  const spendPerHour = changedAmount('limits.spendPerHour', change.spendPerHour);
  const spendPerDay = changedAmount('limits.spendPerDay', change.spendPerDay);
  return { ...limits, ...given({ concurrentCalls, callsPerSecond, spendPerHour, spendPerDay }) };
}

/** Undefined: not to be changed. */
function changedAmount(field: string, text: string | null | undefined): Nano | null | undefined {
  return text === undefined || text === null ? text : positiveMoney(field, text);
}
