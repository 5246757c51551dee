import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CallRecord } from '../../src/domain/call.ts';
import { parseSupplierRates } from '../../src/metering/supplier-rates.ts';
import { COMPUTE_PER_MS, TELEPHONY_PER_MS } from '../metering/support/stage.ts';
import { exceptReference } from '../signalling/engine-under-test.ts';
import { answerTo } from '../signalling/harness.ts';
import { responseText } from '../support/raw-sip-peer.ts';
import { BALANCE, RealCalls } from './real-calls.ts';

// What a carrier does on the wire, against what it costs whom.

const MAX_DURATION_MS = 14_400_000;
const PREMIUM = '+19005550123';
const TRUNK = 'trunk_loop';
/** Each started minute costs us 9 000 000. */
const SUPPLIERS = parseSupplierRates(
  'currency: USD\ndecks:\n  sixty:\n    - { prefix: "1", perMinute: "0.009" }\nmanaged: sixty\n',
  'supplier-rates.yaml',
);
const MINUTE_COST = 9_000_000n;

let calls: RealCalls;

beforeEach(async () => {
  calls = await RealCalls.open({ suppliers: SUPPLIERS });
});
afterEach(() => calls.close());

const price = (telephonyMs: number, computeMs: number) =>
  BigInt(telephonyMs) * TELEPHONY_PER_MS + BigInt(computeMs) * COMPUTE_PER_MS;
const eventsOf = ({ timeline }: CallRecord, event: string) => timeline.filter((entry) => entry.event === event);
const chargesOf = async (callId: string) =>
  (await calls.stage.opened.books.postings({ callId, limit: 10 })).map(({ id, quantityMs }) => [id, quantityMs]).sort();
const costsOf = async (callId: string) =>
  (await calls.stage.opened.books.costs({ callId, limit: 10 }))
    .map(({ id, trunkId, amount, revenue }) => [id, trunkId, amount, revenue])
    .sort();

describe('#64 the maximum duration is reached and the other side never answers our BYE', () => {
  const directions = {
    inbound: async () => {
      const { callId, caller } = await calls.talkingIn();
      return { callId, peer: caller.peer };
    },
    outbound: () => calls.talkingOut(),
  };
  const withMovedClock = exceptReference('its clock cannot be moved');
  for (const [direction, talking] of Object.entries(directions)) {
    withMovedClock(
      `${direction}: ended and billed to the cap at once; the BYE is repeated and given up, and nothing changes`,
      async () => {
        const { callId, peer } = await talking();
        await calls.world.clock.advanceAsync(MAX_DURATION_MS - 1);
        expect((await calls.manager.get(callId))?.state).toBe('answered');
        await calls.world.clock.advanceAsync(1);
        const record = await calls.billed(callId);
        expect(record).toMatchObject({
          endReason: 'max_duration',
          bill: { telephony: { billedMs: MAX_DURATION_MS }, compute: { billedMs: MAX_DURATION_MS } },
        });
        expect(calls.manager.activeCalls).toBe(0);
        const left = { balance: BALANCE - price(MAX_DURATION_MS, MAX_DURATION_MS), reserved: 0n };
        expect(await calls.stage.balance('demo')).toEqual(left);

        const bye = await peer.next('BYE');
        expect(bye.header('Reason')).toBe('SIP;cause=200;text="max_duration"');
        calls.engineClock.skip(600);
        expect((await peer.next('BYE')).text).toBe(bye.text);
        calls.engineClock.skip(33_000);
        await expect.poll(() => calls.harness.openDialogs()).toBe(0);
        await calls.world.clock.advanceAsync(60_000);
        expect(await calls.inState(callId, 'ended')).toEqual(record);
        expect(await calls.stage.balance('demo')).toEqual(left);
        expect(await chargesOf(callId)).toEqual([
          [`${callId}:compute:1`, MAX_DURATION_MS],
          [`${callId}:telephony:1`, MAX_DURATION_MS],
        ]);
        expect(calls.world.records.size).toBe(1);
      },
    );
  }
});

