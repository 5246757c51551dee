// What the meter costs while calls run: the media load (support/media-load.ts) against the gateway as shipped, and against the same
// gateway whose meter authorises everything and writes nothing (load/gateway-without-meter.ts). Everything else is the same in both.
//
// Set-up      as in the media bench: subject alone on core 0, caller and agent on core 1, a fresh subject for every run, 10 calls for 3 s as
//             warm-up, --warmup seconds after the last of the --calls is answered: until then both are compiled in the background, the one
//             that has more code for longer, and that is paid once in the life of a process and not per call.
// Window      --seconds of all calls with audio. The sweep, its heartbeat (one durable record a second, whatever the load) and the renewals
//             of leases (every 15 s a call) fall into it; set-up, answer, end and bill of the calls do not: bench/signalling has those.
// Pairs       --pairs of runs, on/off, off/on, on/off, …, so that what drifts on the machine cancels in the difference of a pair.
// CPU         of the whole process (/proc, in steps of 10 ms) by the call-seconds in the window. Of one run it is as noisy as the media
//             bench (about 5 %), so the difference is also taken without the media threads (`media-…`, by the scheduler's own clock, in ns):
//             the meter does nothing in them, and what is left is small enough to be seen apart.
// Figures     median of the paired differences, and the interval that holds the true median with the confidence that is said (sign test:
//             no assumption about the noise), in CPU and as a share of the whole process without a meter.
//
// Flags: --calls 100  --seconds 30  --pairs 6  --warmup 30  --threads (CPU of each thread, per run)

import { gatewaySubject, type MediaFigures, measureMedia } from './support/media-load.ts';
import { alternating, type Interval, medianInterval } from './support/paired.ts';
import { PINNING, sayThreads } from './support/process.ts';
import { type BenchOptions, type BenchResult, type BenchTable, flag, round } from './support/result.ts';

interface Run {
  readonly figures: MediaFigures;
  /** CPU ms per call-second. */
  readonly all: number;
  /** The same without the media threads. */
  readonly beside: number;
}

interface Pair {
  readonly onFirst: boolean;
  readonly on: Run;
  readonly off: Run;
}

const WITHOUT_METER = 'bench/load/gateway-without-meter.ts';
/** A loader that is later than this measures the machine, not the subject. */
const LATE_MS_MAX = 5;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const pairs: Pair[] = [];
  for (const onFirst of alternating(flag(options, 'pairs', 6))) {
    const first = await measure(options, onFirst);
    const second = await measure(options, !onFirst);
    pairs.push(onFirst ? { onFirst, on: first, off: second } : { onFirst, on: second, off: first });
  }
  return {
    title: 'CPU of calls with audio, with the meter and without one',
    tables: [summary(pairs), runs(pairs)],
    notes: notes(pairs),
  };
}

async function measure(options: BenchOptions, hasMeter: boolean): Promise<Run> {
  const seconds = flag(options, 'seconds', 30);
  const subject = (agentUrl: string) => gatewaySubject(agentUrl, hasMeter ? {} : { entry: WITHOUT_METER });
  const figures = await measureMedia(subject, {
    calls: flag(options, 'calls', 100),
    warmupMs: flag(options, 'warmup', 30) * 1000,
    windowMs: seconds * 1000,
    say: options.say,
  });
  const { before, after } = figures.threads;
  if (options.flags.has('threads')) sayThreads(options.say, before, after);
  const result = {
    figures,
    all: figures.cpuMsPerCallSecond,
    beside: besideMediaMs(before, after) / (seconds * figures.calls),
  };
  options.say(
    `meter ${hasMeter ? 'on' : 'off'}: ${round(result.all, 4)} CPU ms per call-second, ${round(result.beside)} of it beside the media threads`,
  );
  return result;
}

function besideMediaMs(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number {
  let ms = 0;
  for (const [name, used] of after) if (!name.startsWith('media-')) ms += used - (before.get(name) ?? 0);
  return ms;
}

function summary(pairs: readonly Pair[]): BenchTable {
  const whole = medianInterval(pairs.map(({ off }) => off.all)).median;
  const row = (name: string, value: (run: Run) => number) => {
    const difference = medianInterval(pairs.map(({ on, off }) => value(on) - value(off)));
    const share = medianInterval(pairs.map(({ on, off }) => ((value(on) - value(off)) / off.all) * 100));
    return [
      name,
      round(medianInterval(pairs.map(({ on }) => value(on))).median, 4),
      round(medianInterval(pairs.map(({ off }) => value(off))).median, 4),
      round(difference.median),
      spanOf(difference),
      `${round(share.median)} %`,
      `${spanOf(share)} %`,
      `${round(difference.confidence * 100)} %`,
    ];
  };
  return {
    caption: `CPU ms per call-second, medians of ${pairs.length} pairs (the whole process without a meter: ${round(whole, 4)})`,
    columns: ['of', 'meter on', 'off', 'difference', 'interval', 'of the whole', 'interval', 'confidence'],
    rows: [row('the whole process', ({ all }) => all), row('all but the media threads', ({ beside }) => beside)],
  };
}

function spanOf({ low, high }: Interval): string {
  return `${round(low)} to ${round(high)}`;
}

function runs(pairs: readonly Pair[]): BenchTable {
  return {
    caption: 'The pairs',
    columns: [
      'pair',
      'first',
      'on',
      'off',
      'on / off',
      'beside media: on',
      'off',
      'calls',
      'lost on',
      'off',
      'caller late p99 ms',
    ],
    rows: pairs.map(({ onFirst, on, off }, index) => [
      index + 1,
      onFirst ? 'on' : 'off',
      round(on.all, 4),
      round(off.all, 4),
      round(on.all / off.all),
      round(on.beside),
      round(off.beside),
      `${on.figures.calls}/${off.figures.calls}`,
      on.figures.lost,
      off.figures.lost,
      round(Math.max(on.figures.lateMs.p99, off.figures.lateMs.p99)),
    ]),
  };
}

function notes(pairs: readonly Pair[]): string[] {
  const late = Math.max(...pairs.flatMap(({ on, off }) => [on.figures.lateMs.p99, off.figures.lateMs.p99]));
  return [
    PINNING ? 'Subject on core 0; caller and agent share core 1.' : 'Not pinned: all processes share the cores.',
    'Without a meter the same threads run, the one of the books included; it has nothing to do.',
    ...(late > LATE_MS_MAX
      ? [`The caller was up to ${round(late)} ms late (p99): this machine was busy, take them again.`]
      : []),
  ];
}
