import { afterEach, describe, expect, test } from 'vitest';

import { createAgentStreamFactory } from '../../../src/agents/dialects.ts';
import { sidOf } from '../../../src/agents/sid.ts';
import type { AgentDial, AgentStream } from '../../../src/media/agent-stream.ts';
import { type FakeAgent, type FakeAgentOptions, type FakeCall, startFakeAgent } from '../../support/fake-agent.ts';
import { dialTo, RecordingHost } from '../recording-host.ts';

const open: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Talk {
  readonly agent: FakeAgent;
  readonly call: FakeCall;
  readonly stream: AgentStream;
  readonly host: RecordingHost;
}

/** A stream whose upgrade is done. */
async function talk(options: FakeAgentOptions = {}, overrides: Partial<AgentDial> = {}): Promise<Talk> {
  const agent = await startFakeAgent(options);
  open.push(() => agent.close());
  const host = new RecordingHost();
  const stream = createAgentStreamFactory()(dialTo(agent.url, overrides), host);
  open.push(() => stream.close());
  await host.readyPromise;
  return { agent, call: await agent.nextCall(), stream, host };
}

const streamSid = sidOf('MZ', 'call_abc');
const callSid = sidOf('CA', 'call_abc');
const accountSid = sidOf('AC', 'ws_demo');
const FRAME = Buffer.alloc(160, 0xff);

describe('messages to the runtime, byte for byte', () => {
  test('connected and start are the first two messages', async () => {
    const { call, stream } = await talk({}, { customParameters: { from_number: '+15550100', tenant: 't1' } });
    stream.start();
    await call.waitForCount(2);
    expect(call.messages.map(({ text }) => text)).toEqual([
      '{"event":"connected","protocol":"Call","version":"1.0.0"}',
      `{"event":"start","sequenceNumber":"1","streamSid":"${streamSid}","start":{"streamSid":"${streamSid}",` +
        `"accountSid":"${accountSid}","callSid":"${callSid}","tracks":["inbound"],` +
        '"customParameters":{"from_number":"+15550100","tenant":"t1"},' +
        '"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}',
    ]);
  });

  test('customParameters is an empty object when there are none', async () => {
    const { call, stream } = await talk();
    stream.start();
    await call.waitForCount(2);
    expect(call.messages[1]?.json.start.customParameters).toEqual({});
  });

  test('a start message that needs the longest frame head arrives whole', async () => {
    const customParameters = { long: 'ä'.repeat(50_000) };
    const { call, stream } = await talk({}, { customParameters });
    stream.start();
    await call.waitForCount(2);
    expect(call.messages[1]?.json.start.customParameters).toEqual(customParameters);
  });

  test('media, dtmf, mark and stop count up one sequence and have strings where numbers are strings', async () => {
    const { call, stream } = await talk();
    stream.start();
    stream.audio(FRAME, 0, 160, 0);
    stream.dtmf('#');
    stream.markPlayed('item "ä" 1');
    stream.audio(FRAME, 0, 160, 20);
    stream.close();
    await call.closed;
    const payload = FRAME.toString('base64');
    const media = (sequence: number, chunk: number, timestamp: number): string =>
      `{"event":"media","sequenceNumber":"${sequence}","streamSid":"${streamSid}",` +
      `"media":{"track":"inbound","chunk":"${chunk}","timestamp":"${timestamp}","payload":"${payload}"}}`;
    expect(call.messages.slice(2).map(({ text }) => text)).toEqual([
      media(2, 1, 0),
      `{"event":"dtmf","streamSid":"${streamSid}","sequenceNumber":"3","dtmf":{"track":"inbound_track","digit":"#"}}`,
      `{"event":"mark","sequenceNumber":"4","streamSid":"${streamSid}","mark":{"name":"item \\"ä\\" 1"}}`,
      media(5, 2, 20),
      `{"event":"stop","sequenceNumber":"6","streamSid":"${streamSid}","stop":{"accountSid":"${accountSid}","callSid":"${callSid}"}}`,
    ]);
  });

  test('notices are events of our own with the sequence of all others, after start and before stop', async () => {
    const { call, stream } = await talk({}, { extensionEvents: true });
    stream.notify({ type: 'balance_low', remainingMs: 1 });
    stream.start();
    stream.audio(FRAME, 0, 160, 0);
    stream.notify({ type: 'balance_low', remainingMs: 30_000 });
    stream.notify({ type: 'max_duration', remainingMs: 29_999.6 });
    stream.close();
    stream.notify({ type: 'balance_low', remainingMs: 2 });
    await call.closed;
    expect(call.messages.slice(3).map(({ text }) => text)).toEqual([
      `{"event":"callin.balance_low","sequenceNumber":"3","streamSid":"${streamSid}","callin":{"balanceLow":{"remainingMs":30000}}}`,
      `{"event":"callin.max_duration","sequenceNumber":"4","streamSid":"${streamSid}","callin":{"maxDuration":{"remainingMs":30000}}}`,
      `{"event":"stop","sequenceNumber":"5","streamSid":"${streamSid}","stop":{"accountSid":"${accountSid}","callSid":"${callSid}"}}`,
    ]);
  });

  test('media 13: hold and resume are told in events of our own', async () => {
    const { call, stream } = await talk({}, { extensionEvents: true });
    stream.start();
    stream.notify({ type: 'hold' });
    stream.notify({ type: 'resume', heldMs: 14_180.4 });
    stream.close();
    await call.closed;
    expect(call.messages.slice(2, 4).map(({ text }) => text)).toEqual([
      `{"event":"callin.hold","sequenceNumber":"2","streamSid":"${streamSid}","callin":{"hold":{}}}`,
      `{"event":"callin.resume","sequenceNumber":"3","streamSid":"${streamSid}","callin":{"resume":{"heldMs":14180}}}`,
    ]);
  });

  test('media 13: an agent presses keys, whether or not it asked for our events', async () => {
    const { call, host } = await talk();
    call.send({ event: 'callin.send_dtmf', streamSid, callin: { sendDtmf: { digits: '1w204#' } } });
    call.send({ event: 'callin.send_dtmf', callin: { sendDtmf: { digits: 'a', toneMs: 250, gapMs: 60 } } });
    await host.until(() => host.events.length === 3);
    expect(host.events).toEqual(['ready', 'dtmf 1w204# 100/100', 'dtmf a 250/60']);
  });

  test('an agent that did not ask for our own events gets none, and no sequence number is missing', async () => {
    const { call, stream } = await talk();
    stream.start();
    stream.notify({ type: 'balance_low', remainingMs: 30_000 });
    stream.close();
    await call.closed;
    expect(call.messages.map(({ json }) => [json.event, json.sequenceNumber])).toEqual([
      ['connected', undefined],
      ['start', '1'],
      ['stop', '2'],
    ]);
  });

  test('a stream that is closed says stop and 1000, and hears nothing more', async () => {
    const { call, stream, host } = await talk();
    stream.start();
    stream.close();
    await expect(call.closed).resolves.toEqual({ code: 1000, reason: '' });
    expect(call.messages.at(-1)?.json.event).toBe('stop');
    expect(host.events).toEqual(['ready']);
  });

  test('a stream closed before start sends no stop', async () => {
    const { call, stream } = await talk();
    stream.close();
    await expect(call.closed).resolves.toEqual({ code: 1000, reason: '' });
    expect(call.messages).toEqual([]);
  });
});

