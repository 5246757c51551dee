// The fake's credential lists and address lists.

import type { FakeAnswer, FakeRequest, Handler } from '../fake-provider.ts';
import type { Json } from '../openapi-document.ts';
import { DATE_2010, notFound, page2010, twilioError } from './answers.ts';
import type { Lag } from '../listing-lag.ts';
import type { Sids, TwilioState } from './state.ts';

const PASSWORD = /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z]).{12,}$/;

export function sipListHandlers(state: TwilioState, sids: Sids, lag: Lag): Record<string, Handler> {
  const uri = (path: string): string => `/2010-04-01/Accounts/${state.accountSid}/SIP/${path}.json`;
  const dates = { account_sid: state.accountSid, date_created: DATE_2010, date_updated: DATE_2010 };
  const listBody = (resource: string, sid: string, name: string): Json => ({
    sid,
    ...dates,
    friendly_name: name,
    subresource_uris: {},
    uri: uri(`${resource}/${sid}`),
  });
  const named = (
    request: FakeRequest,
    key: string,
    resource: string,
    lists: Map<string, { name: string }>,
  ): FakeAnswer =>
    page2010(
      request,
      key,
      lag.seen(lists).map(([sid, { name }]) => listBody(resource, sid, name)),
    );
  const isTaken = (lists: Map<string, { name: string }>, name: string): boolean =>
    [...lists.values()].some((list) => list.name === name);
  const taken = (): FakeAnswer => twilioError(400, 21240, 'The name is in use');

  const credentials = (request: FakeRequest) =>
    state.credentialLists.get(request.params['CredentialListSid'] ?? '')?.credentials;
  const credentialBody = (list: string, sid: string, username: string): Json => ({
    sid,
    ...dates,
    credential_list_sid: list,
    username,
    uri: uri(`CredentialLists/${list}/Credentials/${sid}`),
  });
  const addresses = (request: FakeRequest) =>
    state.addressLists.get(request.params['IpAccessControlListSid'] ?? '')?.addresses;
  const addressBody = (
    list: string,
    sid: string,
    { ip, prefix, name }: { ip: string; prefix: number; name: string },
  ): Json => ({
    sid,
    ...dates,
    ip_access_control_list_sid: list,
    ip_address: ip,
    cidr_prefix_length: prefix,
    friendly_name: name,
    uri: uri(`IpAccessControlLists/${list}/IpAddresses/${sid}`),
  });

  return {
    ListSipCredentialList: (request) => named(request, 'credential_lists', 'CredentialLists', state.credentialLists),
    CreateSipCredentialList({ form }) {
      const name = form['FriendlyName'] ?? '';
      if (isTaken(state.credentialLists, name)) return taken();
      const sid = sids.next('CL');
      state.credentialLists.set(sid, { name, credentials: new Map() });
      lag.isNew(sid, state.listLag);
      return { status: 201, body: listBody('CredentialLists', sid, name) };
    },
    DeleteSipCredentialList: ({ params }) =>
      state.credentialLists.delete(params['Sid'] ?? '') ? { status: 204 } : notFound(),
    ListSipCredential(request) {
      const all = credentials(request);
      if (all === undefined) return notFound();
      const list = request.params['CredentialListSid'] ?? '';
      return page2010(
        request,
        'credentials',
        lag.seen(all).map(([sid, { username }]) => credentialBody(list, sid, username)),
      );
    },
    CreateSipCredential(request) {
      const { Username: username = '', Password: password = '' } = request.form;
      const all = credentials(request);
      if (all === undefined) return notFound();
      if (!PASSWORD.test(password)) return twilioError(400, 21232, `The password ${password} is too weak`);
      if ([...all.values()].some((one) => one.username === username)) return taken();
      const sid = sids.next('CR');
      all.set(sid, { username, password });
      lag.isNew(sid, state.listLag);
      return { status: 201, body: credentialBody(request.params['CredentialListSid'] ?? '', sid, username) };
    },
    UpdateSipCredential(request) {
      const sid = request.params['Sid'] ?? '';
      const one = credentials(request)?.get(sid);
      if (one === undefined) return notFound();
      one.password = request.form['Password'] ?? one.password;
      return { status: 200, body: credentialBody(request.params['CredentialListSid'] ?? '', sid, one.username) };
    },
    DeleteSipCredential: (request) =>
      credentials(request)?.delete(request.params['Sid'] ?? '') ? { status: 204 } : notFound(),
    ListSipIpAccessControlList: (request) =>
      named(request, 'ip_access_control_lists', 'IpAccessControlLists', state.addressLists),
    CreateSipIpAccessControlList({ form }) {
      const name = form['FriendlyName'] ?? '';
      if (isTaken(state.addressLists, name)) return taken();
      const sid = sids.next('AL');
      state.addressLists.set(sid, { name, addresses: new Map() });
      lag.isNew(sid, state.listLag);
      return { status: 201, body: listBody('IpAccessControlLists', sid, name) };
    },
    DeleteSipIpAccessControlList: ({ params }) =>
      state.addressLists.delete(params['Sid'] ?? '') ? { status: 204 } : notFound(),
    ListSipIpAddress(request) {
      const all = addresses(request);
      if (all === undefined) return notFound();
      const list = request.params['IpAccessControlListSid'] ?? '';
      return page2010(
        request,
        'ip_addresses',
        lag.seen(all).map(([sid, address]) => addressBody(list, sid, address)),
      );
    },
    CreateSipIpAddress(request) {
      const all = addresses(request);
      if (all === undefined) return notFound();
      const { IpAddress: ip = '', CidrPrefixLength: prefix = '32', FriendlyName: name = '' } = request.form;
      const sid = sids.next('IP');
      const address = { ip, prefix: Number(prefix), name };
      all.set(sid, address);
      lag.isNew(sid, state.listLag);
      return { status: 201, body: addressBody(request.params['IpAccessControlListSid'] ?? '', sid, address) };
    },
  };
}
