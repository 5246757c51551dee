// Money in integer nano-units (10^-9 of the currency unit) as bigint. Decimal strings at the edges, never a float.

export type Nano = bigint;

const DIGITS = 9;
const NANO_PER_UNIT = 10n ** BigInt(DIGITS);
const DECIMAL = /^(-?)(\d{1,15})(?:\.(\d{1,9}))?$/;

/** `"0.012"` -> 12_000_000n. Undefined for anything that is not a plain decimal of at most 9 places. */
export function parseMoney(text: string): Nano | undefined {
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '0', fraction = ''] = match;
  const amount = BigInt(whole) * NANO_PER_UNIT + BigInt(fraction.padEnd(DIGITS, '0'));
  return sign === '-' ? -amount : amount;
}

/** 12_000_000n -> `"0.012"`; at least two places, no trailing zeros beyond them. */
export function formatMoney(amount: Nano): string {
  const sign = amount < 0n ? '-' : '';
  const absolute = amount < 0n ? -amount : amount;
  const fraction = (absolute % NANO_PER_UNIT)
    .toString()
    .padStart(DIGITS, '0')
    .replace(/0{1,7}$/, '');
  return `${sign}${absolute / NANO_PER_UNIT}.${fraction}`;
}
