import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COMPUTE_PER_MS, TELEPHONY_PER_MS } from '../metering/support/stage.ts';
import { exceptReference } from '../signalling/engine-under-test.ts';
import { type RawMessage, responseText } from '../support/raw-sip-peer.ts';
import { BALANCE, type CallIn, RealCalls } from './real-calls.ts';

// Calls in that are over before the ACK of our 200: what is on the wire, in the record and on the bill. A callee must not send BYE before the ACK,
// or before the transaction has timed out (RFC 3261 section 15). Acknowledged in time the call is charged like any other; never acknowledged it is
// provisionally free, and the carrier's record decides (metering.md D2).

const FLAGS = ['answer_unconfirmed', 'needs_reconciliation'];
const HELD_MS = 5_000;
const PRICE = 60_000n * TELEPHONY_PER_MS + BigInt(HELD_MS) * COMPUTE_PER_MS;

let calls: RealCalls;
beforeEach(async () => {
  calls = await RealCalls.open();
});
afterEach(() => calls.close());

const withMovedClock = exceptReference('its clock cannot be moved');
const finalOf = (method: string) => (message: RawMessage) =>
  (message.status ?? 0) >= 200 && message.header('CSeq').endsWith(method);
const postings = async (callId: string) => await calls.stage.opened.books.postings({ callId, limit: 10 });

async function answeredFor(ms: number): Promise<CallIn> {
  const { callId, caller } = await calls.moratorium();
  await calls.inState(callId, 'answered');
  await calls.world.clock.advanceAsync(ms);
  return { callId, caller };
}

