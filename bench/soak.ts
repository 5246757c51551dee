// Hours of calls, some of which go wrong: does anything stay behind?
//
// Set-up      the gateway as shipped on core 0; the echo agent and the caller (load/soak-caller.ts: a telephone per call, with audio) on core 1.
// Load        --rate calls a second of --talk seconds, for --minutes; --abnormal of them go wrong in one of twelve ways, in turn.
// Samples     each 10 s: resident memory, file descriptors, and the gateway's own gauges of what it holds.
// Memory      median of the first and of the last third of the samples after the first quarter; what grows shows as a ratio above 1.
// Afterwards  --rest seconds without a call (longer than every timer of SIP and the rest of a port), then nothing may be held: no call, dialog,
//             transaction, money, descriptor beyond those of the start. Then the books are audited.
//
// Flags: --minutes 60 --rate 20 --talk 3 --abnormal 0.05 --rest 75 --seed 1

import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningGateway } from '../test/support/gateway.ts';
import type { OpenSoak, SoakDone } from './load/soak-caller.ts';
import { startSubject, useAgent } from './support/demo.ts';
import { startPart, usageOf } from './support/process.ts';
import { type BenchOptions, type BenchResult, flag, round } from './support/result.ts';

interface Sample {
  readonly atMinutes: number;
  readonly rssMb: number;
  readonly descriptors: number;
  readonly activeCalls: number;
  readonly dialogs: number;
  readonly transactions: number;
}

const SAMPLE_MS = 10_000;
const BYTES_PER_MB = 1024 * 1024;
/** Connections of the API and of metrics come and go. */
const DESCRIPTORS_SPARE = 8;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const load = {
    callsPerSecond: flag(options, 'rate', 20),
    abnormal: flag(options, 'abnormal', 0.05),
    seconds: flag(options, 'minutes', 60) * 60,
    talkMs: flag(options, 'talk', 3) * 1000,
    seed: flag(options, 'seed', 1),
  };
  const agent = startPart(new URL('load/echo-agent.ts', import.meta.url), 'load');
  const { port } = await agent.next<{ port: number }>('listening');
  const gateway = await startSubject({ media: { silenceTimeoutMs: 5_000 } });
  try {
    await useAgent(gateway, `ws://127.0.0.1:${port}/`);
    await warmUp(gateway, load);
    const before = await sample(gateway, 0);
    const samples: Sample[] = [];
    const done = await soak(gateway, load, samples, options.say);
    await pause(flag(options, 'rest', 75) * 1000);
    const after = await sample(gateway, load.seconds / 60);
    const held = await heldMoney(gateway);
    const audit = gateway.audit();
    const code = await gateway.stop();
    return report({ load, before, samples, after, done, held, audit: audit.ok, code });
  } finally {
    await gateway.stop();
    await agent.stop();
  }
}

async function warmUp(gateway: RunningGateway, load: Omit<OpenSoak, 'port'>): Promise<void> {
  await place({ ...load, port: gateway.sip.udpPort, seconds: 10, abnormal: 0 });
  await pause(15_000);
}

async function soak(
  gateway: RunningGateway,
  load: Omit<OpenSoak, 'port'>,
  samples: Sample[],
  say: (text: string) => void,
): Promise<SoakDone> {
  const startedMs = performance.now();
  const done = place({ ...load, port: gateway.sip.udpPort });
  let isOver = false;
  void done.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await Promise.race([pause(SAMPLE_MS), done]);
    const taken = await sample(gateway, (performance.now() - startedMs) / 60_000);
    samples.push(taken);
    if (samples.length % 6 === 0) say(JSON.stringify(taken));
  }
  return await done;
}

async function place(load: OpenSoak): Promise<SoakDone> {
  const caller = startPart(new URL('load/soak-caller.ts', import.meta.url), 'load');
  try {
    caller.send({ type: 'open', ...load });
    return await caller.next<SoakDone>('down', (load.seconds + 120) * 1000);
  } finally {
    await caller.stop();
  }
}

