import { describe, expect, test } from 'vitest';
import { codeOf, failureOf, Keeping, plan, SIP_PASSWORD, successOf } from '../stage.ts';
import { checkDocument, telnyxStage } from './stage.ts';

// A SIP connection, both ways. What happens when a step fails is in test/providers/trunk.

checkDocument();

const STEPS = [
  'voice_profile',
  'connection',
  'fqdn',
  'connection_settings',
  'credential_connection',
  'check',
  'numbers',
];

describe('setting up', () => {
  test('makes profile, connection and target, sets them, reads them back; then numbers are connected', async () => {
    const { telnyx, account } = await telnyxStage();
    const { id } = telnyx.addNumber('+12025550100');
    const keeping = new Keeping('telnyx');
    const wanted = plan({ numbers: [{ providerId: id, takeOver: false }] });
    const ready = successOf(await account.trunk.provision(wanted, keeping.run()));

    const [profile] = telnyx.state.profiles.values();
    expect(profile).toMatchObject({
      name: 'callin-acct-7k2m',
      whitelisted_destinations: ['US', 'CA'],
      tags: ['callin'],
    });
    const [fqdn] = telnyx.state.fqdns.values();
    expect(fqdn).toMatchObject({ fqdn: 'sip.edge.example.com', port: 5061, dns_record_type: 'a' });
    const [connection] = telnyx.state.fqdnConnections.values();
    expect(connection).toMatchObject({
      connection_name: 'callin-acct-7k2m',
      transport_protocol: 'TLS',
      encrypted_media: null,
      user_name: 'callinabc123',
      password: SIP_PASSWORD,
      inbound: {
        ani_number_format: '+E.164',
        dnis_number_format: '+e164',
        codecs: ['G711U', 'G711A'],
        default_primary_fqdn_id: fqdn.id,
        default_routing_method: 'sequential',
      },
      outbound: { outbound_voice_profile_id: profile.id, ip_authentication_method: 'credential-authentication' },
    });
    expect(telnyx.state.credentialConnections.size).toBe(0);
    expect(telnyx.state.numbers.get(id).connection_id).toBe(connection.id);
    expect(ready).toMatchObject({
      trunkId: connection.id,
      outbound: { gateways: [{ host: 'sip.telnyx.com', port: 5061 }], transport: 'tls', username: 'callinabc123' },
      refused: [],
    });
    expect(ready.inbound.addresses).toContain('192.76.120.10');
    expect(keeping.record.phase).toBe('ready');
    expect(JSON.stringify(keeping.saved)).not.toContain(SIP_PASSWORD);
  });

  test('tells of every step, in the order that was announced', async () => {
    const { account } = await telnyxStage();
    const keeping = new Keeping('telnyx');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect(account.trunk.steps(plan())).toEqual(STEPS);
    const isUnneeded = (step: string) => step === 'credential_connection';
    expect(keeping.told).toEqual(
      STEPS.flatMap((step) => [`${step} started`, `${step} ${isUnneeded(step) ? 'found' : 'done'}`]),
    );
    expect(keeping.progress.every(({ text, steps }) => text !== '' && steps === STEPS.length)).toBe(true);
  });

  test('again finds everything and makes nothing', async () => {
    const { telnyx, account } = await telnyxStage();
    const keeping = new Keeping('telnyx');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    const made = telnyx.snapshot();
    const before = telnyx.changes.length;
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect(telnyx.snapshot()).toEqual(made);
    expect(telnyx.changes.slice(before)).toEqual(['UpdateFqdnConnection']);
  });

  test('takes a connection of the credential kind where the first does not take the credentials', async () => {
    const { telnyx, account } = await telnyxStage();
    telnyx.state.fqdnCredentials = false;
    const keeping = new Keeping('telnyx');
    const before = telnyx.snapshot();
    for (let times = 0; times < 2; times += 1) {
      successOf(await account.trunk.provision(plan(), keeping.run()));
      const [connection, ...more] = telnyx.state.credentialConnections.values();
      expect(more).toEqual([]);
      expect(connection).toMatchObject({
        connection_name: 'callin-acct-7k2m-out',
        user_name: 'callinabc123',
        password: SIP_PASSWORD,
        sip_uri_calling_preference: 'disabled',
        outbound: { outbound_voice_profile_id: [...telnyx.state.profiles.keys()][0] },
      });
    }
    expect(keeping.told).toContain('credential_connection done');
    successOf(await account.trunk.undo(keeping.run()));
    expect(telnyx.snapshot()).toEqual(before);
  });

  test('encrypted audio that Telnyx refuses together with TLS is said so; it never goes on in plain', async () => {
    const { telnyx, account } = await telnyxStage();
    const secure = plan({ mediaEncryption: 'required' });
    telnyx.state.encryptionWithTls = false;
    const keeping = new Keeping('telnyx');
    const failure = failureOf(await account.trunk.provision(secure, keeping.run()));
    expect(failure).toMatchObject({ code: 'encrypted_media_refused', fault: 'request', effect: 'none' });
    expect(telnyx.state.fqdnConnections.size).toBe(0);
    telnyx.state.encryptionWithTls = true;
    successOf(await account.trunk.provision(secure, keeping.run()));
    expect([...telnyx.state.fqdnConnections.values()][0]?.encrypted_media).toBe('SRTP');
  });

  test.each([
    [
      'an address instead of a name',
      { gateway: { host: '203.0.113.7', port: 5060, transport: 'udp' } },
      'gateway_address_invalid',
    ],
    [
      'addresses instead of a password',
      { outbound: { kind: 'addresses', addresses: ['203.0.113.7'] } },
      'setup_invalid',
    ],
  ] as const)('with %s is refused before anything is sent', async (_name, over, code) => {
    const { telnyx, account } = await telnyxStage();
    expect(codeOf(await account.trunk.provision(plan(over), new Keeping('telnyx').run()))).toBe(code);
    expect(telnyx.requests).toEqual([]);
  });

  test('what somebody changed by hand is put right', async () => {
    const { telnyx, account } = await telnyxStage();
    const keeping = new Keeping('telnyx');
    const { trunkId } = successOf(await account.trunk.provision(plan(), keeping.run()));
    const wanted = telnyx.snapshot();
    const connection = telnyx.state.fqdnConnections.get(trunkId);
    telnyx.state.fqdnConnections.set(trunkId, { ...connection, transport_protocol: 'UDP', inbound: {}, outbound: {} });
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect(telnyx.snapshot()).toEqual(wanted);
  });

  test('what Telnyx does not set is a failure, and no number moves', async () => {
    const { telnyx, account } = await telnyxStage();
    const { id } = telnyx.addNumber('+12025550100');
    telnyx.fail('UpdateFqdnConnection', { kind: 'refuse', answer: { status: 200, body: { data: {} } } });
    const keeping = new Keeping('telnyx');
    const wanted = plan({ numbers: [{ providerId: id, takeOver: false }] });
    const failure = failureOf(await account.trunk.provision(wanted, keeping.run()));
    expect(failure).toMatchObject({ code: 'setup_differs', detail: 'where calls are sent' });
    expect(telnyx.state.numbers.get(id).connection_id).toBeNull();
  });
});

