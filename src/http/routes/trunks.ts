// Trunks: how carriers reach us and how we reach them.

import type { Gateway, Trunk } from '../../domain/directory.ts';
import { parsePrefix } from '../../routing/address.ts';
import { type Principal, scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { invalidField, Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import { pageOf, workspaceListQuery } from '../schemas/common.ts';
import * as schemas from '../schemas/trunks.ts';
import { viewTrunk } from '../views.ts';
import { found, given, idOf, ownerOf, pageFrom, viewPage } from './lookup.ts';

const SIP_PORT = 5060;
const SIPS_PORT = 5061;
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?$/;
/** A block wider than a carrier's would take in everybody's calls. */
const PREFIX_BITS_MIN = { 4: 8, 6: 16 } as const;

type Settings = Pick<Trunk, 'inbound' | 'outbound' | 'codecs' | 'limits' | 'natAllowed'>;

const DEFAULTS: Settings = {
  inbound: { enabled: false, addresses: [], mediaEncryption: 'off' },
  outbound: {
    enabled: false,
    gateways: [],
    transport: 'udp',
    mediaEncryption: 'off',
    username: null,
    password: null,
    // Closed until somebody opens it.
    allowedCountries: [],
  },
  codecs: ['PCMU', 'PCMA'],
  limits: { concurrentCalls: null, callsPerSecond: null },
  natAllowed: false,
};

export function trunkRoutes({ directory, clock, ids, metrics, trunkHealth }: HttpDeps): readonly Route[] {
  const view = (trunk: Trunk): object => viewTrunk(trunk, trunkHealth?.(trunk.id));

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
      summary: 'Creates a trunk; managed ones are the operator’s and belong to no workspace',
      access: 'workspace',
      body: schemas.newTrunk,
      success: { status: 201, description: 'The new trunk', schema: schemas.trunkSchema },
      problems: ['forbidden', 'unknown_reference'],
      async handle({ principal, body }) {
        const { workspaceId, kind = 'byoc', label, ...settings } = body;
        const trunk: Trunk = {
          id: ids.next('trunk'),
          createdAt: clock.wallMs(),
          workspaceId: trunkOwner(principal, kind, workspaceId),
          kind,
          label,
          ...merged(DEFAULTS, settings),
        };
        await directory.trunks.put(trunk);
        return { body: view(trunk), headers: { location: `/v1/trunks/${trunk.id}` } };
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
      summary: 'Changes a trunk for calls to come',
      access: 'workspace',
      body: schemas.trunkChange,
      success: { status: 200, description: 'The changed trunk', schema: schemas.trunkSchema },
      problems: [],
      async handle({ principal, params, body }) {
        const { label, ...settings } = body;
        const change = (trunk: Trunk): Trunk => ({ ...trunk, ...given({ label }), ...merged(trunk, settings) });
        return { body: view(await found(directory.trunks.update(idOf(params), change, scopeOf(principal)))) };
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

function trunkOwner(principal: Principal, kind: Trunk['kind'], named: string | null | undefined): string | null {
  if (kind !== 'managed') return ownerOf(principal, named ?? undefined);
  if (principal.kind !== 'operator') throw new Problem('forbidden', { detail: 'Managed trunks are the operator’s.' });
  if (named !== undefined && named !== null) throw invalidField('workspaceId', 'must be null for a managed trunk');
  return null;
}

type NewGateway = Partial<Gateway> & Pick<Gateway, 'host'>;
type Partly<T> = { readonly [K in keyof T]?: T[K] | undefined };
interface SettingsChange {
  readonly inbound?: Partly<Trunk['inbound']> | undefined;
  readonly outbound?:
    | (Partly<Omit<Trunk['outbound'], 'gateways'>> & { readonly gateways?: readonly NewGateway[] | undefined })
    | undefined;
  readonly codecs?: Trunk['codecs'] | undefined;
  readonly limits?: Partly<Trunk['limits']> | undefined;
  readonly natAllowed?: boolean | undefined;
}

/** The stored settings with the given ones over them, checked as a whole. Throws `invalid_fields`. */
function merged(stored: Settings, change: SettingsChange): Settings {
  const { inbound = {}, outbound: { gateways, ...outbound } = {}, limits = {}, codecs, natAllowed } = change;
  const transport = outbound.transport ?? stored.outbound.transport;
  const result: Settings = {
    inbound: { ...stored.inbound, ...given(inbound) },
    outbound: {
      ...stored.outbound,
      ...given(outbound),
      gateways: gateways?.map((gateway) => completeGateway(gateway, transport)) ?? stored.outbound.gateways,
    },
    limits: { ...stored.limits, ...given(limits) },
    codecs: codecs ?? stored.codecs,
    natAllowed: natAllowed ?? stored.natAllowed,
  };
  for (const [index, address] of result.inbound.addresses.entries())
    checkAddress(`inbound.addresses.${index}`, address);
  if (result.inbound.enabled && result.inbound.addresses.length === 0) {
    throw invalidField('inbound.addresses', 'at least one address is needed for inbound calls');
  }
  if (result.outbound.enabled && result.outbound.gateways.length === 0) {
    throw invalidField('outbound.gateways', 'at least one gateway is needed for outbound calls');
  }
  if (result.outbound.password !== null && result.outbound.username === null) {
    throw invalidField('outbound.username', 'is needed with a password');
  }
  return result;
}

function completeGateway(gateway: NewGateway, transport: Trunk['outbound']['transport']): Gateway {
  const { host, port = transport === 'tls' ? SIPS_PORT : SIP_PORT, priority = 1, weight = 1 } = gateway;
  return { host, port, priority, weight };
}

function checkAddress(field: string, address: string): void {
  const prefix = parsePrefix(address);
  if (prefix !== undefined) {
    const bits = PREFIX_BITS_MIN[prefix.family];
    if (prefix.length < bits) throw invalidField(field, `the block must not be wider than /${bits}`);
    return;
  }
  // What looks like a number but is no address (octal, too many parts) would be read differently by different resolvers.
  const numeric = /^[\d.]+$|[:/]/.test(address);
  if (numeric || !HOST_NAME.test(address))
    throw invalidField(field, 'must be an IP address, a CIDR block or a host name');
}
