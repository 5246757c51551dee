// Kills the real gateway under live calls and looks at its books afterwards. One round:
//
//   N calls are placed and stay; others come and go all the time -> SIGKILL at a seeded moment -> start again with the same folder ->
//   recovery -> books read -> stop, audit -> start once more: nothing may have changed
//
// What the phone saw is the witness: it knows which calls were answered, and from when to when. The judge is kill-judge.ts.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import type { OutgoingCall } from '../../src/phone/outgoing.ts';
import { createRandom, type Random } from '../../src/phone/random.ts';
import { SILENCE } from '../../src/phone/tone.ts';
import { type ApiAnswer, type RunningGateway, startGateway } from './gateway.ts';
import { type RedisServer, startRedis } from './redis.ts';

export type KillStore = 'sqlite' | 'redis';

export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Calls that stay; a third as many come and go beside them. */
  readonly callsPerRound: number;
  readonly store: KillStore;
}

/** One call as the phone saw it. Durations in ms, null where it did not come to that. */
export interface Witness {
  readonly from: string;
  readonly answered: boolean;
  /** From the 200 to the end: our BYE, or the kill. */
  readonly talkMs: number | null;
  /** How long before the kill our BYE left; null where it did not. */
  readonly byeBeforeMs: number | null;
}

export interface Bill {
  readonly final: boolean;
  readonly flags: readonly string[];
  readonly total: string;
  readonly telephony: { readonly billedMs: number; readonly amount: string };
  readonly compute: { readonly billedMs: number; readonly amount: string };
}

export interface BookedCall {
  readonly id: string;
  readonly from: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly bill: Bill | null;
}

export interface Posting {
  readonly id: string;
  readonly callId: string | null;
  readonly meter: string;
  readonly amount: string;
}

export interface Books {
  /** Of this round. */
  readonly calls: readonly BookedCall[];
  readonly postings: readonly Posting[];
  readonly balance: string;
  readonly reserved: string;
}

export interface RoundReport extends Books {
  readonly round: number;
  readonly killedAfterMs: number;
  readonly witnesses: readonly Witness[];
  /** The witnesses' clock may be wrong by this much: how late the phone's process was at worst (a busy machine). */
  readonly phoneLateMs: number;
  readonly balanceBefore: string;
  /** After one more restart. */
  readonly again: Books;
  readonly audit: { readonly ok: boolean; readonly output: string };
}

const NUMBER = '+12025550100';
/** Calls that the phone places in a second; the gateway answers about as many on two cores. */
const PLACED_PER_SECOND = 100;
const PLACING_MIN_MS = 600;
const KILL_WITHIN_MS = 2500;
/** Calls that come and go: one for so many that stay, and how long they talk at most. */
const STAYING_PER_PASSING = 3;
const PASSING_MAX_MS = 1500;
const TOPUP = '1000.00';
const PAGE = 100;
/** Above this many calls at once the phone speaks as with DTX: a frame now and then, instead of fifty a second. */
const CONTINUOUS_MAX = 40;
const SPARSE_EVERY_MS = 400;
const LATENESS_EVERY_MS = 10;
/** A machine that does other things as well. */
const START_TIMEOUT_MS = 60_000;

/** Yields a report after each round, all rounds in one data folder and one Redis. */
export async function* killRounds(options: KillOptions): AsyncGenerator<RoundReport> {
  const random = createRandom(options.seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'callin-kill-'));
  const redis = options.store === 'redis' ? await startRedis() : null;
  const again = () => startGateway({ dataDir, config: storeConfig(redis), startTimeoutMs: START_TIMEOUT_MS });
  let gateway = await again();
  await gateway.api('POST', '/v1/workspaces/demo/topups', { amount: TOPUP });
  let balanceBefore = (await readAccount(gateway)).balance;
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const startedAtMs = Date.now();
      const called = await callAndKill(gateway, random, round, options.callsPerRound);
      gateway = await again();
      const callers = new Set(called.witnesses.map(({ from }) => from));
      const first = await readBooks(gateway, callers, startedAtMs);
      await gateway.stop();
      const audit = gateway.audit('--from', new Date(startedAtMs).toISOString(), '--whole');
      gateway = await again();
      const second = await readBooks(gateway, callers, startedAtMs);
      yield { round, ...called, balanceBefore, ...first, again: second, audit };
      balanceBefore = second.balance;
    }
  } finally {
    await gateway.kill();
    gateway.discard();
    await redis?.stop();
  }
}

function storeConfig(redis: RedisServer | null): Record<string, unknown> {
  return redis === null ? {} : { node: { id: 'node-a' }, store: { kind: 'redis', redis: { url: redis.url } } };
}

interface Placed {
  readonly from: string;
  readonly call: OutgoingCall;
}