async function sample(gateway: RunningGateway, atMinutes: number): Promise<Sample> {
  const metrics = await gateway.metrics();
  return {
    atMinutes: round(atMinutes),
    rssMb: round(usageOf(gateway.pid).rssBytes / BYTES_PER_MB, 4),
    descriptors: readdirSync(`/proc/${gateway.pid}/fd`).length,
    activeCalls: sumOf(metrics, 'callin_calls_active'),
    dialogs: sumOf(metrics, 'callin_sip_table_entries', 'table="dialogs"'),
    transactions: sumOf(metrics, 'callin_sip_table_entries', 'table="transactions"'),
  };
}

/** All lines of a metric, or those with that label. */
function sumOf(metrics: string, name: string, label = ''): number {
  let sum = 0;
  for (const line of metrics.split('\n')) {
    const isIt = line.startsWith(`${name}{`) || line.startsWith(`${name} `);
    if (isIt && line.includes(label)) sum += Number(line.slice(line.lastIndexOf(' ')));
  }
  return sum;
}

async function heldMoney(gateway: RunningGateway): Promise<string> {
  return (await gateway.api<{ reserved: string }>('GET', '/v1/workspaces/demo')).body.reserved;
}

interface Findings {
  readonly load: Omit<OpenSoak, 'port'>;
  readonly before: Sample;
  readonly samples: readonly Sample[];
  readonly after: Sample;
  readonly done: SoakDone;
  readonly held: string;
  readonly audit: boolean;
  readonly code: number | null;
}

function report({ load, before, samples, after, done, held, audit, code }: Findings): BenchResult {
  const steady = samples.slice(Math.floor(samples.length / 4));
  const third = Math.max(1, Math.floor(steady.length / 3));
  const early = median(steady.slice(0, third).map(({ rssMb }) => rssMb));
  const late = median(steady.slice(-third).map(({ rssMb }) => rssMb));
  const problems = [
    ...(done.failed > 0 ? [`${done.failed} calls did not go as they should`] : []),
    ...(after.activeCalls > 0 ? [`${after.activeCalls} calls`] : []),
    ...(after.dialogs > 0 ? [`${after.dialogs} dialogs`] : []),
    ...(after.transactions > 0 ? [`${after.transactions} transactions`] : []),
    ...(after.descriptors > before.descriptors + DESCRIPTORS_SPARE
      ? [`${after.descriptors - before.descriptors} descriptors`]
      : []),
    ...(Number(held) > 0 ? [`${held} of held money`] : []),
    ...(audit ? [] : ['the audit found differences']),
    ...(code === 0 ? [] : [`the gateway ended with ${code}`]),
  ];
  const rows = samples.filter((_, index) => index % Math.max(1, Math.floor(samples.length / 12)) === 0);
  return {
    title: `${load.seconds / 60} minutes of ${load.callsPerSecond} calls a second, ${load.abnormal * 100} % of which go wrong`,
    tables: [
      {
        caption: 'What is held',
        columns: ['minute', 'resident MB', 'descriptors', 'calls', 'dialogs', 'transactions'],
        rows: [before, ...rows, after].map((each) => [
          each.atMinutes,
          each.rssMb,
          each.descriptors,
          each.activeCalls,
          each.dialogs,
          each.transactions,
        ]),
      },
      {
        caption: 'Calls',
        columns: ['kind', 'placed'],
        rows: Object.entries(done.kinds).map(([kind, count]) => [kind, count]),
      },
    ],
    notes: [
      'The first line is before, the last one after the rest.',
      `${done.placed} placed, ${done.answered} of those that should be were answered and ended by their own BYE, ${done.failed} did not go as they should.`,
      `Resident memory, last third against first: ${round(late / early)} (${round(early, 4)} to ${round(late, 4)} MB).`,
      problems.length === 0
        ? 'Nothing stayed behind, the audit is clean.'
        : `Left behind or wrong: ${problems.join('; ')}.`,
    ],
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
