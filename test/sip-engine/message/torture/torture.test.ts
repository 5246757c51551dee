import { describe, expect, test } from 'vitest';
import { isAnswerable, makeResponse } from '../../../../src/sip-engine/message/builders.ts';
import { header } from '../../../../src/sip-engine/message/headers.ts';
import type { SipMessage } from '../../../../src/sip-engine/message/message.ts';
import { parseNameAddr } from '../../../../src/sip-engine/message/name-addr.ts';
import { parseDatagram } from '../../../../src/sip-engine/message/parse.ts';
import { serialise } from '../../../../src/sip-engine/message/serialise.ts';
import { validateRequest, validateResponse } from '../../../../src/sip-engine/message/validate.ts';
import { tortureMessages } from './corpus.ts';

/** `400` and the like: refused with that status. `drop`: a response nobody can be told about. */
type Verdict = 'valid' | 'drop' | 400 | 505;

interface Expectation {
  readonly section: string;
  readonly verdict: Verdict;
  /** What the layer above the parser makes of a message that is valid here, or why we take the stricter choice. */
  readonly above?: string;
}

const EXPECTED: Readonly<Record<string, Expectation>> = {
  wsinv: { section: '3.1.1.1', verdict: 'valid' },
  intmeth: { section: '3.1.1.2', verdict: 'valid', above: '405 or 501: unknown method' },
  esc01: { section: '3.1.1.3', verdict: 'valid' },
  escnull: { section: '3.1.1.4', verdict: 'valid' },
  esc02: {
    section: '3.1.1.5',
    verdict: 'valid',
    above: '405 or 501: the method is not REGISTER, escapes mean nothing in it',
  },
  lwsdisp: { section: '3.1.1.6', verdict: 'valid' },
  longreq: { section: '3.1.1.7', verdict: 'valid' },
  dblreq: { section: '3.1.1.8', verdict: 'valid', above: 'the second request in the datagram is ignored' },
  semiuri: { section: '3.1.1.9', verdict: 'valid' },
  transports: { section: '3.1.1.10', verdict: 'valid' },
  mpart01: { section: '3.1.1.11', verdict: 'valid' },
  unreason: { section: '3.1.1.12', verdict: 'valid', above: 'dropped: no such transaction' },
  noreason: { section: '3.1.1.13', verdict: 'valid', above: 'dropped: no such transaction' },
  badinv01: { section: '3.1.2.1', verdict: 400 },
  clerr: { section: '3.1.2.2', verdict: 400 },
  ncl: { section: '3.1.2.3', verdict: 400 },
  scalar02: { section: '3.1.2.4', verdict: 400 },
  scalarlg: { section: '3.1.2.5', verdict: 'drop' },
  quotbal: { section: '3.1.2.6', verdict: 400 },
  ltgtruri: { section: '3.1.2.7', verdict: 400 },
  lwsruri: { section: '3.1.2.8', verdict: 400 },
  lwsstart: { section: '3.1.2.9', verdict: 400 },
  trws: { section: '3.1.2.10', verdict: 400 },
  escruri: { section: '3.1.2.11', verdict: 400 },
  baddate: { section: '3.1.2.12', verdict: 'valid', above: 'Date is not acted on, so a bad one harms nobody' },
  regbadct: { section: '3.1.2.13', verdict: 400 },
  badaspec: { section: '3.1.2.14', verdict: 400 },
  baddn: { section: '3.1.2.15', verdict: 400 },
  badvers: { section: '3.1.2.16', verdict: 505 },
  mismatch01: { section: '3.1.2.17', verdict: 400 },
  mismatch02: { section: '3.1.2.18', verdict: 400 },
  bigcode: { section: '3.1.2.19', verdict: 'drop' },
  badbranch: {
    section: '3.2.1',
    verdict: 'valid',
    above: 'a branch of the bare cookie is matched as RFC 2543 requests are',
  },
  insuf: { section: '3.3.1', verdict: 400 },
  unkscm: { section: '3.3.2', verdict: 'valid', above: '416: unknown scheme' },
  novelsc: { section: '3.3.3', verdict: 'valid', above: '416: unknown scheme' },
  unksm2: { section: '3.3.4', verdict: 'valid', above: 'REGISTER with a To that is no SIP URI: 400 or 404' },
  bext01: { section: '3.3.5', verdict: 'valid', above: '420: unknown option tag in Require' },
  invut: { section: '3.3.6', verdict: 'valid', above: '415: unknown body type' },
  regaut01: { section: '3.3.7', verdict: 'valid', above: '401 or 403: unknown authorization scheme' },
  multi01: { section: '3.3.8', verdict: 400 },
  mcl01: { section: '3.3.9', verdict: 400 },
  bcast: {
    section: '3.3.10',
    verdict: 'valid',
    above: 'dropped: no such transaction; never sent on to the second Via',
  },
  zeromf: { section: '3.3.11', verdict: 'valid', above: '483 in a proxy; an endpoint may answer OPTIONS' },
  cparam01: { section: '3.3.12', verdict: 'valid' },
  cparam02: { section: '3.3.13', verdict: 'valid' },
  regescrt: { section: '3.3.14', verdict: 'valid' },
  sdp01: { section: '3.3.15', verdict: 'valid', above: '406: we cannot answer in the only type accepted' },
  inv2543: {
    section: '3.4.1',
    verdict: 400,
    above: 'stricter than RFC 2543: without From tag and Contact no dialog can be named',
  },
};

