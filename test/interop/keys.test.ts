import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PhoneCall } from '../../src/phone/call.ts';
import type { CallOptions, OutgoingCall } from '../../src/phone/outgoing.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import type { ReceivedPacket } from '../../src/phone/received.ts';
import { decode, encodeMu, level, SILENCE, tone } from '../../src/phone/tone.ts';
import { startOnEitherEngine } from '../support/either-engine.ts';
import { type FakeAgent, type FakeCall, startFakeAgent } from '../support/fake-agent.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { HAS_SIPP, runSipp } from './sipp/run.ts';

// Keys in all three kinds and both directions, and hold, through the whole gateway: a phone with real sockets on one side, a runtime with a
// real WebSocket on the other.

const NUMBER = '+12025550102';
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
const KEYPAD = ['123A', '456B', '789C', '*0#D'];
const SILENCE_TIMEOUT_MS = 1500;

interface Call {
  readonly id: string;
  readonly state: string;
  readonly timeline: readonly { readonly event: string; readonly detail?: Readonly<Record<string, unknown>> }[];
}

let gateway: RunningGateway;
let agent: FakeAgent;
let trunkId: string;
let agentId: string;
let phone: Phone;

beforeAll(async () => {
  gateway = await startOnEitherEngine({ config: { media: { silenceTimeoutMs: SILENCE_TIMEOUT_MS } } });
  await gateway.api('POST', '/v1/workspaces/demo/topups', { amount: '1000.00' });
  agent = await startFakeAgent();
  const { body: made } = await gateway.api<{ id: string }>('POST', '/v1/agents', {
    workspaceId: 'demo',
    name: 'keys',
    stream: { url: agent.url, protocol: 'twilio', codec: 'PCMU', extensionEvents: true },
  });
  const { body: numbers } = await gateway.api<{ items: { id: string; e164: string; trunkId: string }[] }>(
    'GET',
    '/v1/numbers?limit=50',
  );
  agentId = made.id;
  const number = numbers.items.find(({ e164 }) => e164 === NUMBER)!;
  trunkId = number.trunkId;
  expect((await gateway.api('PATCH', `/v1/numbers/${number.id}`, { agentId: made.id })).status).toBe(200);
});
afterAll(async () => {
  await agent?.close();
  await gateway?.stop();
});
beforeEach(async () => {
  phone = await createPhone();
});
afterEach(() => phone.close());

async function trunkSays(change: object): Promise<void> {
  const answer = await gateway.api('PATCH', `/v1/trunks/${trunkId}?check=none`, change);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}

async function talking(options: CallOptions = {}): Promise<{ call: OutgoingCall; stream: FakeCall; id: string }> {
  const call = await phone.call(`sip:${NUMBER}@127.0.0.1:${gateway.sip.udpPort}`, options);
  await call.waitFor('answered');
  const stream = await agent.nextCall();
  await stream.waitFor((message) => message.json?.event === 'start');
  const { body } = await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=1');
  return { call, stream, id: body.items[0]!.id };
}

const timelineOf = async (id: string): Promise<Call['timeline']> =>
  (await gateway.api<Call>('GET', `/v1/calls/${id}`)).body.timeline;
const told = (stream: FakeCall): string =>
  stream
    .of('dtmf')
    .map(({ json }) => json.dtmf.digit)
    .join('');
const press = (id: string, digits: string, extra: object = {}) =>
  gateway.api<{ keys: number }>('POST', `/v1/calls/${id}/dtmf`, { digits, ...extra });

/** The tones of these keys, 100 ms each with 100 ms of silence after each. */
function tones(keys: string): Buffer {
  return Buffer.concat(
    [...keys].flatMap((key) => {
      const row = KEYPAD.findIndex((line) => line.includes(key));
      const [low, high] = [ROWS[row]!, COLUMNS[KEYPAD[row]!.indexOf(key)]!].map((frequencyHz) =>
        decode(tone({ frequencyHz, durationMs: 100, amplitude: 0.25 })),
      );
      const sum = Uint8Array.from(low!, (sample, index) => encodeMu(Math.round((sample + high![index]!) * 32_767)));
      return [Buffer.from(sum), Buffer.alloc(800, SILENCE.PCMU)];
    }),
  );
}

