import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordsOfCall } from '../../bench/load/journal-records.ts';
import type { SweepFigures } from '../../bench/load/metered-calls.ts';
import { startPart } from '../../bench/support/process.ts';
import { parseRates } from '../../src/metering/rates.ts';
import { recomputeCall } from '../../src/metering/recompute.ts';
import { decodeRecord, encodeRecord, foldCall } from '../../src/metering/records.ts';
import { startGateway } from '../support/gateway.ts';

// What the benches of the meter stand on, each for a moment: figures of a set-up that lost calls or refused them would be worth nothing.

const bench = (file: string) => new URL(`../../bench/${file}`, import.meta.url);

test('the records that the journal bench writes are those of one whole call, and recomputing it finds no difference', () => {
  const rates = parseRates(readFileSync(bench('../config/rates.yaml'), 'utf8'), 'rates.yaml');
  const records = recordsOfCall('call_1', rates).map((record) => decodeRecord(encodeRecord(record)));
  const history = foldCall('call_1', records);
  expect([history.nextSeq, history.posted?.outcome]).toEqual([7, 'posted']);
  expect(history.rated?.telephony.billedMs).toBe(61_400);
  const { postings, problems } = recomputeCall('call_1', records);
  expect(problems).toEqual([]);
  expect(postings.map(({ meter, amount }) => [meter, amount])).toEqual([
    ['telephony', -12_280_000n],
    ['compute', -61_400_000n],
  ]);
});

test('the subject of the sweep bench sweeps all of its calls, also while they come and go', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'callin-bench-'));
  const part = startPart(bench('load/metered-calls.ts'), 'subject');
  try {
    part.send({ type: 'open', folder, calls: 30, spreadMs: 200 });
    expect(await part.next('up')).toMatchObject({ open: 30 });
    part.send({ type: 'measure', windowMs: 1500, churnPerSecond: 20 });
    const figures = await part.next<SweepFigures>('measured');
    expect(figures).toMatchObject({ came: 30, refused: 0, storeFailures: 0 });
    expect(figures.sweeps).toBeGreaterThanOrEqual(1);
    expect(figures.openCalls).toBeGreaterThan(25);
    expect(figures.writtenBytes).toBeGreaterThan(0);
    part.send({ type: 'close' });
    await part.next('closed');
  } finally {
    await part.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the gateway without a meter is a gateway: it starts, answers and stops in order', async () => {
  const gateway = await startGateway({ entry: 'bench/load/gateway-without-meter.ts' });
  const node = await gateway.api<{ state: string }>('GET', '/v1/node');
  expect(await gateway.stop()).toBe(0);
  expect(node.body.state).toBe('active');
});
