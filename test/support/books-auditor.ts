// An auditor of the books in Redis that shares no code with what it audits: a process of its own, a plain client, and its own reading of the
// keys that src/ledger/redis/keys.ts documents. It looks again and again while everything runs, and says on its standard output, a JSON
// object per line, what does not add up.
//
//   node test/support/books-auditor.ts --ports 6379,6380 --every 1000 [--postpaid ws_b]
//
// Of the servers it audits the one that is master. What it checks of each workspace, as of one instant:
//
//   conservation   the postings' sum is the balance; each `balanceAfter` is the one before plus the amount; numbers have no gap
//   no overdraft   balance - reserved >= 0, balance >= 0
//   holds          their sum is `reserved`; none is negative, each expires
//   at most once   no posting id twice, no meter of a call twice; calls are never charged a negative amount
//   monotone       a line that was seen stands, to the letter
//
// It reads commands from its standard input:
//
//   lost      the server loses data now, or just did: lines may be missing for a while, and stand elsewhere afterwards; an id that comes back
//             must have the amount it had
//   settled   from now on everything that was ever seen must stand again
//   finish    a last look, a summary, exit code 0 without a violation

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';

export type AuditorLine =
  | { readonly kind: 'violation'; readonly at: string; readonly what: string }
  /** No master answers. */
  | { readonly kind: 'away'; readonly at: string; readonly what: string }
  /** A key cannot be read as what it is documented to be. */
  | { readonly kind: 'unreadable'; readonly at: string; readonly what: string }
  | { readonly kind: 'done'; readonly command: string }
  | { readonly kind: 'summary'; readonly looks: number; readonly postings: number; readonly violations: number };

interface Line {
  readonly id: string;
  readonly callId: string | null;
  readonly meter: string;
  readonly quantityMs: number;
  readonly amount: string;
  readonly balanceAfter: string;
}

type Hash = Readonly<Record<string, string>>;

interface Snapshot {
  readonly account: Hash;
  readonly holds: Hash;
  readonly expiries: readonly string[];
  readonly lines: Hash;
  readonly ids: Hash;
}

const ANSWER_MS = 1_000;
const ATTEMPTS = 50;
const PAUSE_MS = 100;

const { values } = parseArgs({
  options: {
    ports: { type: 'string' },
    every: { type: 'string', default: '1000' },
    postpaid: { type: 'string', default: '' },
  },
});
const postpaid = new Set(values.postpaid.split(','));
const servers = (values.ports ?? '').split(',').map((port) => {
  const options = { port: Number(port), host: '127.0.0.1', retryStrategy: () => 100, maxRetriesPerRequest: 0 };
  const server = new Redis({
    ...options,
    enableOfflineQueue: false,
    commandTimeout: ANSWER_MS,
    socketTimeout: 2 * ANSWER_MS,
  });
  server.on('error', () => undefined);
  return server;
});

/** What was seen: workspace -> number -> the line's text; and id -> what it moved, for ever. */
const seenLines = new Map<string, Map<string, string>>();
const seenIds = new Map<string, string>();
let mayMiss = false;
let looks = 0;
let violations = 0;
let looking: Promise<void> = Promise.resolve();

const say = (line: AuditorLine) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const now = () => new Date().toISOString();

function violation(what: string): void {
  violations += 1;
  say({ kind: 'violation', at: now(), what });
}

/** False: nobody answered. */
async function look(): Promise<boolean> {
  try {
    const master = await findMaster();
    const workspaces = await master.smembers('callin:workspaces');
    const idsNow = new Set<string>();
    const snapshots = await Promise.all(workspaces.map((workspace) => read(master, workspace)));
    for (const [index, snapshot] of snapshots.entries())
      if (snapshot !== null) check(workspaces[index] ?? '', snapshot, idsNow);
    const isWhole = !snapshots.includes(null);
    if (isWhole && !mayMiss)
      for (const id of seenIds.keys()) if (!idsNow.has(id)) violation(`${id} was posted and is gone`);
    looks += 1;
    return true;
  } catch (error) {
    say({ kind: 'away', at: now(), what: (error as Error).message });
    return false;
  }
}

/** A look that somebody waits for. */
async function lookForSure(): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await look()) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  violation('nobody answered where somebody must');
}

async function findMaster(): Promise<Redis> {
  let reason = 'no server';
  for (const server of servers) {
    try {
      const [role] = (await server.role()) as [string];
      if (role === 'master') return server;
      reason = `port ${server.options.port} is ${role}`;
    } catch (error) {
      reason = `port ${server.options.port}: ${(error as Error).message}`;
    }
  }
  throw new Error(reason);
}

