import { describe, expect, test } from 'vitest';
import { CounterRows, FIELD, ROWS_MAX, rowView, THREADS_MAX, threadView } from '../../src/media/counters.ts';

describe('call counters', () => {
  test('what a thread writes into its row the main side reads', () => {
    const rows = new CounterRows();
    const first = rows.take()!;
    const second = rows.take()!;
    rowView(rows.memory, second)[FIELD.lastRtpMs] = 123.5;
    rowView(rows.memory, second)[FIELD.lastAgentProofMs] = 99;
    expect([rows.lastRtpMs(first), rows.lastRtpMs(second), rows.lastAgentProofMs(second)]).toEqual([0, 123.5, 99]);
  });

  test('totals do not go backwards when a row is used again, or when a lost packet arrives after all', () => {
    const rows = new CounterRows();
    const row = rows.take()!;
    const view = rowView(rows.memory, row);
    view[FIELD.packetsReceived] = 100;
    view[FIELD.packetsLost] = 7;
    expect(rows.totals()).toMatchObject({ packetsReceived: 100, packetsLost: 7 });
    view[FIELD.packetsLost] = 5;
    expect(rows.totals().packetsLost).toBe(7);
    rows.release(row);
    expect(rows.totals()).toMatchObject({ packetsReceived: 100, packetsLost: 7 });
    expect(rows.take()).toBe(row);
    expect(view[FIELD.packetsReceived]).toBe(0);
    view[FIELD.packetsReceived] = 1;
    expect(rows.totals().packetsReceived).toBe(101);
  });

  test('a row is released once', () => {
    const rows = new CounterRows();
    const row = rows.take()!;
    rows.release(row);
    rows.release(row);
    expect(rows.take()).toBe(row);
    expect(rows.take()).not.toBe(row);
  });

  test('counts beyond 32 bits', () => {
    const rows = new CounterRows();
    const view = rowView(rows.memory, rows.take()!);
    view[FIELD.packetsSent] = 2 ** 32;
    view[FIELD.packetsSent]!++;
    expect(rows.totals().packetsSent).toBe(2 ** 32 + 1);
  });

  test('rows end, and threads have their place behind them', () => {
    const rows = new CounterRows();
    for (let i = 0; i < ROWS_MAX; i++) rows.take();
    expect(rows.take()).toBeNull();
    threadView(rows.memory, THREADS_MAX - 1)[0] = 3;
    expect(rowView(rows.memory, ROWS_MAX - 1).every((value) => value === 0)).toBe(true);
  });
});
