import { type ChildProcess, spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { auditFile } from '../../src/audit.ts';
import { openBooksInline } from '../../src/books.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { foldCall } from '../../src/metering/records.ts';
import { type RecoveredCall, recover } from '../../src/metering/recovery.ts';
import { SeededRandom } from './support/random.ts';
import { temporaryBooks } from './support/temporary.ts';

const ROUNDS = 4;
const SEED = 90_210;
const HEARTBEAT_MS = 100;
const NODE = new URL('./support/simulated-node.ts', import.meta.url).pathname;

/** What a killed node had promised on its standard output. */
interface Promises {
  readonly lastHeartbeatMs: number;
  /** Call id -> monotonic ms. */
  readonly answered: ReadonlyMap<string, number>;
  /** Call id -> total. */
  readonly billed: ReadonlyMap<string, string>;
  readonly refused: readonly string[];
}

/** Runs a node for `lifeMs` after its first sign of work, then kills it -9; resolves when it is gone. */
async function runAndKill(
  path: string,
  seed: number,
  lifeMs: number,
): Promise<{ promises: Promises; goneAtMs: number }> {
  const child: ChildProcess = spawn(process.execPath, [NODE, path, String(seed), String(HEARTBEAT_MS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let output = '';
  const ready = new Promise<void>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('ready')) resolve();
    });
  });
  await Promise.race([ready, gone]);
  await new Promise((resolve) => setTimeout(resolve, lifeMs));
  child.kill('SIGKILL');
  await gone;
  return { promises: readPromises(output), goneAtMs: systemClock.monotonicMs() };
}

function readPromises(output: string): Promises {
  const lines = output
    .slice(0, output.lastIndexOf('\n'))
    .split('\n')
    .map((line) => line.split(' '));
  const of = (name: string) => lines.filter(([first]) => first === name);
  return {
    lastHeartbeatMs: Math.max(0, ...of('heartbeat').map(([, atMs]) => Number(atMs))),
    answered: new Map(of('answered').map(([, callId, atMs]) => [String(callId), Number(atMs)])),
    billed: new Map(of('bill').map(([, callId, total]) => [String(callId), String(total)])),
    refused: of('refused').map(([, reason]) => String(reason)),
  };
}

/** Every call that was live when the node died: charged to at least the last promised heartbeat, never beyond its death. */
function checkRecovered(calls: readonly RecoveredCall[], promises: Promises, goneAtMs: number): void {
  for (const call of calls) {
    const answeredAtMs = promises.answered.get(call.callId);
    if (call.endReason !== 'node_crash' || answeredAtMs === undefined) continue;
    const safeMs = Math.floor(promises.lastHeartbeatMs - answeredAtMs);
    expect(call.bill.compute.billedMs, call.callId).toBeGreaterThanOrEqual(Math.max(0, safeMs));
    expect(call.bill.compute.billedMs, call.callId).toBeLessThanOrEqual(Math.ceil(goneAtMs - answeredAtMs));
  }
}

test(`kill -9 under live calls, ${ROUNDS} rounds: nothing lost, nothing twice, billed to the last durable heartbeat (seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  const random = new SeededRandom(SEED);
  using place = temporaryBooks();
  const bills = new Map<string, string>();
  const answered = new Set<string>();
  let crashed = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const { promises, goneAtMs } = await runAndKill(place.path, round, 250 + random.below(500));
    expect(promises.refused).toEqual([]);
    for (const callId of promises.answered.keys()) answered.add(callId);
    for (const [callId, total] of promises.billed) bills.set(callId, total);

    const opened = openBooksInline({ path: place.path, schedule: queueMicrotask });
    const recovered = await recover({ ...opened, clock: systemClock });
    expect(await recover({ ...opened, clock: systemClock })).toEqual([]);
    checkRecovered(recovered, promises, goneAtMs);
    crashed += recovered.filter((call) => call.endReason === 'node_crash').length;
    for (const call of recovered) {
      const promised = bills.get(call.callId);
      if (promised !== undefined) expect(String(call.bill.total), call.callId).toBe(promised);
      bills.set(call.callId, String(call.bill.total));
    }
    for (const callId of answered) {
      const history = foldCall(callId, opened.file.journal.history(callId));
      // Killed between the durable bill and its telling: the journal has it, and what it says must be what is posted.
      const total = bills.get(callId) ?? String(history.rated?.total);
      bills.set(callId, total);
      const posted = await opened.books.postings({ callId, limit: 100 });
      expect(history.posted, `${callId} has a bill`).not.toBeNull();
      expect(-posted.reduce((sum, posting) => sum + posting.amount, 0n), callId).toBe(BigInt(total));
    }
    await opened.close();
    expect(auditFile(place.path).differences).toEqual([]);
  }
  expect(crashed).toBeGreaterThan(0);
  expect(bills.size).toBeGreaterThan(ROUNDS * 12);
});
