// The stand-ins of the providers, asked by the providers' own packages alone, without anything of ours above or below them: what those can work
// with is how the providers speak, and not only how our adapters hear them.

import Telnyx from 'telnyx';
import twilio from 'twilio';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ACCOUNT_SID, AUTH_TOKEN, type FakeTwilio, startFakeTwilio } from '../support/fake-twilio.ts';
import { API_KEY, type FakeTelnyx, startFakeTelnyx } from '../support/fake-telnyx.ts';
import { Stage, successOf } from './stage.ts';

/** Every host of theirs leads to the fake; one that is not theirs is a mistake of the test. */
function redirected(fake: FakeTwilio): twilio.RequestClient {
  const hosts = new Set(['api.twilio.com', 'trunking.twilio.com', 'numbers.twilio.com']);
  return new (class extends twilio.RequestClient {
    override request<T>(options: Parameters<typeof twilio.RequestClient.prototype.request<T>>[0]) {
      const url = new URL(options.uri);
      if (!hosts.has(url.hostname)) throw new Error(`a request to ${url.hostname}`);
      return super.request<T>(Object.assign(options, { uri: `${fake.origin}${url.pathname}${url.search}` }));
    }
  })();
}

describe('Twilio’s package', () => {
  let fake: FakeTwilio;
  let client: ReturnType<typeof twilio>;

  beforeEach(async () => {
    fake = await startFakeTwilio();
    client = twilio(ACCOUNT_SID, AUTH_TOKEN, { httpClient: redirected(fake) });
  });
  afterEach(async () => {
    await fake.close();
    expect(fake.violations).toEqual([]);
  });

  test('lists all numbers over several pages, and our adapter sees the same', async () => {
    for (let each = 0; each < 25; each += 1) fake.addNumber(`+120255501${String(each).padStart(2, '0')}`);
    const theirs = await client.incomingPhoneNumbers.list({ pageSize: 10 });
    expect(theirs).toHaveLength(25);
    const { providers } = new Stage({ twilio: fake.urls });
    const account = successOf(providers.openTwilio({ accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN }));
    const ours = successOf(await account.numbers.list({ cursor: null, trunkId: null }));
    expect(ours.numbers.map(({ providerId, e164 }) => [providerId, e164])).toEqual(
      theirs.slice(0, ours.numbers.length).map(({ sid, phoneNumber }) => [sid, phoneNumber]),
    );
  });

  test('makes a trunk with an origination URL and credentials, puts a number on it, and takes all of it down again', async () => {
    const numberSid = String(fake.addNumber('+12025550100')['sid']);
    const trunk = await client.trunking.v1.trunks.create({
      friendlyName: 'callin-sdk',
      domainName: 'callin-sdk.pstn.twilio.com',
    });
    const url = await client.trunking.v1.trunks(trunk.sid).originationUrls.create({
      friendlyName: 'edge',
      sipUrl: 'sip:edge.example.net:5060',
      enabled: true,
      priority: 10,
      weight: 10,
    });
    const list = await client.sip.credentialLists.create({ friendlyName: 'callin-sdk' });
    await client.sip.credentialLists(list.sid).credentials.create({ username: 'callin', password: 'Sup3rS3cretPass' });
    await client.trunking.v1.trunks(trunk.sid).credentialsLists.create({ credentialListSid: list.sid });
    await client.trunking.v1.trunks(trunk.sid).phoneNumbers.create({ phoneNumberSid: numberSid });
    expect((await client.incomingPhoneNumbers(numberSid).fetch()).trunkSid).toBe(trunk.sid);

    expect(await client.trunking.v1.trunks(trunk.sid).phoneNumbers(numberSid).remove()).toBe(true);
    expect(await client.trunking.v1.trunks(trunk.sid).originationUrls(url.sid).remove()).toBe(true);
    expect(await client.trunking.v1.trunks(trunk.sid).credentialsLists(list.sid).remove()).toBe(true);
    expect(await client.sip.credentialLists(list.sid).remove()).toBe(true);
    expect(await client.trunking.v1.trunks(trunk.sid).remove()).toBe(true);
    expect(await client.trunking.v1.trunks.list()).toEqual([]);
  });

  test('a wrong token and a missing permission are the errors that the package knows', async () => {
    const stranger = twilio(ACCOUNT_SID, '0'.repeat(32), { httpClient: redirected(fake) });
    await expect(stranger.incomingPhoneNumbers.list()).rejects.toMatchObject({ status: 401, code: 20003 });
    fake.deny.add('trunks');
    await expect(client.trunking.v1.trunks.list()).rejects.toMatchObject({ status: 403, code: 70051 });
  });
});

