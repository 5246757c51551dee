import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import type { InboundInvite, Signalling } from '../../src/signalling/leg.ts';
import { connectSignalling } from '../../src/signalling/signalling.ts';
import { createRandom } from '../../src/phone/random.ts';
import { OFFER, RecordingLog, SECRET } from './harness.ts';
import { LenientEngine } from './lenient-engine.ts';

// The engine in front of us may let anything through; nothing of it may become a call.

let engine: LenientEngine;
let signalling: Signalling;
let invites: InboundInvite[];
const log = new RecordingLog();

beforeAll(async () => {
  engine = await LenientEngine.start();
  const observer = { request: () => undefined, response: () => undefined };
  signalling = await connectSignalling({
    host: '127.0.0.1',
    port: engine.port,
    secret: SECRET,
    clock: systemClock,
    logger: log,
    observer,
  });
  signalling.onInvite((invite) => {
    invites.push(invite);
    invite.accept(() => undefined).reject('unknown_number');
  });
});
beforeEach(() => {
  invites = [];
  engine.sent.items.length = 0;
});
afterAll(async () => {
  await signalling.close();
  await engine.close();
});

let counter = 0;
const GOOD = [
  'INVITE sip:+12025550100@127.0.0.1 SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKx;rport=5099',
  'Max-Forwards: 70',
  'From: "A" <sip:+1202@127.0.0.1>;tag=t1',
  'To: <sip:+12025550100@127.0.0.1>',
  'Call-ID: CALLID',
  'CSeq: 1 INVITE',
  'Contact: <sip:a@127.0.0.1:5099>',
  'Content-Type: application/sdp',
  `Content-Length: ${OFFER.length}`,
  '',
  OFFER,
].join('\r\n');
const good = () => GOOD.replace('CALLID', `c${++counter}`);

