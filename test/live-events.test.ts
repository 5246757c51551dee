import { describe, expect, test } from 'vitest';
import type { CallSnapshot, LiveCall } from '../src/calls/deps.ts';
import { createCallObserver } from '../src/calls/observer.ts';
import { startLiveEvents, TICK_MS } from '../src/live-events.ts';
import type { Balance } from '../src/ledger/books.ts';
import { createEventHub, type PublishedEvent } from '../src/observability/event-hub.ts';
import { createLogger } from '../src/observability/logger.ts';
import { createSipLadder } from '../src/observability/sip-ladder.ts';
import { createMetrics } from '../src/observability/metrics.ts';
import { call } from './directory/records.ts';
import { FakeClock } from './support/fake-clock.ts';

const logger = createLogger({ level: 'silent' });
const quiet = createCallObserver(createMetrics({ processDefaults: false }), logger);

function openDesk({ watched = true } = {}) {
  const clock = new FakeClock();
  const hub = createEventHub({ epoch: 'e' });
  const money = { balance: 10_000_000_000n, reserved: 0n, reads: 0 };
  const books = {
    balance: async (): Promise<Balance> => {
      money.reads += 1;
      return { balance: money.balance, reserved: money.reserved, spentInHour: 0n, spentInDay: 0n };
    },
  };
  const live = startLiveEvents({ hub, books, clock, logger, ladder: createSipLadder({ clock }) });
  const seen: PublishedEvent[] = [];
  if (watched) hub.listen((event) => void seen.push(event), null);
  return { clock, hub, money, live, seen, observer: live.watching(quiet) };
}

function liveCall(over: Partial<CallSnapshot> = {}): LiveCall & { now: CallSnapshot } {
  const now: CallSnapshot = call({ state: 'ringing', endedAt: null, ...over });
  const made = { id: now.id, now, snapshot: () => made.now };
  return made;
}

const dataOf = (events: PublishedEvent[], name: string) =>
  events.filter((event) => event.name === name).map(({ text }) => JSON.parse(text));

describe('calls', () => {
  test('several changes within a moment are told once, as the call is then', () => {
    const { clock, observer, seen } = openDesk();
    const one = liveCall();
    observer.changed?.(one);
    one.now = { ...one.now, state: 'answered' };
    observer.changed?.(one);
    clock.advance(50);
    expect(dataOf(seen, 'call')).toMatchObject([{ id: 'call_a', state: 'answered', workspaceId: 'ws_a' }]);
    expect(dataOf(seen, 'call')[0]).not.toHaveProperty('timeline');
    clock.advance(50);
    expect(seen).toHaveLength(1);
  });

  test('the end is told with its bill, once, and the call is not looked at again', async () => {
    const { clock, observer, seen } = openDesk();
    const one = liveCall();
    observer.changed?.(one);
    clock.advance(50);
    observer.changed?.(one);
    observer.ended(call({ state: 'ended' }), 'remote_hangup', 1_000);
    await clock.advanceAsync(TICK_MS * 2);
    const calls = dataOf(seen, 'call');
    expect(calls).toHaveLength(2);
    expect(calls[1]).toMatchObject({ state: 'ended', bill: { total: expect.any(String) } });
    expect(dataOf(seen, 'call_figures')).toEqual([]);
  });

  test('a stranger’s call, which never changed for anybody, is not told of', () => {
    const { observer, seen } = openDesk();
    observer.ended(call({ id: 'call_x' }), 'unknown_source', null);
    expect(seen).toEqual([]);
  });

  test('live ones tell what they cost up to now, by workspace', async () => {
    const { clock, observer, seen } = openDesk();
    const answeredAt = clock.wallMs();
    observer.changed?.(liveCall({ id: 'call_1', state: 'answered', answeredAt }));
    observer.changed?.(liveCall({ id: 'call_2', state: 'ringing' }));
    observer.changed?.(liveCall({ id: 'call_3', state: 'answered', answeredAt, workspaceId: 'ws_b' }));
    await clock.advanceAsync(TICK_MS);
    expect(dataOf(seen, 'call_figures')).toMatchObject([
      { workspaceId: 'ws_a', calls: [{ id: 'call_1', durationMs: 2_000, telephonyMs: 60_000, total: '0.042' }] },
      { workspaceId: 'ws_b', calls: [{ id: 'call_3' }] },
    ]);
  });
});

describe('balances', () => {
  test('are told when they are other than last time', async () => {
    const { clock, hub, money, seen } = openDesk();
    hub.listen(() => undefined, 'ws_a');
    await clock.advanceAsync(TICK_MS * 3);
    money.reserved = 1_000_000_000n;
    await clock.advanceAsync(TICK_MS * 3);
    expect(dataOf(seen, 'balance')).toEqual([
      { workspaceId: 'ws_a', balance: '10.00', reserved: '0.00' },
      { workspaceId: 'ws_a', balance: '10.00', reserved: '1.00' },
    ]);
  });

  test('are not even read while nobody watches', async () => {
    const { clock, money, observer } = openDesk({ watched: false });
    observer.changed?.(liveCall({ state: 'answered' }));
    observer.ended(call({ state: 'ended' }), 'remote_hangup', 1_000);
    await clock.advanceAsync(TICK_MS * 5);
    expect(money.reads).toBe(0);
  });

  test('books that cannot be read end nothing', async () => {
    const { clock, money, observer, seen, live } = openDesk();
    observer.changed?.(liveCall({ state: 'answered' }));
    const desk = money as { balance: bigint | null };
    desk.balance = null;
    await clock.advanceAsync(TICK_MS);
    desk.balance = 5_000_000_000n;
    await clock.advanceAsync(TICK_MS);
    expect(dataOf(seen, 'balance')).toMatchObject([{ balance: '5.00' }]);
    live.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