describe('taking down', () => {
  test('puts numbers back and deletes what was made, and nothing else of like names', async () => {
    const { telnyx, account } = await telnyxStage();
    // Their filters find these, too.
    const foreign = telnyx.addConnection('callin-acct-7k2m-by-hand');
    telnyx.addConnection('Callin-Acct-7k2m');
    telnyx.addProfile('callin-acct-7k2m-by-hand');
    telnyx.addFqdn(foreign, 'sip.edge.example.com');
    const { id } = telnyx.addNumber('+12025550100', {
      connection_id: foreign,
      connection_name: 'callin-acct-7k2m-by-hand',
    });
    const before = telnyx.snapshot();
    const keeping = new Keeping('telnyx');
    const wanted = plan({ numbers: [{ providerId: id, takeOver: true }] });
    successOf(await account.trunk.provision(wanted, keeping.run()));
    successOf(await account.trunk.undo(keeping.run()));
    expect(telnyx.snapshot()).toEqual(before);
    expect(keeping.record.phase).toBe('undone');
    expect(telnyx.changes.slice(-4)).toEqual([
      'UpdatePhoneNumber',
      'DeleteFqdn',
      'DeleteFqdnConnection',
      'DeleteOutboundVoiceProfile',
    ]);
  });

  test('leaves a profile alone that somebody hung a connection of their own on', async () => {
    const { telnyx, account } = await telnyxStage();
    const keeping = new Keeping('telnyx');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    const [profile = ''] = telnyx.state.profiles.keys();
    const theirs = telnyx.addConnection('theirs', { outbound: { outbound_voice_profile_id: profile } });
    expect(failureOf(await account.trunk.undo(keeping.run()))).toMatchObject({ code: 'resource_in_use' });
    expect(telnyx.state.profiles.size).toBe(1);
    expect(telnyx.changes).not.toContain('DeleteOutboundVoiceProfile');
    telnyx.state.fqdnConnections.delete(theirs);
    successOf(await account.trunk.undo(keeping.run()));
    expect(telnyx.state.profiles.size).toBe(0);
  });
});
