import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CallOptions, OutgoingCall } from '../../src/phone/outgoing.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { header } from '../../src/phone/sip.ts';
import { decode, numberedAudio, strongestTone, tone } from '../../src/phone/tone.ts';
import { startOnEitherEngine } from '../support/either-engine.ts';
import type { RunningGateway } from '../support/gateway.ts';

// Whole calls through the whole gateway to its echo agent, by a phone with real sockets: what is heard, what is reported, what is
// billed, also where the other side does not behave.

const ECHO = '+12025550100';
const UNASSIGNED = '+12025550102';
const FRAME_BYTES = 160;
const SILENCE_TIMEOUT_MS = 1500;

interface Call {
  readonly id: string;
  readonly from: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly quality: Readonly<Record<string, number>> | null;
  readonly bill: {
    readonly final: boolean;
    readonly telephony: { readonly billedMs: number };
    readonly compute: { readonly billedMs: number };
    readonly evidence: { readonly endedBy: string | null };
  } | null;
}

let gateway: RunningGateway;
let callers = 0;
const phones: Phone[] = [];

beforeAll(async () => {
  gateway = await startOnEitherEngine({ config: { media: { silenceTimeoutMs: SILENCE_TIMEOUT_MS } } });
  await gateway.api('POST', '/v1/workspaces/demo/topups', { amount: '1000.00' });
});
afterAll(async () => void (await gateway?.stop()));
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
});

async function phone(): Promise<Phone> {
  const made = await createPhone({ seed: 11 });
  phones.push(made);
  return made;
}

/** Each call has a caller of its own, by which its record is found. */
async function dial(from: Phone, options: CallOptions = {}, number = ECHO): Promise<OutgoingCall & { caller: string }> {
  const caller = `+1202555${String(++callers).padStart(4, '0')}`;
  const call = await from.call(`sip:${number}@127.0.0.1:${gateway.sip.udpPort}`, { from: caller, ...options });
  return Object.assign(call, { caller });
}

async function answered(options: CallOptions = {}): Promise<OutgoingCall & { caller: string }> {
  const call = await dial(await phone(), options);
  await call.waitFor('answered');
  return call;
}

async function recordsOf(call: { caller: string }): Promise<readonly Call[]> {
  const answer = await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=50');
  return answer.body.items.filter((item) => item.from === call.caller);
}

async function finalRecord(call: { caller: string }, timeoutMs = 5000): Promise<Call> {
  await expect.poll(async () => (await recordsOf(call))[0]?.bill?.final, { timeout: timeoutMs }).toBe(true);
  return (await recordsOf(call))[0] as Call;
}

/** Frames of `heard` that are frames of `sent`, as indexes into `sent`, in the order of arrival. */
function framesHeard(sent: Buffer, heard: Buffer): number[] {
  const known = new Map<string, number>();
  for (let i = 0; i < sent.length; i += FRAME_BYTES)
    known.set(sent.toString('latin1', i, i + FRAME_BYTES), i / FRAME_BYTES);
  const indexes: number[] = [];
  for (let i = 0; i < heard.length; i += FRAME_BYTES) {
    const index = known.get(heard.toString('latin1', i, i + FRAME_BYTES));
    if (index !== undefined) indexes.push(index);
  }
  return indexes;
}

describe('audio', () => {
  test('what the caller says comes back byte for byte, every frame once and in order', async () => {
    const call = await answered({ startSequence: 65_500 });
    const audio = numberedAudio(100);
    await call.received.waitFor(10);
    await call.sendAudio(audio);
    await expect.poll(() => framesHeard(audio, call.received.audio).length).toBe(100);
    expect(framesHeard(audio, call.received.audio)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(call.received.lost).toBe(0);
    await call.bye();
  });

  test('a caller with A-law hears the same tone that it sent', async () => {
    const call = await answered({ codec: 'PCMA' });
    await call.sendAudio(tone({ frequencyHz: 850, durationMs: 1500, codec: 'PCMA' }));
    const second = call.received.audio.subarray(-8000 + 160);
    const heard = strongestTone(decode(second, 'PCMA'));
    expect(heard.frequencyHz).toBe(850);
    expect(heard.purity).toBeGreaterThan(0.95);
    await call.bye();
  });

  test('twelve calls at once each hear their own tone only', async () => {
    const calls = await Promise.all(Array.from({ length: 12 }, () => answered()));
    const frequencies = calls.map((_, index) => 400 + index * 200);
    await Promise.all(
      calls.map((call, index) => call.sendAudio(tone({ frequencyHz: frequencies[index] ?? 0, durationMs: 1500 }))),
    );
    const heard = calls.map((call) => strongestTone(decode(call.received.audio.subarray(-6400)), { stepHz: 10 }));
    expect(heard.map((one) => one.frequencyHz)).toEqual(frequencies);
    expect(Math.min(...heard.map((one) => one.purity))).toBeGreaterThan(0.95);
    await Promise.all(calls.map((call) => call.bye()));
  });

  test('what the caller gets runs at 50 packets a second with timestamps that never skip', async () => {
    const call = await answered();
    const atMs = performance.now();
    const before = call.received.packets.length;
    await call.sendAudio(numberedAudio(150));
    const expected = (performance.now() - atMs) / 20;
    const { packets } = call.received;
    expect(Math.abs(packets.length - before - expected)).toBeLessThan(15);
    const steps = packets.slice(1).map((packet, index) => (packet.timestamp - (packets[index]?.timestamp ?? 0)) >>> 0);
    expect(new Set(steps)).toEqual(new Set([160]));
    await call.bye();
  });

  test('audio that waited in the sockets while the gateway stood still for 150 ms is not taken for late', async () => {
    const call = await answered();
    const audio = numberedAudio(80);
    await call.received.waitFor(10);
    const sending = call.sendAudio(audio);
    await call.received.waitFor(30);
    process.kill(gateway.pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 150));
    process.kill(gateway.pid, 'SIGCONT');
    await sending;
    await expect.poll(() => framesHeard(audio, call.received.audio).length, { timeout: 3000 }).toBe(80);
    await call.bye();
  });

  test.each([
    { loss: 0.1 },
    { duplicate: 0.1 },
    { reorder: 0.1 },
    { loss: 0.03, duplicate: 0.05, reorder: 0.05, jitterMs: 25 },
  ])('the call record reports the impairment that was injected: %o', async (impairment) => {
    const call = await answered({ seed: 5 });
    await call.received.waitFor(10);
    call.rtp.impairment = impairment;
    await call.sendAudio(numberedAudio(150));
    call.rtp.impairment = {};
    await call.sendAudio(numberedAudio(10));
    const { lost, duplicated, overtaken } = call.rtp.injected;
    await call.bye();
    const { quality } = await finalRecord(call);
    expect(quality).toMatchObject({
      packetsLost: lost,
      packetsDuplicate: duplicated,
      packetsReordered: overtaken,
    });
  });
});

