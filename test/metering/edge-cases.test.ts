import { describe, expect, test } from 'vitest';
import { billedMs, Stage, UNITS, WORKSPACE } from './support/stage.ts';

// specs: metering, section 4. One test per edge case, by its number. T = telephony ms, C = compute ms.

describe('edge cases: the meter', () => {
  test('#1 managed, answered for 0.4 s: the first minute and 400 ms of compute', async () => {
    await using stage = await Stage.open();
    const call = await (await stage.call()).answer();
    await call.liveTo(400);
    const bill = await call.end();
    expect(billedMs(bill)).toEqual({ T: 60_000, C: 400 });
    expect([bill.telephony.amount, bill.compute.amount, bill.total]).toEqual([12_000_000n, 400_000n, 12_400_000n]);
    expect(bill.final).toBe(true);
    expect(await stage.balance()).toEqual({ balance: 10n * UNITS - 12_400_000n, reserved: 0n });
    expect(
      await stage.opened.books.postings({ workspaceId: WORKSPACE, callId: call.intent.callId, limit: 10 }),
    ).toHaveLength(2);
  });
});
