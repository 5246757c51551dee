import { describe, expect, test } from 'vitest';
import { codeOf, failureOf, Keeping, plan, SIP_PASSWORD, successOf } from '../stage.ts';
import { checkDocuments, twilioStage } from './stage.ts';

// An Elastic SIP trunk, both ways. What happens when a step fails is in test/providers/trunk.

checkDocuments();

const addresses = { kind: 'addresses', addresses: ['203.0.113.7', '198.51.100.0/28'] } as const;

describe('setting up', () => {
  test('makes a trunk, who may call out, and where calls go; then numbers are connected', async () => {
    const { twilio, account } = await twilioStage();
    const { sid } = twilio.addNumber('+12025550100');
    const keeping = new Keeping('twilio');
    const wanted = plan({ numbers: [{ providerId: sid, takeOver: false }] });
    const ready = successOf(await account.trunk.provision(wanted, keeping.run()));

    const [trunk] = twilio.state.trunks.values();
    expect(trunk).toMatchObject({ domainName: 'callin-acct-7k2m.pstn.twilio.com', secure: false });
    const [url] = trunk?.originationUrls.values() ?? [];
    expect(url).toMatchObject({ sip_url: 'sip:sip.edge.example.com:5061;transport=tls', enabled: true });
    const [[listSid, list] = []] = [...twilio.state.credentialLists];
    expect([...(list?.credentials.values() ?? [])]).toEqual([{ username: 'callinabc123', password: SIP_PASSWORD }]);
    expect(trunk?.credentialLists).toEqual(new Set([listSid]));
    expect(twilio.state.numbers.get(sid).trunk_sid).toBe(trunk?.sid);

    expect(ready).toMatchObject({
      trunkId: trunk?.sid,
      inbound: { mediaEncryption: 'off' },
      outbound: {
        gateways: [{ host: 'callin-acct-7k2m.pstn.twilio.com', port: 5061, priority: 10, weight: 10 }],
        transport: 'tls',
        mediaEncryption: 'off',
        username: 'callinabc123',
      },
      refused: [],
    });
    expect(ready.inbound.addresses).toContain('54.172.60.0/30');
    expect(ready.numbers.map(({ record }) => record.e164)).toEqual(['+12025550100']);
    expect(keeping.record.phase).toBe('ready');
    expect(JSON.stringify(keeping.saved)).not.toContain(SIP_PASSWORD);
  });

  test('tells of every step, in the order that was announced', async () => {
    const { account } = await twilioStage();
    const keeping = new Keeping('twilio');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    const steps = [
      'trunk',
      'credential_list',
      'credential',
      'credential_list_link',
      'origination_url',
      'check',
      'numbers',
    ];
    expect(account.trunk.steps(plan())).toEqual(steps);
    expect(keeping.told).toEqual(steps.flatMap((step) => [`${step} started`, `${step} done`]));
    expect(keeping.progress.map(({ position }) => position)).toEqual(
      steps.flatMap((_, index) => [index + 1, index + 1]),
    );
  });

  test('again finds everything and makes nothing', async () => {
    const { twilio, account } = await twilioStage();
    const keeping = new Keeping('twilio');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    const made = twilio.snapshot();
    const before = twilio.changes.length;
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect(twilio.snapshot()).toEqual(made);
    // The password cannot be compared, so it is set.
    expect(twilio.changes.slice(before)).toEqual(['UpdateSipCredential']);
  });

  test('with our addresses instead of a password makes an address list', async () => {
    const { twilio, account } = await twilioStage();
    const keeping = new Keeping('twilio');
    const wanted = plan({ outbound: addresses });
    const ready = successOf(await account.trunk.provision(wanted, keeping.run()));
    const [list] = twilio.state.addressLists.values();
    expect([...(list?.addresses.values() ?? [])].map(({ ip, prefix }) => [ip, prefix])).toEqual([
      ['203.0.113.7', 32],
      ['198.51.100.0', 28],
    ]);
    expect(twilio.state.credentialLists.size).toBe(0);
    expect(ready.outbound.username).toBeNull();
    expect(account.trunk.steps(wanted)).toContain('address_list_link');
  });

  test('encrypted audio makes it secure, and is refused without TLS before anything is sent', async () => {
    const { twilio, account } = await twilioStage();
    const secure = plan({ mediaEncryption: 'required' });
    successOf(await account.trunk.provision(secure, new Keeping('twilio').run()));
    expect([...twilio.state.trunks.values()][0]?.secure).toBe(true);
    const before = twilio.requests.length;
    const plain = plan({ ...secure, gateway: { ...secure.gateway, transport: 'udp' } });
    expect(codeOf(await account.trunk.provision(plain, new Keeping('twilio').run()))).toBe('encrypted_media_refused');
    expect(twilio.requests).toHaveLength(before);
  });

  test.each([
    ['400 with a word about the domain', { status: 400, code: 21245, message: 'The domain name is not available' }],
    ['409', { status: 409, code: 20409, message: 'Conflict' }],
  ])('takes another name where ours is taken, answered with %s', async (_name, answer) => {
    const { twilio, account } = await twilioStage();
    twilio.state.takenDomains.add('callin-acct-7k2m.pstn.twilio.com');
    twilio.state.domainTakenAnswer = answer;
    const keeping = new Keeping('twilio');
    const ready = successOf(await account.trunk.provision(plan(), keeping.run()));
    const [trunk] = twilio.state.trunks.values();
    expect(trunk?.domainName).toMatch(/^callin-acct-7k2m-[0-9a-z]{6}\.pstn\.twilio\.com$/);
    expect(ready.outbound.gateways[0]?.host).toBe(trunk?.domainName);
    // And finds it again by that.
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect(twilio.state.trunks.size).toBe(1);
    successOf(await account.trunk.undo(keeping.run()));
    expect(twilio.state.trunks.size).toBe(0);
  });

  test('a key that may not manage credential lists says so, at that step', async () => {
    const { twilio, account } = await twilioStage();
    twilio.deny.add('sip_lists');
    const keeping = new Keeping('twilio');
    expect(codeOf(await account.trunk.provision(plan(), keeping.run()))).toBe('permission_sip_lists');
    expect(keeping.progress.at(-1)).toMatchObject({ step: 'credential_list', state: 'failed' });
  });

  test('a trial account that has its one trunk says so', async () => {
    const { twilio, account } = await twilioStage();
    twilio.state.type = 'Trial';
    twilio.addTrunk('mine.pstn.twilio.com');
    const keeping = new Keeping('twilio');
    const failure = failureOf(await account.trunk.provision(plan(), keeping.run()));
    expect(failure).toMatchObject({ code: 'trial_limit', fault: 'account', retry: 'after_change', effect: 'none' });
    expect(keeping.record.steps['trunk']).toMatchObject({ status: 'failed', created: false, failure: 'trial_limit' });
    expect(keeping.record.phase).toBe('stopped');
  });

  test('numbers that cannot be connected do not keep the others from it', async () => {
    const { twilio, account } = await twilioStage();
    const good = twilio.addNumber('+12025550100');
    const used = twilio.addNumber('+12025550101', { voice_url: 'https://pbx.example/in' });
    const mute = twilio.addNumber('+12025550102', { capabilities: { voice: false } });
    const keeping = new Keeping('twilio');
    const numbers = [used, mute, good].map(({ sid }) => ({ providerId: sid, takeOver: false }));
    const ready = successOf(await account.trunk.provision(plan({ numbers }), keeping.run()));
    expect(ready.numbers.map(({ record }) => record.providerId)).toEqual([good.sid]);
    expect(ready.refused.map(({ providerId, failure }) => [providerId, failure.code]).toSorted()).toEqual(
      [
        [used.sid, 'number_in_use_elsewhere'],
        [mute.sid, 'number_no_voice'],
      ].toSorted(),
    );
    expect(keeping.record.numbers[used.sid]).toMatchObject({ status: 'failed', failure: 'number_in_use_elsewhere' });
    expect(twilio.state.numbers.get(used.sid).trunk_sid).toBeNull();
  });

  test('what was changed by hand is found: an address list beside the credentials would refuse calls', async () => {
    const { twilio, account } = await twilioStage();
    const keeping = new Keeping('twilio');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    twilio.state.addressLists.set(`AL${'a'.repeat(32)}`, { name: 'by hand', addresses: new Map() });
    for (const trunk of twilio.state.trunks.values()) trunk.addressLists.add(`AL${'a'.repeat(32)}`);
    const failure = failureOf(await account.trunk.provision(plan(), keeping.run()));
    expect(failure).toMatchObject({
      code: 'setup_differs',
      detail: 'calls out have to satisfy a list of credentials and one of addresses',
    });
  });

  test('what was deleted by hand is made again', async () => {
    const { twilio, account } = await twilioStage();
    const keeping = new Keeping('twilio');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    twilio.state.credentialLists.clear();
    for (const trunk of twilio.state.trunks.values()) trunk.credentialLists.clear();
    for (const trunk of twilio.state.trunks.values()) trunk.originationUrls.clear();
    successOf(await account.trunk.provision(plan(), keeping.run()));
    const [trunk] = twilio.state.trunks.values();
    expect([trunk?.credentialLists.size, trunk?.originationUrls.size]).toEqual([1, 1]);
  });
});

