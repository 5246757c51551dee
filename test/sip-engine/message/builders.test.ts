import { describe, expect, test } from 'vitest';
import { isAnswerable, makeResponse, reasonPhrase } from '../../../src/sip-engine/message/builders.ts';
import type { SipMessage, SipRequest } from '../../../src/sip-engine/message/message.ts';
import { parseDatagram } from '../../../src/sip-engine/message/parse.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';
import { inviteBytes } from '../support/sip-text.ts';

const lines = (msg: SipMessage): string[] => msg.headers.map(({ name, value }) => `${name}: ${value}`);

function invite(changes: Readonly<Record<string, string>> = {}): SipRequest {
  const result = parseDatagram(inviteBytes(changes));
  if (!result.ok || result.message.kind !== 'request') throw new Error('not a request');
  return result.message;
}

describe('a response', () => {
  const request = invite({
    '+1': 'v: SIP/2.0/UDP below;branch=2',
    '+2': 'Record-Route: <sip:p2;lr>',
    '+3': 'Record-Route: <sip:p1;lr>',
    '+4': 'Timestamp: 54',
  });

  test('copies Via, Record-Route, From, To with our tag, Call-ID and CSeq', () => {
    expect(lines(makeResponse(request, 180, undefined, { toTag: 'ours', extra: [{ name: 'X', value: 'y' }] }))).toEqual(
      [
        'Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK776asdhds;rport',
        'Via: SIP/2.0/UDP below;branch=2',
        'Record-Route: <sip:p2;lr>',
        'Record-Route: <sip:p1;lr>',
        'From: "Alice" <sip:+12025550199@192.0.2.9>;tag=1928301774',
        'To: <sip:+12025550100@192.0.2.1>;tag=ours',
        'Call-ID: a84b4c76e66710@192.0.2.9',
        'CSeq: 314159 INVITE',
        'X: y',
      ],
    );
  });

  test('of 100 carries Timestamp and no tag of ours; of 300 and above no Record-Route', () => {
    expect(lines(makeResponse(request, 100))).toContain('Timestamp: 54');
    expect(lines(makeResponse(request, 100))).toContain('To: <sip:+12025550100@192.0.2.1>');
    expect(lines(makeResponse(request, 404, undefined, { toTag: 'x' })).join()).not.toContain('Record-Route');
  });

  test('keeps the To tag of a request in a dialog', () => {
    const inDialog = invite({ 'To:': 'To: <sip:a@b>;tag=theirs' });
    expect(lines(makeResponse(inDialog, 200, 'Fine', { toTag: 'ours' }))).toContain('To: <sip:a@b>;tag=theirs');
  });

  test('shares nothing with the request: editing one leaves the other alone', () => {
    const extra = [{ name: 'X', value: 'y' }];
    const response = makeResponse(request, 200, undefined, { extra });
    for (const field of response.headers) field.value = 'changed';
    expect(lines(request).join()).not.toContain('changed');
    expect(extra[0]?.value).toBe('y');
  });

  test('can be made from a request of which little was readable', () => {
    const poor: SipRequest = {
      kind: 'request',
      method: 'INVITE',
      uri: '?',
      headers: [{ name: 'v', value: 'x' }],
      body: Buffer.alloc(0),
    };
    expect(serialise(makeResponse(poor, 400)).toString()).toBe(
      'SIP/2.0 400 Bad Request\r\nVia: x\r\nContent-Length: 0\r\n\r\n',
    );
  });
});

test('ACK and requests without Via are never answered', () => {
  expect(isAnswerable(invite())).toBe(true);
  expect(isAnswerable({ ...invite(), method: 'ACK' })).toBe(false);
  expect(isAnswerable({ ...invite(), headers: [] })).toBe(false);
});

test('phrases are those of the RFC, and of the class for unknown codes', () => {
  expect([180, 404, 481, 603, 299, 499, 599, 699].map(reasonPhrase)).toEqual([
    'Ringing',
    'Not Found',
    'Call/Transaction Does Not Exist',
    'Decline',
    'OK',
    'Bad Request',
    'Server Internal Error',
    'Busy Everywhere',
  ]);
});
