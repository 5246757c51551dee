import { describe, expect, test } from 'vitest';
import { Door, type DoorOptions, type Taken } from '../../src/signalling/door.ts';
import type { InboundInvite, InboundLeg } from '../../src/signalling/leg.ts';
import type { Exchange } from '../../src/signalling/link-handles.ts';
import { FakeClock } from '../support/fake-clock.ts';

const HEADERS = {
  from: '<sip:a@192.0.2.1>;tag=ft',
  to: '<sip:b@192.0.2.2>',
  'call-id': 'c',
  contact: '<sip:a@192.0.2.1>',
  'max-forwards': '70',
};

/** A request at the door, and what it was answered. */
function request(method: string, { protocol = 'udp', ...change }: Record<string, string> = {}) {
  const answers: (readonly [number, Readonly<Record<string, string>>])[] = [];
  const exchange = {
    method,
    uri: 'sip:b@192.0.2.2',
    startLine: null,
    headers: { ...HEADERS, cseq: `1 ${method}`, ...change },
    body: '',
    source: { address: '192.0.2.1', port: 5060, protocol },
    respond: (status: number, { headers = {} }: { headers?: Record<string, string> } = {}) =>
      void answers.push([status, headers]),
  } as unknown as Exchange;
  return { answers, exchange, statuses: () => answers.map(([status]) => status) };
}

function atTheDoor(options: Partial<DoorOptions> = {}) {
  const clock = new FakeClock();
  const taken: Taken[] = [];
  const rejected: string[] = [];
  const errors: string[] = [];
  const door = new Door({
    clock,
    log: { error: (_fields, message) => void errors.push(message) },
    admits: undefined,
    isOurs: () => false,
    take: (leg) => {
      taken.push(leg);
      return {
        reject: (reason: Parameters<InboundLeg['reject']>[0]) => {
          rejected.push(reason);
          leg.onRejected(reason);
        },
      } as unknown as InboundLeg;
    },
    ...options,
  });
  return { clock, door, errors, rejected, taken };
}

test('a node that starts, and takes no calls yet, asks to be tried again, and does not fail', () => {
  const { door, taken } = atTheDoor();
  for (const method of ['INVITE', 'OPTIONS']) {
    const early = request(method);
    door.knock(early.exchange);
    expect(early.answers).toEqual([[503, { 'Retry-After': '5' }]]);
  }
  door.handler = (invite) => void invite.accept(() => undefined);
  // The same call again: what it was told was no refusal to be remembered.
  door.knock(request('INVITE').exchange);
  expect(taken).toHaveLength(1);
  const health = request('OPTIONS');
  door.knock(health.exchange);
  expect(health.statuses()).toEqual([200]);
});

describe('what belongs to no dialog', () => {
  test.each([
    ['OPTIONS', 503, 200],
    ['BYE', 481, 481],
    ['UPDATE', 481, 481],
    ['INFO', 481, 481],
    ['PRACK', 481, 481],
    ['REFER', 403, 403],
    ['REGISTER', 405, 403],
    ['MESSAGE', 405, 403],
    ['NOTHING', 501, 501],
    ['INVITE', 503, 503],
  ])('%s: %i, and %i where a browser asks', (method, ofCarrier, ofBrowser) => {
    const { door } = atTheDoor();
    const [carrier, browser] = [request(method), request(method, { protocol: 'wss' })];
    door.knock(carrier.exchange);
    door.knock(browser.exchange);
    expect([carrier.statuses(), browser.statuses()]).toEqual([[ofCarrier], [ofBrowser]]);
    // Who may be anybody learns nothing of what this is.
    expect(browser.answers[0]?.[1]).toEqual({});
  });

  test('OPTIONS while we drain: to be tried later, elsewhere', () => {
    const { door } = atTheDoor();
    door.isDraining = true;
    const { answers, exchange } = request('OPTIONS');
    door.knock(exchange);
    expect(answers[0]?.[0]).toBe(503);
    expect(Number(answers[0]?.[1]['Retry-After'])).toBeGreaterThan(0);
  });

  test('who is not admitted is answered as a stranger, whatever he says', () => {
    const asked: unknown[] = [];
    const { door } = atTheDoor({
      admits: (guarded) => {
        asked.push(guarded);
        return false;
      },
    });
    const { exchange, statuses } = request('NOTHING', { to: '<sip:b@192.0.2.2>;tag=ours', 'user-agent': 'scanner' });
    door.knock(exchange);
    expect(statuses()).toEqual([403]);
    const { source } = exchange;
    const { from } = HEADERS;
    expect(asked).toEqual([{ source, method: 'NOTHING', userAgent: 'scanner', from, isInDialog: true }]);
  });

  test('what `screen` finds fault with goes no further', () => {
    const { door } = atTheDoor();
    door.handler = () => {
      throw new Error('the handler was told');
    };
    const { exchange, statuses } = request('INVITE', { contact: '' });
    door.knock(exchange);
    expect(statuses()).toEqual([400]);
  });
});

