import { expect, test } from 'vitest';
import type { MeterAnswer } from '../src/reconciliation/carrier-meter.ts';
import { telling } from '../src/reconciliation-parts.ts';

test('a correction is told after it is durable, each time that the carrier’s record is read, and nothing else is', async () => {
  const told: [string, bigint][] = [];
  const answers: Record<string, MeterAnswer> = {
    charged: { outcome: 'charged', charged: 12_000_000n },
    adjusted: { outcome: 'adjusted', charged: 600_000n },
    exists: { outcome: 'exists', charged: 600_000n },
    agrees: { outcome: 'agrees', charged: 0n },
    exception: { outcome: 'exception', charged: 0n },
  };
  const answerOf = (callId: string) => answers[callId] as MeterAnswer;
  let durable = 0;
  const meter = telling(
    {
      foresee: async ({ callId }) => answerOf(callId),
      async apply({ callId }) {
        durable += 1;
        return answerOf(callId);
      },
    },
    async (callId, charged) => {
      expect(durable).toBe(Object.keys(answers).indexOf(callId) + 1);
      told.push([callId, charged]);
    },
  );
  for (const callId of Object.keys(answers)) {
    expect(await meter.foresee({ callId, durationMs: 1 })).toBe(answers[callId]);
    expect(await meter.apply({ callId, durationMs: 1 })).toBe(answers[callId]);
  }
  expect(told).toEqual([
    ['charged', 12_000_000n],
    ['adjusted', 600_000n],
    ['exists', 600_000n],
  ]);
});
