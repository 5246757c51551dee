import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { createCallEvents } from '../../src/call-events.ts';
import type { Books } from '../../src/ledger/books.ts';
import { DELIVERY_ERRORS } from '../../src/webhooks/errors.ts';
import { newSecret, signedHeaders } from '../../src/webhooks/signature.ts';
import type { NewEvent } from '../../src/webhooks/webhooks.ts';
import { call } from '../directory/records.ts';
import { FakeClock } from '../support/fake-clock.ts';

// docs/webhooks.md is what customers copy from: its snippets are run, its tables and examples compared.

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/webhooks.md', import.meta.url)), 'utf8');
const blocks = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((match) => match[1] ?? '');

const folder = mkdtempSync(join(tmpdir(), 'callin-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const random = (seed: number) => (size: number) =>
  Uint8Array.from({ length: size }, (_, index) => (index * 7 + seed) % 256);
const secret = newSecret(random(1));
const other = newSecret(random(2));
const body = '{"id":"call.ended:c1","data":{"name":"Zoë"}}';
const sign = (secrets: readonly string[], ageMs = 0) =>
  signedHeaders({ id: 'call.ended:c1', body }, Date.now() - ageMs, secrets);

/** What a verifier must say, for each of the snippets. */
const CASES: readonly (readonly [string, object, string, string, boolean])[] = [
  ['ours', sign([secret]), body, secret, true],
  ['one of two secrets', sign([other, secret]), body, secret, true],
  ['another secret', sign([other]), body, secret, false],
  ['a changed body', sign([secret]), `${body} `, secret, false],
  ['an old one', sign([secret], 400_000), body, secret, false],
  ['one from the future', sign([secret], -400_000), body, secret, false],
  ['a changed id', { ...sign([secret]), 'webhook-id': 'call.ended:c2' }, body, secret, false],
];

describe('the verifier of the page', () => {
  test.each(CASES)('in JavaScript: %s', async (_name, headers, text, key, isValid) => {
    const file = join(folder, 'verify.mjs');
    writeFileSync(file, blocks('js')[0] ?? '');
    const { verify } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      verify: (headers: object, body: string, secret: string) => boolean;
    };
    expect(verify(headers, text, key)).toBe(isValid);
  });

  const hasPython = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status === 0;
  test.skipIf(!hasPython)('in Python 3.9 or newer (needs python3)', () => {
    writeFileSync(
      join(folder, 'verify.py'),
      `${blocks('python')[0]}
import json, sys
print(json.dumps([verify(h, b.encode(), s) for _, h, b, s, _ in json.load(sys.stdin)]))
`,
    );
    const said = execFileSync('python3', [join(folder, 'verify.py')], {
      input: JSON.stringify(CASES),
      encoding: 'utf8',
    });
    expect(JSON.parse(said)).toEqual(CASES.map(([, , , , isValid]) => isValid));
  });

  test('is short', () => {
    for (const snippet of [blocks('js')[0], blocks('python')[0]]) {
      expect(snippet?.trim().split('\n').length).toBeLessThanOrEqual(12);
    }
  });
});

test('the page tells every error of a delivery, in the same words', () => {
  const section = PAGE.slice(PAGE.indexOf('\n## When a delivery fails'));
  const told = [...section.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, code, text]) => [code, text]);
  expect(told).toEqual(Object.entries(DELIVERY_ERRORS));
});

test('the examples have the fields of real events', async () => {
  const emitted: NewEvent[] = [];
  const events = createCallEvents({
    webhooks: { listens: () => true, emit: async (_workspaceId, given) => void emitted.push(...given) },
    books: { balance: async () => ({ balance: 1n, reserved: 1n }) } as unknown as Books,
    clock: new FakeClock(),
    log: { error: () => undefined },
  });
  await events.ended(call({ state: 'ended', endReason: 'balance_exhausted' }));
  events.lowBalance({ callId: 'c', workspaceId: 'ws_a', remainingMs: 1, nth: 1 });
  await expect.poll(() => emitted.length).toBe(4);
  const real = Object.fromEntries(emitted.map(({ event, data }) => [event, JSON.parse(JSON.stringify(data()))]));
  const [, ended, billed, low, exhausted] = blocks('json').map((text) => JSON.parse(text) as Record<string, object>);
  expect(Object.keys(ended ?? {})).toEqual(Object.keys(real['call.ended']));
  expect(Object.keys(billed ?? {})).toEqual(Object.keys(real['call.billed']));
  expect(Object.keys(low ?? {})).toEqual(Object.keys(real['balance.low']));
  expect(Object.keys(exhausted ?? {})).toEqual(Object.keys(real['balance.exhausted']));
  for (const line of ['telephony', 'compute', 'total', 'final']) expect(billed?.['bill']).toHaveProperty(line);
  expect(Object.keys(real['call.billed'].bill)).toEqual(expect.arrayContaining(Object.keys(billed?.['bill'] ?? {})));
});
