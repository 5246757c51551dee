import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loadConfig } from '../src/config/load.ts';
import { readRequirements } from '../src/number-request-parts.ts';

const ROOT = new URL('../', import.meta.url).pathname;
const KEY = 'A'.repeat(43);
let folder = '';
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const configOf = (env: Readonly<Record<string, string>> = {}) =>
  loadConfig({ root: ROOT, file: null, env: { CALLIN_AUTH__SECRET_KEY: `${KEY}=`, ...env } });

test('what countries ask for is read from the folder of the configuration; off offers none', () => {
  expect(readRequirements(configOf(), ROOT).find({ country: 'ES' }).length).toBeGreaterThan(2);
  expect(readRequirements(configOf({ CALLIN_NUMBER_REQUESTS__REQUIREMENTS: 'off' }), ROOT).all).toEqual([]);
});

test('a file with a mistake, and another currency, stop the start with key, variable, file and reason', () => {
  folder = mkdtempSync(join(tmpdir(), 'requirements-'));
  cpSync(join(ROOT, 'config', 'number-requirements'), folder, { recursive: true });
  const spain = readFileSync(join(folder, 'es.yaml'), 'utf8');
  writeFileSync(join(folder, 'es.yaml'), spain.replace('reviewDays: [2, 5]', 'reviewDays: [5, 2]'));
  const env = { CALLIN_NUMBER_REQUESTS__REQUIREMENTS: folder };
  expect(() => readRequirements(configOf(env), ROOT)).toThrow(
    'numberRequests.requirements (CALLIN_NUMBER_REQUESTS__REQUIREMENTS): es.yaml: types.local.requests.new.reviewDays: must be from, to',
  );
  const euros = configOf({ CALLIN_BILLING__CURRENCY: 'EUR' });
  expect(() => readRequirements(euros, ROOT)).toThrow('gb.yaml: currency: is USD, but billing.currency is EUR');
});
