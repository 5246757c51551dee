import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CallOptions, OutgoingCall } from '../../src/phone/outgoing.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { decode, numberedAudio, strongestTone } from '../../src/phone/tone.ts';
import { startOnEitherEngine } from '../support/either-engine.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { type SlowAgent, startSlowAgent } from '../support/slow-agent.ts';

// Offers and answers in unusual places, and audio before the answer, through the whole gateway: what is heard, and what the record says.

const ECHO = '+12025550100';
const UNASSIGNED = '+12025550102';
const FRAME_BYTES = 160;

interface Call {
  readonly id: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly timeline?: readonly { readonly event: string }[];
  readonly bill: { readonly final: boolean; readonly telephony: { readonly billedMs: number } } | null;
}

let gateway: RunningGateway;
let slow: SlowAgent;
let callers = 0;
const phones: Phone[] = [];

beforeAll(async () => {
  gateway = await startOnEitherEngine();
  slow = await startSlowAgent();
});
afterAll(async () => {
  await slow?.close();
  await gateway?.stop();
});
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
});

async function phone(): Promise<Phone> {
  const made = await createPhone({ seed: 23 });
  phones.push(made);
  return made;
}

async function dial(options: CallOptions = {}, number = ECHO): Promise<OutgoingCall & { caller: string }> {
  const caller = `+1202555${String(4000 + ++callers)}`;
  const call = await (await phone()).call(`sip:${number}@127.0.0.1:${gateway.sip.udpPort}`, {
    from: caller,
    ...options,
  });
  return Object.assign(call, { caller });
}