describe('#14 a fork that rings three phones, two of which answer', () => {
  const withForks = exceptReference('6 (13): forks share one dialog id, and it answers with the ACK of the first');

  async function forked() {
    const { callId, callee, peer } = await calls.invited();
    const { invite } = callee;
    const from = (toTag: string, status: number, body = '') =>
      peer.send(responseText(peer, invite, status, { toTag, body }), calls.harness.sipPort);
    for (const phone of ['a', 'b', 'c']) from(phone, 180);
    await calls.inState(callId, 'ringing');
    from('b', 200, answerTo(invite.body));
    expect((await peer.next('ACK')).tag('To')).toBe('b');
    await calls.inState(callId, 'answered');
    from('c', 200, answerTo(invite.body));
    expect((await peer.next('ACK')).tag('To')).toBe('c');
    const unwanted = await peer.next('BYE');
    expect(unwanted.tag('To')).toBe('c');
    callee.respond(200, {}, unwanted);
    await expect.poll(async () => eventsOf(await calls.inState(callId, 'answered'), 'forked_answer').length).toBe(1);
    await calls.world.clock.advanceAsync(70_000);
    await calls.manager.hangup(callId);
    const bye = await peer.next('BYE');
    expect(bye.tag('To')).toBe('b');
    callee.respond(200, {}, bye);
    return await calls.billed(callId);
  }

  withForks(
    'the first 200 is the call and is charged once; the second gets ACK and BYE and is charged to nobody',
    async () => {
      const record = await forked();
      expect(record).toMatchObject({ endReason: 'api_hangup', bill: { telephony: { billedMs: 70_000 } } });
      expect(eventsOf(record, 'forked_answer')).toMatchObject([{ offsetMs: 0, detail: { trunkId: TRUNK } }]);
      expect(await chargesOf(record.id)).toEqual([
        [`${record.id}:compute:1`, 70_000],
        [`${record.id}:telephony:1`, 70_000],
      ]);
      expect(await calls.stage.balance('demo')).toEqual({ balance: BALANCE - price(70_000, 70_000), reserved: 0n });
      expect((await costsOf(record.id))[0]).toEqual([
        `${record.id}:supplier:1`,
        TRUNK,
        2n * MINUTE_COST,
        70_000n * TELEPHONY_PER_MS,
      ]);
    },
  );

  withForks('what the second 200 cost us is kept', async () => {
    const record = await forked();
    expect((await costsOf(record.id))[1]).toEqual([`${record.id}:supplier:2`, TRUNK, MINUTE_COST, 0n]);
  });
});

describe('#60 elsewhere', () => {
  test.each([
    ['a premium number', `<sip:${PREMIUM}@127.0.0.1>`, 'destination_not_allowed'],
    ['a number without a price', '<sip:+442071234567@127.0.0.1>', 'no_rate'],
    ['a number that could be called', '<sip:+12025550178@127.0.0.1>', 'rejected'],
  ])(
    '302 to %s: refused, nobody is called, nothing is charged, the money is free at once',
    async (_where, contact, reason) => {
      const elsewhere = await calls.harness.peer();
      const { callId, callee, peer } = await calls.invited();
      expect((await calls.stage.balance('demo')).reserved).toBeGreaterThan(0n);
      callee.respond(302, { extra: [`Contact: ${contact.replace('127.0.0.1', `127.0.0.1:${elsewhere.port}`)}`] });
      await peer.next('ACK');
      const record = await calls.billed(callId);
      expect(record).toMatchObject({ endReason: reason, sipStatus: 302, bill: { total: 0n } });
      expect(eventsOf(record, 'redirect_not_followed')).toHaveLength(1);
      expect(await calls.stage.balance('demo')).toEqual({ balance: BALANCE, reserved: 0n });
      expect([await chargesOf(callId), await costsOf(callId)]).toEqual([[], []]);
      expect([await elsewhere.rest(), await peer.rest()]).toEqual([[], []]);
    },
  );

  test('REFER to a premium number inside a call: 603, nobody is called, the call goes on at its own price', async () => {
    const { callId, callee, peer } = await calls.talkingOut();
    await calls.world.clock.advanceAsync(20_000);
    callee.inDialog('REFER', { extra: [`Refer-To: <sip:${PREMIUM}@127.0.0.1:${peer.port}>`] });
    const refusal = await peer.next((message) => message.header('CSeq').endsWith('REFER'));
    expect([refusal.status, refusal.header('Reason')]).toEqual([603, expect.stringContaining('transfer_not_allowed')]);
    await calls.world.clock.advanceAsync(21_000);
    expect((await peer.rest()).filter((line) => line.startsWith('INVITE'))).toEqual([]);
    callee.inDialog('BYE');
    const record = await calls.billed(callId);
    expect(record).toMatchObject({
      endReason: 'remote_hangup',
      bill: { telephony: { billedMs: 60_000 }, compute: { billedMs: 41_000 } },
    });
    expect((await calls.stage.balance('demo')).balance).toBe(BALANCE - price(60_000, 41_000));
  });
});
