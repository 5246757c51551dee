// What questions to the directory take, for each store: those on the way of a call, and the lists of a workspace that has many numbers.
//
// Set-up      SQLite in a file, as the gateway has it; Redis as one real server on loopback that flushes every write (`appendfsync always`).
//             One workspace with --numbers (10 000): four providers, five countries, half of them assigned, one in twenty released;
//             100 agents with sealed headers and tokens, 20 trunks.
// A call      all trunks, the number by what was dialled, its agent, its workspace: what an inbound call asks before it is authorised.
// Lists       pages of 50: the first one, by status, by agent, a search that nothing matches, one that few match.
// Beside      the questions of a call again, while four searches that match nothing go on without a pause.
// Figures     ms at the 50th and 99th percentile of --rounds (400) each, one question after another, after a tenth of it as warm-up.
//
// Flags: --numbers 10000 --rounds 400
// Alone: node bench/main.ts directory --dry

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRedisUrl } from '../src/config/redis-url.ts';
import type { Directory } from '../src/directory/directory.ts';
import { openRedisDirectory } from '../src/directory/redis-directory.ts';
import { openDirectory } from '../src/directory/sqlite-directory.ts';
import { systemClock } from '../src/domain/clock.ts';
import type { Agent, NumberProvider, PhoneNumber, Trunk } from '../src/domain/directory.ts';
import { isE164 } from '../src/domain/e164.ts';
import { HAS_REDIS, startRedis } from '../test/support/redis.ts';
import { type BenchOptions, type BenchResult, flag, round } from './support/result.ts';
import { Samples } from './support/stats.ts';

interface Opened {
  readonly directory: Directory;
  close(): Promise<void>;
}

const STORES: readonly { readonly name: string; open(): Promise<Opened> }[] = [
  { name: 'SQLite', open: openSqlite },
  ...(HAS_REDIS ? [{ name: 'Redis, appendfsync always', open: openRedis }] : []),
];
const SEALING_KEY = new Uint8Array(32).fill(7);
const WORKSPACE = 'ws_bench';
const AGENTS = 100;
const TRUNKS = 20;
const PROVIDERS: readonly NumberProvider[] = ['managed', 'byoc', 'twilio', 'telnyx'];
const PREFIXES = ['+1202', '+1416', '+44207', '+4930', '+3491'];
const AT_ONCE = 100;
const DAY_MS = 86_400_000;

interface Question {
  readonly name: string;
  readonly ask: (directory: Directory, round: number) => Promise<unknown>;
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const count = flag(options, 'numbers', 10_000);
  const rounds = flag(options, 'rounds', 400);
  const rows: (string | number)[][] = [];
  for (const { name, open } of STORES) {
    const { directory, close } = await open();
    try {
      await fill(directory, count);
      options.say(`${name}: ${count} numbers are there`);
      for (const question of questions(count))
        rows.push([name, question.name, ...(await measure(directory, question, rounds))]);
      rows.push([name, 'a call, beside four searches', ...(await besideSearches(directory, call(count), rounds))]);
    } finally {
      await close();
    }
  }
  return {
    title: `the directory: a call's questions and lists of ${count} numbers`,
    tables: [{ caption: 'ms', columns: ['store', 'question', 'p50', 'p99'], rows }],
    notes: [
      'A call asks for all trunks, the number, its agent and its workspace, one after the other.',
      'Redis and the process that asks share the machine. SQLite answers in the thread that asks; a search there holds up everything else in it.',
      ...(HAS_REDIS ? [] : ['Redis was not measured: needs redis-server.']),
    ],
  };
}

function call(count: number): Question {
  return {
    name: 'a call',
    async ask(directory, index) {
      await directory.allTrunks();
      const [number] = await directory.numbers.byE164(numberAt(((index * 997) % count) | 1).e164);
      await directory.agents.get(number?.agentId ?? 'agent_0');
      await directory.workspaces.get(WORKSPACE);
    },
  };
}

function questions(count: number): readonly Question[] {
  const page = { workspaceId: WORKSPACE, limit: 50 };
  const rare = (index: number) => numberAt((index * 997) % count).e164.slice(-6);
  return [
    call(count),
    { name: 'number by what was dialled', ask: (d, index) => d.numbers.byE164(numberAt((index * 997) % count).e164) },
    { name: 'agent', ask: (d, index) => d.agents.get(`agent_${index % AGENTS}`) },
    { name: 'first page', ask: (d) => d.numbers.find(page) },
    { name: 'page by status (one in twenty)', ask: (d) => d.numbers.find({ ...page, status: 'released' }) },
    { name: 'page by country, provider, assigned', ask: (d) => d.numbers.find({ ...page, ...FILTER }) },
    { name: 'page by agent', ask: (d, index) => d.numbers.find({ ...page, agentId: `agent_${index % AGENTS}` }) },
    { name: 'search, few match', ask: (d, index) => d.numbers.find({ ...page, q: rare(index) }) },
    { name: 'search, none matches', ask: (d) => d.numbers.find({ ...page, q: '99999999' }) },
  ];
}

