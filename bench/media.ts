// What a call's audio costs: N real SIP calls with RTP on loopback and a WebSocket echo agent, through the whole gateway; and
// the same frames through bench/bare-relay, the smallest Node program that moves them. The ratio of the two is what SIP,
// metering, reordering and pacing add to what Node costs anyway.
//
// Set-up      three processes: the subject (gateway or relay) alone on core 0, caller and agent on core 1 (`taskset`, where
//             there are two cores). A fresh subject for every N. The gateway is as shipped: log level info, meter on, journal on disk.
// Warm-up     10 calls for 3 s, hung up; then idle for 1 s, where the RSS is read that RSS per call is counted from.
//             Then N calls are placed (25 a second) and run for --warmup seconds before the window:
//             long enough that the heaps of the threads have stopped growing, or their growth would be counted as the calls' (with 3 s
//             it was up to 156 kB a call, with 30 s 25 to 43).
// Window      --seconds (15) of all N calls sending every 20 ms. CPU is user + system of all threads of the subject over the window
//             (/proc), divided by the call-seconds in it. Round trips are per frame: RTP out of the caller until it is back.
// Repeats     --repeat (1) runs of each; the table shows the run with the median CPU. Noise between runs on a quiet machine is
//             about 5 %; `caller late p99` shows whether the loader kept its own schedule. A busy machine shows there first.
//
// Flags: --calls 25,50,100,150  --seconds 15  --warmup 30  --repeat 1  --subject gateway|relay (both)

import { gatewaySubject, type MediaFigures, type MediaSubject, measureMedia } from './support/media-load.ts';
import { PINNING, sayThreads, startPart } from './support/process.ts';
import { type BenchOptions, type BenchResult, flag, flagList, round } from './support/result.ts';

type SubjectName = 'gateway' | 'relay';

interface Figures extends MediaFigures {
  readonly subject: SubjectName;
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const levels = flagList(options, 'calls', [25, 50, 100, 150]);
  const only = options.flags.get('subject');
  const subjects = (['relay', 'gateway'] as const).filter((name) => only === undefined || only === name);
  const figures: Figures[] = [];
  for (const calls of levels) for (const subject of subjects) figures.push(await median(options, subject, calls));
  return {
    title: 'CPU, memory, round trip and loss of calls with audio',
    tables: tables(figures),
    notes: notes(figures),
  };
}

async function median(options: BenchOptions, subject: SubjectName, calls: number): Promise<Figures> {
  const runs: Figures[] = [];
  for (let repeat = 0; repeat < flag(options, 'repeat', 1); repeat++) {
    const figures = await measure(options, subject, calls);
    options.say(
      `${subject} ${calls} calls: ${round(figures.cpuMsPerCallSecond)} CPU ms per call-second, ${figures.lost} lost`,
    );
    runs.push(figures);
  }
  const sorted = runs.toSorted((a, b) => a.cpuMsPerCallSecond - b.cpuMsPerCallSecond);
  return sorted[Math.floor(sorted.length / 2)] as Figures;
}

async function measure(options: BenchOptions, subject: SubjectName, calls: number): Promise<Figures> {
  const figures = await measureMedia(subject === 'gateway' ? gatewaySubject : relaySubject, {
    calls,
    warmupMs: flag(options, 'warmup', 30) * 1000,
    windowMs: flag(options, 'seconds', 15) * 1000,
    say: options.say,
  });
  if (options.flags.has('threads')) sayThreads(options.say, figures.threads.before, figures.threads.after);
  return { ...figures, subject };
}

async function relaySubject(agentUrl: string): Promise<MediaSubject> {
  const relay = startPart(new URL('bare-relay/relay.ts', import.meta.url), 'subject');
  return {
    pid: relay.pid,
    async target(calls) {
      relay.send({ type: 'open', calls, agentUrl });
      const { ports } = await relay.next<{ ports: number[] }>('opened');
      return { rtpPorts: ports };
    },
    stop: () => relay.stop(),
  };
}

/** Where garbage collection gave back more than the calls took, they cost nothing that can be seen. */
function rssPerCall({ rssMb, rssIdleMb, calls }: Figures): number | string {
  const perCallKb = Math.round(((rssMb - rssIdleMb) * 1024) / calls);
  return perCallKb > 0 ? perCallKb : 'below 1';
}

function tables(figures: readonly Figures[]) {
  const cost = figures.map((row) => {
    const relay = figures.find((other) => other.subject === 'relay' && other.calls === row.calls);
    const ratio = relay ? round(row.cpuMsPerCallSecond / relay.cpuMsPerCallSecond) : '';
    const share = `${Math.round(row.coreShare * 100)} %`;
    return [
      row.subject,
      row.calls,
      round(row.cpuMsPerCallSecond),
      ratio,
      share,
      Math.round(row.rssIdleMb),
      Math.round(row.rssMb),
      rssPerCall(row),
    ];
  });
  const trip = figures.map((row) => [
    row.subject,
    row.calls,
    ...[row.roundTripMs.p50, row.roundTripMs.p99, row.roundTripMs.p999].map((value) => round(value)),
    row.sent,
    row.lost,
    row.duplicated,
    row.reframed,
    row.strays,
    row.failed,
    round(row.lateMs.p99),
  ]);
  return [
    {
      caption: 'Cost of the subject alone',
      columns: [
        'subject',
        'calls',
        'CPU ms per call-second',
        'ratio to relay',
        'of one core',
        'RSS idle, MB',
        'with calls',
        'per call, kB',
      ],
      rows: cost,
    },
    {
      caption: 'Frames, caller to caller (round trip in ms)',
      columns: [
        'subject',
        'calls',
        'p50',
        'p99',
        'p99.9',
        'sent',
        'lost',
        'doubled',
        're-framed',
        'strays',
        'calls failed',
        'caller late p99',
      ],
      rows: trip,
    },
  ];
}

function notes(figures: readonly Figures[]): string[] {
  const late = Math.max(...figures.map((row) => row.lateMs.p99));
  return [
    PINNING ? 'Subject on core 0; caller and agent share core 1.' : 'Not pinned: all processes share the cores.',
    'The gateway paces audio to the caller in 20 ms steps, so its round trip holds up to one frame of waiting; the relay sends at once.',
    ...(late > 5
      ? [`The caller was up to ${round(late)} ms late (p99): this machine was busy, read the round trips with care.`]
      : []),
  ];
}
