// The fake's trunks and what hangs on them.

import type { FakeAnswer, FakeRequest, Handler } from '../fake-provider.ts';
import type { Json } from '../openapi-document.ts';
import { DATE_V1, notFound, pageV1, twilioError } from './answers.ts';
import type { Lag } from '../listing-lag.ts';
import type { Sids, TwilioState, TwilioTrunk } from './state.ts';

export function trunkHandlers(state: TwilioState, sids: Sids, lag: Lag): Record<string, Handler> {
  const trunkOf = ({ params }: FakeRequest): TwilioTrunk | undefined =>
    state.trunks.get(params['TrunkSid'] ?? params['Sid'] ?? '');
  const onTrunk =
    (work: (trunk: TwilioTrunk, request: FakeRequest) => FakeAnswer): Handler =>
    (request) => {
      const trunk = trunkOf(request);
      return trunk === undefined ? notFound() : work(trunk, request);
    };
  const listed = (request: FakeRequest, key: string, entries: Iterable<[string, Json]>): FakeAnswer =>
    pageV1(
      request,
      key,
      lag.seen(entries).map(([, item]) => item),
    );

  return {
    ListTrunk: (request) =>
      listed(
        request,
        'trunks',
        [...state.trunks].map(([sid, trunk]) => [sid, shown(state, trunk)]),
      ),
    CreateTrunk({ form }) {
      const { DomainName: domainName = '', FriendlyName: friendlyName = '', Secure } = form;
      const isTaken =
        state.takenDomains.has(domainName) || [...state.trunks.values()].some((one) => one.domainName === domainName);
      const { status, code, message } = state.domainTakenAnswer;
      if (isTaken) return twilioError(status, code, message);
      if (state.type === 'Trial' && state.trunks.size > 0)
        return twilioError(400, 32100, 'A trial account has one trunk');
      const sid = sids.next('TK');
      const trunk = { sid, domainName, friendlyName, secure: Secure === 'true', ...nothingOn() };
      state.trunks.set(sid, trunk);
      lag.isNew(sid, state.listLag);
      return { status: 201, body: shown(state, trunk) };
    },
    FetchTrunk: onTrunk((trunk) => ({ status: 200, body: shown(state, trunk) })),
    DeleteTrunk: onTrunk((trunk) => {
      const isUsed = [...state.numbers.values()].some((number) => number.trunk_sid === trunk.sid);
      if (isUsed) return twilioError(400, 21247, 'The trunk has dependencies');
      state.trunks.delete(trunk.sid);
      return { status: 204 };
    }),
    ListOriginationUrl: onTrunk((trunk, request) => listed(request, 'origination_urls', trunk.originationUrls)),
    CreateOriginationUrl: onTrunk((trunk, { form }) => {
      const sipUrl = form['SipUrl'] ?? '';
      if (!/^sip:/i.test(sipUrl)) return twilioError(400, 21612, 'SipUrl is not a sip: URL');
      const sid = sids.next('OU');
      const url = {
        sid,
        account_sid: state.accountSid,
        trunk_sid: trunk.sid,
        sip_url: sipUrl,
        friendly_name: form['FriendlyName'],
        priority: Number(form['Priority']),
        weight: Number(form['Weight']),
        enabled: form['Enabled'] === 'true',
        date_created: DATE_V1,
        date_updated: DATE_V1,
        url: `https://trunking.twilio.com/v1/Trunks/${trunk.sid}/OriginationUrls/${sid}`,
      };
      trunk.originationUrls.set(sid, url);
      lag.isNew(sid, state.listLag);
      return { status: 201, body: url };
    }),
    DeleteOriginationUrl: onTrunk((trunk, { params }) => gone(trunk.originationUrls.delete(params['Sid'] ?? ''))),
    ...linkHandlers('CredentialList', 'credential_lists', state, lag, onTrunk, (trunk) => trunk.credentialLists),
    ...linkHandlers(
      'IpAccessControlList',
      'ip_access_control_lists',
      state,
      lag,
      onTrunk,
      (trunk) => trunk.addressLists,
    ),
  };
}

type OnTrunk = (work: (trunk: TwilioTrunk, request: FakeRequest) => FakeAnswer) => Handler;

function linkHandlers(
  name: string,
  key: string,
  state: TwilioState,
  lag: Lag,
  onTrunk: OnTrunk,
  linksOf: (trunk: TwilioTrunk) => Set<string>,
): Record<string, Handler> {
  const lists = name === 'CredentialList' ? state.credentialLists : state.addressLists;
  const body = (trunk: TwilioTrunk, sid: string): Json => ({
    sid,
    account_sid: state.accountSid,
    trunk_sid: trunk.sid,
    friendly_name: lists.get(sid)?.name ?? '',
    date_created: DATE_V1,
    date_updated: DATE_V1,
    url: `https://trunking.twilio.com/v1/Trunks/${trunk.sid}/${name}s/${sid}`,
  });
  return {
    [`List${name}`]: onTrunk((trunk, request) => {
      const links = [...linksOf(trunk)].map((sid): [string, Json] => [`${trunk.sid} ${sid}`, body(trunk, sid)]);
      return pageV1(
        request,
        key,
        lag.seen(links).map(([, item]) => item),
      );
    }),
    [`Create${name}`]: onTrunk((trunk, { form }) => {
      const sid = form[`${name}Sid`] ?? '';
      if (!lists.has(sid)) return notFound();
      if (linksOf(trunk).has(sid)) return twilioError(409, 21240, 'The list is on this trunk already');
      linksOf(trunk).add(sid);
      lag.isNew(`${trunk.sid} ${sid}`, state.listLag);
      return { status: 201, body: body(trunk, sid) };
    }),
    [`Delete${name}`]: onTrunk((trunk, { params }) => gone(linksOf(trunk).delete(params['Sid'] ?? ''))),
  };
}

export function nothingOn(): Pick<TwilioTrunk, 'originationUrls' | 'credentialLists' | 'addressLists'> {
  return { originationUrls: new Map(), credentialLists: new Set(), addressLists: new Set() };
}

function gone(wasThere: boolean): FakeAnswer {
  return wasThere ? { status: 204 } : notFound();
}

function shown(state: TwilioState, trunk: TwilioTrunk): Json {
  const types = [
    ...(trunk.credentialLists.size > 0 ? ['CREDENTIAL_LIST'] : []),
    ...(trunk.addressLists.size > 0 ? ['IP_ACL'] : []),
  ];
  return {
    sid: trunk.sid,
    account_sid: state.accountSid,
    domain_name: trunk.domainName,
    friendly_name: trunk.friendlyName,
    secure: trunk.secure,
    auth_type: types.join(','),
    auth_type_set: types,
    transfer_mode: 'disable-all',
    transfer_caller_id: 'from-transferee',
    cnam_lookup_enabled: false,
    date_created: DATE_V1,
    date_updated: DATE_V1,
    url: `https://trunking.twilio.com/v1/Trunks/${trunk.sid}`,
  };
}
