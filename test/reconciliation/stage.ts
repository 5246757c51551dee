import { fileURLToPath } from 'node:url';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import type { Bill, CallRecord } from '../../src/domain/call.ts';
import type { CallIntent } from '../../src/metering/meter.ts';
import { recover } from '../../src/metering/recovery.ts';
import { createCarrierMeter } from '../../src/reconciliation/carrier-meter.ts';
import { directoryCalls } from '../../src/reconciliation/our-calls.ts';
import {
  type ImportRequest,
  type ImportSummary,
  openReconciliation,
  type Reconciliation,
} from '../../src/reconciliation/reconciliation.ts';
import { bookedCosts } from '../../src/reconciliation/supplier-costs.ts';
import { recoveredRecord } from '../../src/recovered-record.ts';
import { trunk } from '../directory/records.ts';
import { callOf, Stage, type StagedCall, type StageOptions } from '../metering/support/stage.ts';

// The real meter, books, journal, directory and reconciliation on a fake clock, and a carrier that writes what a test says.

const CARRIERS = fileURLToPath(new URL('../../config/carriers/', import.meta.url));
export const HEADER = 'record_id,call_id,direction,from,to,started_at,duration_s,disposition,cost,currency';
export const DAY_MS = 86_400_000;

export interface CarrierRow {
  readonly id: string;
  readonly direction?: string;
  readonly from?: string;
  readonly to?: string;
  /** Wall clock. */
  readonly at: number;
  /** As the carrier writes it, in seconds. */
  readonly seconds: number;
  readonly disposition?: string;
  readonly cost?: string;
}

export class ReconciliationStage {
  readonly meter: Stage;
  readonly directory = openDirectory(':memory:', { sealingKey: new Uint8Array(32).fill(7), schedule: queueMicrotask });
  readonly reconciliation: Reconciliation;

  private constructor(meter: Stage, path: string, carriersFolder: string) {
    this.meter = meter;
    const { books, journal } = meter.opened;
    this.reconciliation = openReconciliation({
      path,
      carriersFolder,
      books,
      calls: directoryCalls(this.directory.calls),
      meter: createCarrierMeter({ books, journal, clock: meter.clock }),
      costs: bookedCosts(books),
      trunk: (id) => this.directory.trunks.get(id),
      currency: 'USD',
      callMaxMs: DAY_MS,
      nowMs: () => meter.clock.wallMs(),
    });
  }

  static async open({
    reconciliationPath = ':memory:',
    carriersFolder = CARRIERS,
    ...options
  }: StageOptions & { readonly reconciliationPath?: string; readonly carriersFolder?: string } = {}) {
    const stage = new ReconciliationStage(await Stage.open(options), reconciliationPath, carriersFolder);
    await stage.directory.trunks.put(trunk({ id: 'trunk_a', workspaceId: null, kind: 'managed' }));
    return stage;
  }

  get nowMs(): number {
    return this.meter.clock.wallMs();
  }

  /** A whole call and its record; answers when it started. */
  async call(durationMs: number, over: Partial<CallIntent> = {}): Promise<{ id: string; at: number; bill: Bill }> {
    const at = this.nowMs;
    const { call, bill } = await callOf(this.meter, durationMs, over);
    await this.meter.idle();
    await this.save(call, at, bill);
    return { id: call.intent.callId, at, bill };
  }

  async save(call: StagedCall, startedAt: number, bill: Bill, over: Partial<CallRecord> = {}): Promise<void> {
    const { callId, counterRow, numberId, ratedNumber, onExhausted, ...rest } = call.intent;
    await this.directory.calls.save({
      ...rest,
      id: callId,
      createdAt: startedAt,
      state: 'ended',
      startedAt,
      ringingAt: null,
      answeredAt: bill.evidence.start,
      endedAt: bill.evidence.end,
      endReason: 'remote_hangup',
      sipStatus: 200,
      quality: null,
      timeline: [],
      bill,
      ...over,
    });
  }

  /**
   * As the gateway does at its start: every call that the journal holds open is ended, billed and recorded. `killed`: the process dies of it
   * once the first record is stored.
   */
  async recover(killed?: Error): Promise<void> {
    const { books, journal } = this.meter.opened;
    await recover({ journal, books, clock: this.meter.clock }, async (call) => {
      await this.directory.calls.save(recoveredRecord(call));
      if (killed !== undefined) throw killed;
    });
  }

  async import(rows: readonly CarrierRow[], over: Partial<ImportRequest> = {}): Promise<ImportSummary> {
    return await this.reconciliation.import({
      carrier: 'generic',
      trunkId: 'trunk_a',
      fileName: 'cdr.csv',
      content: Buffer.from(exported(rows)),
      range: null,
      strict: false,
      dryRun: false,
      ...over,
    });
  }

  /** Open exceptions, oldest first, as `kind callId|recordKey`. */
  open(): string[] {
    return this.reconciliation
      .exceptions({ status: 'open', limit: 1000 })
      .items.toReversed()
      .map(({ kind, recordKey, callId }) => `${kind} ${callId ?? recordKey}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reconciliation.close();
    await this.directory.close();
    await this.meter[Symbol.asyncDispose]();
  }
}

/** What the carrier's export looks like. */
export function exported(rows: readonly CarrierRow[]): string {
  const lines = rows.map((row) =>
    [
      row.id,
      `${row.id}@carrier`,
      row.direction ?? 'inbound',
      row.from ?? '+12025550199',
      row.to ?? '+12025550100',
      new Date(row.at).toISOString(),
      row.seconds,
      row.disposition ?? (row.seconds > 0 ? 'answered' : 'no-answer'),
      row.cost ?? '',
      'USD',
    ].join(','),
  );
  return [HEADER, ...lines, ''].join('\r\n');
}
