import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError } from '../src/config/errors.ts';
import { loadConfig } from '../src/config/load.ts';
import { readPriceLists } from '../src/price-lists.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'callin-prices-'));

function read(env: Record<string, string> = {}) {
  const secret = { CALLIN_AUTH__SECRET_KEY: Buffer.alloc(32, 7).toString('base64') };
  return readPriceLists(loadConfig({ root: ROOT, file: null, env: { ...secret, ...env } }), ROOT);
}

function problems(env: Record<string, string>): string[] {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ variable, reason }) => `${variable}: ${reason}`);
    throw error;
  }
  return [];
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('the shipped price lists are valid, and only the demo’s trunk has a cost', () => {
  const { rates, suppliers } = read();
  expect([rates.currency, suppliers.currency]).toEqual(['USD', 'USD']);
  const leg = {
    class: 'managed',
    direction: 'inbound',
    number: '+12025550100',
    wallMs: Date.parse('2026-06-01'),
  } as const;
  expect(suppliers.snapshot({ ...leg, trunkId: 'loopback' })).toMatchObject({
    deck: 'example-origination',
    rate: { prefix: '1', perMinute: 4_000_000n, initialMs: 6_000, incrementMs: 6_000 },
  });
  expect(suppliers.snapshot({ ...leg, trunkId: 'another' })).toBeUndefined();
});

test('both lists are in the currency of the bills', () => {
  expect(problems({ CALLIN_BILLING__CURRENCY: 'EUR' })).toEqual([
    'CALLIN_BILLING__RATES: is in USD, but billing.currency is EUR',
    'CALLIN_BILLING__SUPPLIER_RATES: is in USD, but billing.currency is EUR',
  ]);
});

test('a supplier list that cannot be used stops the start, with file, line and key', () => {
  const broken = file('broken.yaml', 'currency: USD\ndecks:\n  a:\n    - { prefix: "1" }\n');
  expect(problems({ CALLIN_BILLING__SUPPLIER_RATES: broken })).toEqual([
    `CALLIN_BILLING__SUPPLIER_RATES: ${broken}:4: decks.a[0].perMinute: missing; expected a decimal of at most 9 places, not negative`,
  ]);
  expect(problems({ CALLIN_BILLING__SUPPLIER_RATES: join(folder, 'missing.yaml') })[0]).toContain('no such file');
});

test('off: no costs are kept', () => {
  const { suppliers } = read({ CALLIN_BILLING__SUPPLIER_RATES: 'off' });
  const leg = {
    class: 'managed',
    direction: 'inbound',
    number: '+12025550100',
    trunkId: 'loopback',
    wallMs: 0,
  } as const;
  expect(suppliers.snapshot(leg)).toBeUndefined();
});
