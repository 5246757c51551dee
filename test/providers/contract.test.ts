import { afterEach, describe, expect, test } from 'vitest';
import type { E164 } from '../../src/domain/e164.ts';
import type { Outcome, ProviderAccount } from '../../src/providers/index.ts';
import { ACCOUNT_SID, AUTH_TOKEN } from '../support/fake-twilio.ts';
import { API_KEY } from '../support/fake-telnyx.ts';
import { type Json, loadDocument } from '../support/openapi-document.ts';
import { type OpenApiMock, startMock } from '../support/openapi-mock.ts';
import { Keeping, plan, Stage, successOf } from './stage.ts';

// The adapters against servers that are made from the providers' own documents: every operation that is called is called as documented, and
// the example of every answer can be read. The documents in test/support/openapi hold the operations that are called, and no other.

let mock: OpenApiMock | undefined;
afterEach(async () => {
  await mock?.close();
});

const outcomes: Outcome<unknown>[] = [];
const invalid = () => outcomes.filter((outcome) => !outcome.ok && outcome.failure.code === 'provider_answer_invalid');

const SID = (prefix: string) => prefix + 'a'.repeat(32);

describe('Twilio', () => {
  const documents = ['twilio-api-v2010', 'twilio-trunking-v1'] as const;

  async function account(): Promise<ProviderAccount> {
    mock = await startMock(documents.map(loadDocument));
    const { origin } = mock;
    const stage = new Stage({ twilio: { apiUrl: origin, trunkingUrl: origin } });
    return successOf(stage.providers.openTwilio({ accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN }));
  }

  test('every operation', async () => {
    const made = await account();
    const at = mock as OpenApiMock;
    const name = plan().reference.replace('_', '-');
    const called = new Set<string>();
    const ask = async (work: () => Promise<Outcome<unknown>>): Promise<void> => {
      outcomes.push(await work());
      for (const operation of at.operations) called.add(operation);
    };
    const number = {
      providerId: SID('PN'),
      trunkId: SID('TK'),
      takeOver: true,
      record: null,
      save: async () => undefined,
    };
    const before = {
      trunkSid: SID('TK').replace('a', 'b'),
      voiceUrl: 'https://pbx.example/',
      voiceApplicationSid: SID('AP'),
    };
    const record = { providerId: SID('PN'), e164: '+14155552344' as E164, trunkId: SID('TK'), before };

    at.change.set('FetchAccount', (body) => ({ ...body, owner_account_sid: ACCOUNT_SID }));
    await ask(() => made.numbers.check());
    await ask(() => made.numbers.list({ cursor: null, trunkId: null }));
    at.change.set('FetchIncomingPhoneNumber', (body) => ({ ...body, trunk_sid: null }));
    await ask(() => made.numbers.connect(number));
    at.change.set('FetchIncomingPhoneNumber', (body) => ({ ...body, trunk_sid: SID('TK') }));
    await ask(() => made.numbers.detach({ record, isUnsure: false }));
    await ask(() => made.numbers.detach({ record: { ...record, before: null }, isUnsure: false }));

    // Nothing of ours is there: all is made. Then all is there: it is found, compared and deleted.
    at.change.set('FetchTrunk', (body) => ({ ...body, secure: false }));
    at.change.set('ListCredentialList', all('credential_lists', { sid: `CL${'b'.repeat(32)}` }));
    const runs = [
      { keeping: new Keeping('twilio'), wanted: plan() },
      { keeping: new Keeping('twilio'), wanted: plan({ outbound: { kind: 'addresses', addresses: ['203.0.113.7'] } }) },
    ];
    for (const { keeping, wanted } of runs) await ask(() => made.trunk.provision(wanted, keeping.run()));
    at.change.delete('ListCredentialList');
    at.change.set('ListTrunk', all('trunks', { domain_name: `callin-${name}.pstn.twilio.com` }));
    at.change.set('ListSipCredential', all('credentials', { username: 'callinabc123' }));
    at.change.set(
      'ListOriginationUrl',
      all('origination_urls', { sip_url: 'sip:sip.edge.example.com:5061;transport=tls' }),
    );
    for (const key of ['credential_lists', 'ip_access_control_lists']) {
      const operation = key === 'credential_lists' ? 'ListSipCredentialList' : 'ListSipIpAccessControlList';
      at.change.set(operation, all(key, { friendly_name: `callin-${name}` }));
    }
    for (const { keeping, wanted } of runs) {
      await ask(() => made.trunk.provision(wanted, keeping.run()));
      await ask(() => made.trunk.undo(keeping.run()));
    }

    expect(at.violations).toEqual([]);
    expect(invalid()).toEqual([]);
    const documented = documents.flatMap((one) => loadDocument(one).operations.map(({ id }) => id));
    expect([...called].toSorted()).toEqual(documented.toSorted());
  });
});

