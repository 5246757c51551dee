// A Telnyx trunk, both ways: an outbound voice profile (without one every call out is refused), a connection of the FQDN kind with digest
// credentials, and the name that its calls are sent to.
//
// Their OpenAPI document shows user name and password of such a connection in answers, but not in requests. They are sent, and read back; where
// they did not take effect, calls go out through a connection of the credential kind beside it, which the document has in full.

import { hasFailed, ok } from '../outcome.ts';
import type { Outcome } from '../provider.ts';
import type { TelnyxSettings } from '../settings.ts';
import type { ActionStep, PlanContext, ResourceStep, StepContext, TrunkRecipe } from '../trunk/step.ts';
import type { TelnyxClient, TelnyxList } from './client.ts';
import {
  CONNECTION,
  connectionStep,
  credentialConnectionStep,
  fetchConnection,
  FQDN,
  PROFILE,
  settingsStep,
} from './connections.ts';
import { found, nameOf, TAG } from './found.ts';
import type { TelnyxNumbers } from './numbers.ts';

export function telnyxTrunk(client: TelnyxClient, settings: TelnyxSettings, numbers: TelnyxNumbers): TrunkRecipe {
  const steps = [
    profileStep(client),
    connectionStep(client, settings),
    fqdnStep(client),
    settingsStep(client, settings),
    credentialConnectionStep(client),
    checkStep(client),
  ];
  return {
    provider: 'telnyx',
    client,
    numbers,
    trunkStep: CONNECTION,
    steps,
    stepsFor: () => steps,
    check({ gateway, outbound }) {
      if (/^[\d.]+$/.test(gateway.host))
        return client.fail('gateway_address_invalid', `the address is ${gateway.host}`);
      // By address alone, all tenants of this gateway would be one to them.
      if (outbound.kind !== 'credentials') return client.fail('setup_invalid', 'outbound: credentials are needed');
      return ok(null);
    },
    ready: ({ plan }) => ({
      inbound: { addresses: settings.signalling, mediaEncryption: plan.mediaEncryption },
      outbound: {
        gateways: [
          {
            host: settings.outboundHost,
            port: plan.gateway.transport === 'tls' ? 5061 : 5060,
            priority: 10,
            weight: 10,
          },
        ],
        transport: plan.gateway.transport,
        mediaEncryption: plan.mediaEncryption,
        username: plan.outbound.kind === 'credentials' ? plan.outbound.username : null,
      },
    }),
  };
}

function profileStep(client: TelnyxClient): ResourceStep {
  const area = 'voice_profiles';
  const fetchProfile = ({ signal }: StepContext, id: string) =>
    client.call({
      operation: 'GetOutboundVoiceProfile',
      area,
      send: (telnyx) => telnyx.outboundVoiceProfiles.retrieve(id),
      read: (data) => data.integer('connections_count', 0),
      signal,
    });
  return {
    kind: 'resource',
    name: PROFILE,
    text: 'Outbound voice profile',
    keyOf: ({ plan }) => nameOf(plan),
    find({ signal }, key) {
      const filter = { name: { contains: key } };
      const list: TelnyxList = {
        operation: 'ListOutboundVoiceProfiles',
        area,
        send: (telnyx, page) => telnyx.outboundVoiceProfiles.list({ ...page, filter }),
        signal,
      };
      return found(client, list, 'name', key);
    },
    make: ({ plan, signal }, key) =>
      client.call({
        operation: 'CreateVoiceProfile',
        area,
        does: 'makes',
        send: (telnyx) =>
          telnyx.outboundVoiceProfiles.create({
            name: key,
            traffic_type: 'conversational',
            service_plan: 'global',
            enabled: true,
            whitelisted_destinations: [...plan.allowedCountries],
            tags: [TAG],
          }),
        read: (data) => data.text('id'),
        signal,
      }),
    async exists(context, id) {
      const profile = await fetchProfile(context, id);
      if (profile.ok) return ok(true);
      return hasFailed(profile, 'not_found') ? ok(false) : profile;
    },
    /** Somebody may have hung a connection of their own on it. */
    async remove(context, id) {
      const connections = await fetchProfile(context, id);
      if (!connections.ok) return hasFailed(connections, 'not_found') ? ok(null) : connections;
      if (connections.value > 0) return client.fail('resource_in_use', 'connections use the outbound voice profile');
      return client.removed({
        operation: 'DeleteOutboundVoiceProfile',
        area,
        send: (telnyx) => telnyx.outboundVoiceProfiles.delete(id),
        signal: context.signal,
      });
    },
  };
}

