import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ReferEvent, ReferRequest } from '../../src/signalling/own-refer.ts';
import type { Referred } from '../../src/signalling/referral.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { RawMessage } from '../support/raw-sip-peer.ts';
import { exceptReference } from './engine-under-test.ts';
import { type Callee, type Caller, Harness, type PlacedCall, Record, type TakenCall } from './harness.ts';

let clock: FakeClock;
let harness: Harness;
beforeEach(async () => {
  clock = new FakeClock();
  harness = await Harness.start({ clock });
});
afterEach(() => harness.close());

const REQUEST: ReferRequest = {
  referTo: '<sip:+12025550155@127.0.0.1>',
  referredBy: '<sip:+12025550100@127.0.0.1>',
  headers: { 'X-Order': '42' },
  timeoutMs: 60_000,
};
const FRAG = 'Content-Type: message/sipfrag;version=2.0';
const ofMethod = (method: string, status?: number) => (message: RawMessage) =>
  status === undefined
    ? message.method === method
    : message.status === status && message.header('CSeq').endsWith(method);

type Side = Pick<Caller, 'peer' | 'inDialog'> & { respondTo(request: RawMessage, status: number): void };

async function talking(direction: 'inbound' | 'outbound', credentials: PlacedCall | null = null) {
  void credentials;
  if (direction === 'inbound') {
    const { caller, call } = await harness.answered();
    return { side: sideOf(caller), call };
  }
  const { callee, call } = await harness.placedAnswered({ credentials: { username: 'u', password: 'p' } });
  return { side: sideOf(callee), call };
}

function sideOf(other: Caller | Callee): Side {
  return {
    peer: other.peer,
    inDialog: (method, options) => other.inDialog(method, options),
    respondTo: (request, status) => answerRequest(other, request, status),
  };
}

function answerRequest({ peer }: Caller | Callee, request: RawMessage, status: number, extra: string[] = []): void {
  const lines = [
    `SIP/2.0 ${status} Answer`,
    ...request.headers('Via').map((via) => `Via: ${via}`),
    `From: ${request.header('From')}`,
    `To: ${request.header('To')}`,
    `Call-ID: ${request.header('Call-ID')}`,
    `CSeq: ${request.header('CSeq')}`,
    ...extra,
    'Content-Length: 0',
    '',
    '',
  ];
  peer.send(lines.join('\r\n'), harness.sipPort);
}

function refer(call: TakenCall | PlacedCall, change: Partial<ReferRequest> = {}) {
  const events = new Record<ReferEvent>();
  const isSent = call.leg.refer({ ...REQUEST, ...change }, (event) => events.add(event));
  return { events, isSent };
}

async function notify(side: Side, state: string, line: string, event = 'refer'): Promise<void> {
  side.inDialog('NOTIFY', { body: line, extra: [`Event: ${event}`, `Subscription-State: ${state}`, FRAG] });
}

