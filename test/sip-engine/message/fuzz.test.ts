import { describe, expect, test } from 'vitest';
import { isAnswerable, makeResponse } from '../../../src/sip-engine/message/builders.ts';
import { cseqOf } from '../../../src/sip-engine/message/cseq.ts';
import { header, headerValues } from '../../../src/sip-engine/message/headers.ts';
import type { SipMessage } from '../../../src/sip-engine/message/message.ts';
import { formatNameAddr, getTag, parseNameAddr, withTag } from '../../../src/sip-engine/message/name-addr.ts';
import { parseDatagram } from '../../../src/sip-engine/message/parse.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';
import { StreamFramer } from '../../../src/sip-engine/message/stream-framer.ts';
import { formatUri, parseUri } from '../../../src/sip-engine/message/uri.ts';
import { validateRequest, validateResponse } from '../../../src/sip-engine/message/validate.ts';
import { stampTopVia, topVia } from '../../../src/sip-engine/message/via.ts';
import { type Language, mutate } from '../../fuzz/mutate.ts';
import { Random } from '../../fuzz/random.ts';
import { inviteBytes } from '../support/sip-text.ts';
import { tortureMessages } from './torture/corpus.ts';

// Mutations of the torture corpus, the same ones on every run. CALLIN_FUZZ_ROUNDS makes a longer run of it.
const SEED = 0x5eed_4475;
const { CALLIN_FUZZ_ROUNDS = '20000' } = process.env;
const ROUNDS = Number(CALLIN_FUZZ_ROUNDS);
const LANGUAGE: Language = { seeds: [...tortureMessages.values(), inviteBytes()], tokens: [] };

describe('mutated messages', () => {
  test('never make the parser, the validator or a header reader throw, and what is valid can be printed and read again', () => {
    const random = new Random(SEED);
    let valid = 0;
    for (let round = 0; round < ROUNDS; round++) valid += exercise(mutate(LANGUAGE, random)) ? 1 : 0;
    // A mutator that only makes rubbish would prove nothing about what lies behind the first check.
    expect(valid).toBeGreaterThan(ROUNDS / 20);
    expect(valid).toBeLessThan(ROUNDS);
  });

  test('read the same from a stream however it is cut', () => {
    const random = new Random(SEED + 1);
    for (let round = 0; round < ROUNDS / 10; round++) {
      const stream = Buffer.concat([mutate(LANGUAGE, random), inviteBytes()]);
      expect(eventsOf(stream, () => 1 + random.below(200))).toEqual(eventsOf(stream, () => stream.length));
    }
  });
});

/** Everything a layer above may do with a datagram. True when the message was valid. */
function exercise(bytes: Buffer): boolean {
  const result = parseDatagram(bytes);
  if (!result.ok) {
    if (result.partial !== undefined && isAnswerable(result.partial)) {
      serialise(makeResponse(result.partial, result.error.status, result.error.reason, { toTag: 'x' }));
    }
    return false;
  }
  const message = result.message;
  readEverything(message);
  const invalid = message.kind === 'request' ? validateRequest(message) : validateResponse(message);
  if (message.kind === 'request') {
    stampTopVia(message, { address: '192.0.2.1', port: 5060 }, { forceRport: true });
    const response = makeResponse(message, 200, undefined, { toTag: 'x' });
    if (invalid === undefined) expect(validateResponse(response)).toBeUndefined();
    serialise(response);
  }
  if (invalid !== undefined) return false;
  const again = parseDatagram(serialise(message));
  if (!again.ok) throw again.error;
  expect(again.message.headers.length).toBeGreaterThanOrEqual(message.headers.length);
  expect(again.message.body.equals(message.body)).toBe(true);
  expect(again.trailing).toBe(0);
  return true;
}

function readEverything(message: SipMessage): void {
  topVia(message);
  cseqOf(message);
  for (const name of ['via', 'route', 'contact', 'from', 'to', 'allow']) {
    for (const value of headerValues(message, name)) {
      const address = parseNameAddr(value);
      if (address === undefined) continue;
      const again = parseNameAddr(formatNameAddr(address));
      expect(again).toEqual(address);
      const uri = parseUri(address.uri);
      if (uri !== undefined) expect(parseUri(formatUri(uri))).toEqual(uri);
    }
  }
  const from = header(message, 'from');
  if (from !== undefined && parseNameAddr(from) !== undefined) expect(getTag(withTag(from, 'abc'))).toBe('abc');
}

function eventsOf(stream: Buffer, chunkSize: () => number): string[] {
  const events: string[] = [];
  const framer = new StreamFramer({
    message: (message, size) => void events.push(`message ${size} ${textOf(message)}`),
    invalid: (_partial, error, size) => void events.push(`invalid ${size} ${error.code}`),
    ping: () => void events.push('ping'),
    violation: (_partial, error) => void events.push(`violation ${error.code}`),
  });
  for (let at = 0; at < stream.length; ) {
    const size = chunkSize();
    framer.push(stream.subarray(at, at + size), 0);
    at += size;
  }
  return events;
}

function textOf(message: SipMessage): string {
  return message.headers.map((field) => `${field.name}: ${field.value}`).join('\n') + message.body.toString('hex');
}
