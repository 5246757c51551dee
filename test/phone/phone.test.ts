import { afterEach, describe, expect, test } from 'vitest';
import { createPhone, type Phone, type PhoneOptions } from '../../src/phone/phone.ts';
import { header } from '../../src/phone/sip.ts';
import { align, decode, numberedAudio, strongestTone, tone } from '../../src/phone/tone.ts';

// The phone is what other tests believe, so it is tested against itself here and against sipp in test/interop.

const FAST = { t1Ms: 20, t2Ms: 80 };
const phones: Phone[] = [];

afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
});

async function pair(caller: PhoneOptions = {}, called: PhoneOptions = {}): Promise<[Phone, Phone]> {
  const made = await Promise.all([createPhone({ seed: 1, ...caller }), createPhone({ seed: 2, ...called })]);
  phones.push(...made);
  return made;
}

describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
  test('a call rings, is answered, carries audio byte for byte and ends with the BYE of the caller', async () => {
    const [caller, called] = await pair({ transport }, { transport });
    called.onCall(async (call) => {
      call.ring();
      await call.answer();
    });
    const call = await caller.call(called.uri, { idle: 'none' });
    await call.waitFor('answered');
    const other = await called.waitForCall();
    const audio = numberedAudio(10);
    await call.sendAudio(audio);
    await other.received.waitFor(10);
    expect(other.received.audio).toEqual(audio);
    expect((await call.bye()).status).toBe(200);
    await other.waitFor('ended');
    expect(other.end).toMatchObject({ by: 'remote', how: 'bye' });
  });

  test('the called side may end the call too', async () => {
    const [caller, called] = await pair({ transport }, { transport });
    called.onCall((call) => call.answer());
    const call = await caller.call(called.uri);
    await call.waitFor('answered');
    await (await called.waitForCall()).bye();
    await call.waitFor('ended');
    expect(call.end).toMatchObject({ by: 'remote', how: 'bye' });
  });

  test('CANCEL while ringing ends in 487 on both sides', async () => {
    const [caller, called] = await pair({ transport }, { transport });
    called.onCall((call) => call.ring());
    const call = await caller.call(called.uri);
    await call.waitFor('ringing');
    call.cancel();
    await call.waitFor('ended');
    expect([call.final?.status, call.end?.how]).toEqual([487, 'cancel']);
    expect((await called.waitForCall()).end).toMatchObject({ by: 'remote', how: 'cancel' });
  });
});

test('a refusal ends the call with its status and headers', async () => {
  const [caller, called] = await pair();
  called.onCall((call) => call.reject(486, [['Reason', 'SIP;cause=486;text="busy"']]));
  const call = await caller.call(called.uri);
  await call.waitFor('ended');
  expect(call.final && [call.final.status, header(call.final, 'reason')]).toEqual([486, 'SIP;cause=486;text="busy"']);
  await expect(call.waitFor('answered')).rejects.toThrow('ended before answered: 486');
});

test('a redirect carries the new contact', async () => {
  const [caller, called] = await pair();
  called.onCall((call) => call.redirect('sip:other@127.0.0.1:9'));
  const call = await caller.call(called.uri);
  await call.waitFor('ended');
  expect(call.final && header(call.final, 'contact')).toBe('<sip:other@127.0.0.1:9>');
});

test.each(['MD5', 'SHA-256'] as const)(
  'a carrier that challenges with %s accepts the right password only',
  async (algorithm) => {
    const [caller, called] = await pair();
    const challenge = { realm: 'carrier.example', nonce: 'n1', algorithm };
    called.onCall(async (call) => {
      if (call.authenticate(challenge, { username: 'u', password: 'right' })) await call.answer();
    });
    const good = await caller.call(called.uri, { auth: { username: 'u', password: 'right' } });
    await good.waitFor('answered');
    const bad = await caller.call(called.uri, { auth: { username: 'u', password: 'wrong' } });
    await bad.waitFor('ended');
    expect(bad.final?.status).toBe(401);
  },
);

