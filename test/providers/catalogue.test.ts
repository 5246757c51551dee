import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { PROVIDER_ERRORS, PROVIDER_NOTICES } from '../../src/providers/index.ts';
import { createProviders } from '../../src/providers/index.ts';
import { Stage, plan, SETTINGS, successOf } from './stage.ts';

// The catalogue of what can go wrong: each code is one thing, has words and advice, can happen, is tested, and stands in docs/providers.md.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(ROOT, 'docs', 'providers.md'), 'utf8');
const errors = Object.entries(PROVIDER_ERRORS);
const notices = Object.entries(PROVIDER_NOTICES);

const sources = (folder: string, except: RegExp): string =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !except.test(name))
    .map((name) => readFileSync(join(ROOT, folder, name), 'utf8'))
    .join('\n');

/** Rows of the table under a heading, as cells. */
function tableUnder(heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const RETRY = { later: 'later', after_change: 'after a change', never: 'no' };
const TURN = { account: 'the account', request: 'what was asked', provider: 'the provider', us: 'this gateway' };

test('the page tells every error as it is, and no other', () => {
  const real = errors.map(([code, { text, retry, fault, advice }]) => [
    `\`${code}\``,
    text,
    RETRY[retry],
    TURN[fault],
    advice,
  ]);
  expect(tableUnder('Errors')).toEqual(real);
});

test('the page tells every notice as it is, and no other', () => {
  expect(tableUnder('Notices')).toEqual(notices.map(([code, { text, advice }]) => [`\`${code}\``, text, advice]));
});

test('no code is an error and a notice, and no two have the same words', () => {
  const all = [...errors, ...notices];
  expect(new Set(all.map(([code]) => code)).size).toBe(all.length);
  expect(new Set(all.map(([, { text }]) => text)).size).toBe(all.length);
});

test('words are sentences for people, and name no code and no secret', () => {
  for (const [code, { text, advice }] of [...errors, ...notices]) {
    expect(code).toMatch(/^[a-z0-9_]+$/);
    expect(text, code).toMatch(/^[A-Z][^|]*[^.\s|]$/);
    expect(advice, code).toMatch(/^[A-Z][^|]*\.$/);
  }
});

describe('every code', () => {
  const used = sources('src/providers', /^(?:errors|notices)\.ts$/);
  const tested = sources('test/providers', /catalogue\.test\.ts$/);

  test('can happen', () => {
    expect([...errors, ...notices].map(([code]) => code).filter((code) => !used.includes(code))).toEqual([]);
  });

  test('has a test that expects it', () => {
    expect([...errors, ...notices].map(([code]) => code).filter((code) => !tested.includes(code))).toEqual([]);
  });
});

test('the page tells every step of both trunks', () => {
  const stage = new Stage({});
  const providers = createProviders({ clock: stage.clock, random: () => 0 }, SETTINGS);
  const credentials = { accountSid: `AC${'a'.repeat(32)}`, authToken: 'a'.repeat(32) };
  const accounts = {
    Twilio: successOf(providers.openTwilio(credentials)),
    Telnyx: successOf(providers.openTelnyx('KEY_0123456789abcdef')),
  };
  const byAddress = plan({ outbound: { kind: 'addresses', addresses: ['203.0.113.7'] } });
  for (const [name, { trunk }] of Object.entries(accounts)) {
    const steps = new Set([...trunk.steps(plan()), ...trunk.steps(byAddress)]);
    const told = tableUnder(`What is made at ${name}`).flatMap(([cell = '']) => cell.replaceAll('`', '').split(', '));
    expect(told.toSorted()).toEqual([...steps].toSorted());
  }
});
