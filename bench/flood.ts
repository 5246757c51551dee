// Calls on an allowed trunk while strangers flood the SIP port: the whole gateway, as shipped, with a trunk that trusts 127.0.0.1 alone.
//
// Set-up     gateway alone on core 0; caller, agent and flood share core 1. The calls come from 127.0.0.1, the flood from 127.1.0.0/16.
// Calls      --rate (20) calls/s all the time, live for 200 ms, no audio.
// Floods     --flood (5000) requests/s over UDP for --seconds (15): INVITE, REGISTER, OPTIONS, junk and all of them in turn, from one address and
//            from --sources (400) addresses.
// Passed     at least 99 % of the calls are answered within 300 ms, memory stays within 150 MB of what it was, and after the flood the calls are
//            as fast as before within 10 s.
// Recovery   the calls of the first 10 s after each flood, with the same measure.
//
// Engine     --engine embedded (default), or drachtio with DRACHTIO_BIN: there the guard stands behind the server's parser.
//
// Flags: --engine --rate --flood --seconds --sources --kinds (INVITE,REGISTER,…)

import type { RunningGateway } from '../test/support/gateway.ts';
import type { FloodFigures, FloodKind, FloodLoad } from './load/flooder.ts';
import type { SignallingFigures, SignallingLoad } from './load/signalling-caller.ts';
import { useAgent } from './support/demo.ts';
import { startPart, type Usage, usageOf } from './support/process.ts';
import { type BenchOptions, type BenchResult, flag, round } from './support/result.ts';
import { type BenchSubject, engineVariant, startWithEngine } from './support/sip-engine.ts';

const NUMBER = '+12025550100';
const HOST = '127.0.0.1';
const TRUNKS = ['loopback', 'loopback-byoc'];
const KINDS: readonly FloodKind[] = ['INVITE', 'REGISTER', 'OPTIONS', 'junk', 'mixed'];
const RECOVERY_SECONDS = 10;
const WARM_UP_SECONDS = 8;
const MEMORY_GROWTH_MAX = 150e6;
const SHARE_WANTED = 0.99;

interface Row {
  readonly kind: string;
  readonly sources: number;
  readonly flood: FloodFigures | null;
  readonly calls: SignallingFigures;
  readonly after: SignallingFigures | null;
  readonly cpuShare: number;
  readonly rssBefore: number;
  readonly rssPeak: number;
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const agent = startPart(new URL('load/echo-agent.ts', import.meta.url), 'load');
  const { port } = await agent.next<{ port: number }>('listening');
  const subject = await startWithEngine(options);
  const { gateway } = subject;
  try {
    await useAgent(gateway, `ws://127.0.0.1:${port}/`);
    await trustOnlyOne(gateway);
    return await measure(options, subject);
  } finally {
    await subject.stop();
    await agent.stop();
  }
}