async function callAndKill(
  gateway: RunningGateway,
  random: Random,
  round: number,
  staying: number,
): Promise<Pick<RoundReport, 'killedAfterMs' | 'witnesses' | 'phoneLateMs'>> {
  const phone = await createPhone({ seed: random.integer(0xffff_ffff) });
  const placed: Placed[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const later = (work: () => void, ms: number) => void timers.add(setTimeout(work, ms));
  const uri = `sip:${NUMBER}@127.0.0.1:${gateway.sip.udpPort}`;
  const passing = Math.ceil(staying / STAYING_PER_PASSING);
  const placingMs = Math.max(PLACING_MIN_MS, (1000 * staying) / PLACED_PER_SECOND);
  const killedAfterMs = Math.round(placingMs) + random.integer(KILL_WITHIN_MS);
  for (let index = 0; index < staying + passing; index++) {
    const from = callerOf(round, staying + passing, index);
    const passes = index >= staying;
    const placeAfterMs = random.integer(passes ? killedAfterMs : placingMs);
    const hangUpAfterMs = passes ? random.integer(PASSING_MAX_MS) : null;
    const start = () => void place(phone, uri, from, hangUpAfterMs, staying, placed, later);
    later(start, placeAfterMs);
  }
  const lateness = monitorEventLoopDelay({ resolution: LATENESS_EVERY_MS });
  lateness.enable();
  await new Promise<void>((resolve) => later(resolve, killedAfterMs));
  lateness.disable();
  const killing = gateway.kill();
  const atMs = performance.now();
  for (const timer of timers) clearTimeout(timer);
  await killing;
  const witnesses = placed.map(({ from, call }) => witnessOf(from, call, atMs));
  await phone.close();
  return { killedAfterMs, witnesses, phoneLateMs: Math.round(lateness.max / 1e6) - LATENESS_EVERY_MS };
}

async function place(
  phone: Phone,
  uri: string,
  from: string,
  hangUpAfterMs: number | null,
  atOnce: number,
  placed: Placed[],
  later: (work: () => void, ms: number) => void,
): Promise<void> {
  const isSparse = atOnce > CONTINUOUS_MAX;
  const call = await phone.call(uri, { from, codec: 'PCMU', idle: isSparse ? 'none' : 'silence' });
  placed.push({ from, call });
  if (isSparse) speakSparsely(call, later);
  if (hangUpAfterMs !== null) later(() => void (call.state === 'answered' && call.bye()), hangUpAfterMs);
}

/** One frame now and then, until the call ends. */
function speakSparsely(call: OutgoingCall, later: (work: () => void, ms: number) => void): void {
  if (call.state === 'ended') return;
  if (call.state === 'answered') void call.sendAudio(Buffer.alloc(160, SILENCE.PCMU));
  later(() => speakSparsely(call, later), SPARSE_EVERY_MS);
}

function witnessOf(from: string, call: OutgoingCall, killedAtMs: number): Witness {
  const { answered, ended } = call.at;
  const endMs = ended === undefined ? killedAtMs : Math.min(ended, killedAtMs);
  return {
    from,
    answered: answered !== undefined,
    talkMs: answered === undefined ? null : endMs - answered,
    byeBeforeMs: call.end?.how === 'bye' ? killedAtMs - endMs : null,
  };
}

/** Each call of a run has a caller of its own, by which it is found in the books: +1 2xx 555 xxxx. */
function callerOf(round: number, perRound: number, index: number): string {
  const serial = (round - 1) * perRound + index;
  return `+1${201 + Math.floor(serial / 10_000)}555${String(serial % 10_000).padStart(4, '0')}`;
}

async function readBooks(gateway: RunningGateway, callers: ReadonlySet<string>, sinceMs: number): Promise<Books> {
  const calls: BookedCall[] = [];
  // Newest first: the round's calls come before all others.
  for await (const page of pages<BookedCall>(gateway, '/v1/calls')) {
    const own = page.filter((call) => callers.has(call.from));
    calls.push(...own);
    if (own.length === 0) break;
  }
  const postings: Posting[] = [];
  for await (const page of pages<Posting>(gateway, `/v1/ledger?from=${new Date(sinceMs).toISOString()}`))
    postings.push(...page.filter(({ callId }) => callId !== null));
  return { calls, postings, ...(await readAccount(gateway)) };
}

async function readAccount(gateway: RunningGateway): Promise<{ balance: string; reserved: string }> {
  const { body } = await gateway.api<{ balance: string; reserved: string }>('GET', '/v1/workspaces/demo');
  return { balance: body.balance, reserved: body.reserved };
}

async function* pages<T>(gateway: RunningGateway, path: string): AsyncGenerator<readonly T[]> {
  let cursor: string | null = null;
  do {
    const query: string = `${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const answer: ApiAnswer<{ items: T[]; nextCursor: string | null }> = await gateway.api('GET', query);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    yield answer.body.items;
    cursor = answer.body.nextCursor;
  } while (cursor !== null);
}
