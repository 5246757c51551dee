import { describe, expect, test } from 'vitest';
import type { OpenBooks } from '../../src/books.ts';
import { billedMs, callOf, FULL, postingsOf, Stage, UNITS } from './support/stage.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SeededRandom } from './support/random.ts';

/** A store whose parts a test can break: `fail` rejects, `hang` never answers. */
class BreakableStore {
  readonly broken = new Map<string, 'fail' | 'hang'>();
  readonly asked: string[] = [];

  wrap = ({ books, journal }: OpenBooks): Pick<OpenBooks, 'books' | 'journal'> => {
    const guard = <A extends readonly unknown[], R>(name: string, work: (...args: A) => Promise<R>) => {
      return (...args: A): Promise<R> => {
        this.asked.push(name);
        const how = this.broken.get(name);
        if (how === 'hang') return new Promise(() => undefined);
        return how === 'fail' ? Promise.reject(new Error(`${name} failed`)) : work(...args);
      };
    };
    return {
      books: {
        ...books,
        reserve: guard('reserve', books.reserve),
        settle: guard('settle', books.settle),
        release: guard('release', books.release),
      },
      journal: {
        ...journal,
        append: guard('append', journal.append),
        heartbeat: guard('heartbeat', journal.heartbeat),
      },
    };
  };
}

describe('limits of a workspace', () => {
  test('concurrent calls: the place is taken at set-up and free again the moment the call ends', async () => {
    await using stage = await Stage.open({ terms: { concurrentCalls: 2 } });
    const first = await stage.call();
    const second = await stage.call();
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'workspace_limit' });
    void second.end({ reason: 'cancelled', evidence: 'cancel' });
    const third = await stage.call();
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'workspace_limit' });
    await first.end();
    await third.end();
    expect(stage.seen.denied).toEqual(['workspace_limit', 'workspace_limit']);
    expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
  });

  test('ten at once on two places: exactly two get one', async () => {
    await using stage = await Stage.open({ terms: { concurrentCalls: 2 } });
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => stage.meter.authorise(stage.intent())));
    expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(2);
  });

  test('a long call keeps its place far beyond the life of one lease', async () => {
    await using stage = await Stage.open({ terms: { concurrentCalls: 1 }, balance: 100n * UNITS });
    await (await stage.call()).answer();
    await stage.clock.advanceAsync(600_000);
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'workspace_limit' });
  });

  test('calls per second: counted over any second, refused ones do not count', async () => {
    await using stage = await Stage.open({ terms: { callsPerSecond: 2 } });
    await stage.call();
    await stage.clock.advanceAsync(600);
    await stage.call();
    expect((await stage.meter.authorise(stage.intent())).ok).toBe(false);
    await stage.clock.advanceAsync(399);
    expect((await stage.meter.authorise(stage.intent())).ok).toBe(false);
    await stage.clock.advanceAsync(1);
    expect((await stage.meter.authorise(stage.intent())).ok).toBe(true);
    expect((await stage.meter.authorise(stage.intent())).ok).toBe(false);
  });

  test('a refusal for want of money gives the place back', async () => {
    await using stage = await Stage.open({ terms: { concurrentCalls: 1 }, balance: 21_000_000n });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'insufficient_balance' });
    }
  });
});