test('lost messages are sent again: INVITE, 200, ACK and BYE each survive the loss of their first copy', async () => {
  const dropped = new Set<string>();
  const firstOnly = (name: string) => !dropped.has(name) && Boolean(dropped.add(name));
  const [caller, called] = await pair(
    { timers: FAST, loseOut: (message) => message.kind === 'request' && firstOnly(message.method) },
    { timers: FAST, loseOut: (message) => message.kind === 'response' && message.status === 200 && firstOnly('200') },
  );
  called.onCall((call) => call.answer());
  const call = await caller.call(called.uri);
  await call.waitFor('answered');
  const other = await called.waitForCall();
  await other.waitForRequest('ACK');
  expect((await call.bye()).status).toBe(200);
  expect([...dropped].toSorted()).toEqual(['200', 'ACK', 'BYE', 'INVITE']);
});

test('a copied INVITE makes one call', async () => {
  const [caller, called] = await pair();
  called.onCall((call) => call.answer());
  const call = await caller.call(called.uri, { retransmitInvite: 3 });
  await call.waitFor('answered');
  const other = await called.waitForCall();
  await call.bye();
  expect([called.incoming.length, other.inviteCopies]).toEqual([1, 3]);
});

test('an answer whose ACKs are all lost is repeated, given up, and ended with BYE', async () => {
  const [caller, called] = await pair({}, { timers: { t1Ms: 4, t2Ms: 16 } });
  called.onCall((call) => call.answer());
  const call = await caller.call(called.uri, { loseAck: true });
  await call.waitFor('ended');
  expect(call.answerCopies).toBeGreaterThan(3);
  expect((await called.waitForCall()).unacknowledged).toBe(true);
});

test('a caller that vanishes answers nothing any more', async () => {
  const [caller, called] = await pair({}, { timers: { t1Ms: 2, t2Ms: 8 } });
  called.onCall((call) => call.answer());
  const call = await caller.call(called.uri);
  await call.waitFor('answered');
  const other = await called.waitForCall();
  await other.waitForRequest('ACK');
  call.vanish();
  expect((await other.bye()).status).toBe(408);
});

test('a late offer is answered in the ACK', async () => {
  const [caller, called] = await pair();
  called.onCall((call) => call.answer());
  const call = await caller.call(called.uri, { sdp: null, idle: 'none' });
  const other = await called.waitForCall();
  const ack = await other.waitForRequest('ACK');
  expect(ack.body).toContain(`m=audio ${call.rtp.port} `);
  await call.sendAudio(numberedAudio(2));
  await other.received.waitFor(2);
});

test('hold stops the audio of the held side and resume brings it back', async () => {
  const [caller, called] = await pair();
  called.onCall((call) => call.answer());
  const call = await caller.call(called.uri);
  await call.waitFor('answered');
  const other = await called.waitForCall();
  await call.received.waitFor(3);
  expect((await call.hold()).body).toContain('a=recvonly');
  const atHold = call.received.packets.length;
  await other.received.waitFor(other.received.packets.length + 5);
  expect(call.received.packets.length - atHold).toBeLessThanOrEqual(1);
  await call.resume();
  await call.received.waitFor(atHold + 4);
});

test('early media is heard before the answer', async () => {
  const [caller, called] = await pair();
  called.onCall(async (call) => {
    await call.progress();
    call.rtp.start();
  });
  const call = await caller.call(called.uri);
  await call.waitFor('ringing');
  await call.received.waitFor(3);
  expect([call.state, call.provisionals.at(-1)?.status]).toEqual(['ringing', 183]);
});

