import { describe, expect, test } from 'vitest';
import { isAnswerable, makeResponse } from '../../../../src/sip-engine/message/builders.ts';
import { header } from '../../../../src/sip-engine/message/headers.ts';
import type { SipMessage } from '../../../../src/sip-engine/message/message.ts';
import { parseNameAddr } from '../../../../src/sip-engine/message/name-addr.ts';
import { parseDatagram } from '../../../../src/sip-engine/message/parse.ts';
import { serialise } from '../../../../src/sip-engine/message/serialise.ts';
import { validateRequest, validateResponse } from '../../../../src/sip-engine/message/validate.ts';
import { tortureMessages } from './corpus.ts';
import { TORTURE_EXPECTATIONS } from './expectations.ts';

describe('RFC 4475 torture messages', () => {
  test('all 49 are there, each with one expectation', () => {
    expect([...tortureMessages.keys()].sort()).toEqual(Object.keys(TORTURE_EXPECTATIONS).sort());
    expect(tortureMessages.size).toBe(49);
  });

  for (const [name, { section, verdict, above }] of Object.entries(TORTURE_EXPECTATIONS)) {
    const note = above === undefined ? '' : ` (above: ${above})`;
    test(`${section} ${name} is ${verdict}${note}`, () => {
      expect(verdictOn(bytesOf(name))).toBe(verdict);
    });
  }

  test('every refused request can be answered, with its own Via and CSeq where it had them', () => {
    for (const [name, { verdict }] of Object.entries(TORTURE_EXPECTATIONS)) {
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
    for (const [name, { verdict }] of Object.entries(TORTURE_EXPECTATIONS)) {
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