describe('a request that a lenient engine lets through', () => {
  test('is taken when nothing is wrong with it', async () => {
    engine.request(good());
    expect((await engine.sent.take()).sip).toMatch(/^SIP\/2\.0 404 /);
    expect(invites).toHaveLength(1);
  });

  test.each([
    ['an escaped method', 'INVITE sip', 'INV%49TE sip', 400],
    ['<> around the Request-URI', 'sip:+12025550100@127.0.0.1 SIP', '<sip:+12025550100@127.0.0.1> SIP', 400],
    ['a Request-URI with a bad escape', 'sip:+12025550100@', 'sip:+1202%zz@', 400],
    ['a Request-URI of another scheme', 'sip:+12025550100@127.0.0.1 SIP', 'http://127.0.0.1 SIP', 416],
    ['no From', /From: .*\r\n/, '', 400],
    ['two Froms', 'From: ', 'From: <sip:b@127.0.0.1>;tag=t0\r\nFrom: ', 400],
    ['a From without a tag', ';tag=t1', '', 400],
    ['a From whose tag would break the wire protocol', 'tag=t1', 'tag=t|1', 400],
    ['a From that is no address', /From: .*\r\n/, 'From: sip:@@@;tag=1\r\n', 400],
    ['no To', /To: .*\r\n/, '', 400],
    ['no Call-ID', /Call-ID: .*\r\n/, '', 400],
    ['a Call-ID with a bar', 'Call-ID: ', 'Call-ID: a|b', 400],
    ['no CSeq', /CSeq: .*\r\n/, '', 400],
    ['a CSeq of another method', 'CSeq: 1 INVITE', 'CSeq: 1 OPTIONS', 400],
    ['a CSeq beyond 2^31', 'CSeq: 1 ', 'CSeq: 4294967295 ', 400],
    ['Max-Forwards that is no number', 'Max-Forwards: 70', 'Max-Forwards: many', 400],
    ['Max-Forwards above 255', 'Max-Forwards: 70', 'Max-Forwards: 256', 400],
    ['an Accept without SDP', 'Max-Forwards: 70', 'Max-Forwards: 70\r\nAccept: text/plain, application/isup;q=1', 406],
    ['Max-Forwards that is used up (signalling 11)', 'Max-Forwards: 70', 'Max-Forwards: 0', 483],
    ['no Contact', /Contact: .*\r\n/, '', 400],
    ['two Contacts', 'Contact: ', 'Contact: <sip:b@127.0.0.1>\r\nContact: ', 400],
    ['a Contact that is a telephone number', 'Contact: <sip:a@127.0.0.1:5099>', 'Contact: <tel:+1202>', 400],
    ['an extension that we must know and do not', 'Contact: ', 'Require: 100rel, outbound\r\nContact: ', 420],
    ['a body that is no description', 'application/sdp', 'text/plain', 415],
    ['a compressed body', 'Content-Type', 'Content-Encoding: gzip\r\nContent-Type', 415],
    ['a method that does not exist', /INVITE/g, 'INVENT', 501],
    ['a method that is not ours', /INVITE/g, 'REGISTER', 405],
    ['a method that needs a dialog', /INVITE/g, 'INFO', 481],
  ])('with %s is refused and becomes no call', async (_name, from, to, status) => {
    engine.request(good().replace(from as string, to));
    expect((await engine.sent.take()).sip).toMatch(new RegExp(`^SIP/2\\.0 ${status} `));
    expect(invites).toEqual([]);
  });

  test('names what is not supported', async () => {
    engine.request(good().replace('Contact: ', 'Require: 100rel, outbound, xyz\r\nContact: '));
    expect((await engine.sent.take()).sip).toMatch(/unsupported: outbound, xyz\r\n/i);
  });

  test('and that is our own INVITE, come back, is a loop: 482 (signalling 11)', async () => {
    const leg = signalling.originate(
      {
        uri: 'sip:+442071234567@127.0.0.1:5099',
        callerUser: '+12025550100',
        callerDisplay: null,
        offer: OFFER,
        headers: {},
        credentials: null,
      },
      () => undefined,
    );
    const { meta, sip } = await engine.sent.take();
    // What an engine completes.
    const own = {
      via: 'SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours',
      'max-forwards': '69',
      to: '<sip:+442071234567@127.0.0.1:5099>',
      'call-id': 'looped',
      cseq: '7 INVITE',
      contact: '<sip:us@127.0.0.1:5060>',
      'content-type': 'application/sdp',
    };
    const missing = Object.entries(own).filter(([name]) => !new RegExp(`^${name}:`, 'im').test(sip));
    const full = sip
      .replace('\r\n', `\r\n${missing.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`)
      .replace(/^(from: [^\r]*)/im, '$1;tag=ours');
    const tokens = `OK|application|${full.length}|udp|127.0.0.1|5060|00:00:00.000000|txn-of-loop|Msg sent:|`;
    engine.frame(`${crypto.randomUUID()}|response|${meta.split('|')[0]}|${tokens}\r\n${full}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    engine.request(full);
    expect((await engine.sent.take(({ sip: answer }) => answer.startsWith('SIP/2.0'))).sip).toMatch(/^SIP\/2\.0 482 /);
    expect(invites).toEqual([]);
    engine.request(full.replace('tag=ours', 'tag=theirs'));
    expect((await engine.sent.take(({ sip: answer }) => answer.startsWith('SIP/2.0'))).sip).toMatch(/^SIP\/2\.0 404 /);
    leg.cancel('api_hangup');
  });

  test('and makes the library stumble ends neither the process nor the connection', async () => {
    const faults = log.lines.length;
    engine.request('this is no SIP');
    engine.request(good().replace('From: ', 'no colon here\r\nFrom: '));
    engine.request(good().replace('INVITE', ''));
    engine.frame('id|strange|network');
    engine.frame('x');
    engine.request(good());
    expect((await engine.sent.take(({ sip }) => sip.startsWith('SIP/2.0 404'))).sip).not.toBe('');
    expect(log.lines.length).toBeGreaterThan(faults);
    expect(signalling.connected).toBe(true);
  });

  test('damaged at random never becomes anything but an answer, a call or silence', async () => {
    const random = createRandom(5060);
    const splinters = ['\r\n', '<', '>', '"', ';', ',', '\0', '%', 'Via: x\r\n', '\r\n\r\n', '|', '=', ':', '\u00e9'];
    for (let round = 0; round < 300; round++) {
      let text = good();
      for (let i = random.integer(3); i >= 0; i--) {
        const at = random.integer(text.indexOf('v=0') + 20);
        const cut = random.integer(2) === 0 ? random.integer(9) : 0;
        text = text.slice(0, at) + (splinters[random.integer(splinters.length)] ?? '') + text.slice(at + cut);
      }
      engine.request(text);
    }
    engine.request(good());
    await engine.sent.take(({ sip }) => sip.includes(`c${counter}\r\n`));
    expect(signalling.connected).toBe(true);
    for (const { requestUri, sipCallId } of invites) {
      expect(requestUri).toMatch(/^(sips?|tel):[^<>"\s]+$/);
      expect(sipCallId).not.toMatch(/[|\s]/);
    }
  });
});

test('a stream of frames out of step is dropped and a new connection made', async () => {
  const before = engine.connections;
  engine.raw('nonsense#and more');
  await expect.poll(() => engine.connections, { timeout: 3_000 }).toBe(before + 1);
  await expect.poll(() => signalling.connected, { timeout: 3_000 }).toBe(true);
  engine.request(good());
  expect((await engine.sent.take()).sip).toMatch(/^SIP\/2\.0 404 /);
});