/** Keys in what was heard: 20 ms frames with two of the tones, told apart by what is between them. */
function keysIn(audio: Buffer): string {
  let keys = '';
  let last = '';
  for (let at = 0; at + 160 <= audio.length; at += 160) {
    const samples = decode(audio.subarray(at, at + 160));
    const loudest = (all: readonly number[]): number =>
      all.indexOf(all.toSorted((a, b) => level(samples, b) - level(samples, a))[0]!);
    const row = loudest(ROWS);
    const column = loudest(COLUMNS);
    const isKey = level(samples, ROWS[row]!) > 0.05 && level(samples, COLUMNS[column]!) > 0.05;
    const key = isKey ? KEYPAD[row]![column]! : '';
    if (key !== '' && last === '') keys += key;
    last = key;
  }
  return keys;
}

const infosOf = (call: PhoneCall): string[] =>
  call.requests.filter(({ method }) => method === 'INFO').map(({ body }) => body.replaceAll('\r\n', ';'));

function expectPaced(packets: readonly ReceivedPacket[]): void {
  for (const [index, packet] of packets.entries()) {
    if (index > 0) expect(packet.sequence).toBe((packets[index - 1]!.sequence + 1) & 0xffff);
  }
}

describe('media 6: keys to the agent', () => {
  test.each(['auto', 'rfc4733'] as const)('telephone events, trunk %s', async (dtmf) => {
    await trunkSays({ dtmf });
    const { call, stream, id } = await talking();
    await call.sendDtmf('42#');
    await call.sendDtmf('9', { loseStart: true });
    await call.sendDtmf('9', { loseEnd: true, marker: false });
    await expect.poll(() => told(stream), { timeout: 5000 }).toBe('42#99');
    const lines = (await timelineOf(id)).filter(({ event }) => event === 'dtmf');
    expect(lines).toHaveLength(5);
    expect(lines[0]!.detail).toEqual({ by: 'rfc4733' });
    await call.bye();
  });

  test.each(['auto', 'info'] as const)('SIP INFO, trunk %s', async (dtmf) => {
    await trunkSays({ dtmf });
    const { call, stream } = await talking({ telephoneEvent: false });
    const info = async (type: string, body: string) =>
      (await call.request('INFO', { headers: [['Content-Type', type]], body })).status;
    expect(await info('application/dtmf-relay', 'Signal=4\r\nDuration=160\r\n')).toBe(200);
    expect(await info('application/dtmf', '*')).toBe(200);
    expect(await info('application/dtmf-relay', 'Signal=11\r\nDuration=160\r\n')).toBe(200);
    expect(await info('application/dtmf-relay', 'Signal=?\r\n')).toBe(400);
    expect(await info('application/vnd.other', 'Signal=5\r\n')).toBe(415);
    await expect.poll(() => told(stream), { timeout: 5000 }).toBe('4*#');
    await call.bye();
  });

  test('tones, where the trunk says inband, and nowhere else', async () => {
    await trunkSays({ dtmf: 'inband' });
    const first = await talking();
    await first.call.sendAudio(tones('1590#D'));
    await expect.poll(() => told(first.stream)).toBe('1590#D');
    await first.call.bye();
    await trunkSays({ dtmf: 'auto' });
    const second = await talking();
    await second.call.sendAudio(tones('159'));
    await second.call.sendDtmf('7');
    await expect.poll(() => told(second.stream)).toBe('7');
    await second.call.bye();
  });

  test('the same press as event, as tone and by INFO is told once', async () => {
    await trunkSays({ dtmf: 'inband' });
    const { call, stream } = await talking();
    for (const key of '2255') {
      await call.sendDtmf(key);
      await call.sendAudio(tones(key));
      await call.request('INFO', { headers: [['Content-Type', 'application/dtmf']], body: key });
    }
    await call.sendDtmf('#');
    await expect.poll(() => told(stream), { timeout: 5000 }).toBe('2255#');
    await call.bye();
  });
});

