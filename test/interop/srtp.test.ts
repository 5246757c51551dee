import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { CERTIFICATE, LACK, securely } from '../sip-engine/support/secure-transport.ts';
import { ForeignSrtp, type ForeignSuite } from '../support/foreign-srtp.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { contactOf, type RawMessage, RawSipPeer, requestText, responseText } from '../support/raw-sip-peer.ts';
import { type Keyed, keysIn, portIn, SecureAudio } from '../support/secure-audio.ts';

// Encrypted audio through the whole gateway: SIP over TLS from a peer that says every byte, SRTP of an implementation that shares nothing with
// ours, and every datagram that the gateway sends kept and looked at.

const NUMBER = '+12025550100';
const OWN_NUMBER = '+12025550188';
const SUITES: readonly ForeignSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AEAD_AES_128_GCM',
  'AEAD_AES_256_GCM',
];
const KEY_BYTES: Readonly<Record<ForeignSuite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AEAD_AES_128_GCM: 28,
  AEAD_AES_256_GCM: 44,
};

interface CallView {
  readonly id: string;
  readonly from: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly sipStatus: number | null;
  readonly answeredAt: string | null;
  readonly timeline: readonly { readonly event: string; readonly detail?: { readonly suite?: string } }[];
  readonly quality: { readonly packetsDropped: number; readonly packetsReceived: number } | null;
}

let folder: string;
let gateway: RunningGateway;
let ports: { sipTls: number; sipUdp: number };
const lines: string[] = [];
const secrets: string[] = [];
const peers: RawSipPeer[] = [];
const audios: SecureAudio[] = [];
let calls = 0;

