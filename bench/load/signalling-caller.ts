// The callers of the signalling bench: calls are started at an even rate whatever happens to earlier ones (an open loop: a
// gateway that is slow gets no mercy), live for a fixed time without audio, and are hung up.
//
// Messages: {type:'run', …SignallingLoad} -> {type:'done', …SignallingFigures} when the last call is over.

import { bindUdp } from '../support/dgram.ts';
import { Samples, type Percentiles } from '../support/stats.ts';
import { SipCaller, type SipTarget } from './sip-caller.ts';

export interface SignallingLoad {
  readonly sip: SipTarget;
  readonly callsPerSecond: number;
  readonly seconds: number;
  /** From answer to our BYE. */
  readonly holdMs: number;
}

export interface SignallingFigures {
  readonly attempted: number;
  readonly answered: number;
  readonly ended: number;
  /** Answered within 300 ms. */
  readonly fast: number;
  /** Calls that did not go all the way: by status, `bye` = BYE never answered, `remote` = ended by the gateway before we did. */
  readonly failures: Readonly<Record<string, number>>;
  readonly retransmissions: number;
  readonly setupMs: Percentiles;
  readonly byeMs: Percentiles;
  readonly lateMs: Percentiles;
  /** From the first INVITE to the last end. */
  readonly tookMs: number;
}

const FAST_MS = 300;
const SINK_BUFFER_BYTES = 1 << 20;
const TICK_MS = 1;
/** Once the last call was started: how long the rest may take. */
const TAIL_MS = 20_000;

process.on('message', (message: { type: string } & SignallingLoad) => {
  if (message.type === 'run') void run(message);
});
process.on('disconnect', () => process.exit(0));

async function run(load: SignallingLoad): Promise<void> {
  const caller = await SipCaller.open(load.sip);
  const sink = await bindUdp(SINK_BUFFER_BYTES);
  const rtpPort = sink.address().port;
  const total = Math.round(load.callsPerSecond * load.seconds);
  const figures = { answered: 0, ended: 0, fast: 0, failures: {} as Record<string, number> };
  const setup = new Samples();
  const bye = new Samples();
  const late = new Samples();
  const fail = (why: string) => {
    figures.failures[why] = (figures.failures[why] ?? 0) + 1;
  };
  const place = () => {
    const call = caller.place(rtpPort, (event) => {
      if (event.type === 'answered') {
        figures.answered++;
        if (event.setupMs <= FAST_MS) figures.fast++;
        setup.add(event.setupMs);
        setTimeout(() => call.bye(), load.holdMs);
      } else if (event.type === 'ended') {
        figures.ended++;
        if (event.byRemote) fail('remote');
        else bye.add(event.byeMs);
      } else fail(event.type === 'lost' ? 'bye' : String(event.status));
    });
  };
  const startMs = performance.now();
  await startEvenly(total, load.callsPerSecond, startMs, late, place);
  const deadline = performance.now() + TAIL_MS;
  while (caller.live > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  const tookMs = performance.now() - startMs;
  if (caller.live > 0) figures.failures['unfinished'] = caller.live;
  caller.close();
  sink.close();
  const summary: SignallingFigures = {
    attempted: total,
    ...figures,
    retransmissions: caller.retransmissions,
    setupMs: setup.summary(),
    byeMs: bye.summary(),
    lateMs: late.summary(),
    tookMs,
  };
  process.send?.({ type: 'done', ...summary });
}

async function startEvenly(
  total: number,
  perSecond: number,
  startMs: number,
  late: Samples,
  place: () => void,
): Promise<void> {
  let started = 0;
  await new Promise<void>((resolve) => {
    const tick = () => {
      for (; started < total; started++) {
        const dueMs = startMs + (started * 1000) / perSecond;
        const now = performance.now();
        if (dueMs > now) break;
        late.add(now - dueMs);
        place();
      }
      if (started === total) resolve();
      else setTimeout(tick, TICK_MS);
    };
    tick();
  });
}
