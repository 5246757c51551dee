import { describe, expect, test } from 'vitest';

import { Base64Decoder } from '../../../src/agents/base64.ts';
import { MediaReader } from '../../../src/agents/twilio/media-reader.ts';
import { seededRandom } from '../websocket/server-frame.ts';

const decoder = new Base64Decoder();
const reader = new MediaReader(decoder);

/** The audio of a message that the fast path takes, else undefined. Bytes around the text must not matter. */
function fast(text: string): Buffer | undefined {
  const bytes = Buffer.from(`"}}${text}"}}`);
  if (!reader.read(bytes, 3, bytes.length - 3)) return undefined;
  return Buffer.from(decoder.bytes.subarray(0, decoder.length));
}

const PAYLOAD = Buffer.from('any audio at all').toString('base64');

describe('the fast path', () => {
  test.each([
    ['compact', `{"event":"media","streamSid":"MZ1","media":{"payload":"${PAYLOAD}"}}`],
    ['spaced', `{"event": "media", "streamSid": null, "media": {"payload": "${PAYLOAD}"}}`],
    ['reversed', `{"media":{"payload":"${PAYLOAD}"},"streamSid":"MZ1","event":"media"}`],
    ['with a track', `{"event":"media","media":{"track":"outbound","payload":"${PAYLOAD}"}}`],
  ])('takes media that is %s', (_name, text) => {
    expect(fast(text)).toEqual(Buffer.from('any audio at all'));
  });

  test('leaves everything else to JSON.parse', () => {
    const others = ['{"event":"mark","mark":{"name":"x"}}', '{"event":"clear"}', '{}', '', '[]', '{"event":"media"}'];
    for (const text of others) expect(fast(text)).toBeUndefined();
  });
});

test('whatever the fast path takes means the same to JSON.parse: 40 000 seeded messages', () => {
  const random = seededRandom(7);
  const below = (bound: number): number => Math.trunc(random() * bound);
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)]!;
  // Mostly sound, with each kind of damage often enough to meet the others.
  const blank = (): string => (below(80) === 0 ? pick(['\u00a0', '\u000b']) : pick(['', '', ' ', '\n', '\t ', '\r']));
  const odd = (): string => pick(['5', '"a\\"b"', '"\u0007"', '{}', '[]', 'nul', '"', 'true']);
  const value = (): string => (below(5) === 0 ? odd() : pick(['"MZ1"', 'null', '"ü"', '""']));
  const payload = (): string =>
    below(5) === 0 ? pick(['QUJDR', 'A==', 'A A', 'AAAA=', 'A\\/A=']) : pick([PAYLOAD, 'QUI', '']);
  const media = (): string => {
    if (below(9) === 0) return pick(['null', '"x"', '{}', '7']);
    const members = [`"payload"${blank()}:${blank()}"${payload()}"`];
    if (below(3) === 0) members.push(`"track":${value()}`);
    if (below(9) === 0) members.unshift('"payload":"AAAA"');
    return `{${blank()}${members.join(`${blank()},${blank()}`)}}`;
  };
  let taken = 0;
  for (let round = 0; round < 40_000; round++) {
    const event = below(5) === 0 ? pick(['mark', 'Media', '']) : 'media';
    const members = [`"event":${blank()}"${event}"`, `"media"${blank()}:${media()}`];
    if (below(2) === 0) members.splice(below(3), 0, `"streamSid":${blank()}${value()}`);
    if (below(12) === 0) members.push(pick(members));
    let text = `${blank()}{${members.join(`${blank()},`)}${blank()}}${blank()}`;
    if (below(3) === 0) {
      const at = below(text.length);
      text = text.slice(0, at) + pick(['', '"', '{', '}', ',', ':', '\\', 'x']) + text.slice(at + below(2));
    }
    const audio = fast(text);
    if (!audio) continue;
    taken++;
    const parsed = JSON.parse(text) as { event: unknown; media: { payload: string } };
    expect(parsed.event).toBe('media');
    expect(audio.equals(Buffer.from(parsed.media.payload, 'base64'))).toBe(true);
  }
  expect(taken).toBeGreaterThan(2_000);
});
