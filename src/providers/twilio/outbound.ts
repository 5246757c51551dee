// Who may call out through a Twilio trunk: a list of credentials or of addresses, made for this trunk alone and linked to it.

import { ok } from '../outcome.ts';
import type { OutboundAuth, Outcome } from '../provider.ts';
import type { PlanContext, ResourceStep } from '../trunk/step.ts';
import type { TwilioClient } from './client.ts';
import { found, nameOf } from './found.ts';

const LISTS = 'sip_lists';

export function credentialSteps(client: TwilioClient, trunk: string): readonly ResourceStep[] {
  const kind = {
    name: 'credential_list',
    resource: 'CredentialLists',
    key: 'credential_lists',
    operation: 'SipCredentialList',
    linkOperation: 'CredentialList',
    linkField: 'CredentialListSid',
  };
  return [listStep(client, kind, 'Credential list'), credentialStep(client, kind.name), linkStep(client, kind, trunk)];
}

export function addressSteps(client: TwilioClient, trunk: string): readonly ResourceStep[] {
  const kind = {
    name: 'address_list',
    resource: 'IpAccessControlLists',
    key: 'ip_access_control_lists',
    operation: 'SipIpAccessControlList',
    linkOperation: 'IpAccessControlList',
    linkField: 'IpAccessControlListSid',
  };
  return [listStep(client, kind, 'Address list'), addressesStep(client, kind.name), linkStep(client, kind, trunk)];
}

interface ListKind {
  /** Of the step. */
  readonly name: string;
  /** In the path. */
  readonly resource: string;
  /** Of the items in a page. */
  readonly key: string;
  readonly operation: string;
  readonly linkOperation: string;
  readonly linkField: string;
}

function listStep(client: TwilioClient, { name, resource, key, operation }: ListKind, text: string): ResourceStep {
  const path = client.accountPath('SIP', resource);
  return {
    kind: 'resource',
    name,
    text,
    keyOf: ({ plan }) => nameOf(plan),
    find: ({ signal }, wanted) =>
      found(client, { operation: `List${operation}`, area: LISTS, path, key, signal }, 'friendly_name', wanted),
    make: ({ signal }, wanted) =>
      client.call({
        operation: `Create${operation}`,
        area: LISTS,
        method: 'POST',
        path,
        form: { FriendlyName: wanted },
        read: (answer) => answer.text('sid'),
        signal,
      }),
    async exists({ keeper, signal }, id) {
      const wanted = keeper.step(name)?.keys.at(-1) ?? '';
      const lists = await found(
        client,
        { operation: `List${operation}`, area: LISTS, path, key, signal },
        'friendly_name',
        wanted,
      );
      return lists.ok ? ok(lists.value.includes(id)) : lists;
    },
    remove: ({ signal }, id) =>
      client.removed({
        operation: `Delete${operation}`,
        area: LISTS,
        path: client.accountPath('SIP', resource, id),
        signal,
      }),
  };
}

function credentialStep(client: TwilioClient, list: string): ResourceStep {
  const pathOf = (id: string, ...rest: string[]): string =>
    client.accountPath('SIP', 'CredentialLists', id, 'Credentials', ...rest);
  return {
    kind: 'resource',
    name: 'credential',
    text: 'User name and password for outbound calls',
    keyOf: ({ plan }) => credentialsOf(plan.outbound).username,
    async find({ keeper, signal }, key) {
      const id = keeper.resourceOf(list);
      if (id === undefined) return ok([]);
      const items = {
        operation: 'ListSipCredential',
        area: LISTS,
        path: pathOf(id),
        key: 'credentials',
        signal,
      } as const;
      return found(client, items, 'username', key);
    },
    make({ plan, keeper, signal }, key) {
      const { password } = credentialsOf(plan.outbound);
      return client.call({
        operation: 'CreateSipCredential',
        area: LISTS,
        method: 'POST',
        path: pathOf(keeper.resourceOf(list) ?? ''),
        form: { Username: key, Password: password },
        read: (answer) => answer.text('sid'),
        signal,
      });
    },
    /** The password cannot be read back: it is set again, so that it is certainly ours. */
    adopt({ plan, keeper, signal }, id) {
      const { password } = credentialsOf(plan.outbound);
      return client.call({
        operation: 'UpdateSipCredential',
        area: LISTS,
        method: 'repeatable POST',
        path: pathOf(keeper.resourceOf(list) ?? '', id),
        form: { Password: password },
        read: () => null,
        signal,
      });
    },
    remove({ keeper, signal }, id) {
      const path = pathOf(keeper.resourceOf(list) ?? '', id);
      return client.removed({ operation: 'DeleteSipCredential', area: LISTS, path, signal });
    },
  };
}