beforeAll(async () => {
  if (LACK !== '') return;
  folder = mkdtempSync(join(tmpdir(), 'callin-srtp-'));
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.cert, CERTIFICATE.cert);
  writeFileSync(files.key, CERTIFICATE.key);
  const sip = { tlsPort: 0, tls: { ...files, ca: files.cert } };
  gateway = await startGateway({
    config: { sip, log: { level: 'debug' } },
    onLine: (line) => void lines.push(line),
  });
  ports = (await gateway.api<{ ports: typeof ports }>('GET', '/v1/node')).body.ports;
  await change('PATCH', '/v1/trunks/loopback', { inbound: { mediaEncryption: 'required' } });
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
  for (const audio of audios.splice(0)) audio.close();
});
afterAll(async () => {
  await gateway?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function change(method: string, path: string, body: unknown): Promise<{ id: string }> {
  const answer = await gateway.api<{ id: string }>(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

function newKey(suite: ForeignSuite): Keyed {
  const key = randomBytes(KEY_BYTES[suite]).toString('base64');
  secrets.push(key);
  return { suite, key };
}

function sdpOf(port: number, keyed: readonly Keyed[], change: { protocol?: string; direction?: string } = {}): string {
  const { protocol = 'RTP/SAVP', direction = 'sendrecv' } = change;
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} ${protocol} 0`,
    ...keyed.map(({ suite, key }, index) => `a=crypto:${index + 1} ${suite} inline:${key}|2^31`),
    `a=${direction}`,
    '',
  ].join('\r\n');
}

/** A call into the gateway, up to its answer or refusal. */
async function dial(sdp: string, over: 'tls' | 'udp' = 'tls') {
  const peer = over === 'tls' ? await RawSipPeer.tls(ports.sipTls, CERTIFICATE.cert) : await RawSipPeer.udp();
  peers.push(peer);
  const port = over === 'tls' ? ports.sipTls : ports.sipUdp;
  const caller = `+1202555${5000 + ++calls}`;
  let sequence = 0;
  let to = `<sip:${NUMBER}@127.0.0.1>`;
  const request = (method: string, body = '', number = ++sequence) =>
    peer.send(
      requestText(peer, {
        method,
        uri: `sip:${NUMBER}@127.0.0.1:${port}`,
        callId: `srtp-${calls}`,
        from: `<sip:${caller}@127.0.0.1>;tag=a`,
        to,
        sequence: number,
        branch: `z9hG4bK${method}${number}-${calls}`,
        contact: contactOf(peer, caller),
        body,
      }),
      port,
    );
  const final = async (): Promise<RawMessage> => {
    const answer = await peer.next(
      ({ status = 0, text }) => status >= 200 && text.includes(`CSeq: ${sequence} INVITE`),
      10_000,
    );
    to = answer.header('To');
    const acked = sequence;
    request('ACK', '', acked);
    return answer;
  };
  request('INVITE', sdp);
  const answer = await final();
  return {
    answer,
    peer,
    async reinvite(body: string): Promise<RawMessage> {
      request('INVITE', body);
      return await final();
    },
    bye: () => request('BYE'),
    record: () => recordOf(caller),
  };
}

async function recordOf(from: string): Promise<CallView> {
  const find = async () =>
    (await gateway.api<{ items: CallView[] }>('GET', '/v1/calls?limit=50')).body.items.find(
      (each) => each.from === from,
    );
  await expect.poll(async () => (await find())?.state, { timeout: 5_000 }).toBe('ended');
  return (await gateway.api<CallView>('GET', `/v1/calls/${(await find())?.id}`)).body;
}

async function openAudio(): Promise<SecureAudio> {
  const audio = await SecureAudio.open();
  audios.push(audio);
  return audio;
}

const srtpOf = ({ suite, key }: Keyed) => new ForeignSrtp(suite, key);

function ourKey(sdp: string): Keyed {
  const [keyed] = keysIn(sdp);
  if (keyed === undefined) throw new Error(`no key in ${sdp}`);
  secrets.push(keyed.key);
  return keyed;
}

async function rejectedPackets(): Promise<number> {
  return Number(/^callin_srtp_rejected_total (\d+)/m.exec(await gateway.metrics())?.[1]);
}

describe(`media 5: a carrier's call over SRTP${LACK}`, () => {
  securely.for(SUITES)('%s: audio goes and comes back, and nothing leaves in clear', async (suite) => {
    const audio = await openAudio();
    const theirs = newKey(suite);
    const call = await dial(sdpOf(audio.port, [theirs]));
    const sdp = call.answer.body;
    expect([call.answer.status, /RTP\/SAVP/.test(sdp)]).toEqual([200, true]);
    const ears = srtpOf(ourKey(sdp));
    await audio.say(0x2a, 25, portIn(sdp), srtpOf(theirs));
    await expect.poll(() => audio.heard(0x2a, ears)).toBeGreaterThan(20);
    expect(audio.opened(ears)).not.toContain(null);
    call.bye();
    const record = await call.record();
    expect(record).toMatchObject({ endReason: 'remote_hangup' });
    expect(record.timeline.find(({ event }) => event === 'audio_encrypted')?.detail).toEqual({ suite });
    // The report at the end.
    await expect.poll(() => audio.rtcp.length).toBeGreaterThan(0);
    for (const report of audio.rtcp) expect(ears.unprotectReport(report)?.length).toBeGreaterThan(8);
  });

  securely(
    'hold, resume and new keys; a re-INVITE that takes encryption away is refused and changes nothing',
    async () => {
      const audio = await openAudio();
      const suite = 'AES_CM_128_HMAC_SHA1_80';
      const theirs = newKey(suite);
      const call = await dial(sdpOf(audio.port, [theirs]));
      const port = portIn(call.answer.body);
      const ours = ourKey(call.answer.body);
      const ears = srtpOf(ours);
      await audio.say(0x21, 10, port, srtpOf(theirs));
      const hold = await call.reinvite(sdpOf(audio.port, [theirs], { direction: 'sendonly' }));
      expect(hold.body).toContain('a=recvonly');
      expect(ourKey(hold.body)).toMatchObject(ours);
      const resumed = await call.reinvite(sdpOf(audio.port, [theirs]));
      expect(ourKey(resumed.body)).toMatchObject(ours);
      await audio.say(0x22, 15, port, srtpOf(theirs));
      await expect.poll(() => audio.heard(0x22, ears)).toBeGreaterThan(10);

      const downgrade = await call.reinvite(sdpOf(audio.port, [], { protocol: 'RTP/AVP' }));
      expect(downgrade.status).toBe(488);
      await audio.say(0x23, 15, port, srtpOf(theirs));
      await expect.poll(() => audio.heard(0x23, ears)).toBeGreaterThan(10);

      const next = newKey(suite);
      const rekeyed = await call.reinvite(sdpOf(audio.port, [next]));
      expect(rekeyed.status).toBe(200);
      await audio.say(0x24, 15, port, srtpOf(next));
      await expect.poll(() => audio.heard(0x24, srtpOf(ourKey(rekeyed.body)))).toBeGreaterThan(10);
      expect(audio.opened(ears)).not.toContain(null);
      call.bye();
      expect((await call.record()).timeline.filter(({ event }) => event === 'reoffer_refused')).toHaveLength(1);
    },
  );

  securely('a wrong key is silence, counted and told; so is audio in clear', async () => {
    const audio = await openAudio();
    const theirs = newKey('AEAD_AES_128_GCM');
    const call = await dial(sdpOf(audio.port, [theirs]));
    const before = await rejectedPackets();
    await audio.say(0x25, 15, portIn(call.answer.body), srtpOf(newKey('AEAD_AES_128_GCM')));
    await audio.say(0x26, 10, portIn(call.answer.body), null);
    const ears = srtpOf(ourKey(call.answer.body));
    expect(audio.heard(0x25, ears) + audio.heard(0x26, ears)).toBe(0);
    await expect.poll(rejectedPackets).toBe(before + 25);
    call.bye();
    const record = await call.record();
    expect(record.timeline.filter(({ event }) => event === 'audio_not_authentic')).toHaveLength(1);
    expect(record.timeline.map(({ event }) => event)).not.toContain('first_packet');
    expect(record.quality).toMatchObject({ packetsReceived: 0, packetsDropped: 25 });
  });

  securely.for([
    ['plain audio', 'RTP/AVP', 0, 'tls', 'encryption_mismatch'],
    ['SRTP without keys', 'RTP/SAVP', 0, 'tls', 'encryption_mismatch'],
    ['SRTP with keys that came over UDP', 'RTP/SAVP', 1, 'udp', 'keys_in_clear'],
  ] as const)(
    'required: %s is refused with 488, and no packet is sent',
    async ([, protocol, keyCount, over, reason]) => {
      const audio = await openAudio();
      const keyed = keyCount === 0 ? [] : [newKey('AES_CM_128_HMAC_SHA1_80')];
      const call = await dial(sdpOf(audio.port, keyed, { protocol }), over);
      expect(call.answer.status).toBe(488);
      expect(call.answer.header('Reason')).toContain(reason);
      expect(await call.record()).toMatchObject({ endReason: reason, sipStatus: 488, answeredAt: null });
      expect([audio.rtp.length, audio.rtcp.length]).toEqual([0, 0]);
    },
  );
});

describe(`media 5: a call to a carrier over SRTP${LACK}`, () => {
  let carrier: Awaited<ReturnType<typeof RawSipPeer.tlsListener>> | undefined;
  let trunkId: string;

  beforeAll(async () => {
    if (LACK !== '') return;
    carrier = await RawSipPeer.tlsListener(CERTIFICATE);
    const trunk = await change('POST', '/v1/trunks?check=none', {
      workspaceId: 'demo',
      label: 'encrypted',
      outbound: {
        enabled: true,
        transport: 'tls',
        mediaEncryption: 'required',
        gateways: [{ host: 'localhost', port: carrier.port }],
        allowedCountries: ['US'],
      },
    });
    trunkId = trunk.id;
    await change('POST', '/v1/numbers', { workspaceId: 'demo', e164: OWN_NUMBER, trunkId, agentId: 'echo' });
  });
  afterAll(async () => {
    if (carrier === undefined) return;
    await (await carrier.accepted).close();
    await carrier.close();
  });

  const place = () => change('POST', '/v1/calls', { workspaceId: 'demo', from: OWN_NUMBER, to: '+12025550155' });

  /** The INVITE, whatever else the gateway asks on the connection meanwhile. */
  async function invited(): Promise<{ peer: RawSipPeer; invite: RawMessage; port: number }> {
    if (carrier === undefined) throw new Error('no carrier listens');
    const peer = await carrier.accepted;
    return { peer, invite: await peer.next('INVITE', 10_000), port: carrier.port };
  }

  securely('required: RTP/SAVP with keys over TLS, audio both ways, and nothing in clear', async () => {
    const audio = await openAudio();
    const { id } = await place();
    const { peer, invite, port } = await invited();
    expect(invite.body).toContain('RTP/SAVP');
    const offered = keysIn(invite.body);
    secrets.push(...offered.map(({ key }) => key));
    expect(offered.map(({ suite }) => suite).toSorted()).toEqual(SUITES.toSorted());
    const taken = offered.find(({ suite }) => suite === 'AES_CM_128_HMAC_SHA1_80');
    const theirs = newKey('AES_CM_128_HMAC_SHA1_80');
    const body = sdpOf(audio.port, [theirs]).replace('a=crypto:1', `a=crypto:${taken?.tag}`);
    peer.send(responseText(peer, invite, 200, { toTag: 'b', body }), port);
    await peer.next('ACK');
    const ears = srtpOf(taken ?? theirs);
    await audio.say(0x31, 25, portIn(invite.body), srtpOf(theirs));
    await expect.poll(() => audio.heard(0x31, ears)).toBeGreaterThan(20);
    expect(audio.opened(ears)).not.toContain(null);
    await gateway.api('POST', `/v1/calls/${id}/hangup`);
    const bye = await peer.next('BYE');
    peer.send(responseText(peer, bye, 200), port);
    await expect.poll(() => audio.rtcp.length).toBeGreaterThan(0);
    for (const report of audio.rtcp) expect(ears.unprotectReport(report)).not.toBeNull();
  });

  securely('required: an answer that drops encryption ends the call, and no packet is sent', async () => {
    const audio = await openAudio();
    const { id } = await place();
    const { peer, invite, port } = await invited();
    secrets.push(...keysIn(invite.body).map(({ key }) => key));
    const body = sdpOf(audio.port, [], { protocol: 'RTP/AVP' });
    peer.send(responseText(peer, invite, 200, { toTag: 'c', body }), port);
    await peer.next('ACK');
    const bye = await peer.next('BYE');
    expect(bye.header('Reason')).toContain('encryption_mismatch');
    peer.send(responseText(peer, bye, 200), port);
    const find = async () => (await gateway.api<CallView>('GET', `/v1/calls/${id}`)).body;
    await expect.poll(async () => (await find()).endReason).toBe('encryption_mismatch');
    expect((await find()).answeredAt).toBeNull();
    expect([audio.rtp.length, audio.rtcp.length]).toEqual([0, 0]);
  });

  securely('security 9: no key is in a log line, a ladder, a call record or the metrics', async () => {
    const { items } = (await gateway.api<{ items: CallView[] }>('GET', '/v1/calls?limit=50')).body;
    const seen = [lines.join('\n'), await gateway.metrics()];
    for (const { id } of items) {
      seen.push(JSON.stringify((await gateway.api('GET', `/v1/calls/${id}`)).body));
      seen.push(JSON.stringify((await gateway.api('GET', `/v1/calls/${id}/ladder`)).body));
    }
    expect(secrets.length).toBeGreaterThan(15);
    expect(items.length).toBeGreaterThan(8);
    const text = seen.join('\n');
    expect(text).toContain('a=crypto:1');
    for (const secret of secrets) expect(text).not.toContain(secret.slice(0, 12));
  });
});