test('a PCMA tone arrives as that tone', async () => {
  const [caller, called] = await pair();
  called.onCall((call) => call.answer());
  const call = await caller.call(called.uri, { codec: 'PCMA', idle: 'none' });
  await call.waitFor('answered');
  const other = await called.waitForCall();
  await call.sendAudio(tone({ frequencyHz: 705, durationMs: 400, codec: 'PCMA' }));
  await other.received.waitFor(20);
  const heard = strongestTone(decode(other.received.audio, 'PCMA'));
  expect(heard.frequencyHz).toBe(705);
  expect(heard.amplitude).toBeCloseTo(0.5, 2);
  expect(heard.purity).toBeGreaterThan(0.99);
});

test('frames leave on schedule with rising sequence and timestamp, across the wrap of both', async () => {
  const [caller, called] = await pair();
  called.onCall((call) => call.answer());
  const call = await caller.call(called.uri, { startSequence: 65_530, startTimestamp: 0xffff_ffff - 500, ptimeMs: 10 });
  await call.waitFor('answered');
  const other = await called.waitForCall();
  await other.received.waitFor(40);
  const packets = other.received.packets.slice(0, 40);
  packets.forEach((packet, index) => {
    expect(packet.sequence).toBe((65_530 + index) & 0xffff);
    expect(packet.timestamp).toBe((0xffff_ffff - 500 + index * 80) >>> 0);
  });
  expect(other.received.lost).toBe(0);
  await call.bye();
});

test('injected loss, copies and reordering are what arrives, the same with the same seed', async () => {
  const runs: number[][] = [];
  for (let run = 0; run < 2; run++) {
    const [caller, called] = await pair({}, { audio: { idle: 'none' } });
    called.onCall((call) => call.answer());
    const impairment = { loss: 0.1, duplicate: 0.1, reorder: 0.1 };
    const call = await caller.call(called.uri, { seed: 7, ptimeMs: 10, idle: 'none', impairment });
    await call.waitFor('answered');
    await call.sendAudio(numberedAudio(80, 80));
    const { injected } = call.rtp;
    const { received } = await called.waitForCall();
    await received.waitFor(80 - injected.lost + injected.duplicated);
    const overtaken = received.packets.filter(
      (packet, index) => index > 0 && (packet.sequence - (received.packets[index - 1]?.sequence ?? 0)) << 16 < 0,
    );
    expect(injected.lost).toBeGreaterThan(0);
    expect(overtaken.length).toBeGreaterThan(0);
    runs.push([injected.lost, injected.duplicated, injected.reordered]);
  }
  expect(runs[0]).toEqual(runs[1]);
});

test('DTMF digits arrive as RFC 4733 events, also when the start or the end of each is lost', async () => {
  for (const lost of [{}, { loseStart: true }, { loseEnd: true }]) {
    const [caller, called] = await pair();
    called.onCall((call) => call.answer());
    const call = await caller.call(called.uri);
    await call.waitFor('answered');
    await call.sendDtmf('19#', { durationMs: 60, gapMs: 20, ...lost });
    const { received } = await called.waitForCall();
    await received.waitFor(call.rtp.injected.sent);
    expect(received.digits).toBe('19#');
  }
});

test('what is given to a call that has ended, or ends meanwhile, keeps nobody waiting', async () => {
  const [caller, called] = await pair();
  called.onCall((call) => call.answer());
  const call = await caller.call(called.uri);
  await call.waitFor('answered');
  const queued = [call.sendAudio(numberedAudio(3_000)), call.sendDtmf('0123456789')];
  await (await called.waitForCall()).bye();
  await Promise.all(queued);
  await call.sendDtmf('1');
  await call.sendAudio(numberedAudio(1));
  expect(call.end).toMatchObject({ by: 'remote', how: 'bye' });
});

test('alignment finds where a recording begins and how much of it is intact', () => {
  const sent = numberedAudio(5);
  const heard = Buffer.concat([Buffer.alloc(37, 0xff), sent]);
  heard[37 + 600] = (heard[37 + 600] ?? 0) ^ 1;
  expect(align(sent, heard)).toEqual({ offset: 37, equal: 799, compared: 800 });
  expect(align(sent, Buffer.alloc(1000, 0xff))).toBeNull();
});
