// The rates file: what customers pay. YAML in, a frozen table out. Errors name file, line and key; a file with any error is not used at all.
//
//   currency: USD
//   compute: { perMinute: "0.06" }
//   telephony:
//     - { prefix: "1", connectFee: "0", initialMs: 60000, incrementMs: 1, perMinute: "0.012", effectiveFrom: 2026-01-01 }
//     - { prefix: "1900", reject: true }
//
// Rows are found as price-rows.ts says (T1, T2), and
//   T3. The version is a hash of the content: same rates, same version.

import { createHash } from 'node:crypto';
import type { YAMLMap } from 'yaml';
import { isMap } from 'yaml';
import type { CallClass } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';
import { formatMoney } from '../domain/money.ts';
import { RatesError } from './errors.ts';
import { Fields, openPriceFile } from './price-file.ts';
import type { PriceList } from './price-rows.ts';
import { createPriceList, parseRows } from './price-rows.ts';
import type { RateSnapshot, TelephonyRate } from './rating.ts';

export interface RateTable {
  readonly version: string;
  readonly currency: string;
  readonly computePerMinute: Nano;
  /** The row for a number (E.164, with or without `+`) at a wall-clock instant. */
  telephony(number: string, wallMs: number): TelephonyRate | 'rejected' | 'no_rate';
  /** Prices for a call of this class; a refusal where telephony is charged and the number has no rate. Only managed calls need one. */
  snapshot(callClass: CallClass, number: string, wallMs: number): RateSnapshot | 'rejected' | 'no_rate';
}

/** Throws RatesError with every mistake of the file, one per line. */
export function parseRates(text: string, fileName: string): RateTable {
  const { report, root } = openPriceFile(text, fileName);
  if (!isMap(root)) throw new RatesError(`${fileName}: expected the keys currency, compute and telephony`);
  const fields = new Fields(root as YAMLMap, '', report, ['currency', 'compute', 'telephony']);
  const currency = fields.currency();
  const compute = fields.map('compute');
  const computePerMinute =
    compute === undefined ? undefined : new Fields(compute, 'compute.', report, ['perMinute']).money('perMinute');
  const rows = parseRows(fields.node('telephony'), 'telephony', fields.position, report, { mayReject: true });
  report.throwIfAny();
  return createTable(currency as string, computePerMinute as Nano, createPriceList(rows));
}

function createTable(currency: string, computePerMinute: Nano, list: PriceList): RateTable {
  const version = versionOf(currency, computePerMinute, list);
  const telephony: RateTable['telephony'] = (number, wallMs) => {
    const row = list.find(number, wallMs);
    if (row === undefined) return 'no_rate';
    return row.rate ?? 'rejected';
  };
  return Object.freeze({
    version,
    currency,
    computePerMinute,
    telephony,
    snapshot(callClass: CallClass, number: string, wallMs: number) {
      if (callClass !== 'managed') return { version, currency, telephony: null, computePerMinute };
      const rate = telephony(number, wallMs);
      return typeof rate === 'string' ? rate : { version, currency, telephony: rate, computePerMinute };
    },
  });
}

function versionOf(currency: string, computePerMinute: Nano, list: PriceList): string {
  const hash = createHash('sha256').update(`${currency} ${formatMoney(computePerMinute)}\n`);
  for (const line of list.lines()) hash.update(`${line}\n`);
  return `rates_${hash.digest('hex').slice(0, 16)}`;
}

/** Whether no call of any length costs more at the first of these. A price that there is not is no lower one. */
export function isNoDearer(rate: RateSnapshot | string, than: RateSnapshot | string): boolean {
  if (typeof rate === 'string' || typeof than === 'string') return false;
  if (rate.telephony === null || than.telephony === null) return rate.telephony === null;
  const [a, b] = [rate.telephony, than.telephony];
  return a.perMinute <= b.perMinute && a.connectFee <= b.connectFee && isNoCoarser(a, b);
}

/** Whether no call is charged for more time: each time that the other may charge for is one of these, too. */
function isNoCoarser(a: TelephonyRate, b: TelephonyRate): boolean {
  const laterMs = b.initialMs - a.initialMs;
  return laterMs >= 0 && laterMs % a.incrementMs === 0 && b.incrementMs % a.incrementMs === 0;
}
