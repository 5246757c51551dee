import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { type CarrierRow, exported } from '../reconciliation/stage.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';

// `npm run reconcile` beside a running gateway: real calls of the demo workspace against the export of a carrier that is partly wrong.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ECHO = '+12025550100';

interface Call {
  readonly id: string;
  readonly from: string;
  readonly startedAt: string;
  readonly bill: {
    readonly final: boolean;
    readonly evidence: { readonly start: string; readonly end: string };
  } | null;
}

interface Exception {
  readonly id: string;
  readonly kind: string;
  readonly callId: string | null;
}

let gateway: RunningGateway;
let phone: Phone;
const folder = mkdtempSync(join(tmpdir(), 'callin-reconcile-'));
const file = join(folder, 'cdr.csv');
const calls: Call[] = [];

beforeAll(async () => {
  gateway = await startGateway();
  phone = await createPhone({ seed: 3 });
  for (const caller of ['+12025550141', '+12025550142']) calls.push(await place(caller));
  const [near, far] = calls as [Call, Call];
  writeFileSync(
    file,
    exported([
      rowOf(near, secondsOf(near), '0.0004'),
      rowOf(far, 300, '0.02'),
      { id: 'cdr-none', at: Date.parse(far.startedAt), from: '+12025550143', seconds: 62, cost: '0.014' },
    ]),
  );
});
afterAll(async () => {
  await phone?.close();
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function place(caller: string): Promise<Call> {
  const call = await phone.call(`sip:${ECHO}@127.0.0.1:${gateway.sip.udpPort}`, { from: caller });
  await call.waitFor('answered');
  await call.bye();
  return await vi.waitFor(
    async () => {
      const { body } = await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=50&state=ended');
      const found = body.items.find((each) => each.from === caller && each.bill?.final);
      if (found === undefined) throw new Error(`the call of ${caller} has no final bill`);
      return found;
    },
    { timeout: 5_000, interval: 50 },
  );
}

function secondsOf({ bill }: Call): number {
  return bill === null ? 0 : (Date.parse(bill.evidence.end) - Date.parse(bill.evidence.start)) / 1000;
}

function rowOf(call: Call, seconds: number, cost: string): CarrierRow {
  return { id: `cdr-${call.id}`, at: Date.parse(call.startedAt) + 400, from: call.from, seconds, cost };
}

function reconcile(args: readonly string[], env: Record<string, string> = {}) {
  const config = join(gateway.dataDir, 'test-config.yaml');
  const url = `http://127.0.0.1:${gateway.http.port}`;
  const result = spawnSync(process.execPath, ['src/reconcile.ts', '--config', config, '--url', url, ...args], {
    cwd: ROOT,
    env: { ...process.env, CALLIN_AUTH__ADMIN_TOKEN: gateway.adminToken, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

const OF_FILE = ['--carrier', 'generic', '--trunk', 'loopback', '--file', file];

describe('npm run reconcile', () => {
  test('tries, imports once, and knows the file again', async () => {
    const tried = reconcile([...OF_FILE, '--dry-run']);
    expect([tried.status, tried.err]).toEqual([1, '']);
    expect(tried.out).toMatch(/: tried\n/);
    expect((await gateway.api<{ items: [] }>('GET', '/v1/reconciliations')).body.items).toEqual([]);

    const done = reconcile(OF_FILE);
    expect([done.status, done.err]).toEqual([1, '']);
    expect(done.out).toMatch(/^imp_[0-9a-f]{24} {2}generic {2}loopback {2}cdr\.csv\n/);
    expect(done.out).toContain(
      'rows 3: imported 3 (revised 0), known 0, repeated 0, skipped 0, out of range 0, bad 0\n',
    );
    expect(done.out).toMatch(/\nmatched +2 .* 0\.0204 +0\.024\n {2}within tolerance +1 .* 0\.0004 +0\.012\n/);
    expect(done.out).toMatch(/\nduration_differs +1 +300\.0 s .* 0\.02 +0\.012\n/);
    expect(done.out).toMatch(/\nmissing_here +1 +62\.0 s +0\.0 s +0\.014 +0\.00\n/);
    expect(done.out).toMatch(/\ncost_differs +1 /);
    expect(done.out).toMatch(/\ntotal +3 /);

    const again = reconcile(OF_FILE);
    expect(again.out).toContain('imported before; this is the first report');
    expect(again.out.split('\n').slice(2)).toEqual(done.out.split('\n').slice(2));
  });

  test('lists what is open; what is resolved with an adjustment leaves the list, and the audit is clean', async () => {
    const [, far] = calls;
    const listed = reconcile(['--exceptions']);
    expect(listed.status).toBe(1);
    expect(listed.out.trim().split('\n')).toHaveLength(3);
    expect(listed.out).toContain(`${far?.id}`);

    const { body } = await gateway.api<{ items: Exception[] }>('GET', '/v1/reconciliation-exceptions?status=open');
    const different = body.items.find(({ kind }) => kind === 'duration_differs');
    expect(different?.callId).toBe(far?.id);
    const metric = async (kind: string) =>
      new RegExp(`^callin_reconciliation_differences\\{kind="${kind}"\\} (\\d+)$`, 'm').exec(
        await gateway.metrics(),
      )?.[1];
    expect([await metric('duration_differs'), await metric('missing_there')]).toEqual(['1', '0']);

    const before = (await gateway.api<{ balance: string }>('GET', '/v1/workspaces/demo')).body.balance;
    const path = `/v1/reconciliation-exceptions/${different?.id}/resolve`;
    const asked = { note: 'the line was held for 300 s', by: 'Ana', adjustment: { amount: '-0.048' } };
    for (let round = 0; round < 2; round += 1) expect((await gateway.api('POST', path, asked)).status).toBe(200);
    const after = (await gateway.api<{ balance: string }>('GET', '/v1/workspaces/demo')).body.balance;
    expect(Number(before) - Number(after)).toBeCloseTo(0.048, 9);
    expect(await metric('duration_differs')).toBe('0');
    expect(gateway.audit()).toMatchObject({ ok: true });
  });

  test('sweeps', () => {
    const swept = reconcile(['--sweep']);
    expect([swept.status, swept.err]).toEqual([0, '']);
    expect(swept.out).toMatch(/^generic {2}loopback\n/);
  });

  test.each<[string, readonly string[], Record<string, string>, RegExp]>([
    ['without arguments', [], {}, /^reconcile: usage: npm run reconcile/],
    ['with an unknown argument', ['--fiel', 'x'], {}, /^reconcile: Unknown option '--fiel'.*\nusage: npm run/s],
    ['with a file that is not there', [...OF_FILE.slice(0, -1), '/none.csv'], {}, /^reconcile: ENOENT/],
    ['with a day that is none', [...OF_FILE, '--from', 'yesterday'], {}, /--from: "yesterday" is not a day/],
    [
      'with half a range',
      [...OF_FILE, '--from', '2026-01-01'],
      {},
      /Some fields are not valid \(invalid_fields\)\n {2}to: is required/,
    ],
    ['for an unknown trunk', [...OF_FILE, '--trunk', 'none'], {}, /unknown_reference\)\n {2}trunk: no such trunk/],
    ['for a customer’s trunk', [...OF_FILE, '--trunk', 'loopback-byoc'], {}, /trunk_not_reconcilable/],
    ['with a wrong token', OF_FILE, { CALLIN_AUTH__ADMIN_TOKEN: 'x'.repeat(20) }, /A valid token is needed/],
    [
      'without a gateway',
      [...OF_FILE, '--url', 'http://127.0.0.1:1'],
      {},
      /^reconcile: no gateway answers at http:\/\/127\.0\.0\.1:1/,
    ],
  ])('%s it ends with 2 and says why', (_name, args, env, said) => {
    const { status, out, err } = reconcile(args, env);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(said);
  });

  test('a strict import names the rows that cannot be read', () => {
    const broken = join(folder, 'broken.csv');
    writeFileSync(broken, `${exported([])}a,b\n`);
    const { status, err } = reconcile([...OF_FILE.slice(0, -1), broken, '--strict']);
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(/cdr_rows_invalid\)\n.*\n {2}line 2: 2 fields, the header has 10\n$/),
    ]);
  });

  test('the worked example of the documentation, with the token from the data folder', () => {
    writeFileSync(join(gateway.dataDir, 'admin-token'), `${gateway.adminToken}\n`);
    const url = `http://127.0.0.1:${gateway.http.port}`;
    const env = { ...process.env, ADMIN_TOKEN: gateway.adminToken, URL: url };
    const example = spawnSync(process.execPath, ['docs/examples/cdr.mjs'], { cwd: ROOT, env, encoding: 'utf8' });
    expect([example.status, example.stderr]).toEqual([0, '']);
    const carriers = join(folder, 'example.csv');
    writeFileSync(carriers, example.stdout);
    const { status, out, err } = reconcile([...OF_FILE.slice(0, -1), carriers], { CALLIN_AUTH__ADMIN_TOKEN: '' });
    expect([status, err]).toEqual([1, '']);
    // The two calls were imported before, with another content; their new records are matched anew.
    expect(out).toContain('rows 3: imported 3 (revised 2), known 0,');
    expect(out).toMatch(/\nmatched +2 .*\n {2}within tolerance +1 /);
    expect(out).toMatch(/\nduration_differs +1 /);
    expect(out).toMatch(/\nmissing_here +1 +62\.0 s /);
  });
});
