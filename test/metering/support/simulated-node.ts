// A node without signalling, to be killed: the real meter, journal and books in their own thread, on the real clock, with calls that
// come and go at random. Run as `node simulated-node.ts <books> <seed> <heartbeatMs>`. Every line on its standard output is a promise
// that must hold after a kill -9: what is written there was durable before.
//
//   ready                               calls are coming
//   heartbeat <monotonic ms>            service of all open calls is safe up to here
//   answered <call id> <monotonic ms>   this call was answered
//   bill <call id> <total>              this call is in the ledger
//   refused <reason>                    must not happen

import { writeSync } from 'node:fs';
import { openBooks, readBootId } from '../../../src/books.ts';
import type { CallClass } from '../../../src/domain/call.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { NO_CALL_LIMITS } from '../../../src/ledger/books.ts';
import { createMeter } from '../../../src/metering/call-meter.ts';
import { parseRates } from '../../../src/metering/rates.ts';
import { recover } from '../../../src/metering/recovery.ts';
import { SeededRandom } from './random.ts';

const [path = '', seedText = '1', heartbeatText = '100'] = process.argv.slice(2);
const random = new SeededRandom(Number(seedText));
const clock = systemClock;
/** Synchronous: a line that was written is out of this process. */
const say = (line: string) => void writeSync(1, `${line}\n`);

const { books, journal, store } = await openBooks({ path });
for (const call of await recover({ books, journal, clock })) say(`bill ${call.callId} ${call.bill.total}`);
const rates = parseRates(
  'currency: USD\ncompute: { perMinute: "0.06" }\ntelephony:\n  - { prefix: "1", initialMs: 100, incrementMs: 1, perMinute: "0.012" }\n',
  'rates',
);
const meter = createMeter({
  books,
  journal,
  store,
  clock,
  rates: () => rates,
  terms: async () => ({ prepaid: false, ...NO_CALL_LIMITS }),
  counters: { lastRtpMs: () => clock.monotonicMs(), lastAgentProofMs: () => clock.monotonicMs() },
  bootId: readBootId(),
  observer: { heartbeat: (atMs) => say(`heartbeat ${atMs}`) },
  times: { heartbeatMs: Number(heartbeatText) },
});

// An unref'd timer of the clock alone would let the process end.
setInterval(() => undefined, 60_000);
const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

async function oneCall(callId: string): Promise<void> {
  const outcome = await meter.authorise({
    callId,
    workspaceId: 'ws_test',
    direction: 'inbound',
    class: random.pick<CallClass>(['managed', 'byoc']),
    from: '+12025550199',
    to: '+12025550100',
    trunkId: null,
    numberId: null,
    agentId: 'agent_a',
    ratedNumber: '+12025550100',
    counterRow: 0,
    onExhausted: () => say('refused exhausted'),
  });
  if (!outcome.ok) return say(`refused ${outcome.reason}`);
  await sleep(random.below(40));
  const atMs = clock.monotonicMs();
  outcome.call.agentAttached(atMs, 'agent_a');
  await outcome.call.answered({ monotonicMs: atMs, wallMs: clock.wallMs() });
  say(`answered ${callId} ${atMs}`);
  await sleep(random.below(600));
  const bill = await outcome.call.ended({
    atMs: clock.monotonicMs(),
    wallMs: clock.wallMs(),
    reason: 'remote_hangup',
    evidence: 'bye',
  });
  say(`bill ${callId} ${bill.total}`);
}

say('ready');
for (let lane = 0; lane < 12; lane += 1) {
  void (async () => {
    for (let index = 0; ; index += 1) await oneCall(`call_${seedText}_${lane}_${index}`);
  })();
}
