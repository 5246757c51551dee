import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { variableOf } from '../../src/config/environment.ts';
import { ConfigError } from '../../src/config/errors.ts';
import { loadConfig } from '../../src/config/load.ts';
import { parseRedisUrl } from '../../src/config/redis-url.ts';
import { openRedisDirectory } from '../../src/directory/redis-directory.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { REASONS } from '../../src/domain/reasons.ts';
import { checkGateway } from '../../src/gateway.ts';
import { NO_CALL_LIMITS } from '../../src/ledger/books.ts';
import { openRedisBooks } from '../../src/ledger/redis-books.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { call, trunk, workspace } from '../directory/records.ts';
import { HAS_REDIS } from '../support/redis.ts';

// What deploy/ hands to others' programs fits this one: names that exist, numbers that agree, files that the programs take where they are here.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DEPLOY = join(ROOT, 'deploy');
const read = (path: string): string => readFileSync(join(DEPLOY, path), 'utf8');
const has = (program: string) => spawnSync(program, ['--version']).status === 0;
const files = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(DEPLOY.length + 1));

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string };
    }[];
  }[];
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const rules = (parseYaml(read('prometheus/rules.yaml')) as Rules).groups.flatMap((group) => group.rules);
const { panels } = JSON.parse(read('grafana/callin-edge.json')) as { panels: readonly Panel[] };
const production = loadConfig({
  root: ROOT,
  file: join(DEPLOY, 'config', 'production.yaml'),
  env: { CALLIN_AUTH__SECRET_KEY: Buffer.alloc(32, 7).toString('base64') },
});