/** All keys in one transaction: one instant. Null: cannot be read. */
async function read(server: Redis, workspace: string): Promise<Snapshot | null> {
  const key = (name: string) => `callin:{ws:${workspace}}:${name}`;
  const answers = await server
    .multi()
    .hgetall(key('account'))
    .hgetall(key('holds'))
    .zrange(key('expiries'), '0', '-1')
    .hgetall(key('postings'))
    .hgetall(key('postings:ids'))
    .exec();
  const failed = answers?.find(([error]) => error !== null);
  if (answers === null || failed !== undefined) {
    say({ kind: 'unreadable', at: now(), what: `${workspace}: ${failed?.[0]?.message}` });
    return null;
  }
  const [account, holds, expiries, lines, ids] = answers.map(([, value]) => value) as [
    Hash,
    Hash,
    string[],
    Hash,
    Hash,
  ];
  return { account, holds, expiries, lines, ids };
}

function check(workspace: string, snapshot: Snapshot, idsNow: Set<string>): void {
  const report = (what: string) => violation(`${workspace}: ${what}`);
  const balance = checkLines(workspace, snapshot, idsNow, report);
  const { account, expiries, holds } = snapshot;
  if (account['balance'] !== undefined && BigInt(account['balance']) !== balance)
    report(`balance ${account['balance']}, sum of postings ${balance}`);
  let reserved = 0n;
  for (const [id, amount] of Object.entries(holds)) {
    reserved += BigInt(amount);
    if (BigInt(amount) < 0n) report(`hold ${id} is ${amount}`);
    if (!expiries.includes(id)) report(`hold ${id} never expires`);
  }
  if (expiries.length !== Object.keys(holds).length) report('there are expiries without a hold');
  if (BigInt(account['reserved'] ?? '0') !== reserved)
    report(`reserved ${account['reserved']}, sum of holds ${reserved}`);
  if (postpaid.has(workspace)) return;
  if (balance < 0n) report(`overdrawn: balance ${balance}`);
  else if (balance < reserved) report(`overdrawn: balance ${balance}, reserved ${reserved}`);
}

/** The lines by themselves and against what was seen; answers their sum. */
function checkLines(
  workspace: string,
  snapshot: Snapshot,
  idsNow: Set<string>,
  report: (what: string) => void,
): bigint {
  const { account, ids, lines } = snapshot;
  const seen = (mayMiss ? undefined : seenLines.get(workspace)) ?? new Map<string, string>();
  seenLines.set(workspace, seen);
  const count = Object.keys(lines).length;
  if (Number(account['postings'] ?? 0) !== count) report(`${account['postings']} postings are counted, ${count} stand`);
  const meters = new Set<string>();
  let balance = 0n;
  for (let number = 1; number <= count; number += 1) {
    const text = lines[number];
    if (text === undefined) {
      report(`posting number ${number} is missing`);
      continue;
    }
    const before = seen.get(String(number));
    if (before !== undefined && before !== text) report(`posting number ${number} was ${before} and is ${text}`);
    seen.set(String(number), text);
    const line = JSON.parse(text) as Line;
    balance += BigInt(line.amount);
    if (BigInt(line.balanceAfter) !== balance)
      report(`${line.id}: balance after it is ${line.balanceAfter}, the sum is ${balance}`);
    if (idsNow.has(line.id)) report(`${line.id} stands twice`);
    idsNow.add(line.id);
    if (ids[line.id] !== String(number)) report(`${line.id} is number ${number}, the index says ${ids[line.id]}`);
    checkMoved(line, report);
    const meter = `${line.callId} ${line.meter}`;
    const isCharge = line.callId !== null && line.meter !== 'adjustment';
    if (isCharge && meters.has(meter)) report(`${line.callId} is charged its ${line.meter} twice`);
    if (isCharge && BigInt(line.amount) > 0n) report(`${line.id} gives money back`);
    meters.add(meter);
  }
  for (const number of seen.keys()) if (lines[number] === undefined) report(`posting number ${number} is gone`);
  return balance;
}

/** What an id moves never changes, whatever the server lost meanwhile. */
function checkMoved({ amount, callId, id, meter, quantityMs }: Line, report: (what: string) => void): void {
  const moved = `${callId} ${meter} ${quantityMs} ${amount}`;
  const before = seenIds.get(id);
  if (before !== undefined && before !== moved) report(`${id} was "${before}" and is "${moved}"`);
  seenIds.set(id, moved);
}

async function obey(command: string): Promise<void> {
  if (command === 'lost') {
    mayMiss = true;
    await look();
  } else if (command === 'settled') {
    mayMiss = false;
    await lookForSure();
  } else if (command === 'finish') {
    await lookForSure();
    say({ kind: 'summary', looks, postings: seenIds.size, violations });
    process.exitCode = violations === 0 ? 0 : 1;
    input.close();
  }
  say({ kind: 'done', command });
}

/** One at a time, in order. */
const next = (work: () => Promise<void>) => {
  looking = looking.then(work);
};
let isWaiting = false;
const timer = setInterval(() => {
  if (isWaiting) return;
  isWaiting = true;
  next(async () => {
    isWaiting = false;
    await look();
  });
}, Number(values.every));
const input = createInterface({ input: process.stdin });
input.on('line', (line) => next(() => obey(line.trim())));
// Finished, or whoever started it is gone.
input.on('close', () => {
  clearInterval(timer);
  for (const server of servers) server.disconnect();
});
process.stdout.on('error', () => process.exit(2));
