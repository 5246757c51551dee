// What runtimes of agents send: the answer to the upgrade, WebSocket frames, and the messages of each dialect. A dialect that is new gets a target
// here: its messages as seeds, and its reader.

import { Base64Decoder } from '../../../src/agents/base64.ts';
import { MediaReader } from '../../../src/agents/twilio/media-reader.ts';
import { readHangupAsk, readTransferAsk } from '../../../src/agents/twilio/call-asks.ts';
import { acceptOf, judgeUpgradeResponse } from '../../../src/agents/websocket/handshake.ts';
import { Receiver } from '../../../src/agents/websocket/receiver.ts';
import { parseWebSocketUrl } from '../../../src/agents/websocket/url.ts';
import { readWav, writeWav } from '../../../src/agents/wav.ts';
import { type FuzzTarget, promise, same } from '../harness.ts';
import { textTarget } from './text.ts';

const decoder = new Base64Decoder();
const reader = new MediaReader(decoder);

/** Whether JSON.parse finds a media message with a payload, and what its payload is. */
function parsedMedia(text: string): string | undefined {
  try {
    const message = JSON.parse(text) as { event?: unknown; media?: { payload?: unknown } } | null;
    const payload = message?.media?.payload;
    return message?.event === 'media' && typeof payload === 'string' ? payload : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

const twilioMedia: FuzzTarget = {
  name: 'agent-twilio-media',
  tokens: ['"event":"media"', '"media":{', '"payload":"', 'null', '\\u0022', '}}', '"streamSid":'],
  seeds: () =>
    [
      '{"event":"media","streamSid":"MZ1","media":{"payload":"1dXV1Q=="}}',
      '{ "media" : { "track":"outbound", "payload" : "1dXV" } , "event":"media", "x":null }',
    ].map((text) => Buffer.from(text)),
  check(input) {
    // Invalid UTF-8 never gets so far: the receiver refuses it.
    const text = input.toString('utf8');
    const bytes = Buffer.from(text);
    if (!reader.read(bytes, 0, bytes.length)) return false;
    const audio = decoder.bytes.subarray(0, decoder.length);
    const payload = parsedMedia(text);
    promise(payload !== undefined, 'what the quick reader takes, JSON.parse takes as well');
    promise(audio.equals(Buffer.from(payload, 'base64')), 'and it is the same audio');
    return true;
  },
};

const twilioAsks = textTarget(
  'agent-twilio-asks',
  ['{"type":"transfer","to":"+12025550123"}', '{"type":"transfer","to":"+12025550123","headers":{"X-A":"b"}}'],
  ['"type":', '"transfer"', '"to":', '{}', '[]', 'null', '__proto__'],
  (text) => {
    try {
      const asked: unknown = JSON.parse(text);
      readTransferAsk(asked);
      readHangupAsk(asked);
      return true;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return false;
    }
  },
);

const MESSAGE_BYTES_MAX = 4096;
const frames = (...all: readonly (readonly [number, string])[]): Buffer =>
  Buffer.concat(all.map(([first, text]) => Buffer.concat([Buffer.from([first, text.length]), Buffer.from(text)])));

const webSocket: FuzzTarget = {
  name: 'agent-websocket-frames',
  tokens: ['\x81\x00', '\x01\x01a', '\x80\x01b', '\x88\x02\x03\xe8', '\x89\x00', '\x81\x7e\x00\x80', '\x81\x7f'],
  seeds: () => [
    frames([0x81, 'hello'], [0x01, 'he'], [0x89, 'ping'], [0x80, 'llo'], [0x82, 'bytes'], [0x88, '\x03\x00']),
  ],
  check(input, random) {
    const read = (chunk: () => number): string[] => {
      const seen: string[] = [];
      const note = (kind: string) => (bytes: Buffer, start: number, end: number) => {
        promise(end - start <= MESSAGE_BYTES_MAX, 'no message is longer than the limit');
        seen.push(`${kind} ${bytes.toString('hex', start, end)}`);
      };
      const receiver = new Receiver(
        {
          text: note('text'),
          binary: note('binary'),
          ping: note('ping'),
          pong: () => void seen.push('pong'),
          close: (code, reason) => void seen.push(`close ${code} ${reason}`),
          violation: (violation) => {
            seen.push(`violation ${JSON.stringify(violation)}`);
            receiver.stop();
          },
        },
        MESSAGE_BYTES_MAX,
      );
      for (let at = 0, end = 0; at < input.length; at = end) {
        end = Math.min(input.length, at + chunk());
        receiver.push(input, at, end);
      }
      return seen;
    };
    const whole = read(() => input.length);
    same(
      read(() => 1 + random.below(16)),
      whole,
      'the same however it is cut',
    );
    return whole.some((each) => /^(?:text|binary)/.test(each));
  },
};

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const UPGRADE = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(KEY)}`;

const upgrade = textTarget(
  'agent-upgrade',
  [UPGRADE],
  ['HTTP/1.1 101 ', 'Upgrade: ', 'Connection: Upgrade', ': ', ','],
  (text) => {
    const failure = judgeUpgradeResponse(text, KEY);
    if (failure === null) promise(text.includes(acceptOf(KEY)), 'only who knows the key is believed');
    return failure === null;
  },
);

const URLS = ['wss://agent.example.com:8443/stream?a=b%20c', 'ws://[2001:db8::1]/', 'ws://127.0.0.1:80'];

const agentUrl = textTarget(
  'agent-url',
  URLS,
  ['ws://', 'wss://', '@', '\\', '#', '0x7f.1', '[::ffff:127.0.0.1]', '%00'],
  (text) => {
    const outcome = parseWebSocketUrl(text);
    if (!outcome.ok) return false;
    const { host, port, target } = outcome.url;
    promise(host !== '' && !/[@/\\\s]/.test(host), 'a host is a host');
    promise(
      port > 0 && port < 65_536 && target.startsWith('/') && !/[\r\n]/.test(target),
      'and nothing smuggles a line in',
    );
    return true;
  },
);

const wav: FuzzTarget = {
  name: 'wav',
  tokens: ['RIFF', 'WAVE', 'fmt ', 'data', '\xff\xff\xff\xff'],
  seeds: () => [writeWav({ encoding: 'pcm16', sampleRateHz: 8000, channels: 1, data: Buffer.alloc(320) })],
  check(input) {
    const outcome = readWav(input);
    if (!outcome.ok) return false;
    promise(outcome.wav.data.length <= input.length, 'no more audio than there is');
    return true;
  },
};

export const AGENT_TARGETS: readonly FuzzTarget[] = [twilioMedia, twilioAsks, webSocket, upgrade, agentUrl, wav];