describe('a failing store', () => {
  test.each([
    ['reserve', 'fail'],
    ['reserve', 'hang'],
    ['append', 'fail'],
    ['append', 'hang'],
  ] as const)('%s %ss: new calls are refused within the time limit and leave nothing', async (operation, how) => {
    const store = new BreakableStore();
    await using stage = await Stage.open({ wrap: store.wrap, terms: { concurrentCalls: 1 } });
    store.broken.set(operation, how);
    const outcome = stage.meter.authorise(stage.intent());
    await stage.clock.advanceAsync(2_000);
    expect(await outcome).toEqual({ ok: false, reason: 'store_unavailable' });
    store.broken.clear();
    await stage.idle();
    expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
    expect((await stage.meter.authorise(stage.intent())).ok).toBe(true);
  });

  test('an intent that becomes durable after the refusal is closed again', async () => {
    let late: (() => void) | undefined;
    await using stage = await Stage.open({
      wrap: ({ books, journal }) => ({
        books,
        journal: {
          ...journal,
          append: (...records) =>
            late === undefined
              ? new Promise((resolve, reject) => {
                  late = () => void journal.append(...records).then(resolve, reject);
                })
              : journal.append(...records),
        },
      }),
    });
    const outcome = stage.meter.authorise(stage.intent());
    await stage.clock.advanceAsync(2_000);
    expect(await outcome).toEqual({ ok: false, reason: 'store_unavailable' });
    late?.();
    await stage.idle();
    expect(stage.opened.file.journal.history('call_1').map((record) => record.kind)).toEqual([
      'intent',
      'ended',
      'rated',
      'posted',
    ]);
    expect(stage.opened.file.journal.openCalls()).toEqual([]);
    expect(await stage.balance()).toEqual({ balance: FULL, reserved: 0n });
  });

  test('unknown terms refuse the call', async () => {
    await using stage = await Stage.open();
    Object.assign(stage, { terms: undefined });
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'store_unavailable' });
  });

  test('the journal fails in mid-call: its records are written when it is back, in order, and the bill is whole', async () => {
    const store = new BreakableStore();
    await using stage = await Stage.open({ wrap: store.wrap });
    const call = await (await stage.call()).answer();
    await call.liveTo(5_000);
    store.broken.set('append', 'fail');
    call.agentOff(5_000);
    await call.liveTo(6_500);
    call.agentOn(6_500);
    await call.liveTo(9_000);
    store.broken.clear();
    await call.liveTo(12_000);
    expect(billedMs(await call.end())).toEqual({ T: 60_000, C: 10_500 });
    const kinds = stage.opened.file.journal.history(call.intent.callId).map((record) => record.kind);
    expect(kinds.slice(0, 5)).toEqual(['intent', 'agent', 'answered', 'agent', 'agent']);
  });

  test('no heartbeat becomes durable for longer than slice and grace: the calls are told store_lost, once', async () => {
    const store = new BreakableStore();
    await using stage = await Stage.open({ wrap: store.wrap });
    const told: string[] = [];
    const call = await (await stage.call({ onExhausted: (why) => told.push(why) })).answer();
    await call.liveTo(5_000);
    store.broken.set('heartbeat', 'fail');
    await call.liveTo(44_000);
    expect(told).toEqual([]);
    await call.liveTo(60_000);
    expect(told).toEqual(['store_lost']);
  });

  test('a hanging heartbeat is not sent again on top of itself', async () => {
    const store = new BreakableStore();
    await using stage = await Stage.open({ wrap: store.wrap });
    const call = await (await stage.call()).answer();
    store.broken.set('heartbeat', 'hang');
    await call.liveTo(10_000);
    expect(store.asked.filter((name) => name === 'heartbeat')).toHaveLength(1);
  });

  test.each(['succeeds', 'fails'])(
    'a settlement that takes too long and then %s keeps no call waiting',
    async (how) => {
      let first: PromiseWithResolvers<void> | null = null;
      await using stage = await Stage.open({
        wrap: ({ books, journal }) => ({
          journal,
          books: {
            ...books,
            async settle(settlement) {
              if (settlement.holdId === null || first !== null) return await books.settle(settlement);
              first = Promise.withResolvers();
              await first.promise;
              return await books.settle(settlement);
            },
          },
        }),
      });
      const call = await (await stage.call()).answer();
      await call.liveTo(1_000);
      const ended = call.end();
      await stage.clock.advanceAsync(5_000);
      if (how === 'succeeds') first!.resolve();
      else first!.reject(new Error('reset'));
      await stage.clock.advanceAsync(5_000);
      expect((await Promise.race([ended, stage.idle()]))?.total).toBe(13_000_000n);
      expect(stage.meter.openCalls).toBe(0);
      expect(await stage.opened.journal.openCalls()).toEqual([]);
      expect(await stage.balance()).toEqual({ balance: FULL - 13_000_000n, reserved: 0n });
    },
  );

  test('closing the meter while the ledger is away rejects the bill, and recovery posts it', async () => {
    const store = new BreakableStore();
    await using stage = await Stage.open({ wrap: store.wrap });
    const call = await (await stage.call()).answer();
    await call.liveTo(70_000);
    store.broken.set('settle', 'fail');
    const ended = call.end();
    const outcome = expect(ended).rejects.toMatchObject({ code: 'meter_closed' });
    const closed = stage.meter.close();
    await stage.clock.advanceAsync(3_000);
    await closed;
    await outcome;
    const [recovered] = await stage.recover();
    expect(recovered).toMatchObject({ endReason: 'remote_hangup' });
    expect(billedMs(recovered!.bill)).toEqual({ T: 70_000, C: 70_000 });
    expect(await stage.balance()).toEqual({ balance: FULL - 84_000_000n, reserved: 0n });
  });
});