describe.each(['inbound', 'outbound'] as const)('signalling 16: REFER out of an %s call', (direction) => {
  test('leaves in the dialog with Refer-To, Referred-By and X- headers; NOTIFYs are told and answered', async () => {
    const { side, call } = await talking(direction);
    const { events } = refer(call);
    const request = await side.peer.next('REFER');
    expect(request.header('Refer-To')).toBe('<sip:+12025550155@127.0.0.1>');
    expect(request.header('Referred-By')).toBe('<sip:+12025550100@127.0.0.1>');
    expect(request.header('X-Order')).toBe('42');
    expect(request.header('To')).toContain(';tag=');
    side.respondTo(request, 202);
    expect(await events.take()).toEqual({ type: 'accepted' });
    await notify(side, 'active;expires=60', 'SIP/2.0 100 Trying\r\n');
    expect(await events.take()).toEqual({ type: 'progress', status: 100 });
    await side.peer.next(ofMethod('NOTIFY', 200));
    await notify(side, 'terminated;reason=noresource', 'SIP/2.0 200 OK\r\n');
    expect(await events.take()).toEqual({ type: 'done', status: 200 });
    await side.peer.next(ofMethod('NOTIFY', 200));
    // The subscription is over: what comes about it now is about nothing.
    await notify(side, 'terminated;reason=noresource', 'SIP/2.0 200 OK\r\n');
    await side.peer.next(ofMethod('NOTIFY', 481));
    expect(events.items).toEqual([]);
  });

  test('a NOTIFY that overtakes the 202 counts', async () => {
    const { side, call } = await talking(direction);
    const { events } = refer(call);
    const request = await side.peer.next('REFER');
    await notify(side, 'terminated;reason=noresource', 'SIP/2.0 486 Busy Here\r\n');
    expect(await events.take()).toEqual({ type: 'accepted' });
    expect(await events.take()).toEqual({ type: 'failed', status: 486 });
    side.respondTo(request, 202);
    await side.peer.next(ofMethod('NOTIFY', 200));
    expect(events.items).toEqual([]);
  });

  test.each([405, 603, 501, 481])('that is answered %i is told as refused, and the call goes on', async (status) => {
    const { side, call } = await talking(direction);
    const { events } = refer(call);
    side.respondTo(await side.peer.next('REFER'), status);
    expect(await events.take()).toEqual({ type: 'refused', status });
    side.inDialog('INFO');
    await side.peer.next(ofMethod('INFO', 200));
  });

  test('without a result in time is told as timed out; the late result is answered 481', async () => {
    const { side, call } = await talking(direction);
    const { events } = refer(call, { timeoutMs: 20_000 });
    side.respondTo(await side.peer.next('REFER'), 202);
    await events.take();
    clock.advance(19_999);
    expect(events.items).toEqual([]);
    clock.advance(1);
    expect(await events.take()).toEqual({ type: 'timed-out' });
    await notify(side, 'terminated;reason=noresource', 'SIP/2.0 200 OK\r\n');
    await side.peer.next(ofMethod('NOTIFY', 481));
    expect(events.items).toEqual([]);
  });

  test('after one that timed out, news without an id are not taken for those of the next', async () => {
    const { side, call } = await talking(direction);
    const first = refer(call, { timeoutMs: 1_000 });
    side.respondTo(await side.peer.next('REFER'), 202);
    await first.events.take();
    clock.advance(1_000);
    await first.events.take();
    const { events } = refer(call);
    const request = await side.peer.next('REFER');
    side.respondTo(request, 202);
    await events.take();
    await notify(side, 'terminated', 'SIP/2.0 200 OK\r\n');
    await side.peer.next(ofMethod('NOTIFY', 481));
    const id = request.header('CSeq').split(' ')[0];
    await notify(side, 'terminated', 'SIP/2.0 503 No\r\n', `refer;id=${id}`);
    expect(await events.take()).toEqual({ type: 'failed', status: 503 });
  });

  test('that ends without saying how is told as failed', async () => {
    const { side, call } = await talking(direction);
    const { events } = refer(call);
    side.respondTo(await side.peer.next('REFER'), 202);
    await events.take();
    await notify(side, 'terminated;reason=giveup', 'SIP/2.0 100 Trying\r\n');
    expect(await events.take()).toEqual({ type: 'failed', status: null });
  });

  test('one at a time', async () => {
    const { call } = await talking(direction);
    expect(refer(call).isSent).toBe(true);
    expect(refer(call).isSent).toBe(false);
  });
});

test('signalling 2: a REFER that is challenged is sent again with the digest', async () => {
  const { side, call } = await talking('outbound');
  const { events } = refer(call);
  const first = await side.peer.next('REFER');
  const challenge = 'WWW-Authenticate: Digest realm="127.0.0.1", nonce="n1", algorithm=MD5, qop="auth"';
  answerRequest({ peer: side.peer } as Callee, first, 401, [challenge]);
  const second = await side.peer.next('REFER');
  expect(second.header('Authorization')).toContain('username="u"');
  expect(second.header('Refer-To')).toBe(first.header('Refer-To'));
  side.respondTo(second, 202);
  expect(await events.take()).toEqual({ type: 'accepted' });
});

