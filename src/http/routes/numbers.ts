// Phone numbers: what exists, and which agent each one reaches.

import type { PhoneNumber } from '../../domain/directory.ts';
import { isE164 } from '../../domain/e164.ts';
import { scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { NUMBER_PROBLEMS } from '../number-problems.ts';
import { invalidField, Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import { pageOf } from '../schemas/common.ts';
import * as schemas from '../schemas/numbers.ts';
import { checkNumberAmbiguity } from '../trunk-ambiguity.ts';
import { viewNumber } from '../views.ts';
import { found, given, idOf, ownerOf, pageFrom, viewPage } from './lookup.ts';

export function numberRoutes({ directory, clock, ids, numbers, trunkHealth }: HttpDeps): readonly Route[] {
  const isTrunkDown = (trunkId: string): boolean => trunkHealth?.(trunkId)?.state === 'down';
  /** With what is known of the trunks now. */
  const viewer = async (): Promise<(number: PhoneNumber) => object> => {
    const trunks = await directory.allTrunks();
    return (number) => viewNumber(number, { trunks, isTrunkDown });
  };
  const view = async (number: PhoneNumber): Promise<object> => (await viewer())(number);
  /** A trunk of the operator's is known from any bought number: whoever named it here would have every free number on it. */
  const checkOwnTrunk = async ({ provider, trunkId, workspaceId }: PhoneNumber): Promise<void> => {
    if (provider !== 'byoc' || trunkId === null) return;
    if ((await directory.trunks.get(trunkId, workspaceId)) !== undefined) return;
    const fields = [{ field: 'trunkId', message: 'must be a trunk of the workspace' }];
    throw new Problem('unknown_reference', { fields });
  };

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/numbers',
      operationId: 'listNumbers',
      tag: 'Numbers',
      summary: 'Lists numbers, filtered by provider, status, country, assignment or digits',
      access: 'workspace',
      query: schemas.numberQuery,
      success: { status: 200, description: 'A page of numbers', schema: pageOf(schemas.numberSchema) },
      problems: [],
      async handle({ principal, query }) {
        const { provider, status, country, assigned, q } = query;
        const workspaceId = scopeOf(principal, query.workspaceId);
        const filter = given({ workspaceId, provider, status, country, assigned, q });
        return { body: viewPage(await directory.numbers.find({ ...pageFrom(query), ...filter }), await viewer()) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/numbers',
      operationId: 'createNumber',
      tag: 'Numbers',
      summary: 'Adds a number of an own carrier (BYOC); other kinds: operator only',
      access: 'workspace',
      body: schemas.newNumber,
      success: { status: 201, description: 'The new number', schema: schemas.numberSchema },
      problems: ['forbidden', 'number_taken', 'unknown_reference', 'trunk_ambiguous'],
      async handle({ principal, body }) {
        const { e164, provider = 'byoc', trunkId = null, agentId = null } = body;
        if (provider !== 'byoc' && principal.kind !== 'operator') {
          throw new Problem('forbidden', {
            detail: 'Only BYOC numbers are added here; others are bought, imported or verified.',
          });
        }
        if (!isE164(e164)) throw invalidField('e164', 'must be a number in E.164 form');
        const number: PhoneNumber = {
          id: ids.next('num'),
          createdAt: clock.wallMs(),
          e164,
          workspaceId: ownerOf(principal, body.workspaceId),
          provider,
          trunkId,
          agentId,
          supportsInbound: body.supportsInbound ?? provider !== 'personal',
          supportsOutbound: body.supportsOutbound ?? true,
          status: 'active',
          ...limitsOf(undefined, body.limits),
        };
        checkNumber(number);
        await checkOwnTrunk(number);
        await checkNumberAmbiguity(directory, number);
        await directory.numbers.put(number);
        return { body: await view(number), headers: { location: `/v1/numbers/${number.id}` } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/numbers/{id}',
      operationId: 'getNumber',
      tag: 'Numbers',
      summary: 'One number',
      access: 'workspace',
      success: { status: 200, description: 'The number', schema: schemas.numberSchema },
      problems: [],
      async handle({ principal, params }) {
        return { body: await view(await found(directory.numbers.get(idOf(params), scopeOf(principal)))) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/numbers/{id}',
      operationId: 'changeNumber',
      tag: 'Numbers',
      summary: 'Assigns the number to an agent (or to none) for calls to come; changes directions and limits',
      access: 'workspace',
      body: schemas.numberChange,
      success: { status: 200, description: 'The changed number', schema: schemas.numberSchema },
      problems: ['unknown_reference', 'trunk_ambiguous'],
      async handle({ principal, params, body }) {
        const change = (number: PhoneNumber): PhoneNumber => {
          const { agentId, supportsInbound, supportsOutbound } = body;
          const changed = {
            ...number,
            ...given({ agentId, supportsInbound, supportsOutbound }),
            ...limitsOf(number.limits, body.limits),
          };
          checkNumber(changed);
          return changed;
        };
        const scope = scopeOf(principal);
        if (body.supportsInbound === true) {
          await checkNumberAmbiguity(directory, change(await found(directory.numbers.get(idOf(params), scope))));
        }
        return { body: await view(await found(directory.numbers.update(idOf(params), change, scope))) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/numbers/{id}',
      operationId: 'removeNumber',
      tag: 'Numbers',
      summary: 'Releases a purchased number, detaches any other one',
      access: 'workspace',
      success: { status: 204, description: 'Released or detached' },
      problems: NUMBER_PROBLEMS,
      async handle({ principal, params }) {
        await numbers.release(await found(directory.numbers.get(idOf(params), scopeOf(principal))));
        return {};
      },
    }),
  ];
}

type Limits = NonNullable<PhoneNumber['limits']>;
const NO_LIMITS: Limits = { concurrentCalls: null, callsPerSecond: null };

/** Nothing where nothing is asked for. */
function limitsOf(stored: Limits = NO_LIMITS, change?: Partial<Limits>): { limits?: Limits } {
  return change === undefined ? {} : { limits: { ...stored, ...given(change) } };
}

function checkNumber(number: PhoneNumber): void {
  if (number.provider === 'personal' && number.supportsInbound) {
    throw invalidField('supportsInbound', 'a personal number is for outbound calls only');
  }
  if (number.provider === 'byoc' && number.trunkId === null) {
    throw invalidField('trunkId', 'a number of an own carrier needs the trunk to it');
  }
}