describe('S1: an INVITE always ends in a final response', () => {
  test('the handler takes it, once', () => {
    const { door, taken } = atTheDoor();
    const invites: InboundInvite[] = [];
    door.handler = (invite) => {
      invites.push(invite);
      invite.accept(() => undefined);
      expect(() => invite.accept(() => undefined)).toThrow('once');
    };
    const { exchange, statuses } = request('INVITE');
    door.knock(exchange);
    expect(invites).toMatchObject([{ sipCallId: 'c', calledUser: 'b', callerUser: 'a', fromBrowser: false }]);
    expect([taken.length, taken[0]?.exchange === exchange, statuses()]).toEqual([1, true, []]);
  });

  test.each<[string, (invite: InboundInvite) => void]>([
    ['the handler does not take it', () => undefined],
    [
      'the handler throws before it does',
      () => {
        throw new Error('no');
      },
    ],
  ])('500: %s', (_what, handler) => {
    const { door, errors } = atTheDoor();
    door.handler = handler;
    const { exchange, statuses } = request('INVITE');
    door.knock(exchange);
    expect(statuses()).toEqual([500]);
    expect(errors).toHaveLength(_what.includes('throws') ? 1 : 0);
  });

  test('500: no leg could be made of it', () => {
    const { door, errors } = atTheDoor({
      take: () => {
        throw new Error('no');
      },
    });
    door.handler = (invite) => void invite.accept(() => undefined);
    const { exchange, statuses } = request('INVITE');
    door.knock(exchange);
    expect([statuses(), errors.length]).toEqual([[500], 1]);
  });

  test('a handler that throws after it took it: the leg answers', () => {
    const { door, errors } = atTheDoor();
    door.handler = (invite) => {
      invite.accept(() => undefined);
      throw new Error('no');
    };
    const { exchange, statuses } = request('INVITE');
    door.knock(exchange);
    expect([statuses(), errors.length]).toEqual([[], 1]);
  });
});

test('an INVITE of a dialog that is over here is no new call: 481, from whomever', () => {
  const { door, taken } = atTheDoor();
  door.handler = (invite) => void invite.accept(() => undefined);
  for (const protocol of ['udp', 'wss']) {
    const { exchange, statuses } = request('INVITE', { protocol, to: '<sip:b@192.0.2.2>;tag=ours' });
    door.knock(exchange);
    expect(statuses()).toEqual([481]);
  }
  expect(taken).toEqual([]);
});

test('one of ours that came back is a loop', () => {
  const { door } = atTheDoor({ isOurs: (callId, fromTag) => callId === 'c' && fromTag === 'ft' });
  const { exchange, statuses } = request('INVITE');
  door.knock(exchange);
  expect(statuses()).toEqual([482]);
});

test('S3: what was refused and comes again gets the same answer, for a minute, and the handler hears nothing of it', () => {
  const { clock, door, rejected } = atTheDoor();
  let told = 0;
  door.handler = (invite) => {
    told += 1;
    invite.accept(() => undefined).reject('number_unassigned');
  };
  door.knock(request('INVITE').exchange);
  door.knock(request('INVITE').exchange);
  door.knock(request('INVITE', { 'call-id': 'another' }).exchange);
  expect([told, rejected.length]).toEqual([2, 3]);
  clock.advance(61_000);
  door.knock(request('INVITE').exchange);
  expect([told, new Set(rejected)]).toEqual([3, new Set(['number_unassigned'])]);
});