describe('the record of a call that was billed', () => {
  const endOf = (call: { stage: Stage }, onBilled: () => Promise<void>) => ({
    atMs: call.stage.clock.monotonicMs(),
    wallMs: call.stage.clock.wallMs(),
    reason: 'remote_hangup' as const,
    evidence: 'bye' as const,
    onBilled,
  });

  test('is stored after the money moved and before the journal closes the call; a crash in between is finished by recovery', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(1_000);
    let postings = -1;
    void call.metered.ended(
      endOf(call, async () => {
        postings = (await postingsOf(stage, call.intent.callId)).length;
        await new Promise(() => undefined);
      }),
    );
    await stage.idle();
    expect(postings).toBe(2);
    expect(await stage.opened.journal.openCalls()).toEqual([call.intent.callId]);
    const recovered = await stage.recover();
    expect(recovered.map(({ callId }) => callId)).toEqual([call.intent.callId]);
    expect(await stage.balance()).toEqual({ balance: FULL - 12_000_000n - 1_000_000n, reserved: 0n });
  });

  test('that cannot be stored is reported and keeps neither the bill nor the journal waiting', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    const bill = await call.metered.ended(endOf(call, () => Promise.reject(new Error('disk full'))));
    await stage.idle();
    expect(bill.final).toBe(true);
    expect(stage.seen.failures).toEqual(['record']);
    expect(await stage.opened.journal.openCalls()).toEqual([]);
  });
});