describe('figures that alerts and the dashboard ask for', () => {
  const expressions = [
    ...rules.map(({ alert, expr }) => [alert, expr] as const),
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
  ];

  test('are all shown by a gateway, with these labels', async () => {
    const text = await createMetrics().render();
    const families = new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map((match) => match[1]));
    const isKnown = (name: string) => families.has(name.replace(/_(?:bucket|sum|count)$/, ''));
    const unknown = expressions.flatMap(([where, expr]) =>
      [...expr.matchAll(/\b(?:callin|process|nodejs)_\w+/g)]
        .filter(([name]) => !isKnown(name))
        .map(([name]) => `${where}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  test('ask for reasons that calls can end with', () => {
    const reasons = expressions.flatMap(([where, expr]) =>
      [...expr.matchAll(/\breason(?:=~|=|!=)"([^"]+)"/g)].flatMap((match) =>
        (match[1] ?? '').split('|').map((reason) => [where, reason] as const),
      ),
    );
    expect(reasons.length).toBeGreaterThan(10);
    expect(reasons.filter(([, reason]) => !Object.hasOwn(REASONS, reason))).toEqual([]);
  });

  test('each alert has a name of its own, a severity and words', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations } of rules) {
      expect(['page', 'ticket'], alert).toContain(labels.severity);
      expect(annotations.summary, alert).not.toBe('');
    }
  });

  test('operations.md tells every alert that wakes somebody, and no other', () => {
    const page = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
    const told = new Set([...page.matchAll(/`(Callin[A-Za-z]+)`/g)].map((match) => match[1] ?? ''));
    const waking = rules.filter(({ labels }) => labels.severity === 'page').map(({ alert }) => alert);
    expect([...told].toSorted()).toEqual(waking.toSorted());
  });

  test('money is watched: each figure of it has an alert', () => {
    const watched = rules.map(({ expr }) => expr).join('\n');
    for (const name of [
      'callin_unbilled_answered_calls',
      'callin_ledger_lag_seconds',
      'callin_journal_fsync_seconds_bucket',
      'callin_engine_connected{engine="store"}',
      'callin_overshoot_total',
      'callin_reconciliation_differences',
      'callin_lease_denied_total',
      'callin_webhook_pending',
    ])
      expect(watched).toContain(name);
  });

  test('the alert for a full node knows how many calls it takes', () => {
    const full = rules.find(({ alert }) => alert === 'CallinNearlyFull');
    expect(full?.expr).toContain(`* ${production.calls.concurrentMax}`);
  });

  test('the dashboard has its rows, and no panel lies on another', () => {
    expect(panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual([
      'Calls',
      'Money',
      'Media',
      'Engines and node',
    ]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const overlapping = panels.flatMap((one, index) =>
      panels.slice(index + 1).filter((other) => {
        const [a, b] = [one.gridPos, other.gridPos];
        return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
      }),
    );
    expect(overlapping.map(({ title }) => title)).toEqual([]);
  });

  test.skipIf(!has('promtool'))('Prometheus takes them, and its own tests of the alerts pass: needs promtool', () => {
    const folder = mkdtempSync(join(tmpdir(), 'callin-deploy-'));
    const asRules = expressions.map(([, expr], index) => ({
      record: `expression_${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
    }));
    writeFileSync(join(folder, 'all.yaml'), JSON.stringify({ groups: [{ name: 'all', rules: asRules }] }));
    for (const args of [
      ['check', 'config', 'scrape.yaml'],
      ['check', 'rules', 'rules.yaml', join(folder, 'all.yaml')],
      ['test', 'rules', 'rules.test.yaml'],
    ]) {
      const { status, stderr, stdout } = spawnSync('promtool', args, {
        cwd: join(DEPLOY, 'prometheus'),
        encoding: 'utf8',
      });
      expect(status, `${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
    }
    rmSync(folder, { recursive: true });
  });
});

describe('the configuration of production', () => {
  test('is accepted with the secret from the environment, and refused without it', () => {
    expect(() => checkGateway(production, ROOT)).not.toThrow();
    const without = () => loadConfig({ root: ROOT, file: join(DEPLOY, 'config', 'production.yaml'), env: {} });
    expect(without).toThrow(ConfigError);
    expect(without).toThrow('CALLIN_AUTH__SECRET_KEY');
  });

  test('holds no secret itself', () => {
    const tree = parseYaml(read('config/production.yaml')) as Record<string, unknown>;
    expect(tree['auth']).toBeUndefined();
    expect(JSON.stringify(tree)).not.toMatch(/secret|token|password/i);
  });
});

test('every variable that a file of deploy/ names is one', () => {
  const known = new Set(leavesOf(production).map(variableOf));
  const named = files.flatMap((file) =>
    [...read(file).matchAll(/\bCALLIN_[A-Z_]+[A-Z]/g)].map(([variable]) => `${file}: ${variable}`),
  );
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((each) => !known.has(each.split(': ')[1] ?? ''))).toEqual([]);
});

describe('the service', () => {
  const unit = read('systemd/callin-edge.service');
  const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

  test('lets calls end before it kills, has files enough for them, and keeps its data where the configuration says', () => {
    expect(setting('TimeoutStopSec')).toMatch(/^\d+min$/);
    expect(Number.parseInt(setting('TimeoutStopSec'), 10) * 60_000).toBeGreaterThan(
      production.calls.drainDeadlineMs + 30_000,
    );
    expect(Number(setting('LimitNOFILE'))).toBeGreaterThan(4 * production.calls.concurrentMax + 500);
    expect(production.dataDir).toBe(`/var/lib/${setting('StateDirectory')}`);
    expect([setting('KillSignal'), setting('RestartPreventExitStatus')]).toEqual(['SIGTERM', '2']);
  });

  test.skipIf(!has('systemd-analyze'))('systemd finds nothing wrong with it: needs systemd-analyze', () => {
    const folder = mkdtempSync(join(tmpdir(), 'callin-deploy-'));
    const file = join(folder, 'callin-edge.service');
    // Where it is here, with the runtime that runs this.
    const node = /^ExecStart=(\S+)/m.exec(unit)?.[1] ?? '';
    writeFileSync(
      file,
      unit.replace(node, process.execPath).replaceAll('/opt/callin-edge/', ROOT).replaceAll('/opt/callin-edge', ROOT),
    );
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--recursive-errors=no', file], {
      encoding: 'utf8',
    });
    rmSync(folder, { recursive: true });
    expect([status, stderr]).toEqual([0, '']);
  });
});

test('drachtio listens where the gateway looks for it', () => {
  const [, port, host] =
    /<admin port="(\d+)" secret="[^"]+">([^<]+)<\/admin>/.exec(read('drachtio/drachtio.conf.xml')) ?? [];
  expect([Number(port), host]).toEqual([production.sip.drachtio.port, production.sip.drachtio.host]);
});

describe('the configuration of Redis', () => {
  test.skipIf(!HAS_REDIS)(
    'starts a server that takes the books of a gateway, by a user who can do nothing else: needs redis-server',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'callin-deploy-'));
      const port = await freePort();
      const args = [join(DEPLOY, 'redis', 'redis.conf'), '--port', String(port), '--dir', folder];
      const server = spawn('redis-server', args, { stdio: 'ignore' });
      const address = parseRedisUrl(`redis://callin:change-me@127.0.0.1:${port}/0`);
      if (typeof address === 'string') throw new Error(address);
      const books = openRedisBooks({ address, clock: systemClock });
      try {
        await books.ready(5_000);
        const nowMs = systemClock.wallMs();
        const workspaceId = 'ws_a';
        const line = { workspaceId, callId: null, quantityMs: 0, at: nowMs, note: '' };
        const posting = { ...line, id: 'topup:1', meter: 'topup', amount: 1_000n } as const;
        expect(await books.settle({ workspaceId, holdId: null, postings: [posting], costs: [] })).toBe('posted');
        const hold = { id: 'lease:1', workspaceId, amount: 400n, nowMs, expiresAtMs: nowMs + 60_000, prepaid: true };
        expect(await books.reserve({ ...hold, limits: NO_CALL_LIMITS })).toBe('held');
        expect(await books.balance(workspaceId, nowMs)).toMatchObject({ balance: 1_000n, reserved: 400n });
        expect(await books.check()).toEqual([]);
        const kept = { outboxPath: ':memory:', callsKeptMs: 86_400_000 };
        const opened = { address, clock: systemClock, sealingKey: new Uint8Array(32), ...kept };
        const directory = await openRedisDirectory(opened);
        try {
          await directory.workspaces.put(workspace());
          await directory.trunks.put(trunk());
          await directory.calls.save(call({ createdAt: nowMs }));
          expect(await directory.allTrunks()).toEqual([trunk()]);
          expect((await directory.calls.list({ limit: 5 })).items).toHaveLength(1);
          expect((await directory.idempotency.claim('s', 'k', 'v')).first).toBe(true);
          await expect(directory.workspaces.delete('ws_a')).rejects.toMatchObject({ code: 'record_in_use' });
          expect(await directory.trunks.delete('trunk_a')).toBe(true);
        } finally {
          await directory.close();
        }
        await expect(books.run((client) => client.flushall())).rejects.toThrow(/NOPERM/);
        await expect(books.run((client) => client.config('SET', 'appendonly', 'no'))).rejects.toThrow(/NOPERM/);
        await expect(books.run((client) => client.set('another', '1'))).rejects.toThrow(/NOPERM/);
        const info = await books.run((client) => client.info());
        expect(info).toMatch(/^aof_enabled:1\r$/m);
        expect(info).toMatch(/^maxmemory_policy:noeviction\r$/m);
      } finally {
        await books.close();
        const exited = new Promise((resolve) => server.once('exit', resolve));
        server.kill('SIGKILL');
        await exited;
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

function leavesOf(tree: object, path = ''): string[] {
  return Object.entries(tree).flatMap(([name, value]: [string, unknown]) => {
    const key = path === '' ? name : `${path}.${name}`;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? leavesOf(value, key) : [key];
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

test.skipIf(!has('nft') || process.getuid?.() !== 0)(
  'the packet filter is one that nft takes (needs: nft, root)',
  () => {
    const { status, stderr } = spawnSync('nft', ['--check', '--file', join(DEPLOY, 'drachtio/nftables.conf')], {
      encoding: 'utf8',
    });
    // A container without the right to look at its packet filter cannot say.
    if (/Operation not permitted|cache initialization failed/.test(stderr)) return;
    expect([status, stderr]).toEqual([0, '']);
  },
);

test('fail2ban follows a ban that rests on a connection or on the name of a scanner, and no other', () => {
  const lines = /failregex = ([\s\S]*?)\ndatepattern/.exec(read('drachtio/fail2ban/filter.conf'))?.[1] ?? '';
  const expressions = lines.split('\n').map((line) => new RegExp(line.trim().replace('<ADDR>', '[\\d.:a-f]+?')));
  const said = (way: string, why: string, network = '198.51.100.7') =>
    `{"level":40,"time":1732550400000,"network":"${network}","way":"${way}","why":"${why}","times":1,"forSec":60,"msg":"a source of SIP is banned"}`;
  const isFollowed = (line: string) => expressions.some((expression) => expression.test(line));
  expect(isFollowed(said('connection', 'register'))).toBe(true);
  expect(isFollowed(said('datagram', 'scanner', '2001:db8:1:2::/64'))).toBe(true);
  expect(isFollowed(said('datagram', 'rate'))).toBe(false);
});
