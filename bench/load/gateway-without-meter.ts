// The gateway with a meter that authorises every call, writes nothing and charges nothing: what the meter bench compares the real one with.
// Takes `--config FILE` as src/main.ts does. A program of the bench and no switch of the gateway: nobody can leave it on by mistake.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../src/config/load.ts';
import type { Bill, BillLine } from '../../src/domain/call.ts';
import { startGateway } from '../../src/gateway.ts';
import type { CallEnd, Meter, MeteredCall } from '../../src/metering/meter.ts';

const ROOT = join(fileURLToPath(import.meta.url), '..', '..', '..');
const NOTHING: BillLine = { billedMs: 0, ratePerMinute: 0n, amount: 0n, rule: 'Not metered' };
const BILL: Bill = {
  telephony: NOTHING,
  compute: NOTHING,
  total: 0n,
  currency: 'USD',
  evidence: { start: null, end: null, endedBy: null },
  final: true,
  flags: [],
};

const CALL: MeteredCall = {
  answered: async () => undefined,
  agentAttached: () => undefined,
  agentDetached: () => undefined,
  flag: () => undefined,
  async ended({ onBilled }: CallEnd) {
    await onBilled?.(BILL);
    return BILL;
  },
  running: () => BILL,
};

const METER: Meter = {
  authorise: async () => ({ ok: true, call: CALL }),
  openCalls: 0,
  isOpen: () => false,
  unbilled: () => ({ oldestMs: 0, answeredCalls: 0 }),
  reassertHolds: async () => undefined,
  endTaken: () => undefined,
  close: async () => undefined,
};

const { values } = parseArgs({ options: { config: { type: 'string' } } });
const config = loadConfig({ root: ROOT, file: values.config ?? null, env: process.env });
const gateway = await startGateway(config, { root: ROOT, createMeter: () => METER });
process.once('SIGTERM', () => void stop());

async function stop(): Promise<void> {
  await gateway.drain(0);
  await gateway.close();
}