describe('messages from the runtime', () => {
  test('media of any size is handed over decoded, in order, with marks and clear between', async () => {
    const { call, stream, host } = await talk();
    stream.start();
    await call.waitForCount(2);
    const sizes = [160, 320, 400, 1600, 1, 2, 3, 8000];
    const audio = sizes.map((size) =>
      Buffer.from(Array.from({ length: size }, (_, index) => (index * 7 + size) & 0xff)),
    );
    for (const piece of audio) call.sendMedia(piece);
    call.send({ event: 'mark', streamSid, mark: { name: 'same' } });
    call.send({ event: 'mark', streamSid, mark: { name: 'same' } });
    call.send({ event: 'clear', streamSid });
    await host.until(() => host.events.at(-1) === 'clear');
    expect(host.heard).toEqual(audio);
    expect(host.events).toEqual(['ready', ...sizes.map((size) => `audio ${size}`), 'mark same', 'mark same', 'clear']);
  });

  const payload = Buffer.from([1, 2, 3, 250]).toString('base64');
  const spellings: readonly (readonly [string, string])[] = [
    ['compact', `{"event":"media","streamSid":"MZ1","media":{"payload":"${payload}"}}`],
    ['spaced, as Python writes', `{"event": "media", "streamSid": "MZ1", "media": {"payload": "${payload}"}}`],
    ['media before the rest', `{"media":{"payload":"${payload}"},"streamSid":"MZ1","event":"media"}`],
    ['streamSid null', `{"event":"media","streamSid":null,"media":{"payload":"${payload}"}}`],
    ['no streamSid', `{"event":"media","media":{"payload":"${payload}"}}`],
    ['wrong streamSid', `{"event":"media","streamSid":"MZother","media":{"payload":"${payload}"}}`],
    [
      'extra keys',
      `{"event":"media","x":[1,{"y":null}],"media":{"track":"outbound","payload":"${payload}","z":1.5e3}}`,
    ],
    ['pretty printed', `{\n\t"event": "media",\r\n  "media": {\n "payload": "${payload}" }\n}\n`],
    ['escaped slash', `{"event":"media","media":{"payload":"${payload.replaceAll('/', '\\/')}"}}`],
    ['escaped key', `{"\\u0065vent":"media","media":{"payload":"${payload}"}}`],
    ['no padding', `{"event":"media","media":{"payload":"${payload.replaceAll('=', '')}"}}`],
    [
      'URL-safe alphabet',
      `{"event":"media","media":{"payload":"${payload.replaceAll('+', '-').replaceAll('/', '_')}"}}`,
    ],
    ['repeated key, the last counts', `{"event":"mark","event":"media","media":{"payload":"${payload}"}}`],
  ];
  test.each(spellings)('understands media that is %s', async (_name, text) => {
    const { call, host } = await talk();
    call.sendText(text);
    await host.until(() => host.events.length === 2);
    expect(host.events).toEqual(['ready', 'audio 4']);
    expect(host.heard[0]).toEqual(Buffer.from([1, 2, 3, 250]));
  });

  const malformed: readonly (readonly [string, string])[] = [
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['cut off', '{"event":"media","media":{"payload":"AAAA"'],
    ['followed by more', '{"event":"media","media":{"payload":"AAAA"}} x'],
    ['an array', '[]'],
    ['null', 'null'],
    ['without event', '{"media":{"payload":"AAAA"}}'],
    ['an unknown event', '{"event":"hangup"}'],
    ['media without payload', '{"event":"media","media":{}}'],
    ['media without media', '{"event":"media"}'],
    ['a payload that is a number', '{"event":"media","media":{"payload":5}}'],
    ['a payload that is not base64', '{"event":"media","media":{"payload":"A*BC"}}'],
    ['a payload with one character left over', '{"event":"media","media":{"payload":"AAAAA"}}'],
    ['padding in the middle', '{"event":"media","media":{"payload":"AA==AAAA"}}'],
    ['a letter beyond ASCII in the payload', '{"event":"media","media":{"payload":"AAA\u0141"}}'],
    ['a control character in a key', '{"event":"media","a\u0001":"b","media":{"payload":"AAAA"}}'],
    ['a trailing comma', '{"event":"media","media":{"payload":"AAAA"},}'],
    ['a mark without a name', '{"event":"mark","mark":{}}'],
    ['a mark with a number', '{"event":"mark","mark":{"name":7}}'],
    ['keys without keys', '{"event":"callin.send_dtmf","callin":{"sendDtmf":{}}}'],
    ['keys beside their place', '{"event":"callin.send_dtmf","callin":{"digits":"1"}}'],
    ['keys that are a number', '{"event":"callin.send_dtmf","callin":{"sendDtmf":{"digits":12}}}'],
    ['keys that are none', '{"event":"callin.send_dtmf","callin":{"sendDtmf":{"digits":"1-2"}}}'],
    ['too many keys', `{"event":"callin.send_dtmf","callin":{"sendDtmf":{"digits":"${'1'.repeat(65)}"}}}`],
    ['keys too short', '{"event":"callin.send_dtmf","callin":{"sendDtmf":{"digits":"1","toneMs":10}}}'],
    ['a mark with an endless name', `{"event":"mark","mark":{"name":"${'x'.repeat(2000)}"}}`],
  ];
  test.each(malformed)('counts a message that is %s once and goes on', async (_name, text) => {
    const { call, host } = await talk();
    call.sendText(text);
    call.send({ event: 'clear' });
    await host.until(() => host.events.at(-1) === 'clear');
    expect(host.events).toEqual(['ready', 'malformed', 'clear']);
  });

  test('a binary frame is malformed', async () => {
    const { call, host } = await talk();
    call.sendBinary(FRAME);
    call.send({ event: 'clear' });
    await host.until(() => host.events.at(-1) === 'clear');
    expect(host.events).toEqual(['ready', 'malformed', 'clear']);
  });

  test('an empty payload is no audio and no error', async () => {
    const { call, host } = await talk();
    call.sendText('{"event":"media","media":{"payload":""}}');
    call.send({ event: 'clear' });
    await host.until(() => host.events.at(-1) === 'clear');
    expect(host.events).toEqual(['ready', 'clear']);
  });

  test('the echo of a fake agent comes back unchanged', async () => {
    const { stream, host } = await talk({ behaviour: { kind: 'echo', marks: true } });
    stream.start();
    const frames = Array.from({ length: 50 }, (_, index) => Buffer.alloc(160, index));
    frames.forEach((frame, index) => {
      stream.audio(frame, 0, 160, index * 20);
    });
    await host.until(() => host.events.at(-1) === 'mark m50');
    expect(Buffer.concat(host.heard)).toEqual(Buffer.concat(frames));
  });
});
