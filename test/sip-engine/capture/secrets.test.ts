import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createSipLadder } from '../../../src/observability/sip-ladder.ts';
import { Capture } from '../../../src/sip-engine/capture/capture.ts';
import { withoutSecrets } from '../../../src/sip-engine/message/secrets.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { sipText } from '../support/sip-text.ts';
import { readHep } from './read-hep.ts';

// One list of what is taken out (src/sip-engine/message/secrets.ts), and each way by which a message comes before a person is held to it.

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function atCaptureServer(text: string): Promise<string> {
  const server = createSocket('udp4').bind(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => new Promise((resolve) => void server.close(() => resolve(undefined))));
  const { port } = server.address() as AddressInfo;
  const faults: unknown[] = [];
  const capture = new Capture({ host: '127.0.0.1', port, id: 1, password: '' }, new FakeEngineClock(), (error) =>
    faults.push(error),
  );
  closers.push(() => capture.close());
  const here = { address: '127.0.0.1', port: 5060 };
  const packet = once(server, 'message');
  capture.sent(Buffer.from(text, 'latin1'), { protocol: 'udp', ...here }, here);
  expect(faults).toEqual([]);
  const [bytes] = (await packet) as [Buffer];
  return String(readHep(bytes)['payload']);
}

async function inLadder(text: string): Promise<string> {
  const ladder = createSipLadder({ clock: new FakeClock() });
  ladder.seen({ direction: 'in', transport: 'udp', peer: null, text });
  ladder.bind({ id: 'call', startedMs: 0 }, 'a@b');
  return ladder.of('call')?.messages[0]?.text ?? '';
}

const WAYS = [
  ['a capture server', atCaptureServer],
  ['the ladder', inLadder],
] as const;

const message = (fields: readonly string[], body = '', start = 'INFO sip:a@b SIP/2.0'): string =>
  sipText(
    [start, 'Via: SIP/2.0/UDP a;branch=z9hG4bKa', 'From: <sip:a@b>;tag=a', 'To: <sip:a@b>;tag=b', 'Call-ID: a@b']
      .concat('CSeq: 1 INFO', fields)
      .filter((line) => line !== ''),
    body,
  );
const sdp = (line: string): string => `v=0\r\nm=audio 1 RTP/SAVP 0\r\n${line}\r\na=sendrecv\r\n`;
const parts = (...all: string[]): string => `${all.map((part) => `--x\r\n${part}`).join('\r\n')}\r\n--x--\r\n`;
const MIXED = 'Content-Type: multipart/mixed;boundary=x';

const HEADERS: readonly string[] = [
  'Authorization: Digest username="u", response="CANARY"',
  'Proxy-Authorization: Digest username="u",\r\n response="CANARY"',
  'AUTHORIZATION : CANARY',
  'Authentication-Info: rspauth="CANARY"',
  'Proxy-Authentication-Info: nextnonce="CANARY"',
  'P-Media-Authorization: CANARY',
  'X-Api-Key: CANARY',
  'X-Apikey: CANARY',
  'X-Session-Token: CANARY',
  'X-Access-Key: CANARY',
  'X.Token: CANARY',
  'X-Auth: CANARY',
  'X-JWT: CANARY',
  'X-PIN: CANARY',
  'X-Dtmf-Digits: CANARY',
  'X-Shared_Secret: CANARY',
  'Cookie: CANARY',
  'X-Upstream: Bearer CANARY-12345678',
  'X-Upstream: basic CANARY123456==',
  'Identity: eyJhbGciOiJFUzI1NiJ9.eyJvcmlnIjp7fX0.CANARY;info=<https://c.example/x.pem>;alg=ES256;ppt=shaken',
  'y: eyJhbGciOiJFUzI1NiJ9..CANARY;info=<https://c.example/x.pem>, a.b.CANARY;info=<https://c.example/y.pem>',
  'Contact: <sip:user:CANARY@192.0.2.1:5060>',
  'Contact: <sip:user@192.0.2.1;pn-provider=apns;pn-prid=CANARY>',
  'Call-Info: <https://user:CANARY@c.example/card>;purpose=card',
  'Refer-To: <sip:a@b?Authorization=CANARY>',
  'X-Back: <https://c.example/hook?access_token=CANARY&x=1>',
  'X-Params: a;auth-token="CANARY, CANARY"',
  'X-Params: a;auth-token="CANARY, CANARY',
  'X-Params: a;auth-token="CA"CANARY',
];

