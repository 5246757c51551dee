// Who may call out through a Twilio trunk: a list of credentials or of addresses, made for this trunk alone and linked to it.

import { ok } from '../outcome.ts';
import type { OutboundAuth, Outcome } from '../provider.ts';
import type { PlanContext, ResourceStep, StepContext } from '../trunk/step.ts';
import type { PageQuery, TwilioClient, TwilioList } from './client.ts';
import { found, nameOf, trunkOf } from './found.ts';
import { pathPart, type Twilio } from './sdk.ts';

const LISTS = 'sip_lists';

const CREDENTIALS: ListKind = {
  name: 'credential_list',
  text: 'Credential list',
  key: 'credential_lists',
  operation: 'SipCredentialList',
  linkOperation: 'CredentialList',
  lists: (twilio) => twilio.sip.credentialLists,
  links: (trunk) => trunk.credentialsLists,
  link: (trunk, list) => trunk.credentialsLists.create({ credentialListSid: list }),
};

const ADDRESSES: ListKind = {
  name: 'address_list',
  text: 'Address list',
  key: 'ip_access_control_lists',
  operation: 'SipIpAccessControlList',
  linkOperation: 'IpAccessControlList',
  lists: (twilio) => twilio.sip.ipAccessControlLists,
  links: (trunk) => trunk.ipAccessControlLists,
  link: (trunk, list) => trunk.ipAccessControlLists.create({ ipAccessControlListSid: list }),
};

export function credentialSteps(client: TwilioClient, trunk: string): readonly ResourceStep[] {
  return [listStep(client, CREDENTIALS), credentialStep(client), linkStep(client, CREDENTIALS, trunk)];
}

export function addressSteps(client: TwilioClient, trunk: string): readonly ResourceStep[] {
  return [listStep(client, ADDRESSES), addressesStep(client), linkStep(client, ADDRESSES, trunk)];
}

interface ListKind {
  /** Of the step. */
  readonly name: string;
  readonly text: string;
  /** Of the items in a page. */
  readonly key: string;
  readonly operation: string;
  readonly linkOperation: string;
  lists(twilio: Twilio): Listed & { create(params: { friendlyName: string }): Promise<unknown> };
  links(trunk: Trunk): Listed;
  link(trunk: Trunk, list: string): Promise<unknown>;
}

type Trunk = ReturnType<typeof trunkOf>;

/** What both kinds of the package have. */
interface Listed {
  (sid: string): { remove(): Promise<boolean> };
  page(query: PageQuery): Promise<unknown>;
}

function listStep(client: TwilioClient, { name, text, key, operation, lists }: ListKind): ResourceStep {
  const list = (signal: StepContext['signal']): TwilioList => ({
    operation: `List${operation}`,
    area: LISTS,
    key,
    send: (twilio, page) => lists(twilio).page(page),
    signal,
  });
  return {
    kind: 'resource',
    name,
    text,
    keyOf: ({ plan }) => nameOf(plan),
    find: ({ signal }, wanted) => found(client, list(signal), 'friendly_name', wanted),
    make: ({ signal }, wanted) =>
      client.call({
        operation: `Create${operation}`,
        area: LISTS,
        does: 'makes',
        send: (twilio) => lists(twilio).create({ friendlyName: wanted }),
        read: (answer) => answer.text('sid'),
        signal,
      }),
    async exists({ keeper, signal }, id) {
      const ids = await found(client, list(signal), 'friendly_name', keeper.step(name)?.keys.at(-1) ?? '');
      return ids.ok ? ok(ids.value.includes(id)) : ids;
    },
    remove: ({ signal }, id) =>
      client.removed({
        operation: `Delete${operation}`,
        area: LISTS,
        send: (twilio) => lists(twilio)(pathPart(id)).remove(),
        signal,
      }),
  };
}

function credentialStep(client: TwilioClient): ResourceStep {
  const credentials = (twilio: Twilio, { keeper }: StepContext) =>
    twilio.sip.credentialLists(pathPart(keeper.resourceOf(CREDENTIALS.name) ?? '')).credentials;
  return {
    kind: 'resource',
    name: 'credential',
    text: 'User name and password for outbound calls',
    keyOf: ({ plan }) => credentialsOf(plan.outbound).username,
    async find(context, key) {
      if (context.keeper.resourceOf(CREDENTIALS.name) === undefined) return ok([]);
      const list: TwilioList = {
        operation: 'ListSipCredential',
        area: LISTS,
        key: 'credentials',
        send: (twilio, page) => credentials(twilio, context).page(page),
        signal: context.signal,
      };
      return found(client, list, 'username', key);
    },
    make(context, key) {
      const { password } = credentialsOf(context.plan.outbound);
      return client.call({
        operation: 'CreateSipCredential',
        area: LISTS,
        does: 'makes',
        send: (twilio) => credentials(twilio, context).create({ username: key, password }),
        read: (answer) => answer.text('sid'),
        signal: context.signal,
      });
    },
    /** The password cannot be read back: it is set again, so that it is certainly ours. */
    adopt(context, id) {
      const { password } = credentialsOf(context.plan.outbound);
      return client.call({
        operation: 'UpdateSipCredential',
        area: LISTS,
        does: 'sets',
        send: (twilio) => credentials(twilio, context)(pathPart(id)).update({ password }),
        read: () => null,
        signal: context.signal,
      });
    },
    remove: (context, id) =>
      client.removed({
        operation: 'DeleteSipCredential',
        area: LISTS,
        send: (twilio) => credentials(twilio, context)(pathPart(id)).remove(),
        signal: context.signal,
      }),
  };
}