describe('the running meter', () => {
  test('the running bill grows with the call and is not final', async () => {
    await using stage = await Stage.open();
    const call = await stage.call();
    expect(call.metered.running()).toMatchObject({ total: 0n, final: false, evidence: { start: null, end: null } });
    await call.answer();
    await call.liveTo(61_000);
    const running = call.metered.running();
    expect(billedMs(running)).toEqual({ T: 61_000, C: 61_000 });
    expect(running.final).toBe(false);
    await call.liveTo(70_000);
    const final = await call.end();
    expect(call.metered.running()).toBe(final);
  });

  test('one heartbeat a second for all answered calls together, none while nobody talks', async () => {
    await using stage = await Stage.open();
    await stage.clock.advanceAsync(5_000);
    expect(stage.seen.heartbeats).toEqual([]);
    const calls = await Promise.all([stage.call(), stage.call(), stage.call()]);
    for (const call of calls.slice(0, 2)) await call.answer();
    await stage.clock.advanceAsync(3_000);
    expect(stage.seen.heartbeats).toHaveLength(3);
    const pulses = stage.opened.file.journal.lastPulses(['call_1', 'call_2', 'call_3']);
    expect([...pulses.keys()]).toEqual(['call_1', 'call_2']);
    expect(pulses.get('call_1')).toMatchObject({
      bootId: 'boot-1',
      billedToMs: stage.clock.monotonicMs(),
      rtpAgeMs: 0,
    });
  });

  test('only the newest heartbeats are kept', async () => {
    await using stage = await Stage.open({ balance: 100n * UNITS });
    await (await stage.call()).answer();
    await stage.clock.advanceAsync(300_000);
    const { database } = stage.opened.file;
    expect(database.prepare('SELECT count(*) AS n FROM heartbeats').get()).toEqual({ n: 120 });
  });

  test('a crash while the caller had been silent is billed to the last packet, not to the heartbeat', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(80_000);
    stage.counters.rtpMs.set(call.intent.counterRow, stage.clock.monotonicMs());
    await call.liveTo(95_000);
    const [recovered] = await stage.recover();
    expect(billedMs(recovered!.bill)).toEqual({ T: 80_000, C: 80_000 });
  });

  test('a crash while the agent was half-open is billed to its last sign of life', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(20_000);
    stage.counters.agentMs.set(call.intent.counterRow, stage.clock.monotonicMs());
    await call.liveTo(40_000);
    const [recovered] = await stage.recover();
    expect(billedMs(recovered!.bill)).toEqual({ T: 60_000, C: 20_000 });
  });

  test('a crash before the going of an agent could be written is billed to its going: the heartbeat says when that was', async () => {
    const store = new BreakableStore();
    await using stage = await Stage.open({ wrap: store.wrap });
    const call = await (await stage.call()).answer();
    await call.liveTo(20_000);
    store.broken.set('append', 'fail');
    call.agentOff(20_000);
    await call.liveTo(25_000);
    const [recovered] = await stage.recover();
    expect(recovered!.bill.compute.billedMs).toBe(20_000);
  });

  test('a call that rings for long keeps its hold', async () => {
    await using stage = await Stage.open();
    await stage.call();
    await stage.clock.advanceAsync(200_000);
    expect((await stage.balance()).reserved).toBe(22_000_000n);
  });

  test('after the end nothing of the lease goes on: no timer, no cut, no hold', async () => {
    await using stage = await Stage.open({ balance: 108_000_000n });
    const told: string[] = [];
    const over = { onExhausted: (why: string) => told.push(why), onLowBalance: () => told.push('low') };
    const call = await (await stage.call(over)).answer();
    await call.liveTo(50_000);
    await call.end();
    const idleTimers = stage.clock.pendingTimers;
    await stage.clock.advanceAsync(200_000);
    expect(told).toEqual([]);
    // The sweep's alone.
    expect(idleTimers).toBe(1);
    expect((await stage.balance()).reserved).toBe(0n);
  });

  test('a heartbeat of another boot proves nothing', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(70_500);
    stage.opened.file.database.exec("UPDATE heartbeats SET boot_id = 'boot-0'");
    const [recovered] = await stage.recover();
    expect(billedMs(recovered!.bill)).toEqual({ T: 60_000, C: 0 });
    expect(recovered!.bill.flags).toContain('needs_reconciliation');
  });

  test('an end from the future or from before the answer charges nothing that was not served', async () => {
    await using stage = await Stage.open();
    const future = await (await stage.call()).answer();
    await future.liveTo(70_000);
    expect(billedMs(await future.end({ proofMs: 500_000 }))).toEqual({ T: 70_000, C: 70_000 });
    const past = await (await stage.call()).answer();
    await past.liveTo(5_000);
    expect(billedMs(await past.end({ proofMs: -1_000 }))).toEqual({ T: 60_000, C: 0 });
  });

  test('the same call cannot be opened twice, and a closed meter opens none', async () => {
    await using stage = await Stage.open();
    const call = await stage.call();
    expect((await stage.meter.authorise(stage.intent({ callId: call.intent.callId }))).ok).toBe(false);
    await call.end();
    await stage.meter.close();
    await stage.meter.close();
    expect(await stage.meter.authorise(stage.intent())).toEqual({ ok: false, reason: 'store_unavailable' });
  });

  test('a runtime that attaches thousands of times is bounded and flagged, never charged for more', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    for (let flap = 1; flap < 3_000; flap += 1) {
      call.agentOff(0);
      stage.clock.advance(1);
      call.agentOff(flap);
      call.agentOn(flap);
    }
    await call.liveTo(10_000);
    const bill = await call.end();
    expect(bill.flags).toContain('agent_flapping');
    expect(bill.compute.billedMs).toBeLessThanOrEqual(10_000);
  });

  test('postpaid: no balance is needed, holds are recorded, the balance goes below zero', async () => {
    await using stage = await Stage.open({ balance: 1n, terms: { prepaid: false } });
    const told: string[] = [];
    const call = await (await stage.call({ onExhausted: (why) => told.push(why) })).answer();
    await call.liveTo(120_000);
    expect((await stage.balance()).reserved).toBeGreaterThan(0n);
    const bill = await call.end();
    expect(told).toEqual([]);
    expect(await stage.balance()).toEqual({ balance: 1n - bill.total, reserved: 0n });
  });

  test('the observer sees only real overshoot', async () => {
    await using stage = await Stage.open();
    await callOf(stage, 1_000);
    expect(stage.seen.overshoot).toBe(0n);
  });
});