function fqdnStep(client: TelnyxClient): ResourceStep {
  const area = 'connections';
  return {
    kind: 'resource',
    name: FQDN,
    text: 'Calls to this gateway',
    keyOf: ({ plan: { gateway } }) => `${gateway.host}:${gateway.port}`,
    async find({ keeper, signal }, key) {
      const connection = keeper.resourceOf(CONNECTION);
      if (connection === undefined) return ok([]);
      const targets = await listFqdns(client, connection, signal);
      return targets.ok ? ok(targets.value.filter(({ target }) => target === key).map(({ id }) => id)) : targets;
    },
    make: ({ plan: { gateway }, keeper, signal }) =>
      client.call({
        operation: 'CreateFqdn',
        area,
        does: 'makes',
        send: (telnyx) =>
          telnyx.fqdns.create({
            connection_id: keeper.resourceOf(CONNECTION) ?? '',
            fqdn: gateway.host,
            port: gateway.port,
            dns_record_type: 'a',
          }),
        read: (data) => data.text('id'),
        signal,
      }),
    remove: ({ signal }, id) =>
      client.removed({ operation: 'DeleteFqdn', area, send: (telnyx) => telnyx.fqdns.delete(id), signal }),
  };
}

function listFqdns(client: TelnyxClient, connection: string, signal: StepContext['signal']) {
  const filter = { connection_id: connection };
  const list: TelnyxList = {
    operation: 'ListFqdns',
    area: 'connections',
    send: (telnyx, page) => telnyx.fqdns.list({ ...page, filter }),
    signal,
  };
  return client.all(list, (item) => ({
    id: item.text('id'),
    target: `${item.textOrNull('fqdn') ?? ''}:${item.integer('port', 5060)}`,
  }));
}

/** Numbers come only to a connection that is as it should be: calls move with them. */
function checkStep(client: TelnyxClient): ActionStep {
  return {
    kind: 'action',
    name: 'check',
    text: 'Reading back what was set up',
    async run(context) {
      for (let looks = 1; ; looks += 1) {
        const differs = await whatDiffers(client, context);
        if (!differs.ok || differs.value === null) return differs.ok ? ok(null) : differs;
        if (looks >= client.limits.looksMax) return client.fail('setup_differs', differs.value);
        if (!(await client.pause(looks - 1, context.signal))) return client.fail('cancelled');
      }
    },
  };
}

/** In words; null = nothing. */
async function whatDiffers(client: TelnyxClient, context: PlanContext): Promise<Outcome<string | null>> {
  const { plan, keeper, signal } = context;
  const id = keeper.resourceOf(CONNECTION) ?? '';
  const connection = await fetchConnection(client, id, signal);
  if (!connection.ok) return hasFailed(connection, 'not_found') ? ok('the connection is not there') : connection;
  const is = connection.value;
  if (!is.isActive) return ok('the connection is not active');
  if (is.transport !== plan.gateway.transport.toUpperCase()) return ok('the transport');
  if (is.isEncrypted !== (plan.mediaEncryption === 'required')) return ok('media encryption');
  if (is.callerFormat !== '+E.164' || is.calledFormat !== '+e164') return ok('how numbers are written');
  if (is.profileId !== keeper.resourceOf(PROFILE)) return ok('the outbound voice profile');
  if (is.primaryFqdnId !== keeper.resourceOf(FQDN)) return ok('where calls are sent');
  const targets = await listFqdns(client, id, signal);
  if (!targets.ok) return targets;
  const isThere = targets.value.some(({ target }) => target === `${plan.gateway.host}:${plan.gateway.port}`);
  return ok(isThere ? null : 'the address that calls are sent to');
}