const BODIES: readonly (readonly [string, string, string?])[] = [
  ['Content-Type: application/sdp', sdp('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:CANARY|2^20'), 'SHA1_80 [redacted]'],
  ['c: application/sdp', sdp('a=crypto:1\tAES_CM_128_HMAC_SHA1_80\tinline:CANARY')],
  ['c: application/sdp', sdp(' A=Crypto: 1 AES_CM_128_HMAC_SHA1_80 inline:CANARY')],
  ['c: application/sdp', sdp('a=crypto:inline:CANARY')],
  ['c: application/sdp', sdp('a=ice-pwd:CANARY')],
  ['c: application/sdp', sdp('a=key-mgmt:mikey CANARY')],
  ['c: application/sdp', sdp('k=clear:CANARY')],
  ['Content-Type: application/dtmf-relay', 'Signal=CANARY\r\nDuration=160', 'Duration=160'],
  ['Content-Type: application/dtmf-relay', 'Signal: CANARY\r\nDuration: 160', 'Duration: 160'],
  ['Content-Type: application/dtmf-relay', 'CANARY'],
  ['Content-Type: application/dtmf', 'CANARY'],
  ['Content-Type: application/dtmf; charset=utf-8', 'CANARY'],
  ['c:\r\n application / dtmf', 'CANARY'],
  ['C: APPLICATION/DTMF', 'CANARY'],
  ['Content-Type: audio/telephone-event', 'CANARY'],
  ['Content-Type: application/vnd.nortelnetworks.digits', 'p=Digit-Collection\r\nd=CANARY'],
  ['Content-Type: application/kpml-response+xml', '<kpml-response digits="CANARY"/>'],
  ['', 'Signal=CANARY'],
  ['Content-Type: application/json', '{"session_token" : "CANARY", "kept": "stays"}', '"kept": "stays"'],
  [MIXED, parts(`Content-Type: application/sdp\r\n\r\n${sdp('a=crypto:1 S inline:CANARY')}`), 'a=sendrecv'],
  [MIXED, parts('Content-Type: application/sdp\r\n\r\nv=0', 'Content-Type: application/dtmf\r\n\r\nCANARY')],
  [MIXED, parts('Content-Type:\r\n application/dtmf-relay\r\n\r\nSignal=CANARY')],
  [MIXED, parts('Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\nCANARY')],
  ['Content-Encoding: gzip\r\nContent-Type: application/sdp', 'CANARY'],
  ['e: deflate\r\nc: application/sdp', 'CANARY'],
];

describe.each(WAYS)('what %s is shown', (_name, shown) => {
  test.each(HEADERS)('%s: is without what proves or opens', async (field) => {
    const text = await shown(message([field, 'X-After: stays']));
    expect(text).not.toContain('CANARY');
    expect(text).toContain('[redacted]');
    expect(text).toContain('X-After: stays');
  });

  test.each(BODIES.map(([type, body, kept = '']) => [type, body, kept] as const))(
    '%j, %j: is without keys and without what was keyed',
    async (type, body, kept) => {
      const text = await shown(message([type], body));
      expect(text).not.toContain('CANARY');
      expect(text).toContain('[redacted]');
      expect(text).toContain(kept);
    },
  );

  test('passwords in the Request-URI are taken out', async () => {
    const text = await shown(message([], '', 'INFO sip:user:CANARY@192.0.2.1 SIP/2.0'));
    expect(text).toContain('INFO sip:user:[redacted]@192.0.2.1 SIP/2.0');
  });

  test('what diagnosis needs stays as it was', async () => {
    const fields = [
      'Contact: <sip:a@192.0.2.1:5060;transport=tcp>;expires=60',
      'Route: <sip:192.0.2.1:5060;lr>',
      'Identity: eyJh.eyJv.c2ln;info=<https://c.example/x.pem>;alg=ES256',
      'WWW-Authenticate: Digest realm="x", nonce="n", qop="auth"',
      'Record-Route: <sip:[2001:db8::1]:5060;lr>',
      'Reason: Q.850;cause=16;text="Normal: x@y"',
      'Content-Type: application/sdp',
    ];
    const text = await shown(message(fields, sdp('a=fingerprint:sha-256 AA:BB')));
    for (const field of fields) expect(text).toContain(field.replace('c2ln', '[redacted]'));
    expect(text).toContain(sdp('a=fingerprint:sha-256 AA:BB'));
  });
});

test('SM1 a hostile message costs no more than another', () => {
  const words = [
    'token',
    ';token',
    ';token=',
    ';token="',
    'sip:',
    'sip:a:',
    '://',
    '"token":"',
    'a.b.c,',
    'a=crypto:1 ',
  ];
  const texts = [...words, 'authorization-', ' \t', 'k=', 'e:', 'Content-Type: multipart/mixed\r\n\t'].flatMap(
    (word) => {
      const long = word.repeat(Math.ceil(16_000 / word.length));
      return [message([`X: ${long}`]), message([`Identity: ${long}`]), message([MIXED], long), message([long])];
    },
  );
  const { user, system } = process.cpuUsage();
  for (const text of texts) withoutSecrets(text);
  const after = process.cpuUsage();
  // Microseconds. Its square would take a hundred times as long.
  expect((after.user - user + after.system - system) / texts.length).toBeLessThan(4_000);
});
