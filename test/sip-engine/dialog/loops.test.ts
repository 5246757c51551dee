import { describe, expect, test } from 'vitest';
import { Branches, loopRefusal } from '../../../src/sip-engine/dialog/loops.ts';
import type { SipRequest } from '../../../src/sip-engine/message/message.ts';

const branches = new Branches();

function request(method: string, headers: readonly [string, string][]): SipRequest {
  const fields = headers.map(([name, value]) => ({ name, value }));
  return { kind: 'request', method, uri: 'sip:a@b.example', headers: fields, body: Buffer.alloc(0) };
}

const judge = (method: string, ...headers: [string, string][]) =>
  loopRefusal(request(method, headers), (branch) => branches.isOwn(branch));

describe('signalling 11: loops', () => {
  test('our branches are known again, and nobody else’s are', () => {
    const branch = branches.make();
    expect(branch).toMatch(/^z9hG4bK[0-9a-f]{32}$/);
    expect(branches.isOwn(branch)).toBe(true);
    expect(branches.isOwn(new Branches().make())).toBe(false);
    expect(branches.isOwn(branch.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).toBe(false);
    expect(branches.isOwn('z9hG4bK')).toBe(false);
  });

  test('a Via of ours anywhere in the request: 482', () => {
    const via = `SIP/2.0/UDP 192.0.2.9;branch=${branches.make()}`;
    expect(judge('INVITE', ['Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1'], ['Via', via])).toBe(482);
    expect(judge('INVITE', ['v', `SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, ${via}`])).toBe(482);
    expect(judge('OPTIONS', ['Via', via])).toBe(482);
  });

  test('another’s Via with our address is no loop: networks behind NATs use the same', () => {
    expect(judge('INVITE', ['Via', 'SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1'])).toBeUndefined();
  });

  test('Max-Forwards 0: 483, but for OPTIONS; without one nothing is wrong', () => {
    expect(judge('INVITE', ['Max-Forwards', '0'])).toBe(483);
    expect(judge('REGISTER', ['Max-Forwards', '00'])).toBe(483);
    expect(judge('OPTIONS', ['Max-Forwards', '0'])).toBeUndefined();
    expect(judge('INVITE', ['Max-Forwards', '1'])).toBeUndefined();
    expect(judge('INVITE')).toBeUndefined();
  });
});
