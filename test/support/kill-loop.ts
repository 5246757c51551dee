// Kills the real gateway under live calls and looks at its books afterwards. One round:
//
//   N calls are placed and stay, others come and go all the time -> all N are answered, and a random time later SIGKILL -> start again
//   with the same folder -> recovery -> books read -> stop, audit -> start once more: nothing may have changed
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
import { type ApiAnswer, type LogRecord, type RunningGateway, startGateway } from './gateway.ts';
import { type RedisServer, startRedis, until } from './redis.ts';

/** `takeover`: Redis, and another node finishes the calls before the one that was killed starts again. */
export type KillStore = 'sqlite' | 'redis' | 'takeover';

export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Calls that stay; others come and go beside them. */
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
  /** From our BYE to its answer, or to the kill: somewhere in between it arrived. */
  readonly byeTookMs: number;
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
  /** Calls that another node finished. */
  readonly takenOver: number;
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
/** At any time one call that comes and goes for so many that stay, and how long it talks at most. */
const STAYING_PER_PASSING = 6;
const PASSING_MAX_MS = 1500;
/** Callers of a round, for each call that stays. */
const CALLERS_PER_STAYING = 5;
/** A machine too busy for all of them is killed under fewer. */
const SET_UP_TIMEOUT_MS = 30_000;
/** Longer than a busy machine keeps a live node from its beat. */
const DEAD_AFTER_MS = 5_000;
const TAKEOVER_WITHIN_MS = 60_000;
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
  const redis = options.store === 'sqlite' ? null : await startRedis();
  const start = (id: string, folder?: string) =>
    startGateway({
      ...(folder === undefined ? {} : { dataDir: folder }),
      config: storeConfig(id, redis),
      startTimeoutMs: START_TIMEOUT_MS,
    });
  const again = () => start('node-a', dataDir);
  const other = options.store === 'takeover' ? await start('node-b') : null;
  let gateway = await again();
  await gateway.api('POST', '/v1/workspaces/demo/topups', { amount: TOPUP });
  let balanceBefore = (await readAccount(gateway)).balance;
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const startedAtMs = Date.now();
      const called = await callAndKill(gateway, random, round, options.callsPerRound);
      if (other !== null)
        await until('the takeover', async () => finishedBy(other).length === round, TAKEOVER_WITHIN_MS);
      gateway = await again();
      const callers = new Set(called.witnesses.map(({ from }) => from));
      const first = await readBooks(gateway, callers, startedAtMs);
      await gateway.stop();
      const audit = gateway.audit('--from', new Date(startedAtMs).toISOString(), '--whole');
      gateway = await again();
      const second = await readBooks(gateway, callers, startedAtMs);
      const takenOver = other === null ? 0 : Number(finishedBy(other).at(-1)?.['calls']);
      yield { round, ...called, takenOver, balanceBefore, ...first, again: second, audit };
      balanceBefore = second.balance;
    }
  } finally {
    await gateway.kill();
    gateway.discard();
    await other?.stop();
    await redis?.stop();
  }
}

function storeConfig(id: string, redis: RedisServer | null): Record<string, unknown> {
  if (redis === null) return {};
  return { node: { id }, store: { kind: 'redis', redis: { url: redis.url }, deadAfterMs: DEAD_AFTER_MS } };
}

/** What it said of dead nodes' calls. */
function finishedBy(other: RunningGateway): readonly LogRecord[] {
  return other.log.filter(({ msg }) => msg === 'the calls of a dead node were finished');
}

interface Placed {
  readonly from: string;
  readonly call: OutgoingCall;
  readonly stays: boolean;
  /** performance.now() at the answer to our BYE. */
  byeAnsweredMs: number | null;
}