describe('Telnyx’s package', () => {
  let fake: FakeTelnyx;
  let client: Telnyx;

  beforeEach(async () => {
    fake = await startFakeTelnyx();
    client = new Telnyx({ apiKey: API_KEY, baseURL: fake.urls.apiUrl, maxRetries: 0, timeout: 5_000 });
  });
  afterEach(async () => {
    await fake.close();
    expect(fake.violations).toEqual([]);
  });

  test('lists all numbers over several pages, and our adapter sees the same', async () => {
    for (let each = 0; each < 25; each += 1) fake.addNumber(`+120255501${String(each).padStart(2, '0')}`);
    const theirs: string[] = [];
    for await (const number of client.phoneNumbers.list({ 'page[size]': 10 } as never)) {
      theirs.push(String(number.phone_number));
    }
    expect(theirs).toHaveLength(25);
    const account = successOf(new Stage({ telnyx: fake.urls }).providers.openTelnyx(API_KEY));
    const ours = successOf(await account.numbers.list({ cursor: null, trunkId: null }));
    expect(ours.numbers.map(({ e164 }) => e164)).toEqual(theirs.slice(0, ours.numbers.length));
  });

  test('makes a profile, a connection and its target, and takes them down again', async () => {
    const { data: profile } = await client.outboundVoiceProfiles.create({ name: 'callin-sdk' });
    const { data: connection } = await client.fqdnConnections.create({ connection_name: 'callin-sdk', active: true });
    const connectionId = String(connection?.id);
    const { data: target } = await client.fqdns.create({
      connection_id: connectionId,
      fqdn: 'edge.example.net',
      dns_record_type: 'a',
      port: 5060,
    });
    const { data: found } = await client.fqdnConnections.retrieve(connectionId);
    expect(found?.connection_name).toBe('callin-sdk');
    await client.fqdns.delete(String(target?.id));
    await client.fqdnConnections.delete(connectionId);
    await client.outboundVoiceProfiles.delete(String(profile?.id));
    await expect(client.fqdnConnections.retrieve(connectionId)).rejects.toMatchObject({ status: 404 });
  });

  test('a wrong key and a missing permission are the errors that the package knows', async () => {
    const stranger = new Telnyx({ apiKey: 'KEY_unknown', baseURL: fake.urls.apiUrl, maxRetries: 0 });
    await expect(stranger.phoneNumbers.list()).rejects.toBeInstanceOf(Telnyx.AuthenticationError);
    fake.deny.add('numbers');
    await expect(client.phoneNumbers.list()).rejects.toBeInstanceOf(Telnyx.PermissionDeniedError);
  });

  test('its own repeats would order a number three times where the first answer is lost: why they are switched off, and one request of ours is let out once', async () => {
    fake.fail('CreateNumberOrder', { kind: 'answer', answer: { status: 500 } }, { times: 3 });
    const eager = new Telnyx({ apiKey: API_KEY, baseURL: fake.urls.apiUrl });
    const { data: offers } = await client.availablePhoneNumbers.list({
      filter: { country_code: 'US', limit: 1 },
    } as never);
    const order = { phone_numbers: [{ phone_number: String(offers?.[0]?.phone_number ?? '+12025550199') }] };
    await expect(eager.numberOrders.create(order)).rejects.toMatchObject({ status: 500 });
    expect(fake.requests.filter(({ operation }) => operation === 'CreateNumberOrder')).toHaveLength(3);
  });
});
