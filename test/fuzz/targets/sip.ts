// SIP of strangers: messages, streams, and the parts of a header.

import { isAnswerable, makeResponse } from '../../../src/sip-engine/message/builders.ts';
import { cseqOf } from '../../../src/sip-engine/message/cseq.ts';
import { headerValues } from '../../../src/sip-engine/message/headers.ts';
import type { SipMessage } from '../../../src/sip-engine/message/message.ts';
import { formatNameAddr, getTag, parseNameAddr, withTag } from '../../../src/sip-engine/message/name-addr.ts';
import { parseDatagram } from '../../../src/sip-engine/message/parse.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';
import { StreamFramer } from '../../../src/sip-engine/message/stream-framer.ts';
import { formatUri, parseUri } from '../../../src/sip-engine/message/uri.ts';
import { validateRequest, validateResponse } from '../../../src/sip-engine/message/validate.ts';
import { formatVia, parseVia, stampTopVia } from '../../../src/sip-engine/message/via.ts';
import { answerStun } from '../../../src/sip-engine/transport/stun.ts';
import { digestFields } from '../../../src/signalling/digest-fields.ts';
import { DigestServer } from '../../../src/signalling/digest-server.ts';
import { parseContacts, parseReasonHeader, parseSipAddress, parseSipUri } from '../../../src/signalling/sip-text.ts';
import { readBody } from '../../../src/signalling/body.ts';
import { parseReferTo, parseReplaces, printReplaces } from '../../../src/signalling/refer-to.ts';
import { screen } from '../../../src/signalling/screen.ts';
import { inviteBytes } from '../../sip-engine/support/sip-text.ts';
import { tortureMessages } from '../../sip-engine/message/torture/corpus.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type FuzzTarget, promise, same } from '../harness.ts';
import { ENGINE_TARGETS } from './engine.ts';
import { textTarget } from './text.ts';

const WORDS = [
  'SIP/2.0',
  'Via: SIP/2.0/UDP h;branch=z9hG4bK1',
  'Content-Length: ',
  'Content-Length: 5\r\nContent-Length: 50',
  'l: 9',
  'Route: <sip:a;lr>',
  'Record-Route: <sip:a;lr>, <sip:b>',
  ';tag=',
  ';received=',
  ';maddr=',
  ';rport',
  'sips:',
  'tel:+1',
  'Require: 100rel',
  'Max-Forwards: 0',
  'CSeq: 4294967295 INVITE',
  '\r\n ',
  '\r\n\r\n',
];
const SEEDS = (): readonly Buffer[] => [...tortureMessages.values(), inviteBytes()];

const GREW: ReadonlySet<string> = new Set(['headers_too_large', 'too_many_headers']);

const sipMessage: FuzzTarget = {
  name: 'sip-message',
  tokens: WORDS,
  seeds: () => [inviteBytes()],
  check(input) {
    const result = parseDatagram(input);
    if (!result.ok) {
      if (result.partial !== undefined && isAnswerable(result.partial)) {
        serialise(makeResponse(result.partial, result.error.status, result.error.reason, { toTag: 'x' }));
      }
      return false;
    }
    const { message } = result;
    for (const name of ['via', 'route', 'contact', 'from', 'to', 'allow']) headerValues(message, name);
    cseqOf(message);
    if (message.kind === 'request') stampTopVia(message, { address: '192.0.2.1', port: 5060 }, { forceRport: true });
    const invalid = message.kind === 'request' ? validateRequest(message) : validateResponse(message);
    if (invalid !== undefined) return false;
    if (message.kind === 'request') {
      const response = makeResponse(message, 200, undefined, { toTag: 'x' });
      promise(validateResponse(response) === undefined, 'the answer to a valid request is valid');
    }
    const again = parseDatagram(serialise(message));
    // Bytes that are no UTF-8 take two each when they are printed, and a missing Content-Length is a line more.
    if (!again.ok && GREW.has(again.error.code)) return true;
    promise(again.ok, 'what is valid can be printed and read again');
    promise(again.message.body.equals(message.body) && again.trailing === 0, 'with the same body');
    return true;
  },
};

