// Money as the API writes it: decimal text. Shown and added without a float ever being made of it.

const DIGITS = 9;
const UNIT = 10n ** BigInt(DIGITS);
const DECIMAL = /^(-?)(\d{1,15})(?:\.(\d{1,9}))?$/;

/** Nano-units; undefined for anything that is not a plain decimal of at most 9 places. */
export function nanoOf(text: string): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '0', fraction = ''] = match;
  const nano = BigInt(whole) * UNIT + BigInt(fraction.padEnd(DIGITS, '0'));
  return sign === '-' ? -nano : nano;
}

/** At least two places, no trailing zeros beyond them: `12_000_000n` -> `0.012`. */
export function decimalOf(nano: bigint): string {
  const absolute = nano < 0n ? -nano : nano;
  const fraction = (absolute % UNIT)
    .toString()
    .padStart(DIGITS, '0')
    .replace(/0{1,7}$/, '');
  return `${nano < 0n ? '-' : ''}${absolute / UNIT}.${fraction}`;
}

export function sumOf(amounts: readonly string[]): string {
  return decimalOf(amounts.reduce((sum, amount) => sum + (nanoOf(amount) ?? 0n), 0n));
}

const SYMBOLS: Readonly<Record<string, string>> = { USD: '$', EUR: '€', GBP: '£', JPY: '¥' };

/**
 * `1234.5` -> `$1,234.50`, `-0.012` -> `−$0.012`. What is no amount is shown as it is. `places` cuts what is beyond them, downwards: no more money is
 * shown than there is.
 */
export function formatMoney(text: string, currency = 'USD', places?: number): string {
  const exact = nanoOf(text);
  if (exact === undefined) return text;
  const nano = places === undefined ? exact : floorTo(exact, 10n ** BigInt(DIGITS - places));
  const [whole = '0', fraction = ''] = decimalOf(nano < 0n ? -nano : nano).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  const symbol = SYMBOLS[currency] ?? `${currency} `;
  return `${nano < 0n ? '−' : ''}${symbol}${grouped}.${fraction}`;
}

function floorTo(nano: bigint, step: bigint): bigint {
  const rest = ((nano % step) + step) % step;
  return nano - rest;
}

export function isNegative(text: string): boolean {
  return (nanoOf(text) ?? 0n) < 0n;
}

/** How much of `of` the part is, 0 to 1, exact to a thousandth: for bars of a chart, never for money. */
export function shareOf(part: string, of: string): number {
  const whole = nanoOf(of) ?? 0n;
  if (whole <= 0n) return 0;
  const thousandths = ((nanoOf(part) ?? 0n) * 1000n) / whole;
  return Math.min(1, Math.max(0, Number(thousandths) / 1000));
}

/** What a person typed as a positive amount, as the API takes it; undefined where it is none. */
export function readAmount(typed: string): string | undefined {
  const text = typed
    .trim()
    .replaceAll(',', '')
    .replace(/^[$€£]/, '');
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text)) return undefined;
  return (nanoOf(text) ?? 0n) > 0n ? text : undefined;
}
