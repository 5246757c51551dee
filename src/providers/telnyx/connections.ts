// The connections of a Telnyx trunk: one of the FQDN kind that calls come in by and, as a rule, go out by; and one of the credential kind where
// the first did not take the credentials.

import { hasFailed, ok } from '../outcome.ts';
import type { TelnyxSettings } from '../settings.ts';
import type { ActionStep, PlanContext, ResourceStep, StepContext } from '../trunk/step.ts';
import { credentialConnectionBody, fqdnConnectionBody } from './bodies.ts';
import type { TelnyxClient, TelnyxList } from './client.ts';
import { found, nameOf, TAG } from './found.ts';

/** Names of steps that others build on. */
export const PROFILE = 'voice_profile';
export const CONNECTION = 'connection';
export const FQDN = 'fqdn';

const area = 'connections';

export function connectionStep(client: TelnyxClient, settings: TelnyxSettings): ResourceStep {
  return {
    kind: 'resource',
    name: CONNECTION,
    text: 'SIP connection',
    keyOf: ({ plan }) => nameOf(plan),
    find({ signal }, key) {
      const filter = { connection_name: { contains: key } };
      const list: TelnyxList = {
        operation: 'ListFqdnConnections',
        area,
        send: (telnyx, page) => telnyx.fqdnConnections.list({ ...page, filter }),
        signal,
      };
      return found(client, list, 'connection_name', key);
    },
    make: (context, key) =>
      client.call({
        operation: 'CreateFqdnConnection',
        area,
        does: 'makes',
        send: (telnyx) =>
          telnyx.fqdnConnections.create({
            connection_name: key,
            tags: [TAG],
            ...fqdnConnectionBody(context.plan, settings, { profileId: profileOf(context), fqdnId: null }),
          }),
        read: (data) => data.text('id'),
        signal: context.signal,
      }),
    async exists({ signal }, id) {
      const connection = await fetchConnection(client, id, signal);
      if (connection.ok) return ok(true);
      return hasFailed(connection, 'not_found') ? ok(false) : connection;
    },
    remove: ({ signal }, id) =>
      client.removed({
        operation: 'DeleteFqdnConnection',
        area,
        send: (telnyx) => telnyx.fqdnConnections.delete(id),
        signal,
      }),
  };
}

/** Everything at once, also where the connection was there already: what somebody changed by hand is put right. */
export function settingsStep(client: TelnyxClient, settings: TelnyxSettings): ActionStep {
  return {
    kind: 'action',
    name: 'connection_settings',
    text: 'Where calls are sent and how',
    run: (context) =>
      client.call({
        operation: 'UpdateFqdnConnection',
        area,
        does: 'sets',
        send: (telnyx) =>
          telnyx.fqdnConnections.update(
            context.keeper.resourceOf(CONNECTION) ?? '',
            fqdnConnectionBody(context.plan, settings, {
              profileId: profileOf(context),
              fqdnId: context.keeper.resourceOf(FQDN) ?? null,
            }),
          ),
        read: () => null,
        signal: context.signal,
      }),
  };
}

/** A name of its own, which must not be found when the first one is looked for: names are compared whole. */
export function credentialConnectionStep(client: TelnyxClient): ResourceStep {
  return {
    kind: 'resource',
    name: 'credential_connection',
    text: 'Credentials for outbound calls',
    keyOf: ({ plan }) => `${nameOf(plan)}-out`,
    async isNeeded({ plan, keeper, signal }) {
      // Once made it stays: what was dialled through yesterday must work today.
      if (keeper.step('credential_connection')?.created) return ok(true);
      const connection = await fetchConnection(client, keeper.resourceOf(CONNECTION) ?? '', signal);
      if (!connection.ok) return connection;
      return ok(plan.outbound.kind === 'credentials' && connection.value.userName !== plan.outbound.username);
    },
    find({ signal }, key) {
      const filter = { connection_name: { contains: key } };
      const list: TelnyxList = {
        operation: 'ListCredentialConnections',
        area,
        send: (telnyx, page) => telnyx.credentialConnections.list({ ...page, filter }),
        signal,
      };
      return found(client, list, 'connection_name', key);
    },
    make: (context, key) =>
      client.call({
        operation: 'CreateCredentialConnection',
        area,
        does: 'makes',
        send: (telnyx) =>
          telnyx.credentialConnections.create({
            connection_name: key,
            tags: [TAG],
            ...credentialConnectionBody(context.plan, profileOf(context)),
          }),
        read: (data) => data.text('id'),
        signal: context.signal,
      }),
    /** The profile, or the password, may have been another one. */
    adopt: (context, id) =>
      client.call({
        operation: 'UpdateCredentialConnection',
        area,
        does: 'sets',
        send: (telnyx) =>
          telnyx.credentialConnections.update(id, credentialConnectionBody(context.plan, profileOf(context))),
        read: () => null,
        signal: context.signal,
      }),
    remove: ({ signal }, id) =>
      client.removed({
        operation: 'DeleteCredentialConnection',
        area,
        send: (telnyx) => telnyx.credentialConnections.delete(id),
        signal,
      }),
  };
}

/** What of a connection decides whether calls come in and go out. */
export function fetchConnection(client: TelnyxClient, id: string, signal: StepContext['signal']) {
  return client.call({
    operation: 'RetrieveFqdnConnection',
    area,
    send: (telnyx) => telnyx.fqdnConnections.retrieve(id),
    read(data) {
      const inbound = data.objectOrNull('inbound');
      const outbound = data.objectOrNull('outbound');
      return {
        isActive: data.boolean('active', true),
        transport: data.textOrNull('transport_protocol') ?? 'UDP',
        isEncrypted: data.textOrNull('encrypted_media') === 'SRTP',
        userName: data.textOrNull('user_name'),
        callerFormat: inbound?.textOrNull('ani_number_format') ?? null,
        calledFormat: inbound?.textOrNull('dnis_number_format') ?? null,
        primaryFqdnId: inbound?.textOrNull('default_primary_fqdn_id') ?? null,
        profileId: outbound?.textOrNull('outbound_voice_profile_id') ?? null,
      };
    },
    signal,
  });
}

function profileOf({ keeper }: PlanContext): string {
  return keeper.resourceOf(PROFILE) ?? '';
}