describe('Telnyx', () => {
  test('every operation', async () => {
    const document = loadDocument('telnyx-v2');
    mock = await startMock([document], '/v2');
    const at = mock;
    // trunk.ts of the adapter says why they are sent.
    at.excused.push('body.user_name is not documented', 'body.password is not documented');
    // The second of two ways to take a number off its connection.
    at.excused.push('body/connection_id: must be string');
    const stage = new Stage({ telnyx: { apiUrl: `${at.origin}/v2` } });
    const made = successOf(stage.providers.openTelnyx(API_KEY));
    const inventory = successOf(stage.providers.openTelnyxInventory({ apiKey: API_KEY, connectionId: '42' }));
    const called = new Set<string>();
    const ask = async (work: () => Promise<Outcome<unknown>>): Promise<void> => {
      outcomes.push(await work());
      for (const operation of at.operations) called.add(operation);
    };
    const id = '1293384261075731499';
    const number = { providerId: id, trunkId: '42', takeOver: true, record: null, save: async () => undefined };
    const record = { providerId: id, e164: '+19705555098' as E164, trunkId: '42', before: { connectionId: '' } };
    // Where an example's number is not one, or not the one of the other example.
    const e164 = '+19705555098';
    const numbered = (body: Json) => ({
      ...body,
      data: { ...body.data, phone_number: e164, status: 'active', connection_id: null },
    });
    at.change.set('RetrievePhoneNumber', numbered);

    await ask(() => made.numbers.check());
    await ask(() => made.numbers.list({ cursor: null, trunkId: null }));
    await ask(() => made.numbers.connect(number));
    at.change.set('RetrievePhoneNumber', (body) => ({ data: { ...numbered(body).data, connection_id: '42' } }));
    await ask(() => made.numbers.detach({ record, isUnsure: false }));

    const keeping = new Keeping('telnyx');
    await ask(() => made.trunk.provision(plan(), keeping.run()));
    at.change.set('ListCredentialConnections', dataWith({ connection_name: 'callin-acct-7k2m-out' }));
    at.change.set('GetOutboundVoiceProfile', (body) => ({ data: { ...body.data, connections_count: 0 } }));
    await ask(() => made.trunk.provision(plan(), keeping.run()));
    await ask(() => made.trunk.undo(keeping.run()));

    const fees = { currency: 'USD', setup: 3_210_000_000n, monthly: 6_540_000_000n };
    await ask(() => inventory.search({ country: 'US', type: 'local', areaCode: '970', limit: 5 }));
    const purchase = { reference: 'ord_1', e164: e164 as E164, type: 'local', feesShown: fees } as const;
    const line = { phone_numbers: [{ phone_number: e164 }], status: 'pending', requirements_met: true };
    at.change.set('CreateNumberOrder', (body) => ({ data: { ...body.data, ...line } }));
    at.change.set('RetrieveNumberOrder', (body) => ({ data: { ...body.data, ...line } }));
    await ask(() => inventory.order(purchase));
    at.change.set('RetrieveNumberOrder', (body) => ({ data: { ...body.data, ...line, requirements_met: false } }));
    await ask(() => inventory.order({ ...purchase, reference: 'ord_2' }));
    await ask(() => inventory.release({ providerId: id, e164: e164 as E164 }));

    expect(at.violations).toEqual([]);
    expect(invalid()).toEqual([]);
    expect([...called].toSorted()).toEqual(document.operations.map((operation) => operation.id).toSorted());
  });
});

/** Every item of a list of Twilio's with these fields. */
function all(key: string, fields: Json): (body: Json) => Json {
  return (body) => ({ ...body, [key]: body[key].map((item: Json) => ({ ...item, ...fields })) });
}

function dataWith(fields: Json): (body: Json) => Json {
  return (body) => ({ ...body, data: body.data.map((item: Json) => ({ ...item, ...fields })) });
}