describe('signalling 17: requests in a dialog that make no state', () => {
  test.each([
    ['NOTIFY', ['Event: refer', 'Subscription-State: active', FRAG], 'SIP/2.0 200 OK\r\n', 481],
    ['NOTIFY', ['Event: message-summary', 'Subscription-State: active'], '', 489],
    ['NOTIFY', [], '', 489],
    ['SUBSCRIBE', ['Event: dialog', 'Expires: 60'], '', 489],
    ['MESSAGE', ['Content-Type: text/plain'], 'hi', 405],
    ['PUBLISH', ['Event: presence', 'Content-Type: text/plain'], 'x', 405],
  ] as const)('%s %j is answered %s', async (method, extra, body, status) => {
    const { side, call } = await talking('inbound');
    side.inDialog(method, { extra: [...extra], ...(body === '' ? {} : { body }) });
    const response = await side.peer.next(ofMethod(method, status));
    if (status === 489) expect(response.header('Allow-Events')).toBe('refer');
    if (status === 405) expect(response.header('Allow')).toContain('NOTIFY');
    expect(call.events.items).toEqual([]);
  });
});

describe.each(['inbound', 'outbound'] as const)('signalling 16: REFER in an %s call', (direction) => {
  const referTo = (uri: string) => ({ extra: [`Refer-To: ${uri}`, 'Referred-By: <sip:ann@pbx>'] });
  const referred = async (call: TakenCall | PlacedCall): Promise<Referred> => {
    const events = call.events as Record<{ type: string }>;
    return (await events.take((event) => event.type === 'referred')) as Referred;
  };

  test('accepted: 202, NOTIFY 100, and one that ends the subscription', async () => {
    const { side, call } = await talking(direction);
    side.inDialog('REFER', referTo('<sip:+12025550155@pbx>'));
    const event = await referred(call);
    expect(event).toMatchObject({ target: { user: '+12025550155', host: 'pbx' }, referredBy: '<sip:ann@pbx>' });
    event.accept();
    await side.peer.next(ofMethod('REFER', 202));
    const trying = await side.peer.next('NOTIFY');
    expect(trying.header('Event')).toBe('refer');
    expect(trying.header('Subscription-State')).toMatch(/^active;expires=\d+$/);
    expect(trying.header('Content-Type')).toBe('message/sipfrag;version=2.0');
    expect(trying.body).toBe('SIP/2.0 100 Trying\r\n');
    side.respondTo(trying, 200);
    event.progress(180);
    event.progress(180);
    const ringing = await side.peer.next('NOTIFY');
    expect(ringing.body).toBe('SIP/2.0 180 Ringing\r\n');
    side.respondTo(ringing, 200);
    event.finish(200);
    event.finish(486);
    const final = await side.peer.next('NOTIFY');
    expect(final.header('Subscription-State')).toBe('terminated;reason=noresource');
    expect(final.body).toBe('SIP/2.0 200 OK\r\n');
    side.respondTo(final, 200);
    expect((await side.peer.rest()).filter((line) => line.startsWith('NOTIFY'))).toEqual([]);
  });

  test('declined: that answer and its reason, no NOTIFY', async () => {
    const { side, call } = await talking(direction);
    side.inDialog('REFER', referTo('<sip:+12025550155@pbx>'));
    const event = await referred(call);
    event.refuse(603, { Reason: 'SIP;cause=603;text="transfer_not_allowed"' });
    event.accept();
    event.finish(200);
    const answer = await side.peer.next(ofMethod('REFER', 603));
    expect(answer.header('Reason')).toContain('transfer_not_allowed');
    expect((await side.peer.rest()).filter((line) => line.startsWith('NOTIFY'))).toEqual([]);
  });

  test.each(['<http://pbx/>', '<sip:bob@pbx?Route=%3Csip:evil%3E>', '<sip:a@b>, <sip:c@d>'])(
    '%s is answered 400 and told to nobody',
    async (uri) => {
      const { side, call } = await talking(direction);
      side.inDialog('REFER', referTo(uri));
      await side.peer.next(ofMethod('REFER', 400));
      expect(call.events.items).toEqual([]);
    },
  );

  test('a second one while the first is under way is answered 491', async () => {
    const { side, call } = await talking(direction);
    side.inDialog('REFER', referTo('<sip:+12025550155@pbx>'));
    const event = await referred(call);
    event.accept();
    side.respondTo(await side.peer.next('NOTIFY'), 200);
    side.inDialog('REFER', referTo('<sip:+12025550156@pbx>'));
    await side.peer.next(ofMethod('REFER', 491));
    event.finish(486);
    side.respondTo(await side.peer.next('NOTIFY'), 200);
    side.inDialog('REFER', referTo('<sip:+12025550156@pbx>'));
    (await referred(call)).accept();
    expect((await side.peer.next('NOTIFY')).header('Event')).toMatch(/^refer;id=\d+$/);
  });

  test('that nobody decides is declined in time', async () => {
    const { side, call } = await talking(direction);
    side.inDialog('REFER', referTo('<sip:+12025550155@pbx>'));
    await referred(call);
    clock.advance(5_000);
    await side.peer.next(ofMethod('REFER', 603));
  });

  test('the call ends meanwhile: nothing more is sent', async () => {
    const { side, call } = await talking(direction);
    side.inDialog('REFER', referTo('<sip:+12025550155@pbx>'));
    const event = await referred(call);
    event.accept();
    side.respondTo(await side.peer.next('NOTIFY'), 200);
    side.inDialog('BYE');
    await side.peer.next(ofMethod('BYE', 200));
    event.finish(200);
    expect((await side.peer.rest()).filter((line) => line.startsWith('NOTIFY'))).toEqual([]);
  });
});