describe('signalling', () => {
  test('a copied INVITE is one call', async () => {
    const call = await answered({ retransmitInvite: 4 });
    await call.bye();
    await finalRecord(call);
    expect(await recordsOf(call)).toHaveLength(1);
  });

  test('a lost ACK brings the 200 again, and the call goes on', async () => {
    const call = await answered({ loseAck: 1 });
    await expect.poll(() => call.answerCopies, { timeout: 3000 }).toBeGreaterThan(0);
    expect((await call.bye()).status).toBe(200);
    expect(await finalRecord(call)).toMatchObject({ endReason: 'remote_hangup' });
  });

  test('hold silences the gateway, does not end the call by its media timeout, and resume brings the echo back', async () => {
    const call = await answered();
    await call.received.waitFor(5);
    const held = await call.hold('inactive');
    expect([held.status, /a=inactive/.test(held.body)]).toEqual([200, true]);
    const before = call.received.packets.length;
    await new Promise((resolve) => setTimeout(resolve, SILENCE_TIMEOUT_MS * 1.5));
    expect(call.state).toBe('answered');
    expect(call.received.packets.length - before).toBeLessThanOrEqual(2);
    expect((await call.resume()).status).toBe(200);
    const audio = numberedAudio(20);
    await call.sendAudio(audio);
    await expect.poll(() => framesHeard(audio, call.received.audio).length).toBe(20);
    await call.bye();
  });

  test('a caller that vanishes is hung up, and billed to its last packet', async () => {
    const call = await answered();
    await call.sendAudio(numberedAudio(50));
    const talkMs = performance.now() - (call.at.answered ?? 0);
    call.vanish();
    const record = await finalRecord(call, 10_000);
    expect(record).toMatchObject({ endReason: 'media_timeout', bill: { evidence: { endedBy: 'media' } } });
    expect(Math.abs((record.bill?.compute.billedMs ?? 0) - talkMs)).toBeLessThan(150);
  });

  test('a refused call carries its reason and can be acknowledged and forgotten', async () => {
    const call = await dial(await phone(), {}, UNASSIGNED);
    await call.waitFor('ended');
    expect(call.final?.status).toBe(480);
    expect(call.final && header(call.final, 'reason')).toBe('SIP;cause=480;text="number_unassigned"');
  });

  test('an offer without a codec of ours is refused with 488', async () => {
    const g729 = (sdp: string) => sdp.replace(/RTP\/AVP .*/, 'RTP/AVP 18').replace(/a=(rtpmap|fmtp).*\r\n/g, '');
    const call = await dial(await phone(), { sdp: g729 });
    await call.waitFor('ended');
    expect(call.final && [call.final.status, header(call.final, 'reason')]).toEqual([
      488,
      'SIP;cause=488;text="no_common_codec"',
    ]);
  });

  test('OPTIONS is answered with what is implemented', async () => {
    const response = await (await phone()).request('OPTIONS', `sip:127.0.0.1:${gateway.sip.udpPort}`);
    expect(response.status).toBe(200);
    expect(header(response, 'allow')).toContain('INVITE');
  });
});

test('a node that drains refuses new calls with 503, serves the live one to its end, and then stops', async () => {
  const draining = await startOnEitherEngine();
  const caller = await phone();
  const uri = `sip:${ECHO}@127.0.0.1:${draining.sip.udpPort}`;
  const live = await caller.call(uri);
  await live.waitFor('answered');
  const stopped = draining.stop();
  await draining.waitForLog((record) => record.msg === 'draining');
  const late = await caller.call(uri);
  await late.waitFor('ended');
  expect(late.final?.status).toBe(503);
  expect(late.final && Number(header(late.final, 'retry-after'))).toBeGreaterThan(0);
  const readiness = await draining.api('GET', '/readyz');
  expect(readiness).toMatchObject({ status: 503, body: { detail: 'Failing: accepting (the node is stopping)' } });
  expect(live.state).toBe('answered');
  expect((await live.bye()).status).toBe(200);
  expect(await stopped).toBe(0);
});