describe('taking down', () => {
  test('puts numbers back and deletes what was made, and nothing else', async () => {
    const { twilio, account } = await twilioStage();
    const foreign = twilio.addTrunk('callin-acct-7k2m-other.pstn.twilio.com');
    twilio.addCredentialList('callin-acct-7k2m-other');
    const { sid } = twilio.addNumber('+12025550100', { trunk_sid: foreign });
    twilio.addNumber('+12025550101', { voice_url: 'https://pbx.example/in' });
    const before = twilio.snapshot();
    const keeping = new Keeping('twilio');
    const wanted = plan({ numbers: [{ providerId: sid, takeOver: true }] });
    successOf(await account.trunk.provision(wanted, keeping.run()));
    successOf(await account.trunk.undo(keeping.run()));
    expect(twilio.snapshot()).toEqual(before);
    expect(keeping.record.phase).toBe('undone');
    expect(keeping.record.numbers[sid]?.status).toBe('undone');
    successOf(await account.trunk.undo(keeping.run()));
    expect(twilio.snapshot()).toEqual(before);
  });

  test('can be followed by setting up again', async () => {
    const { twilio, account } = await twilioStage();
    const { sid } = twilio.addNumber('+12025550100');
    const before = twilio.snapshot();
    const keeping = new Keeping('twilio');
    const wanted = plan({ numbers: [{ providerId: sid, takeOver: false }] });
    for (let round = 0; round < 2; round += 1) {
      successOf(await account.trunk.provision(wanted, keeping.run()));
      expect(twilio.state.numbers.get(sid).trunk_sid).not.toBeNull();
      successOf(await account.trunk.undo(keeping.run()));
      expect(twilio.snapshot()).toEqual(before);
    }
  });

  test('a number that somebody put on our trunk by hand stops it before the trunk is deleted', async () => {
    const { twilio, account } = await twilioStage();
    const { sid } = twilio.addNumber('+12025550100');
    const keeping = new Keeping('twilio');
    const { trunkId } = successOf(await account.trunk.provision(plan(), keeping.run()));
    twilio.state.numbers.set(sid, { ...twilio.state.numbers.get(sid), trunk_sid: trunkId });
    const failure = failureOf(await account.trunk.undo(keeping.run()));
    expect(failure.code).toBe('resource_in_use');
    expect(keeping.record.steps['trunk']).toMatchObject({ status: 'done', failure: 'resource_in_use' });
    twilio.state.numbers.set(sid, { ...twilio.state.numbers.get(sid), trunk_sid: null });
    successOf(await account.trunk.undo(keeping.run()));
    expect(twilio.state.trunks.size).toBe(0);
  });
});