/** All addresses of the plan are one step: they stand in our own list, and go with it. */
function addressesStep(client: TwilioClient): ResourceStep {
  const addresses = (twilio: Twilio, id: string) => twilio.sip.ipAccessControlLists(pathPart(id)).ipAddresses;
  const present = (id: string, signal: StepContext['signal']) =>
    client.all(
      {
        operation: 'ListSipIpAddress',
        area: LISTS,
        key: 'ip_addresses',
        send: (twilio, page) => addresses(twilio, id).page(page),
        signal,
      },
      (item) => `${item.text('ip_address')}/${item.integer('cidr_prefix_length', 32)}`,
    );
  return {
    kind: 'resource',
    name: 'addresses',
    text: 'Addresses that outbound calls come from',
    keyOf: ({ plan }) => addressesOf(plan.outbound).join(' '),
    async find({ keeper, signal }, key) {
      const id = keeper.resourceOf(ADDRESSES.name);
      if (id === undefined) return ok([]);
      const there = await present(id, signal);
      if (!there.ok) return there;
      return ok(key.split(' ').every((address) => there.value.includes(address)) ? [id] : []);
    },
    async make({ keeper, signal }, key) {
      const id = keeper.resourceOf(ADDRESSES.name) ?? '';
      const there = await present(id, signal);
      if (!there.ok) return there;
      for (const address of key.split(' ').filter((wanted) => !there.value.includes(wanted))) {
        const [ipAddress = '', prefix = ''] = address.split('/');
        const entry = { friendlyName: address, ipAddress, cidrPrefixLength: Number(prefix) };
        const made = await client.call({
          operation: 'CreateSipIpAddress',
          area: LISTS,
          does: 'makes',
          send: (twilio) => addresses(twilio, id).create(entry),
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
  const { name, linkOperation: operation, links, link } = kind;
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
      return found(client, linked(kind, id, signal), 'sid', wanted);
    },
    make: ({ keeper, signal }) =>
      client.call({
        operation: `Create${operation}`,
        area,
        does: 'makes',
        send: (twilio) => link(trunkOf(twilio, keeper.resourceOf(trunk)), keeper.resourceOf(name) ?? ''),
        read: (answer) => answer.text('sid'),
        signal,
      }),
    remove: ({ keeper, signal }, id) =>
      client.removed({
        operation: `Delete${operation}`,
        area,
        send: (twilio) => links(trunkOf(twilio, keeper.resourceOf(trunk)))(pathPart(id)).remove(),
        signal,
      }),
  };
}

/** The lists of a kind that are on a trunk. */
function linked({ key, linkOperation, links }: ListKind, trunk: string, signal: StepContext['signal']): TwilioList {
  return {
    operation: `List${linkOperation}`,
    area: 'trunks',
    key,
    send: (twilio, page) => links(trunkOf(twilio, trunk)).page(page),
    signal,
  };
}

/** In words, null = nothing: exactly one of the two kinds of list may be on the trunk, and it is ours. */
export async function outboundDiffers(
  client: TwilioClient,
  { plan, keeper, signal }: PlanContext,
  trunk: string,
): Promise<Outcome<string | null>> {
  const id = keeper.resourceOf(trunk) ?? '';
  const credentials = await client.all(linked(CREDENTIALS, id, signal), (item) => item.text('sid'));
  if (!credentials.ok) return credentials;
  const addresses = await client.all(linked(ADDRESSES, id, signal), (item) => item.text('sid'));
  if (!addresses.ok) return addresses;
  const isCredentials = plan.outbound.kind === 'credentials';
  const [ours, others] = isCredentials ? [credentials.value, addresses.value] : [addresses.value, credentials.value];
  const wanted = keeper.resourceOf(isCredentials ? CREDENTIALS.name : ADDRESSES.name) ?? '';
  if (!ours.includes(wanted)) return ok('who may call out');
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