const FILTER = { country: 'DE', provider: 'telnyx', assigned: true };

async function measure(directory: Directory, { ask }: Question, rounds: number): Promise<number[]> {
  const samples = new Samples();
  const warmUp = Math.ceil(rounds / 10);
  for (let index = 0; index < warmUp + rounds; index += 1) {
    const begin = performance.now();
    await ask(directory, index);
    if (index >= warmUp) samples.add(performance.now() - begin);
  }
  return samples.percentiles([0.5, 0.99]).map((ms) => round(ms));
}

async function besideSearches(directory: Directory, question: Question, rounds: number): Promise<number[]> {
  let isOver = false;
  const search = async () => {
    while (!isOver) {
      await directory.numbers.find({ workspaceId: WORKSPACE, limit: 50, q: '99999999' });
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const searches = [search(), search(), search(), search()];
  const figures = await measure(directory, question, rounds);
  isOver = true;
  await Promise.all(searches);
  return figures;
}

async function fill(directory: Directory, count: number): Promise<void> {
  const limits = { concurrentCalls: null, callsPerSecond: null, spendPerHour: null, spendPerDay: null };
  await directory.workspaces.put({ id: WORKSPACE, createdAt: 1, name: 'Bench', billingMode: 'postpaid', limits });
  for (let index = 0; index < AGENTS; index += 1) await directory.agents.put(agentAt(index));
  for (let index = 0; index < TRUNKS; index += 1) await directory.trunks.put(trunkAt(index));
  for (let first = 0; first < count; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => numberAt(first + index));
    await Promise.all(some.map((number) => directory.numbers.put(number)));
  }
}

function numberAt(n: number): PhoneNumber {
  const e164 = `${PREFIXES[n % PREFIXES.length]}${String(2_000_000 + n * 7).padStart(7, '0')}`;
  if (!isE164(e164)) throw new Error(`${e164} is no number`);
  return {
    id: `num_${n}`,
    createdAt: 1_700_000_000_000 + n * 1_000,
    e164,
    workspaceId: WORKSPACE,
    provider: PROVIDERS[Math.floor(n / 3) % PROVIDERS.length] ?? 'managed',
    trunkId: `trunk_${n % TRUNKS}`,
    agentId: n % 2 === 0 ? `agent_${(n / 2) % AGENTS}` : null,
    supportsInbound: true,
    supportsOutbound: true,
    status: n % 20 === 0 ? 'released' : 'active',
  };
}

function agentAt(index: number): Agent {
  return {
    id: `agent_${index}`,
    createdAt: index,
    workspaceId: WORKSPACE,
    name: `Agent ${index}`,
    stream: {
      url: 'wss://agent.example/stream',
      protocol: 'twilio',
      codec: 'PCMU',
      headers: { 'x-api-key': 'a secret of some length', 'x-tenant': 'another one' },
      authToken: 'a token of some length',
      customParameters: {},
    },
    fallbackAgentId: null,
    readyTimeoutMs: 3_000,
  };
}

function trunkAt(index: number): Trunk {
  return {
    id: `trunk_${index}`,
    createdAt: index,
    workspaceId: WORKSPACE,
    kind: 'byoc',
    label: `Carrier ${index}`,
    inbound: { enabled: true, addresses: [`192.0.2.${index}/32`], mediaEncryption: 'off' },
    outbound: {
      enabled: true,
      gateways: [{ host: 'sip.example', port: 5060, priority: 1, weight: 10 }],
      transport: 'udp',
      mediaEncryption: 'off',
      username: 'user',
      password: 'a password of some length',
      allowedCountries: ['US'],
    },
    codecs: ['PCMU'],
    limits: { concurrentCalls: null, callsPerSecond: null },
    natAllowed: false,
  };
}

async function openSqlite(): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'callin-bench-'));
  const directory = openDirectory(join(folder, 'directory.db'), { sealingKey: SEALING_KEY });
  return {
    directory,
    async close() {
      await directory.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function openRedis(): Promise<Opened> {
  const server = await startRedis({ appendFsync: 'always' });
  const address = parseRedisUrl(server.url);
  if (typeof address === 'string') throw new Error(address);
  const directory = await openRedisDirectory({
    address,
    clock: systemClock,
    sealingKey: SEALING_KEY,
    outboxPath: ':memory:',
    callsKeptMs: 90 * DAY_MS,
  });
  return {
    directory,
    async close() {
      await directory.close();
      await server.stop();
    },
  };
}