function eventsOf(stream: Buffer, chunkSize: () => number): string[] {
  const events: string[] = [];
  const textOf = (message: SipMessage) =>
    message.headers.map(({ name, value }) => `${name}: ${value}`).join('\n') + message.body.toString('hex');
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

const sipStream: FuzzTarget = {
  name: 'sip-stream',
  tokens: WORDS,
  seeds: () => [inviteBytes(), Buffer.concat([inviteBytes(), Buffer.from('\r\n\r\n'), inviteBytes()])],
  check(input, random) {
    const whole = eventsOf(input, () => input.length);
    same(
      eventsOf(input, () => 1 + random.below(200)),
      whole,
      'the same however it is cut',
    );
    return whole.some((event) => event.startsWith('message'));
  },
};

const URIS = [
  'sip:+12025550100@example.com:5060;transport=tcp;user=phone?Subject=a&X=%20b',
  'sips:alice:secret@[2001:db8::1]:5061;lr',
  'sip:example.com',
  'tel:+1-202-555-0100;ext=7',
  'sip:a%40b;npdi@192.0.2.1',
];

const sipUri = textTarget(
  'sip-uri',
  URIS,
  ['sip:', 'sips:', 'tel:', ';lr', ';transport=', '?', '%2B', '[::1]', '@'],
  (text) => {
    parseSipUri(text);
    const uri = parseUri(text);
    if (uri === undefined) return false;
    same(parseUri(formatUri(uri)), uri, 'what was read can be printed and read again');
    return true;
  },
);

const ADDRESSES = [
  '"Alice \\"A\\" Smith" <sip:alice@example.com;transport=tcp>;tag=abc;q=0.5',
  'Bob <sip:bob@example.com>',
  'sip:carol@example.com;tag=1',
  '<tel:+12025550100>;tag=x',
];

const nameAddr = textTarget('name-addr', ADDRESSES, ['"', '\\"', '<sip:', '>', ';tag=', ',', '<tel:'], (text) => {
  parseSipAddress(text);
  parseContacts(text);
  const address = parseNameAddr(text);
  if (address === undefined) return false;
  same(parseNameAddr(formatNameAddr(address)), address, 'what was read can be printed and read again');
  promise(getTag(withTag(text, 'abc')) === 'abc', 'a tag can be set');
  return true;
});

const VIAS = [
  'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc;rport',
  'SIP / 2.0 / TLS [2001:db8::1] ; branch = z9hG4bK1 ; received=192.0.2.9;rport=5062',
  'SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks',
];

const via = textTarget(
  'via',
  VIAS,
  ['SIP/2.0/', 'UDP', ';rport=', ';received=', ';maddr=', ';ttl=', '[::]'],
  (text) => {
    const read = parseVia(text);
    if (read === undefined) return false;
    same(parseVia(formatVia(read)), read, 'what was read can be printed and read again');
    return true;
  },
);

const REASONS = [
  'Q.850;cause=16;text="Normal, call clearing"',
  'SIP;cause=486, Q.850;cause=17',
  'SIP ;cause=200 ;text="a \\" b"',
];

const reasonHeader = textTarget(
  'reason-header',
  REASONS,
  ['Q.850', ';cause=', ';text="', ','],
  (text) => parseReasonHeader(text).length > 0,
);

const REFERS = [
  '<sip:+12025550123@example.com?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>',
  'sip:bob@example.com;method=INVITE',
];

const referTo = textTarget(
  'refer-to',
  REFERS,
  ['Replaces=', '%3Bto-tag%3D', ';early-only', '%3B', '?', '&'],
  (text) => {
    const target = parseReferTo(text);
    const replaces = parseReplaces(text);
    if (replaces !== undefined)
      same(parseReplaces(printReplaces(replaces)), replaces, 'Replaces can be printed and read again');
    return target !== undefined;
  },
);

const clock = new FakeClock();
const server = new DigestServer({ clock, key: 'k', realm: 'r', randomBytes: (size) => Buffer.alloc(size, 7) });
const credentials = { username: 'carrier', password: 'secret' };
const DIGESTS = [
  `Digest username="carrier", realm="r", nonce="${/nonce="([^"]+)"/.exec(server.challenges(false)[0] ?? '')?.[1]}", uri="sip:a@b", response="0123", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="x"`,
  'Digest realm="sip.example", nonce="abc", algorithm=MD5, qop="auth,auth-int", stale=true, opaque="\\"o"',
];

const digest = textTarget(
  'digest',
  DIGESTS,
  ['Digest ', 'realm="', 'nonce="', 'qop=', 'nc=', '\\"', '="', ','],
  (text) => {
    const verdict = server.judge({ method: 'INVITE', authorization: text, credentials });
    promise(verdict !== 'proved', 'nobody proves a password without it');
    return digestFields(text).size > 3;
  },
);

const BODIES = [
  'v=0\r\n',
  '--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n',
];

const sipBody = textTarget(
  'sip-body',
  BODIES,
  ['--b', '\r\n--b--', 'Content-Type: application/sdp', '\r\n\r\n'],
  (text) => {
    const single = readBody(text, 'application/sdp', undefined);
    return readBody(text, 'multipart/mixed;boundary=b', undefined).kind === 'sdp' || single.kind === 'sdp';
  },
);

/** What the client library hands up: a map of headers, which it may have repaired. */
const sipScreen: FuzzTarget = {
  name: 'sip-screen',
  tokens: WORDS,
  seeds: () => [Buffer.from(SCREENED)],
  check(input) {
    const [startLine = '', ...lines] = input.toString('utf8').split('\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const [method = '', uri = ''] = startLine.split(' ');
    const screening = screen({ method, uri, headers, body: 'v=0\r\n', startLine });
    if (!screening.ok) promise(screening.status >= 400 && screening.status < 700, 'a refusal has a status');
    return screening.ok;
  },
};
const SCREENED = [
  'INVITE sip:+12025550100@example.com SIP/2.0',
  'from: "A" <sip:a@example.com>;tag=1',
  'to: <sip:+12025550100@example.com>',
  'call-id: abc@example.com',
  'cseq: 1 INVITE',
  'contact: <sip:a@192.0.2.1:5060>',
  'max-forwards: 70',
  'content-type: application/sdp',
].join('\n');

const sipStun: FuzzTarget = {
  name: 'sip-stun',
  tokens: [],
  seeds: () => [Buffer.from('000100002112a442000102030405060708090a0b', 'hex')],
  check: (input) => answerStun(input, '192.0.2.1', 5060) !== undefined,
};

/** The messages that are made to confuse are seeds as well, but not all of them are valid. */
const torture: FuzzTarget = {
  ...sipMessage,
  name: 'sip-torture',
  seeds: () => SEEDS().filter((bytes) => sipMessage.check(Buffer.from(bytes), NEVER)),
};
const NEVER = { below: () => 0 } as never;

export const SIP_TARGETS: readonly FuzzTarget[] = [
  sipMessage,
  torture,
  sipStream,
  sipUri,
  nameAddr,
  via,
  reasonHeader,
  referTo,
  digest,
  sipBody,
  sipScreen,
  sipStun,
  ...ENGINE_TARGETS,
];
