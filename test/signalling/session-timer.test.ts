import { expect, test } from 'vitest';
import { sessionTimerHeaders } from '../../src/signalling/session-timer.ts';

test.each([
  ['1800', 'timer', '1800;refresher=uac'],
  ['1800', '100rel, timer', '1800;refresher=uac'],
  ['1800', '', '1800;refresher=uas'],
  ['1800;refresher=uas', 'timer', '1800;refresher=uas'],
  ['1800 ; refresher = UAC', '', '1800;refresher=uac'],
  ['30', 'timer', '90;refresher=uac'],
])('Session-Expires %j of a peer that supports %j is answered %j', (asked, supported, answer) => {
  expect(sessionTimerHeaders({ 'session-expires': asked, supported })).toEqual({ 'Session-Expires': answer });
});

test.each([undefined, '', 'soon', '-1', '99999999999'])('%j asks for no session timer', (asked) => {
  expect(sessionTimerHeaders(asked === undefined ? {} : { 'session-expires': asked })).toEqual({});
});

test('the compact form counts', () => {
  expect(sessionTimerHeaders({ x: '600', k: 'timer' })).toEqual({ 'Session-Expires': '600;refresher=uac' });
});