describe('media 6: keys to the caller', () => {
  test('telephone events: asked by the API and by the agent, three ends each, in the pacing of audio', async () => {
    await trunkSays({ dtmf: 'auto' });
    const { call, stream, id } = await talking();
    expect((await press(id, '1w20#')).body).toEqual({ keys: 4 });
    await expect.poll(() => call.received.digits, { timeout: 5000 }).toBe('120#');
    stream.send({ event: 'callin.send_dtmf', callin: { sendDtmf: { digits: '9A', toneMs: 60 } } });
    await expect.poll(() => call.received.digits, { timeout: 5000 }).toBe('120#9A');
    const isEnd = ({ payload }: ReceivedPacket): boolean => payload.length === 4 && (payload[1]! & 0x80) !== 0;
    await expect.poll(() => call.received.packets.filter(isEnd).length).toBe(6 * 3);
    const events = call.received.packets.filter(({ payload }) => payload.length === 4);
    const byKey = Map.groupBy(events, ({ timestamp }) => timestamp);
    for (const packets of byKey.values()) {
      expect(packets.map(({ marker }) => marker).indexOf(true)).toBe(0);
      expect(packets.filter(isEnd)).toHaveLength(3);
    }
    expectPaced(call.received.packets);
    await call.bye();
    const lines = (await timelineOf(id)).filter(({ event }) => event === 'dtmf_sent');
    expect(lines.map(({ detail }) => detail)).toEqual([
      { askedBy: 'api', keys: 4, by: 'rfc4733' },
      { askedBy: 'agent', keys: 2, by: 'rfc4733' },
    ]);
  });

  test('SIP INFO, one after another, and neither event nor tone beside it', async () => {
    await trunkSays({ dtmf: 'info' });
    const { call, stream, id } = await talking();
    await press(id, '1#', { toneMs: 120 });
    stream.send({ event: 'callin.send_dtmf', callin: { sendDtmf: { digits: 'D' } } });
    await expect
      .poll(() => infosOf(call), { timeout: 5000 })
      .toEqual(['Signal=1;Duration=120;', 'Signal=#;Duration=120;', 'Signal=D;Duration=100;']);
    expect(call.received.digits).toBe('');
    await call.bye();
  });

  test.each(['inband', 'auto'] as const)('tones: trunk %s, a carrier without telephone events', async (dtmf) => {
    await trunkSays({ dtmf });
    const { call, id } = await talking({ telephoneEvent: false });
    await press(id, '147*0#D');
    await expect.poll(() => keysIn(call.received.audio), { timeout: 5000 }).toBe('147*0#D');
    expectPaced(call.received.packets);
    await call.bye();
  });

  test('events only, and a carrier without: 409, and nothing is played', async () => {
    await trunkSays({ dtmf: 'rfc4733' });
    const { call, id } = await talking({ telephoneEvent: false });
    expect(await press(id, '1')).toMatchObject({ status: 409, body: { code: 'dtmf_unavailable' } });
    await call.bye();
    expect(await press(id, '1')).toMatchObject({ status: 409, body: { code: 'call_not_answered' } });
  });

  test('which keys they were stands in no record, ladder or log', async () => {
    await trunkSays({ dtmf: 'info' });
    const { call, stream, id } = await talking();
    await press(id, '739461');
    await call.request('INFO', { headers: [['Content-Type', 'application/dtmf']], body: '8' });
    await expect.poll(() => infosOf(call).length, { timeout: 5000 }).toBe(6);
    await expect.poll(() => told(stream), { timeout: 5000 }).toBe('8');
    await call.bye();
    const ladder = await gateway.api<unknown>('GET', `/v1/calls/${id}/ladder`);
    const seen = JSON.stringify([await timelineOf(id), ladder.body, gateway.log]);
    expect(seen).not.toMatch(/Signal=[0-9]|739461|"digit"/);
    expect(JSON.stringify(ladder.body)).toContain('INFO');
  });
});

describe('media 6: in a call that we place', () => {
  const OWN = '+12025550177';

  test.each([
    ['info', ''],
    ['rfc4733', '31#'],
  ] as const)('keys go both ways, trunk %s', async (dtmf, asEvents) => {
    const made = await gateway.api<{ id: string }>('POST', '/v1/trunks?check=none', {
      workspaceId: 'demo',
      label: `carrier ${dtmf}`,
      dtmf,
      outbound: { enabled: true, gateways: [{ host: '127.0.0.1', port: phone.port }], allowedCountries: ['US'] },
    });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    const own = { workspaceId: 'demo', e164: OWN, provider: 'byoc', trunkId: made.body.id, agentId };
    const number = await gateway.api<{ id: string }>('POST', '/v1/numbers', own);
    expect(number.status, JSON.stringify(number.body)).toBe(201);
    phone.onCall((call) => call.answer());
    const placed = await gateway.api<{ id: string }>('POST', '/v1/calls', {
      workspaceId: 'demo',
      from: OWN,
      to: '+12025550188',
      agentId,
    });
    expect(placed.status, JSON.stringify(placed.body)).toBe(201);
    const { id } = placed.body;
    const call = await phone.waitForCall();
    await call.waitFor('answered');
    const stream = await agent.nextCall();
    await stream.waitFor((message) => message.json?.event === 'start');
    await expect.poll(async () => (await press(id, '31#')).status).toBe(202);
    if (dtmf === 'info') {
      await expect.poll(() => infosOf(call).length, { timeout: 5000 }).toBe(3);
      const headers = [['Content-Type', 'application/dtmf-relay']] as const;
      await call.request('INFO', { headers, body: 'Signal=8\r\nDuration=100\r\n' });
    } else {
      await expect.poll(() => call.received.digits, { timeout: 5000 }).toBe(asEvents);
      await call.sendDtmf('8');
    }
    await expect.poll(() => told(stream), { timeout: 5000 }).toBe('8');
    await call.bye();
    await gateway.api('DELETE', `/v1/numbers/${number.body.id}`);
    await gateway.api('DELETE', `/v1/trunks/${made.body.id}`);
  });
});

