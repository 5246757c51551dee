// The price lists that the configuration names, read and checked: what customers pay, and what carriers charge us.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { variableOf } from './config/environment.ts';
import { ConfigError, type ConfigProblem } from './config/errors.ts';
import type { Config } from './config/schema.ts';
import { parseRates, type RateTable } from './metering/rates.ts';
import { NO_SUPPLIERS, parseSupplierRates, type SupplierTable } from './metering/supplier-rates.ts';

export interface PriceLists {
  readonly rates: RateTable;
  readonly suppliers: SupplierTable;
}

/** Relative paths start at `root`. @throws ConfigError with the mistakes of both files. */
export function readPriceLists({ billing }: Config, root: string): PriceLists {
  const problems: ConfigProblem[] = [];
  const read = <T extends { readonly currency: string }>(
    key: 'rates' | 'supplierRates',
    parse: (text: string, fileName: string) => T,
  ): T | undefined => {
    const wrong = (reason: string) =>
      void problems.push({ key: `billing.${key}`, variable: variableOf(`billing.${key}`), reason });
    const file = resolve(root, billing[key]);
    try {
      const list = parse(readFileSync(file, 'utf8'), file);
      if (list.currency === billing.currency) return list;
      wrong(`is in ${list.currency}, but billing.currency is ${billing.currency}`);
    } catch (error) {
      wrong((error as Error).message);
    }
    return undefined;
  };
  const rates = read('rates', parseRates);
  const suppliers = billing.supplierRates === 'off' ? NO_SUPPLIERS : read('supplierRates', parseSupplierRates);
  if (rates === undefined || suppliers === undefined) throw new ConfigError(problems);
  return { rates, suppliers };
}