async function change(method: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await gateway.api<Record<string, unknown>>(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

async function finalRecord(caller: string): Promise<Call> {
  const find = async () => {
    const { body } = await gateway.api<{ items: (Call & { from: string })[] }>('GET', '/v1/calls?limit=50');
    return body.items.find(({ from }) => from === caller);
  };
  await expect.poll(async () => (await find())?.bill?.final, { timeout: 5_000 }).toBe(true);
  const found = await find();
  return (await gateway.api<Call>('GET', `/v1/calls/${found?.id}`)).body;
}

function framesHeard(sent: Buffer, heard: Buffer): number {
  const known = new Set<string>();
  for (let i = 0; i < sent.length; i += FRAME_BYTES) known.add(sent.toString('latin1', i, i + FRAME_BYTES));
  const seen = new Set<string>();
  for (let i = 0; i < heard.length; i += FRAME_BYTES) {
    const frame = heard.toString('latin1', i, i + FRAME_BYTES);
    if (known.has(frame)) seen.add(frame);
  }
  return seen.size;
}

describe('signalling 9: an INVITE without an offer', () => {
  test('gets ours in the 200, and audio flows after the answer in the ACK', async () => {
    const call = await dial({ sdp: null });
    await call.waitFor('answered');
    expect(call.remoteAudio?.payloadTypes).toEqual([0, 8, 101]);
    const audio = numberedAudio(40);
    await call.received.waitFor(5);
    await call.sendAudio(audio);
    await expect.poll(() => framesHeard(audio, call.received.audio)).toBe(40);
    await call.bye();
    expect(await finalRecord(call.caller)).toMatchObject({ state: 'ended', endReason: 'remote_hangup' });
  });

  test('whose answer has no codec of ours is hung up with the reason', async () => {
    const call = await dial({ sdp: null, codecs: [] });
    const bye = await call.waitForRequest('BYE');
    expect(bye.headers.find(([name]) => name === 'reason' || name === 'Reason')?.[1]).toMatch(
      /no_common_codec|bad_offer/,
    );
    expect((await finalRecord(call.caller)).endReason).toMatch(/no_common_codec|bad_offer/);
  });

  test('signalling 14: nor a re-INVITE needs one: the audio goes on', async () => {
    const call = await dial();
    await call.waitFor('answered');
    const refreshed = await call.reinvite(null);
    expect(refreshed.status).toBe(200);
    const audio = numberedAudio(30);
    await call.sendAudio(audio);
    await expect.poll(() => framesHeard(audio, call.received.audio)).toBe(30);
    await call.bye();
  });
});

describe('signalling 8: early media to the caller', () => {
  test('the ringing tone while the agent connects, unbilled', async () => {
    const agent = await change('POST', '/v1/agents', {
      workspaceId: 'demo',
      name: 'slow',
      stream: { url: slow.url, protocol: 'twilio' },
      readyTimeoutMs: 1_500,
    });
    await change('PATCH', '/v1/numbers/demo-0102', { agentId: agent['id'] });
    await change('PATCH', '/v1/trunks/loopback', { inbound: { earlyMedia: 'ringback' } });
    try {
      const call = await dial({}, UNASSIGNED);
      await call.waitFor('ringing');
      expect(call.provisionals.at(-1)).toMatchObject({ status: 183 });
      await call.received.waitFor(50);
      const heard = strongestTone(decode(call.received.audio.subarray(0, 50 * FRAME_BYTES)), { stepHz: 10 });
      expect([440, 480]).toContain(heard.frequencyHz);
      await call.waitFor('ended');
      expect(call.final?.status).toBe(480);
      const record = await finalRecord(call.caller);
      expect(record).toMatchObject({ endReason: 'agent_unreachable', bill: { telephony: { billedMs: 0 } } });
    } finally {
      await change('PATCH', '/v1/numbers/demo-0102', { agentId: null });
      await change('PATCH', '/v1/trunks/loopback', { inbound: { earlyMedia: 'off' } });
    }
  });

  test('goes over into the call: the agent is heard on the same stream', async () => {
    await change('PATCH', '/v1/trunks/loopback', { inbound: { earlyMedia: 'ringback' } });
    const call = await dial();
    await call.waitFor('answered');
    const audio = numberedAudio(30);
    await call.received.waitFor(5);
    await call.sendAudio(audio);
    await expect.poll(() => framesHeard(audio, call.received.audio)).toBe(30);
    expect(call.received.lost).toBe(0);
    await call.bye();
    await change('PATCH', '/v1/trunks/loopback', { inbound: { earlyMedia: 'off' } });
  });
});

describe('signalling 10: early media of a callee', () => {
  test('is heard by the agent where the trunk says so, and the call is billed from the 200', async () => {
    const callee = await phone();
    const trunk = await change('POST', '/v1/trunks', {
      workspaceId: 'demo',
      kind: 'byoc',
      label: 'early',
      inbound: { enabled: false, addresses: [] },
      outbound: {
        enabled: true,
        gateways: [{ host: '127.0.0.1', port: callee.port, priority: 1, weight: 1 }],
        transport: 'udp',
        allowedCountries: 'worldwide',
        earlyMedia: 'agent',
      },
    });
    await change('POST', '/v1/numbers', {
      workspaceId: 'demo',
      e164: '+12025550118',
      provider: 'byoc',
      trunkId: trunk['id'],
      agentId: 'echo',
      supportsInbound: false,
      supportsOutbound: true,
    });
    const ringing = callee.waitForCall();
    const placed = await change('POST', '/v1/calls', { workspaceId: 'demo', from: '+12025550118', to: '+12025550155' });
    const call = await ringing;
    await call.progress();
    call.rtp.start();
    // Ours comes once the 183 has arrived; what is sent before that is lost.
    await call.received.waitFor(3);
    const announcement = numberedAudio(40);
    await call.sendAudio(announcement);
    await expect.poll(() => framesHeard(announcement, call.received.audio)).toBe(40);
    const early = (await gateway.api<Call>('GET', `/v1/calls/${placed['id']}`)).body;
    expect([early.state, early.bill?.telephony.billedMs]).toEqual(['ringing', 0]);
    await call.answer();
    const audio = numberedAudio(40).subarray(20 * FRAME_BYTES);
    await call.sendAudio(audio);
    await expect
      .poll(async () => (await gateway.api<Call>('GET', `/v1/calls/${placed['id']}`)).body.state)
      .toBe('answered');
    await call.bye();
    await expect
      .poll(async () => (await gateway.api<Call>('GET', `/v1/calls/${placed['id']}`)).body)
      .toMatchObject({ state: 'ended', endReason: 'remote_hangup', bill: { final: true } });
  });
});
