import { expect, test } from 'vitest';
import {
  minimumOf,
  sessionTimerHeaders,
  sessionTimerRequest,
  tooShortInterval,
} from '../../src/signalling/session-timer.ts';

test.each([
  ['1800', 'timer', '1800;refresher=uac', true],
  ['1800', '100rel, timer', '1800;refresher=uac', true],
  ['1800', '', '1800;refresher=uas', false],
  ['1800;refresher=uas', 'timer', '1800;refresher=uas', false],
  ['1800 ; refresher = UAC', '', '1800;refresher=uac', false],
  ['30', 'timer', '90;refresher=uac', true],
])(
  'Session-Expires %j of a peer that supports %j is answered %j, required: %j',
  (asked, supported, answer, required) => {
    expect(sessionTimerHeaders({ 'session-expires': asked, supported }, 1800)).toEqual({
      'Session-Expires': answer,
      ...(required ? { Require: 'timer' } : {}),
    });
  },
);

test.each([undefined, '', 'soon', '-1', '99999999999'])('%j asks for no session timer', (asked) => {
  expect(sessionTimerHeaders(asked === undefined ? {} : { 'session-expires': asked })).toEqual({});
});

test('the compact form counts', () => {
  expect(sessionTimerHeaders({ x: '600', k: 'timer' })).toEqual({
    'Session-Expires': '600;refresher=uac',
    Require: 'timer',
  });
});

test('ours is asked for where the peer can do it and asks for nothing: we refresh it', () => {
  expect(sessionTimerHeaders({ supported: 'timer' }, 600)).toEqual({ 'Session-Expires': '600;refresher=uas' });
  expect(sessionTimerHeaders({ supported: '100rel' }, 600)).toEqual({});
  expect(sessionTimerHeaders({ supported: 'timer' }, null)).toEqual({});
});

test('what is too short is refused where the refusal is understood', () => {
  expect(tooShortInterval({ 'session-expires': '89', supported: 'timer' })).toEqual({ 'Min-SE': '90' });
  expect(tooShortInterval({ 'session-expires': '90', supported: 'timer' })).toBeNull();
  expect(tooShortInterval({ 'session-expires': '30' })).toBeNull();
  expect(tooShortInterval({ supported: 'timer' })).toBeNull();
});

test('an INVITE of ours names no refresher and the minimum that a 422 asked for', () => {
  expect(sessionTimerRequest(1800)).toEqual({ 'session-expires': '1800', 'min-se': '90' });
  expect(sessionTimerRequest(1800, { minSec: 3600 })).toEqual({ 'session-expires': '3600', 'min-se': '3600' });
  expect(sessionTimerRequest(1800, { theirs: true })).toEqual({
    'session-expires': '1800;refresher=uas',
    'min-se': '90',
  });
  expect(minimumOf({ 'min-se': ' 3600 ;x=1' })).toBe(3600);
  for (const value of ['0', '89', 'soon', '99999999999']) expect(minimumOf({ 'min-se': value })).toBeNull();
  expect(minimumOf({})).toBeNull();
});