describe('RFC 4475 torture messages', () => {
  test('all 49 are there, each with one expectation', () => {
    expect([...tortureMessages.keys()].sort()).toEqual(Object.keys(EXPECTED).sort());
    expect(tortureMessages.size).toBe(49);
  });

  for (const [name, { section, verdict, above }] of Object.entries(EXPECTED)) {
    const note = above === undefined ? '' : ` (above: ${above})`;
    test(`${section} ${name} is ${verdict}${note}`, () => {
      expect(verdictOn(bytesOf(name))).toBe(verdict);
    });
  }

  test('every refused request can be answered, with its own Via and CSeq where it had them', () => {
    for (const [name, { verdict }] of Object.entries(EXPECTED)) {
      if (verdict === 'valid' || verdict === 'drop') continue;
      const result = parseDatagram(bytesOf(name));
      const request = result.ok ? result.message : result.partial;
      if (request?.kind !== 'request') throw new Error(`${name} left nothing to answer`);
      expect(isAnswerable(request), name).toBe(true);
      const text = serialise(makeResponse(request, verdict, undefined, { toTag: 'x' })).toString('latin1');
      expect(text, name).toMatch(new RegExp(`^SIP/2\\.0 ${verdict} `));
      expect(text, name).toMatch(/\r\nVia: SIP/);
      expect(text, name).toMatch(/\r\nCSeq: \d/);
    }
  });

  test('every valid message survives printing and parsing again', () => {
    for (const [name, { verdict }] of Object.entries(EXPECTED)) {
      if (verdict !== 'valid') continue;
      const first = parsed(name);
      const again = parseDatagram(serialise(first));
      if (!again.ok) throw new Error(`${name}: ${again.error.message}`);
      expect(header(again.message, 'from'), name).toBe(header(first, 'from'));
      expect(again.message.body, name).toEqual(first.body);
      expect(serialise(again.message), name).toEqual(serialise(first));
    }
  });
});

describe('what the tortuous messages say', () => {
  test('wsinv: folded lines, odd names and compact forms are read', () => {
    const message = parsed('wsinv');
    expect(header(message, 'call-id')).toBe('wsinv.ndaksdj@192.0.2.1');
    expect(header(message, 'cseq')).toBe('0009 INVITE');
    expect(header(message, 'subject')).toBe('');
    expect(header(message, 'newfangledheader')).toBe('newfangled value continued newfangled value');
    expect(parseNameAddr(header(message, 'from') ?? '')?.display).toBe('J Rosenberg \\"');
    expect(parseNameAddr(header(message, 'contact') ?? '')?.params.get('newparam')).toBe('newvalue');
    expect(message.body.length).toBe(150);
  });

  test('intmeth: every unusual but legal character comes through, control characters in quoted pairs too', () => {
    const message = parsed('intmeth');
    expect(message.kind === 'request' && message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    expect(parseNameAddr(header(message, 'to') ?? '')?.display).toBe('BEL:\x07 NUL:\x00 DEL:\x7f');
    expect(header(message, 'from')).toContain('работающий');
  });

  test('unreason: the reason phrase is UTF-8 text', () => {
    const message = parsed('unreason');
    expect(message.kind === 'response' && message.reason).toBe('= 2**3 * 5**2 но сто девяносто девять - простое');
  });

  test('dblreq: the second request is reported as trailing bytes and nothing of it is read', () => {
    const result = parseDatagram(bytesOf('dblreq'));
    expect(result.ok && result.trailing).toBe(450);
    expect(result.ok && result.message.kind === 'request' && result.message.method).toBe('REGISTER');
  });

  test('mpart01: a body with NUL bytes is kept whole', () => {
    const message = parsed('mpart01');
    expect(message.body.length).toBe(Number(header(message, 'content-length')));
    expect(message.body.includes(0)).toBe(true);
  });

  test('esc01: escapes in the Request-URI are left as they are', () => {
    const message = parsed('esc01');
    expect(message.kind === 'request' && message.uri).toBe('sip:sips%3Auser%40example.com@example.net');
  });
});

function bytesOf(name: string): Buffer {
  const bytes = tortureMessages.get(name);
  if (bytes === undefined) throw new Error(`no message ${name}`);
  return bytes;
}

function parsed(name: string): SipMessage {
  const result = parseDatagram(bytesOf(name));
  if (!result.ok) throw result.error;
  return result.message;
}

function verdictOn(bytes: Buffer): number | 'valid' | 'drop' {
  const result = parseDatagram(bytes);
  if (!result.ok) return result.partial === undefined ? 'drop' : result.error.status;
  if (result.message.kind === 'response') return validateResponse(result.message) === undefined ? 'valid' : 'drop';
  return validateRequest(result.message)?.status ?? 'valid';
}