/** All addresses of the plan are one step: they stand in our own list, and go with it. */
function addressesStep(client: TwilioClient, list: string): ResourceStep {
  const pathOf = (id: string): string => client.accountPath('SIP', 'IpAccessControlLists', id, 'IpAddresses');
  const present = (id: string, signal: PlanContext['signal']) =>
    client.all(
      { operation: 'ListSipIpAddress', area: LISTS, path: pathOf(id), key: 'ip_addresses', signal },
      (item) => `${item.text('ip_address')}/${item.integer('cidr_prefix_length', 32)}`,
    );
  return {
    kind: 'resource',
    name: 'addresses',
    text: 'Addresses that outbound calls come from',
    keyOf: ({ plan }) => addressesOf(plan.outbound).join(' '),
    async find({ keeper, signal }, key) {
      const id = keeper.resourceOf(list);
      if (id === undefined) return ok([]);
      const there = await present(id, signal);
      if (!there.ok) return there;
      return ok(key.split(' ').every((address) => there.value.includes(address)) ? [id] : []);
    },
    async make({ keeper, signal }, key) {
      const id = keeper.resourceOf(list) ?? '';
      const there = await present(id, signal);
      if (!there.ok) return there;
      for (const address of key.split(' ').filter((wanted) => !there.value.includes(wanted))) {
        const [ip = '', prefix = ''] = address.split('/');
        const made = await client.call({
          operation: 'CreateSipIpAddress',
          area: LISTS,
          method: 'POST',
          path: pathOf(id),
          form: { FriendlyName: address, IpAddress: ip, CidrPrefixLength: prefix },
          read: () => null,
          signal,
        });
        if (!made.ok) return made;
      }
      return ok(id);
    },
    remove: async () => ok(null),
  };
}

function linkStep(client: TwilioClient, kind: ListKind, trunk: string): ResourceStep {
  const { name, resource, key, linkOperation: operation, linkField } = kind;
  const area = 'trunks';
  return {
    kind: 'resource',
    name: `${name}_link`,
    text: 'Outbound calls of the trunk',
    // What is linked to what is on record already, and may change when one of the two has to be made anew.
    keyOf: () => 'link',
    async find({ keeper, signal }) {
      const id = keeper.resourceOf(trunk);
      const wanted = keeper.resourceOf(name);
      if (id === undefined || wanted === undefined) return ok([]);
      const path = client.trunksPath(id, resource);
      return found(client, { operation: `List${operation}`, area, path, key, signal }, 'sid', wanted);
    },
    make: ({ keeper, signal }) =>
      client.call({
        operation: `Create${operation}`,
        area,
        method: 'POST',
        path: client.trunksPath(keeper.resourceOf(trunk) ?? '', resource),
        form: { [linkField]: keeper.resourceOf(name) ?? '' },
        read: (answer) => answer.text('sid'),
        signal,
      }),
    remove({ keeper, signal }, id) {
      const path = client.trunksPath(keeper.resourceOf(trunk) ?? '', resource, id);
      return client.removed({ operation: `Delete${operation}`, area, path, signal });
    },
  };
}

/** In words, null = nothing: exactly one of the two kinds of list may be on the trunk, and it is ours. */
export async function outboundDiffers(
  client: TwilioClient,
  { plan, keeper, signal }: PlanContext,
  trunk: string,
): Promise<Outcome<string | null>> {
  const linked = (resource: string, key: string, operation: string) =>
    client.all(
      { operation, area: 'trunks', path: client.trunksPath(keeper.resourceOf(trunk) ?? '', resource), key, signal },
      (item) => item.text('sid'),
    );
  const credentials = await linked('CredentialLists', 'credential_lists', 'ListCredentialList');
  if (!credentials.ok) return credentials;
  const addresses = await linked('IpAccessControlLists', 'ip_access_control_lists', 'ListIpAccessControlList');
  if (!addresses.ok) return addresses;
  const isCredentials = plan.outbound.kind === 'credentials';
  const [ours, others] = isCredentials ? [credentials.value, addresses.value] : [addresses.value, credentials.value];
  const id = keeper.resourceOf(isCredentials ? 'credential_list' : 'address_list') ?? '';
  if (!ours.includes(id)) return ok('who may call out');
  return ok(others.length === 0 ? null : 'calls out have to satisfy a list of credentials and one of addresses');
}

function credentialsOf(outbound: OutboundAuth): { readonly username: string; readonly password: string } {
  return outbound.kind === 'credentials' ? outbound : { username: '', password: '' };
}

/** With their prefix, as they are compared. */
function addressesOf(outbound: OutboundAuth): readonly string[] {
  if (outbound.kind !== 'addresses') return [];
  return outbound.addresses.map((address) => (address.includes('/') ? address : `${address}/32`));
}