describe('signalling 14: hold as media and the agent see it', () => {
  test.each(['sendonly', 'inactive'] as const)('%s: told, nothing is sent, no timeout, and back', async (direction) => {
    await trunkSays({ dtmf: 'auto' });
    const { call, stream, id } = await talking();
    await call.received.waitFor(10);
    expect((await call.hold(direction)).status).toBe(200);
    await stream.waitFor((message) => message.json?.event === 'callin.hold');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = call.received.packets.length;
    call.rtp.pause();
    await new Promise((resolve) => setTimeout(resolve, SILENCE_TIMEOUT_MS * 1.6));
    expect(call.received.packets.length).toBe(before);
    expect((await call.resume()).status).toBe(200);
    const resumed = await stream.waitFor((message) => message.json?.event === 'callin.resume');
    expect(resumed.json.callin.resume.heldMs).toBeGreaterThan(SILENCE_TIMEOUT_MS);
    await call.received.waitFor(before + 10);
    expect((await gateway.api<Call>('GET', `/v1/calls/${id}`)).body.state).toBe('answered');
    const events = (await timelineOf(id)).map(({ event }) => event);
    expect(events.filter((event) => event === 'held' || event === 'resumed')).toEqual(['held', 'resumed']);
    await call.bye();
  });

  test('c=0.0.0.0 is hold as well', async () => {
    const { call, stream } = await talking();
    await call.reinvite((ours) => ours.replace(/c=IN IP4 \S+/g, 'c=IN IP4 0.0.0.0'));
    await stream.waitFor((message) => message.json?.event === 'callin.hold');
    await call.reinvite();
    await stream.waitFor((message) => message.json?.event === 'callin.resume');
    await call.bye();
  });

  test('a hold beyond the trunk’s limit ends the call', async () => {
    await trunkSays({ mediaTimeouts: { heldMs: 10_000 } });
    const { call, id } = await talking();
    await call.hold('inactive');
    await call.waitFor('ended', 14_000);
    await trunkSays({ mediaTimeouts: { heldMs: null } });
    const { body } = await gateway.api<Call & { endReason: string }>('GET', `/v1/calls/${id}`);
    expect(body.endReason).toBe('hold_timeout');
  }, 20_000);
});

describe('media 8: one-way audio', () => {
  test('a caller that sends nothing: in the timeline, and counted', async () => {
    await trunkSays({ mediaTimeouts: { firstPacketMs: 60_000 } });
    const { call, id } = await talking({ idle: 'none' });
    await expect
      .poll(async () => (await timelineOf(id)).find(({ event }) => event === 'one_way_audio')?.detail, {
        timeout: 8000,
      })
      .toEqual({ missing: 'from_caller' });
    expect(await gateway.metrics()).toMatch(/callin_one_way_audio_total\{missing="from_caller"\} 1/);
    await call.bye();
    await trunkSays({ mediaTimeouts: { firstPacketMs: null } });
  }, 20_000);
});

describe.skipIf(!HAS_SIPP)('signalling 17: INFO by sipp (needs: sipp)', () => {
  test('keys are 200, nonsense 400, other bodies 415', async () => {
    await trunkSays({ dtmf: 'auto' });
    const result = await runSipp({
      scenario: 'info-keys.xml',
      target: `127.0.0.1:${gateway.sip.udpPort}`,
      service: NUMBER,
    });
    expect(result, result.errors).toMatchObject({ successful: 1, failed: 0 });
    const stream = await agent.nextCall();
    expect(told(stream)).toBe('5#');
  });
});