/** Nothing is sent, and nothing is charged yet. */
async function waits({ callId, caller }: CallIn): Promise<void> {
  await calls.inState(callId, 'ended');
  expect((await caller.peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
  expect([calls.world.records.size, await postings(callId)]).toEqual([0, []]);
}

const causes: Readonly<Record<string, (call: CallIn) => unknown>> = {
  api_hangup: ({ callId }) => calls.manager.hangup(callId),
  agent_hangup: () => calls.world.sessions[0]?.emit({ type: 'agent-closed', atMs: calls.world.clock.monotonicMs() }),
};

describe('signalling 18: hung up by us before the ACK of our 200', () => {
  test.each(Object.entries(causes))('%s: BYE once the ACK is there; the call is charged', async (reason, cause) => {
    const call = await answeredFor(HELD_MS);
    cause(call);
    await waits(call);
    // Not by a moment longer than it was served.
    await calls.world.clock.advanceAsync(1_000);
    call.caller.ack();
    const bye = await call.caller.peer.next('BYE');
    expect(bye.header('Reason')).toContain(`text="${reason}"`);
    call.caller.send(responseText(call.caller.peer, bye, 200));
    const record = await calls.isOver(reason);
    expect(record.bill).toMatchObject({
      telephony: { billedMs: 60_000 },
      compute: { billedMs: HELD_MS },
      total: PRICE,
      flags: [],
    });
    expect(await calls.stage.balance('demo')).toEqual({ balance: BALANCE - PRICE, reserved: 0n });
    expect(await postings(call.callId)).toHaveLength(2);
  });

  for (const [reason, cause] of Object.entries(causes)) {
    withMovedClock(`${reason}, and no ACK comes: BYE after 64*T1, provisionally free, to be reconciled`, async () => {
      const call = await answeredFor(HELD_MS);
      cause(call);
      await waits(call);
      calls.engineClock.skip(33_000);
      const bye = await call.caller.peer.next('BYE');
      expect(bye.header('Reason')).toBe('SIP;cause=408;text="answer_unconfirmed"');
      call.caller.send(responseText(call.caller.peer, bye, 200));
      const record = await calls.billed(call.callId);
      expect(record).toMatchObject({ endReason: reason, bill: { total: 0n, final: false } });
      expect(record.bill?.flags).toEqual(expect.arrayContaining(FLAGS));
      await calls.isSilent();
      expect([calls.world.records.size, await postings(call.callId)]).toEqual([1, []]);
      expect(await calls.stage.balance('demo')).toEqual({ balance: BALANCE, reserved: 0n });
    });
  }

  test('a BYE of the caller comes in place of the ACK: its dialog was there, and the call is charged', async () => {
    const call = await answeredFor(HELD_MS);
    await calls.manager.hangup(call.callId);
    await waits(call);
    call.caller.inDialog('BYE');
    expect((await call.caller.peer.next(finalOf('BYE'))).status).toBe(200);
    expect((await calls.isOver('api_hangup')).bill).toMatchObject({ total: PRICE, flags: [] });
  });

  test('audio of the caller is proof enough for the bill; the BYE waits for the ACK all the same', async () => {
    const call = await answeredFor(HELD_MS);
    calls.world.sessions[0]?.emit({ type: 'first-packet', atMs: calls.world.clock.monotonicMs() });
    await calls.manager.hangup(call.callId);
    expect((await calls.billed(call.callId)).bill).toMatchObject({ total: PRICE, final: true, flags: [] });
    expect((await call.caller.peer.rest()).filter((line) => line.startsWith('BYE'))).toEqual([]);
    call.caller.ack();
    call.caller.send(responseText(call.caller.peer, await call.caller.peer.next('BYE'), 200));
    await calls.isOver('api_hangup');
  });

  test('a node that stops does not wait: the carrier’s record decides', async () => {
    const call = await answeredFor(HELD_MS);
    const drained = calls.manager.drain(1_000);
    await calls.world.clock.advanceAsync(1_000);
    await drained;
    const record = await calls.billed(call.callId);
    expect(record).toMatchObject({ endReason: 'drain_deadline', bill: { total: 0n, final: false } });
    expect(record.bill?.flags).toEqual(expect.arrayContaining(FLAGS));
    call.caller.ack();
    call.caller.send(responseText(call.caller.peer, await call.caller.peer.next('BYE'), 200));
    await calls.isSilent();
  });
});

describe('signalling 18, 23: nobody hangs up, and no ACK comes', () => {
  withMovedClock('the BYE has the code of the record', async () => {
    const call = await answeredFor(HELD_MS);
    calls.engineClock.skip(33_000);
    const bye = await call.caller.peer.next('BYE');
    expect(bye.header('Reason')).toBe('SIP;cause=408;text="answer_unconfirmed"');
    call.caller.send(responseText(call.caller.peer, bye, 200));
    const record = await calls.billed(call.callId);
    expect(record).toMatchObject({ endReason: 'answer_unconfirmed', bill: { total: 0n, final: false } });
    expect(record.bill?.flags).toEqual(expect.arrayContaining(FLAGS));
    await calls.isSilent();
  });

  withMovedClock('nor does a session that nobody refreshes end by other words than its record', async () => {
    const { caller } = await calls.talkingIn({ extra: ['Supported: timer', 'Session-Expires: 90;refresher=uac'] });
    calls.engineClock.skip(91_000);
    const bye = await caller.peer.next('BYE');
    expect(bye.header('Reason')).toBe('SIP;cause=408;text="session_expired"');
    caller.send(responseText(caller.peer, bye, 200));
    await calls.isOver('session_expired');
  });
});

describe('signalling 18: the money ends before the ACK', () => {
  test('balance_exhausted: BYE once the ACK is there, charged to the last nano', async () => {
    await calls.close();
    const balance = 90_000n * (TELEPHONY_PER_MS + COMPUTE_PER_MS);
    calls = await RealCalls.open({ balance });
    const call = await answeredFor(90_000);
    await waits(call);
    call.caller.ack();
    call.caller.send(responseText(call.caller.peer, await call.caller.peer.next('BYE'), 200));
    await calls.isOver('balance_exhausted');
    expect(await calls.stage.balance('demo')).toEqual({ balance: 0n, reserved: 0n });
  });
});
