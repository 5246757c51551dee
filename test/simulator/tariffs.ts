import { formatMoney } from '../../src/domain/money.ts';
import { parseRates, type RateTable } from '../../src/metering/rates.ts';
import { parseSupplierRates } from '../../src/metering/supplier-rates.ts';

// Price lists as plain numbers, for the reference, and the same as the files that the meter reads. Prices per minute that no number of
// milliseconds divides, so that every rounding shows; steps of 1 ms, 1 s and 6 s.

export interface Row {
  readonly prefix: string;
  readonly fee: bigint;
  readonly initialMs: number;
  readonly incrementMs: number;
  /** Nano-units; null = not to be called. */
  readonly perMinute: bigint | null;
}

export interface Tariff {
  readonly computePerMinute: bigint;
  readonly rows: readonly Row[];
}

const row = (prefix: string, perMinute: bigint | null, over: Partial<Row> = {}): Row => ({
  prefix,
  fee: 0n,
  initialMs: 60_000,
  incrementMs: 1,
  perMinute,
  ...over,
});

/** The first is in force when a script begins; edits go to the others. +33 is withdrawn, +1 800 changes its steps. */
export const TARIFFS: readonly Tariff[] = [
  {
    computePerMinute: 60_000_000n,
    rows: [
      row('1', 12_000_000n),
      row('1809', 90_000_007n, { fee: 1_000_003n, incrementMs: 6_000 }),
      row('1800', 24_000_001n, { incrementMs: 1_000 }),
      row('1900', null),
      row('33', 31_000_009n),
    ],
  },
  {
    computePerMinute: 61_234_567n,
    rows: [
      row('1', 13_000_001n),
      row('1809', 80_000_003n, { incrementMs: 6_000 }),
      row('1800', 25_000_000n, { initialMs: 30_000, incrementMs: 1 }),
      row('1900', null),
    ],
  },
  {
    computePerMinute: 59_999_999n,
    rows: [row('1', 11_999_999n, { incrementMs: 1_000 }), row('1809', 95_000_000n), row('1800', 23_999_999n)],
  },
];

export const CARRIER: Row = row('1', 8_500_001n, { incrementMs: 60_000 });

/** Rates in force for a number without any row, a row that forbids, and rows of every kind. */
export const NUMBERS = ['+12025550100', '+18095550100', '+18005550100', '+33155550100'] as const;
export const NUMBERS_REFUSED = ['+19005550100', '+4930555010'] as const;

export const RATE_TABLES: readonly RateTable[] = TARIFFS.map((tariff, index) =>
  parseRates(yamlOf(tariff), `tariff-${index}.yaml`),
);

export const SUPPLIERS = parseSupplierRates(
  `currency: USD\ndecks:\n  carrier:\n    - ${rowText(CARRIER)}\nmanaged: carrier\n`,
  'suppliers.yaml',
);

function yamlOf({ computePerMinute, rows }: Tariff): string {
  const lines = rows.map((each) => `  - ${rowText(each)}\n`).join('');
  return `currency: USD\ncompute: { perMinute: "${formatMoney(computePerMinute)}" }\ntelephony:\n${lines}`;
}

function rowText({ prefix, fee, initialMs, incrementMs, perMinute }: Row): string {
  if (perMinute === null) return `{ prefix: "${prefix}", reject: true }`;
  const money = `connectFee: "${formatMoney(fee)}", perMinute: "${formatMoney(perMinute)}"`;
  return `{ prefix: "${prefix}", initialMs: ${initialMs}, incrementMs: ${incrementMs}, ${money} }`;
}