/** The demo's trunks trust all of loopback, which leaves no strangers to play. */
async function trustOnlyOne(gateway: RunningGateway): Promise<void> {
  for (const id of TRUNKS) {
    const answer = await gateway.api('PATCH', `/v1/trunks/${id}`, { inbound: { addresses: [`${HOST}/32`] } });
    if (answer.status !== 200) throw new Error(`trunk ${id}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
}

async function measure(options: BenchOptions, subject: BenchSubject): Promise<BenchResult> {
  const perSecond = flag(options, 'flood', 5000);
  const seconds = flag(options, 'seconds', 15);
  const many = flag(options, 'sources', 400);
  const kinds = (options.flags.get('kinds')?.split(',') as FloodKind[] | undefined) ?? KINDS;
  await calls(options, subject, WARM_UP_SECONDS);
  const rows: Row[] = [await phase(options, subject, { kind: 'none', seconds })];
  for (const sources of [1, many]) {
    for (const kind of kinds) {
      const flood: FloodLoad = { host: HOST, port: subject.sipPort, kind, perSecond, seconds, sources };
      rows.push(await phase(options, subject, { kind, seconds, flood }));
    }
  }
  const failed = rows.filter((row) => !hasPassed(row));
  return {
    variant: engineVariant(options),
    title: `calls on an allowed trunk under ${perSecond} requests/s of strangers`,
    tables: [table(rows)],
    notes: [
      failed.length === 0
        ? 'Every flood passed: at least 99 % of the calls were answered within 300 ms, and those after it as well.'
        : `Not passed: ${failed.map(({ kind, sources }) => `${kind} from ${sources}`).join(', ')}.`,
      `The SIP engine was ${options.flags.get('engine') ?? 'embedded'}.`,
      ...(await guardCounts(subject.gateway)),
    ],
  };
}

interface Phase {
  readonly kind: string;
  readonly seconds: number;
  readonly flood?: FloodLoad;
}

async function phase(options: BenchOptions, subject: BenchSubject, { kind, seconds, flood }: Phase): Promise<Row> {
  const flooder = flood && startPart(new URL('load/flooder.ts', import.meta.url), 'load');
  const before = usageOfAll(subject.pids);
  let rssPeak = before.rssBytes;
  const watch = setInterval(() => {
    rssPeak = Math.max(rssPeak, usageOfAll(subject.pids).rssBytes);
  }, 250);
  try {
    flooder?.send({ type: 'run', ...flood });
    const underway = calls(options, subject, seconds);
    const flooded = flooder ? await flooder.next<FloodFigures>('done', (seconds + 60) * 1000) : null;
    const during = await underway;
    const after = usageOfAll(subject.pids);
    const row: Row = {
      kind,
      sources: flood?.sources ?? 0,
      flood: flooded,
      calls: during,
      after: flood ? await calls(options, subject, RECOVERY_SECONDS) : null,
      cpuShare: (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs),
      rssBefore: before.rssBytes,
      rssPeak,
    };
    options.say(
      `${kind} from ${row.sources}: ${percent(during)} within 300 ms, p99 ${round(during.setupMs.p99)} ms, failures ${JSON.stringify(during.failures)}, after ${row.after ? percent(row.after) : '-'}`,
    );
    return row;
  } finally {
    clearInterval(watch);
    await flooder?.stop();
  }
}

async function calls(options: BenchOptions, subject: BenchSubject, seconds: number): Promise<SignallingFigures> {
  const caller = startPart(new URL('load/signalling-caller.ts', import.meta.url), 'load');
  const sip = { host: HOST, port: subject.sipPort, user: NUMBER };
  const load: SignallingLoad = { sip, callsPerSecond: flag(options, 'rate', 20), seconds, holdMs: 200 };
  caller.send({ type: 'run', ...load });
  const figures = await caller.next<SignallingFigures>('done', (seconds + 60) * 1000);
  await caller.stop();
  return figures;
}

/** Of the gateway, and of the server where there is one. */
function usageOfAll(pids: readonly number[]): Usage {
  const all = pids.map(usageOf);
  const sum = (pick: (usage: Usage) => number) => all.reduce((total, usage) => total + pick(usage), 0);
  return { cpuMs: sum(({ cpuMs }) => cpuMs), rssBytes: sum(({ rssBytes }) => rssBytes), atMs: performance.now() };
}

function hasPassed({ calls: during, after, rssBefore, rssPeak }: Row): boolean {
  const isFast = (figures: SignallingFigures) => figures.fast / figures.attempted >= SHARE_WANTED;
  return isFast(during) && (after === null || isFast(after)) && rssPeak - rssBefore <= MEMORY_GROWTH_MAX;
}

function percent({ fast, attempted }: SignallingFigures): string {
  return `${round((100 * fast) / attempted, 4)} %`;
}

function table(rows: readonly Row[]) {
  return {
    caption: 'Floods over UDP',
    columns: [
      'flood',
      'sources',
      'sent/s',
      'answered',
      'calls',
      'within 300 ms',
      'setup p50 ms',
      'p99',
      'within 300 ms after it',
      'of one core',
      'memory before MB',
      'peak',
    ],
    rows: rows.map((row) => [
      row.kind,
      row.sources,
      row.flood === null ? '-' : Math.round((row.flood.sent * 1000) / row.flood.tookMs),
      row.flood?.answered ?? '-',
      row.calls.attempted,
      percent(row.calls),
      round(row.calls.setupMs.p50),
      round(row.calls.setupMs.p99),
      row.after === null ? '-' : percent(row.after),
      `${Math.round(row.cpuShare * 100)} %`,
      Math.round(row.rssBefore / 1e6),
      Math.round(row.rssPeak / 1e6),
    ]),
  };
}

/** What the guard did, in the gateway's own words. */
async function guardCounts(gateway: RunningGateway): Promise<string[]> {
  const lines = (await gateway.metrics()).split('\n');
  const told = lines.filter((line) =>
    /^callin_sip_(?:bans_total|turned_away_total|table_entries|refused_total)\{/.test(line),
  );
  return told.filter((line) => !line.endsWith(' 0')).map((line) => `Counted by the gateway: \`${line}\``);
}