describe('what is not in the ledger', () => {
  test('nothing waits while the store works, whatever calls live', async () => {
    await using stage = await Stage.open();
    await (await stage.call()).answer();
    await callOf(stage, 120_000);
    expect(stage.meter.unbilled(0)).toEqual({ oldestMs: 0, answeredCalls: 0 });
  });

  test('the oldest ended call counts from the moment its end was told; answered ones are counted beyond the limit', async () => {
    const store = new BreakableStore();
    await using stage = await Stage.open({ wrap: store.wrap });
    const answered = await (await stage.call()).answer();
    const ringing = await stage.call();
    await answered.liveTo(50_000);
    store.broken.set('settle', 'fail');
    // The last proof is older than the end: a bill cannot have waited since then.
    const bill = answered.end({ reason: 'media_timeout', evidence: 'media', proofMs: 20_000 });
    void ringing.end({ reason: 'cancelled', evidence: 'cancel' });
    await stage.clock.advanceAsync(60_000);
    expect(stage.meter.unbilled(60_000)).toEqual({ oldestMs: 60_000, answeredCalls: 0 });
    await stage.clock.advanceAsync(1);
    expect(stage.meter.unbilled(60_000)).toEqual({ oldestMs: 60_001, answeredCalls: 1 });
    expect(stage.meter.openCalls).toBe(2);
    store.broken.clear();
    await stage.clock.advanceAsync(2_000);
    expect((await bill).final).toBe(true);
    expect(stage.meter.unbilled(0)).toEqual({ oldestMs: 0, answeredCalls: 0 });
    expect(stage.meter.openCalls).toBe(0);
  });

  test('a bill in the ledger is none that waits, and the record that closes its call is repeated until it is durable', async () => {
    const store = new BreakableStore();
    await using stage = await Stage.open({ wrap: store.wrap });
    const call = await (await stage.call()).answer();
    const onBilled = async () => void store.broken.set('append', 'fail');
    const { clock } = stage;
    const end = {
      atMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
      reason: 'remote_hangup',
      evidence: 'bye',
    } as const;
    await call.metered.ended({ ...end, onBilled });
    await stage.clock.advanceAsync(90_000);
    expect(stage.meter.unbilled(0)).toEqual({ oldestMs: 0, answeredCalls: 0 });
    expect([stage.meter.openCalls, stage.meter.isOpen(call.intent.callId)]).toEqual([0, true]);
    expect(stage.opened.file.journal.openCalls()).toEqual([call.intent.callId]);
    store.broken.clear();
    await stage.clock.advanceAsync(2_000);
    expect(stage.opened.file.journal.openCalls()).toEqual([]);
    expect(stage.meter.isOpen(call.intent.callId)).toBe(false);
  });
});

test('#50 many calls on one wallet, 300 random schedules: never charged beyond the balance, nothing stays reserved (seed 11)', {
  timeout: 60_000,
}, async () => {
  const random = new SeededRandom(11);
  for (let schedule = 0; schedule < 300; schedule += 1) {
    const clock = new FakeClock();
    const balance = 20_000_000n + BigInt(random.below(100_000_000));
    await using stage = await Stage.open({ clock, balance });
    const bills: Promise<{ total: bigint }>[] = [];
    for (let index = 0; index < 2 + random.below(3); index += 1) {
      const callClass = random.pick(['managed', 'byoc'] as const);
      let end: (() => void) | undefined;
      const onExhausted = () => void clock.setTimer(() => end?.(), random.below(200));
      const outcome = await stage.meter.authorise(stage.intent({ class: callClass, onExhausted, counterRow: -1 }));
      if (!outcome.ok) continue;
      const { call } = outcome;
      void call.answered({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });
      call.agentAttached(clock.monotonicMs(), 'agent_a');
      end = () =>
        void bills.push(
          call.ended({
            atMs: clock.monotonicMs(),
            wallMs: clock.wallMs(),
            reason: 'balance_exhausted',
            evidence: 'command',
          }),
        );
      if (random.chance(0.3)) clock.setTimer(end, random.below(60_000));
      await clock.advanceAsync(random.below(5_000));
    }
    await clock.advanceAsync(180_000);
    const charged = (await Promise.all(bills)).reduce(
      (sum, bill, index, all) => (all.indexOf(bill) === index ? sum + bill.total : sum),
      0n,
    );
    const after = await stage.balance();
    expect(after, `schedule ${schedule}`).toEqual({ balance: balance - charged, reserved: 0n });
    expect(after.balance, `schedule ${schedule}`).toBeGreaterThanOrEqual(0n);
    expect(stage.meter.openCalls, `schedule ${schedule}`).toBe(0);
  }
});