describe('signalling 17: requests outside a dialog that make no state', () => {
  test.each([
    ['NOTIFY', ['Event: refer', 'Subscription-State: active'], 481],
    ['NOTIFY', ['Event: message-summary', 'Subscription-State: active'], 489],
    ['SUBSCRIBE', ['Event: presence'], 489],
    ['MESSAGE', [], 405],
    ['PUBLISH', ['Event: presence'], 405],
  ] as const)('%s %j is answered %i', async (method, extra, status) => {
    const caller = await harness.caller();
    caller.send(caller.text(method, { extra: [...extra] }));
    const response = await caller.peer.next((message) => (message.status ?? 0) >= 200);
    expect(response.status).toBe(status);
    if (status === 489) expect(response.header('Allow-Events')).toBe('refer');
    if (status === 405) expect(response.header('Allow')).toContain('INVITE');
    expect(harness.openDialogs()).toBe(0);
  });

  exceptReference('4.1 (5): it says nothing to a REFER')(
    'REFER is refused, whoever asks, and nobody is called',
    async () => {
      const caller = await harness.caller();
      caller.send(caller.text('REFER', { extra: ['Refer-To: <sip:+12025550155@127.0.0.1>'] }));
      const response = await caller.peer.next((message) => (message.status ?? 0) >= 200);
      expect([403, 405]).toContain(response.status);
      expect(harness.openDialogs()).toBe(0);
    },
  );
});

test.each(['inbound', 'outbound'] as const)('signalling 19: X- headers of our BYE, %s', async (direction) => {
  const { side, call } = await talking(direction);
  call.leg.setByeHeaders({ 'X-Outcome': 'sold' });
  void call.leg.bye('agent_hangup');
  const bye = await side.peer.next('BYE');
  expect(bye.header('X-Outcome')).toBe('sold');
  expect(bye.header('Reason')).toContain('agent_hangup');
  side.respondTo(bye, 200);
});
