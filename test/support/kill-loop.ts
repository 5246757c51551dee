// Kills the real gateway under live calls and looks at its books afterwards. One round:
//
//   start -> N calls placed at seeded moments, some of them hung up -> SIGKILL at a seeded moment -> start again with the same
//   folder -> recovery -> books read -> audit -> start once more: nothing may have changed
//
// What the phone saw is the witness: it knows which calls were answered, and from when to when.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import type { OutgoingCall } from '../../src/phone/outgoing.ts';
import { createRandom, type Random } from '../../src/phone/random.ts';
import { type ApiAnswer, type GatewayOptions, type RunningGateway, startGateway } from './gateway.ts';

export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly callsPerRound: number;
  readonly gateway?: GatewayOptions;
}

/** One call as the phone saw it. Durations in ms, null where it did not come to that. */
export interface Witness {
  readonly from: string;
  readonly answered: boolean;
  /** From the 200 to the end: our BYE, or the kill. */
  readonly talkMs: number | null;
  readonly hungUp: boolean;
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

export interface RoundReport {
  readonly round: number;
  readonly killedAfterMs: number;
  readonly witnesses: readonly Witness[];
  readonly calls: readonly BookedCall[];
  readonly postings: readonly Posting[];
  /** The same two after one more restart. */
  readonly callsAgain: readonly BookedCall[];
  readonly postingsAgain: readonly Posting[];
  readonly balance: string;
  readonly reserved: string;
  readonly audit: { readonly ok: boolean; readonly output: string };
}

const NUMBER = '+12025550100';
const PLACING_MS = 1500;
const KILL_AFTER_MIN_MS = 300;
const KILL_AFTER_MAX_MS = 3500;
const HANG_UP_SHARE = 0.3;
const TOPUP = '1000.00';
const PAGE = 100;

/** Yields a report after each round, all rounds in one data folder. */
export async function* killRounds(options: KillOptions): AsyncGenerator<RoundReport> {
  const random = createRandom(options.seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'callin-kill-'));
  const again = () => startGateway({ ...options.gateway, dataDir });
  let gateway = await again();
  await gateway.api('POST', '/v1/workspaces/demo/topups', { amount: TOPUP });
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const killedAfterMs = KILL_AFTER_MIN_MS + random.integer(KILL_AFTER_MAX_MS - KILL_AFTER_MIN_MS);
      const witnesses = await callAndKill(gateway, random, round, options.callsPerRound, killedAfterMs);
      gateway = await again();
      const first = await readBooks(gateway, round);
      await gateway.stop();
      const audit = gateway.audit();
      gateway = await again();
      const second = await readBooks(gateway, round);
      yield {
        round,
        killedAfterMs,
        witnesses,
        ...first,
        callsAgain: second.calls,
        postingsAgain: second.postings,
        audit,
      };
    }
  } finally {
    await gateway.kill();
    gateway.discard();
  }
}

async function callAndKill(
  gateway: RunningGateway,
  random: Random,
  round: number,
  count: number,
  killAfterMs: number,
): Promise<Witness[]> {
  const phone = await createPhone({ seed: random.integer(0xffff_ffff) });
  const placed: { from: string; call: OutgoingCall }[] = [];
  const timers: NodeJS.Timeout[] = [];
  const uri = `sip:${NUMBER}@127.0.0.1:${gateway.sip.udpPort}`;
  const killed = new Promise<void>((resolve) => timers.push(setTimeout(resolve, killAfterMs)));
  for (let index = 0; index < count; index++) {
    const from = callerOf(round, index);
    const placeAfterMs = random.integer(PLACING_MS);
    const hangUpAfterMs = random.next() < HANG_UP_SHARE ? random.integer(KILL_AFTER_MAX_MS) : null;
    const start = () => void place(phone, uri, from, hangUpAfterMs, placed, timers);
    timers.push(setTimeout(start, placeAfterMs));
  }
  await killed;
  const killing = gateway.kill();
  const atMs = performance.now();
  for (const timer of timers) clearTimeout(timer);
  await killing;
  const witnesses = placed.map(({ from, call }) => witnessOf(from, call, atMs));
  await phone.close();
  return witnesses;
}

async function place(
  phone: Phone,
  uri: string,
  from: string,
  hangUpAfterMs: number | null,
  placed: { from: string; call: OutgoingCall }[],
  timers: NodeJS.Timeout[],
): Promise<void> {
  const call = await phone.call(uri, { from });
  placed.push({ from, call });
  if (hangUpAfterMs === null) return;
  const hangUp = () => void (call.state === 'answered' && call.bye());
  timers.push(setTimeout(hangUp, hangUpAfterMs));
}

function witnessOf(from: string, call: OutgoingCall, killedAtMs: number): Witness {
  const { answered, ended } = call.at;
  const hungUp = call.end?.how === 'bye';
  const endMs = ended === undefined ? killedAtMs : Math.min(ended, killedAtMs);
  return { from, answered: answered !== undefined, talkMs: answered === undefined ? null : endMs - answered, hungUp };
}

/** Each call of a test has a caller of its own, by which it is found in the books. */
function callerOf(round: number, index: number): string {
  return `+1202555${String(round * 100 + index).padStart(4, '0')}`;
}

async function readBooks(
  gateway: RunningGateway,
  round: number,
): Promise<{ calls: BookedCall[]; postings: Posting[]; balance: string; reserved: string }> {
  const callers = new Set(Array.from({ length: 100 }, (_, index) => callerOf(round, index)));
  const calls = (await readAll<BookedCall>(gateway, '/v1/calls')).filter((call) => callers.has(call.from));
  const postings = await readAll<Posting>(gateway, '/v1/ledger');
  const workspace = await gateway.api<{ balance: string; reserved: string }>('GET', '/v1/workspaces/demo');
  return { calls, postings, balance: workspace.body.balance, reserved: workspace.body.reserved };
}

async function readAll<T>(gateway: RunningGateway, path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `${path}?limit=${PAGE}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const answer: ApiAnswer<{ items: T[]; nextCursor: string | null }> = await gateway.api('GET', query);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    items.push(...answer.body.items);
    cursor = answer.body.nextCursor;
  } while (cursor !== null);
  return items;
}
