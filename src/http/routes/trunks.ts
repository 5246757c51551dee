// Trunks: how carriers reach us and how we reach them, and what can be found out about that by asking.

import { ChecksBusyError } from '../../diagnosis/errors.ts';
import { type Finding, skipped } from '../../diagnosis/finding.ts';
import type { PhoneNumber, Trunk } from '../../domain/directory.ts';
import { isE164 } from '../../domain/e164.ts';
import { type Principal, scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { viewCheck } from '../finding-views.ts';
import { invalidField, Problem } from '../problems.ts';
import { defineRoute, type Reply, type Route } from '../route.ts';
import { pageOf, workspaceListQuery } from '../schemas/common.ts';
import * as schemas from '../schemas/trunks.ts';
import { checkTrunkAmbiguity } from '../trunk-ambiguity.ts';
import { DEFAULT_SETTINGS, mergeSettings, type SettingsChange } from '../trunk-settings.ts';
import { viewTrunk } from '../views.ts';
import { checkRoom, found, given, idOf, ownerOf, pageFrom, viewPage } from './lookup.ts';

/** Of a workspace: each is in the table that every call is looked up in. */
const TRUNKS_MAX = 100;

export function trunkRoutes(deps: HttpDeps): readonly Route[] {
  const { directory, clock, ids, metrics, trunkChecks } = deps;
  const transports = () => deps.sipListeners().map(({ transport }) => transport);
  const view = (trunk: Trunk): object =>
    viewTrunk(trunk, deps.trunkHealth?.(trunk.id), deps.sipListeners(), deps.trunkRegistration?.(trunk.id));

  /** Throws `invalid_fields` for a gateway that leads where calls must not go; only for gateways that the request names. */
  const checkGateways = async (trunk: Trunk, { outbound }: SettingsChange): Promise<void> => {
    if (outbound?.gateways === undefined) return;
    const refused = await trunkChecks.refusedGateway(trunk);
    if (refused !== undefined) throw invalidField(`outbound.gateways.${refused.index}.host`, refused.detail);
  };
  const checked = async (trunk: Trunk, mode: 'run' | 'only' | 'none' = 'run'): Promise<readonly object[]> => {
    if (mode === 'none') return [];
    return (await trunkChecks.check(trunk).catch(notNow)).map(viewCheck);
  };

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/trunks',
      operationId: 'listTrunks',
      tag: 'Trunks',
      summary: 'Lists trunks',
      access: 'workspace',
      query: workspaceListQuery,
      success: { status: 200, description: 'A page of trunks', schema: pageOf(schemas.trunkSchema) },
      problems: [],
      async handle({ principal, query }) {
        const workspaceId = scopeOf(principal, query.workspaceId);
        return { body: viewPage(await directory.trunks.list({ ...pageFrom(query), ...given({ workspaceId }) }), view) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/trunks',
      operationId: 'createTrunk',
      tag: 'Trunks',
      summary:
        'Creates a trunk with its numbers and checks it; managed ones are the operator’s and belong to no workspace',
      access: 'workspace',
      query: schemas.checkQuery,
      body: schemas.newTrunk,
      success: { status: 201, description: 'The new trunk', schema: schemas.savedTrunkSchema },
      also: [CHECKED_ONLY],
      problems: ['forbidden', 'unknown_reference', 'number_taken', 'record_limit', 'trunk_ambiguous'],
      async handle({ principal, query, body }): Promise<Reply> {
        const { workspaceId, kind = 'byoc', label, numbers = [], ...settings } = body;
        const trunk: Trunk = {
          id: ids.next('trunk'),
          createdAt: clock.wallMs(),
          workspaceId: trunkOwner(principal, kind, workspaceId),
          kind,
          label,
          ...mergeSettings(DEFAULT_SETTINGS, settings, transports()),
        };
        const added = numbers.map((number, index) => numberOf(number, index, trunk, deps));
        await checkGateways(trunk, settings);
        await checkTrunkAmbiguity(directory, trunk, added);
        if (query.check === 'only') return { status: 200, body: { checks: await checked(trunk) } };
        if (trunk.workspaceId !== null) await checkRoom(directory.trunks, trunk.workspaceId, TRUNKS_MAX);
        await directory.addTrunk(trunk, added);
        const checks = await checked(trunk, query.check);
        return { body: { ...view(trunk), checks }, headers: { location: `/v1/trunks/${trunk.id}` } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/trunks/{id}',
      operationId: 'getTrunk',
      tag: 'Trunks',
      summary: 'One trunk',
      access: 'workspace',
      success: { status: 200, description: 'The trunk', schema: schemas.trunkSchema },
      problems: [],
      async handle({ principal, params }) {
        return { body: view(await found(directory.trunks.get(idOf(params), scopeOf(principal)))) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/trunks/{id}',
      operationId: 'changeTrunk',
      tag: 'Trunks',
      summary: 'Changes a trunk for calls to come and checks it',
      access: 'workspace',
      query: schemas.checkQuery,
      body: schemas.trunkChange,
      success: {
        status: 200,
        description: 'The changed trunk; with check=only the trunk as it is, and the checks of what it would be',
        schema: schemas.savedTrunkSchema,
      },
      problems: ['trunk_ambiguous'],
      async handle({ principal, params, query, body }) {
        const { label, ...settings } = body;
        const scope = scopeOf(principal);
        const change = (trunk: Trunk): Trunk => ({
          ...trunk,
          ...given({ label }),
          ...mergeSettings(trunk, settings, transports()),
        });
        const stored = await found(directory.trunks.get(idOf(params), scope));
        const wanted = change(stored);
        await checkGateways(wanted, settings);
        if (settings.inbound !== undefined) await checkTrunkAmbiguity(directory, wanted);
        if (query.check === 'only') return { body: { ...view(stored), checks: await checked(wanted) } };
        const changed = await found(directory.trunks.update(stored.id, change, scope));
        return { body: { ...view(changed), checks: await checked(changed, query.check) } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/trunks/{id}/check',
      operationId: 'checkTrunk',
      tag: 'Trunks',
      summary: 'Checks a trunk against the network; places no call',
      access: 'workspace',
      needs: 'read',
      success: CHECKED_ONLY,
      problems: ['checks_busy'],
      async handle({ principal, params }) {
        const trunk = await found(directory.trunks.get(idOf(params), scopeOf(principal)));
        return { body: { checks: (await trunkChecks.check(trunk)).map(viewCheck) } };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/trunks/{id}',
      operationId: 'deleteTrunk',
      tag: 'Trunks',
      summary: 'Deletes a trunk that has no numbers',
      access: 'workspace',
      success: { status: 204, description: 'Deleted' },
      problems: ['record_in_use'],
      async handle({ principal, params }) {
        if (!(await directory.trunks.delete(idOf(params), scopeOf(principal)))) throw new Problem('not_found');
        metrics.trunkUp.remove({ trunk: idOf(params) });
        return {};
      },
    }),
  ];
}

const CHECKED_ONLY = { status: 200, description: 'What the checks found', schema: schemas.trunkChecksSchema };

/** A trunk that is saved is saved, whatever is going on: what could not be checked now is said so. */
function notNow(error: unknown): readonly Finding[] {
  if (!(error instanceof ChecksBusyError)) throw error;
  return [
    skipped('gateway_options', 'Not checked: as many checks as may run at once are under way. Ask for them once more.'),
  ];
}

function trunkOwner(principal: Principal, kind: Trunk['kind'], named: string | null | undefined): string | null {
  if (kind !== 'managed') return ownerOf(principal, named ?? undefined);
  if (principal.kind !== 'operator') throw new Problem('forbidden', { detail: 'Managed trunks are the operator’s.' });
  if (named !== undefined && named !== null) throw invalidField('workspaceId', 'must be null for a managed trunk');
  return null;
}

interface NewNumber {
  readonly e164: string;
  readonly supportsInbound?: boolean;
  readonly supportsOutbound?: boolean;
  readonly agentId?: string | null;
}

function numberOf(given: NewNumber, index: number, trunk: Trunk, { ids, clock }: HttpDeps): PhoneNumber {
  const { e164, supportsInbound = true, supportsOutbound = true, agentId = null } = given;
  if (trunk.workspaceId === null) throw invalidField('numbers', 'belong to a workspace, a managed trunk does not');
  if (!isE164(e164)) throw invalidField(`numbers.${index}.e164`, 'must be a number in E.164 form');
  return {
    id: ids.next('num'),
    createdAt: clock.wallMs(),
    e164,
    workspaceId: trunk.workspaceId,
    provider: 'byoc',
    trunkId: trunk.id,
    agentId,
    supportsInbound,
    supportsOutbound,
    status: 'active',
  };
}
