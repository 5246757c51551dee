import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../src/config/load.ts';
import { ConfigError } from '../src/config/errors.ts';
import { readProviderSettings } from '../src/numbers-parts.ts';

// What can be wrong with the configuration of numbers is told at start, with the key.

const ROOT = new URL('../', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'callin-numbers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(tree: object) {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, stringify({ auth: { secretKey: Buffer.alloc(32, 1).toString('base64') }, ...tree }));
  return loadConfig({ root: ROOT, file, env: {} });
}

function mistakes(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key }) => key);
    throw error;
  }
  return [];
}

describe('the configuration of numbers', () => {
  test('as shipped it is right', () => {
    expect(readProviderSettings(load({}), ROOT).twilio.apiUrl).toBe('https://api.twilio.com');
  });

  test('selling numbers of Telnyx needs the account and its connection', () => {
    const wrong = load({ numbers: { inventory: 'telnyx' } });
    expect(mistakes(() => readProviderSettings(wrong, ROOT))).toEqual([
      'numbers.telnyx.apiKey',
      'numbers.telnyx.connectionId',
    ]);
  });

  test('encrypted audio without TLS is refused, and so is a file that is not there', () => {
    const wrong = load({ providers: { mediaEncryption: 'required', file: 'nowhere.yaml' } });
    expect(mistakes(() => readProviderSettings(wrong, ROOT))).toEqual(['providers.mediaEncryption', 'providers.file']);
  });

  test.each([
    [{ numbers: { inventory: 'elsewhere' } }, 'numbers.inventory'],
    [{ numbers: { prices: [{ setup: '0', monthly: '-1' }] } }, 'numbers.prices'],
    [{ numbers: { prices: [{ country: 'us', setup: '0', monthly: '1' }] } }, 'numbers.prices'],
    [{ providers: { allowedCountries: [] } }, 'providers.allowedCountries'],
  ])('%j is refused by name', (tree, key) => {
    expect(mistakes(() => load(tree)).some((found) => found.startsWith(key))).toBe(true);
  });

  test('prices are a list of the operator’s', () => {
    const prices = [{ country: 'US', type: 'local', setup: '0.00', monthly: '1.50' }];
    expect(load({ numbers: { prices } }).numbers.prices).toEqual(prices);
  });
});
