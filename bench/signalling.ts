// Calls set up and torn down, through the whole gateway: INVITE, routing, authorisation, journal on disk, agent's WebSocket, 200,
// ACK, BYE, final bill. No audio. First a steady rate that has to pass without a failure, then higher rates until the first
// failure: what is reported is the last rate without any.
//
// Set-up      gateway alone on core 0; caller and agent on core 1. As shipped: log level info, journal with synchronous=FULL on the
//             disk of this machine. One gateway for all rates.
// Warm-up     --warmup (8) s at half of the steady rate, not counted: code that is not yet compiled costs several times as much.
// Steady      --rate (100) calls/s for --seconds (20). Every call must be answered, ended by our BYE, and be in the books with
//             a final bill: the number of ended calls in the API is compared with the number placed.
// Ramp        --step (50) calls/s more each time, --rampSeconds (6) each, up to --most (600).
// A failure   is any call not answered with 200 within 8 s, ended by the gateway, or whose BYE was not answered. Copies of
//             requests (UDP) are counted, and are no failure.
// CPU         user + system of all threads over the run by the calls placed in it.
//
// Engine      --engine embedded (default) or drachtio: a server of its own at DRACHTIO_BIN, on core 0 as well, and its CPU is counted.
//
// Flags: --engine --rate --seconds --hold (ms, 200) --warmup --step --rampSeconds --most --noramp  --threads (CPU of each thread)

import { setTimeout as pause } from 'node:timers/promises';
import type { RunningGateway } from '../test/support/gateway.ts';
import type { SignallingFigures, SignallingLoad } from './load/signalling-caller.ts';
import { finalBills, useAgent } from './support/demo.ts';
import { sayThreads, startPart, threadsOf, usageOf } from './support/process.ts';
import { type BenchOptions, type BenchResult, flag, round } from './support/result.ts';
import { type BenchSubject, engineVariant, startWithEngine } from './support/sip-engine.ts';

interface Figures extends SignallingFigures {
  readonly rate: number;
  readonly cpuMsPerCall: number;
  readonly coreShare: number;
}

const NUMBER = '+12025550100';
const SETTLE_MS = 1500;
const ENGINE_ASKED_MS = 6000;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const agent = startPart(new URL('load/echo-agent.ts', import.meta.url), 'load');
  const { port } = await agent.next<{ port: number }>('listening');
  const subject = await startWithEngine(options);
  try {
    await useAgent(subject.gateway, `ws://127.0.0.1:${port}/`);
    return await measure(options, subject);
  } finally {
    await subject.stop();
    await agent.stop();
  }
}

async function measure(options: BenchOptions, subject: BenchSubject): Promise<BenchResult> {
  const rate = flag(options, 'rate', 100);
  const { gateway } = subject;
  await load(options, subject, rate / 2, flag(options, 'warmup', 8));
  const billsBefore = await finalBills(gateway);
  const steady = await load(options, subject, rate, flag(options, 'seconds', 20));
  await pause(SETTLE_MS);
  const bills = (await finalBills(gateway)) - billsBefore;
  const rows = [steady];
  if (!options.flags.has('noramp') && failed(steady) === 0) rows.push(...(await ramp(options, subject, rate)));
  const best = rows.filter((row) => failed(row) === 0).at(-1);
  return {
    variant: engineVariant(options),
    title: `calls per second, complete with agent, journal and bill`,
    tables: [table(rows)],
    notes: [
      best ? `Highest rate without a failure: ${best.rate} calls/s.` : 'No rate passed without a failure.',
      `Final bills in the books after the steady run: ${bills} of ${steady.attempted} calls placed.`,
      ...(await refusals(gateway)),
      `The SIP engine was ${options.flags.get('engine') ?? 'embedded'}.`,
      'Setup is INVITE to 200, with the WebSocket to the agent opened in between; hold 200 ms unless said.',
    ],
  };
}

/** Why the gateway refused or lost calls, in its own words; what its SIP engine refused it asks for every 5 s. */
async function refusals(gateway: RunningGateway): Promise<string[]> {
  await pause(ENGINE_ASKED_MS);
  const lines = (await gateway.metrics()).split('\n');
  const counted = lines.filter((line) =>
    /^callin_calls_total\{.*result="(refused|failed)"|^callin_sip_refused_total\{.* [1-9]/.test(line),
  );
  return counted.map((line) => `Counted by the gateway: \`${line}\``);
}

async function ramp(options: BenchOptions, subject: BenchSubject, from: number): Promise<Figures[]> {
  const step = flag(options, 'step', 50);
  const rows: Figures[] = [];
  for (let rate = from + step; rate <= flag(options, 'most', 600); rate += step) {
    await pause(SETTLE_MS);
    rows.push(await load(options, subject, rate, flag(options, 'rampSeconds', 6)));
    if (failed(rows.at(-1) as Figures) > 0) break;
  }
  return rows;
}

async function load(options: BenchOptions, subject: BenchSubject, rate: number, seconds: number): Promise<Figures> {
  const caller = startPart(new URL('load/signalling-caller.ts', import.meta.url), 'load');
  const sip = { host: '127.0.0.1', port: subject.sipPort, user: NUMBER };
  const message: SignallingLoad = { sip, callsPerSecond: rate, seconds, holdMs: flag(options, 'hold', 200) };
  const { gateway, pids } = subject;
  const threads = threadsOf(gateway.pid);
  const before = cpuOf(pids);
  caller.send({ type: 'run', ...message });
  const done = await caller.next<SignallingFigures>('done', (seconds + 60) * 1000);
  const after = cpuOf(pids);
  if (options.flags.has('threads')) sayThreads(options.say, threads, threadsOf(gateway.pid));
  await caller.stop();
  const cpuMs = after.cpuMs - before.cpuMs;
  const figures = {
    ...done,
    rate,
    cpuMsPerCall: cpuMs / done.attempted,
    coreShare: cpuMs / (after.atMs - before.atMs),
  };
  options.say(
    `${rate}/s for ${seconds} s: ${failed(figures)} failed ${JSON.stringify(done.failures)}, setup p99 ${round(done.setupMs.p99)} ms`,
  );
  return figures;
}

/** Of all processes together. */
function cpuOf(pids: readonly number[]): { readonly cpuMs: number; readonly atMs: number } {
  const cpuMs = pids.reduce((sum, pid) => sum + usageOf(pid).cpuMs, 0);
  return { cpuMs, atMs: performance.now() };
}

function failed(figures: SignallingFigures): number {
  return Object.values(figures.failures).reduce((sum, count) => sum + count, 0);
}

function table(rows: readonly Figures[]) {
  return {
    caption: 'Calls at an even rate',
    columns: [
      'calls/s',
      'placed',
      'failed',
      'why',
      'setup p50 ms',
      'p99',
      'p99.9',
      'BYE p99 ms',
      'copies sent',
      'CPU ms per call',
      'of one core',
      'caller late p99',
    ],
    rows: rows.map((row) => [
      row.rate,
      row.attempted,
      failed(row),
      Object.entries(row.failures)
        .map(([why, count]) => `${why}: ${count}`)
        .join(', ') || '-',
      round(row.setupMs.p50),
      round(row.setupMs.p99),
      round(row.setupMs.p999),
      round(row.byeMs.p99),
      row.retransmissions,
      round(row.cpuMsPerCall),
      `${Math.round(row.coreShare * 100)} %`,
      round(row.lateMs.p99),
    ]),
  };
}