async function callAndKill(
  gateway: RunningGateway,
  random: Random,
  round: number,
  staying: number,
): Promise<Pick<RoundReport, 'killedAfterMs' | 'witnesses' | 'phoneLateMs'>> {
  const phone = await createPhone({ seed: random.integer(0xffff_ffff) });
  const uri = `sip:${NUMBER}@127.0.0.1:${gateway.sip.udpPort}`;
  const calls = new Round(phone, uri, round, staying);
  const placingMs = Math.max(PLACING_MIN_MS, (1000 * staying) / PLACED_PER_SECOND);
  const killAfterMs = random.integer(KILL_WITHIN_MS);
  const lateness = monitorEventLoopDelay({ resolution: LATENESS_EVERY_MS });
  lateness.enable();
  const startedMs = performance.now();
  for (let index = 0; index < staying; index++) calls.later(() => void calls.place(null), random.integer(placingMs));
  calls.comeAndGo(random);
  await calls.answered(staying);
  await new Promise<void>((resolve) => calls.later(resolve, killAfterMs));
  const killing = gateway.kill();
  const atMs = performance.now();
  lateness.disable();
  calls.stop();
  await killing;
  const witnesses = calls.placed.map((placed) => witnessOf(placed, atMs));
  await phone.close();
  const phoneLateMs = Math.round(lateness.max / 1e6) - LATENESS_EVERY_MS;
  return { killedAfterMs: Math.round(atMs - startedMs), witnesses, phoneLateMs };
}

/** The calls of one round. */
class Round {
  readonly placed: Placed[] = [];
  readonly #phone: Phone;
  readonly #uri: string;
  readonly #number: number;
  readonly #staying: number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #count = 0;

  constructor(phone: Phone, uri: string, number: number, staying: number) {
    this.#phone = phone;
    this.#uri = uri;
    this.#number = number;
    this.#staying = staying;
  }

  later(work: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Places a call; null: it stays. */
  async place(hangUpAfterMs: number | null): Promise<void> {
    const from = callerOf(this.#number, this.#staying, this.#count++);
    const isSparse = this.#staying > CONTINUOUS_MAX;
    const call = await this.#phone.call(this.#uri, { from, codec: 'PCMU', idle: isSparse ? 'none' : 'silence' });
    const placed: Placed = { from, call, stays: hangUpAfterMs === null, byeAnsweredMs: null };
    this.placed.push(placed);
    if (isSparse) this.#speakSparsely(call);
    if (hangUpAfterMs !== null) this.later(() => void hangUp(placed), hangUpAfterMs);
  }

  /** Places calls that soon hang up, until the kill, so that it meets calls in every state. */
  comeAndGo(random: Random): void {
    if (this.#count >= this.#staying * CALLERS_PER_STAYING) return;
    void this.place(random.integer(PASSING_MAX_MS));
    const everyMs = (PASSING_MAX_MS * STAYING_PER_PASSING) / this.#staying;
    this.later(() => this.comeAndGo(random), random.integer(everyMs));
  }

  /** So many of those that stay. */
  async answered(count: number): Promise<void> {
    const deadlineMs = performance.now() + SET_UP_TIMEOUT_MS;
    const done = () => this.placed.filter(({ call, stays }) => stays && call.state === 'answered').length >= count;
    while (!done() && performance.now() < deadlineMs) await new Promise<void>((resolve) => this.later(resolve, 20));
  }

  /** One frame now and then, until the call ends. */
  #speakSparsely(call: OutgoingCall): void {
    if (call.state === 'ended') return;
    if (call.state === 'answered') void call.sendAudio(Buffer.alloc(160, SILENCE.PCMU));
    this.later(() => this.#speakSparsely(call), SPARSE_EVERY_MS);
  }
}

async function hangUp(placed: Placed): Promise<void> {
  if (placed.call.state !== 'answered') return;
  await placed.call.bye();
  placed.byeAnsweredMs = performance.now();
}

function witnessOf({ byeAnsweredMs, call, from }: Placed, killedAtMs: number): Witness {
  const { answered, ended } = call.at;
  const endMs = ended === undefined ? killedAtMs : Math.min(ended, killedAtMs);
  return {
    from,
    answered: answered !== undefined,
    talkMs: answered === undefined ? null : endMs - answered,
    byeBeforeMs: call.end?.how === 'bye' ? killedAtMs - endMs : null,
    byeTookMs: Math.min(byeAnsweredMs ?? killedAtMs, killedAtMs) - endMs,
  };
}

/** Each call of a run has a caller of its own, by which it is found in the books: +1 2xx 555 xxxx. */
function callerOf(round: number, staying: number, index: number): string {
  const serial = (round - 1) * staying * CALLERS_PER_STAYING + index;
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
