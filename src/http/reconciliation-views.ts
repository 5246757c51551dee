// Reconciliation as the API shows it. Invariant V1 of views.ts: fields are named one by one.

import { EXCEPTION_KINDS } from '../domain/exception-kind.ts';
import { formatMoney, type Nano } from '../domain/money.ts';
import type { StoredException } from '../reconciliation/exception.ts';
import type { ImportReport } from '../reconciliation/import.ts';
import type { ImportSummary } from '../reconciliation/reconciliation.ts';
import { adjustmentPostingId } from '../reconciliation/resolve.ts';
import type { Group, RunReport } from '../reconciliation/report.ts';
import type { ScopeSweep } from '../reconciliation/sweep.ts';
import { viewTime } from './views.ts';

export function viewImport(summary: ImportSummary): object {
  return {
    id: summary.id,
    createdAt: viewTime(summary.receivedAt),
    carrier: summary.carrier,
    trunkId: summary.trunkId,
    fileName: summary.fileName,
    sha256: summary.sha256,
    mapping: summary.mapping,
    from: viewTime(summary.range.fromMs),
    to: viewTime(summary.range.toMs),
    state: summary.state,
    repeated: summary.isRepeated,
    report: summary.report === null ? null : viewImportReport(summary.report),
  };
}

function viewImportReport(report: ImportReport): object {
  const { rows, bad, skipped, outOfRange, repeated, known, revised, imported, badRows } = report.rows;
  return {
    rows: { rows, bad, skipped, outOfRange, repeated, known, revised, imported, badRows },
    ...viewRun(report),
  };
}

function viewRun(report: RunReport): object {
  return {
    carrierCurrency: report.currency,
    matched: viewGroup(report.matched),
    withinTolerance: viewGroup(report.withinTolerance),
    corrected: viewGroup(report.corrected),
    correctionsCharged: formatMoney(report.correctionsCharged),
    unanswered: viewGroup(report.unanswered),
    unansweredOnly: viewGroup(report.unansweredOnly),
    pending: report.pending,
    exceptions: Object.fromEntries(EXCEPTION_KINDS.map((kind) => [kind, viewGroup(report.exceptions[kind])])),
    retriedMatched: report.retriedMatched,
    total: viewGroup(report.total),
  };
}

function viewGroup({ count, carrierMs, ourMs, carrierCost, revenue }: Group): object {
  return { count, carrierMs, ourMs, carrierCost: formatMoney(carrierCost), revenue: formatMoney(revenue) };
}

export function viewSweep({ carrier, trunkId, report, problem }: ScopeSweep): object {
  return { carrier, trunkId, report: report === null ? null : viewRun(report), problem };
}

export function viewException(exception: StoredException): object {
  const { resolution } = exception;
  return {
    id: exception.id,
    createdAt: viewTime(exception.createdAt),
    kind: exception.kind,
    status: exception.status,
    at: viewTime(exception.at),
    carrier: exception.carrier,
    trunkId: exception.trunkId,
    reconciliationId: exception.importId,
    recordId: exception.recordKey,
    callId: exception.callId,
    workspaceId: exception.workspaceId,
    from: exception.from,
    to: exception.to,
    carrierMs: exception.carrierMs,
    ourMs: exception.ourMs,
    carrierCost: moneyOrNull(exception.carrierCost),
    knownCost: moneyOrNull(exception.knownCost),
    revenue: moneyOrNull(exception.revenue),
    value: formatMoney(exception.value),
    carrierCurrency: exception.currency,
    detail: exception.detail,
    resolution:
      resolution === null
        ? null
        : {
            resolvedAt: resolution.resolvedAt === null ? null : viewTime(resolution.resolvedAt),
            by: resolution.by,
            note: resolution.note,
            adjustment: viewAdjustment(exception),
          },
  };
}

function viewAdjustment({ id, resolution }: StoredException): object | null {
  const adjustment = resolution?.adjustment ?? null;
  if (adjustment === null) return null;
  return {
    workspaceId: adjustment.workspaceId,
    amount: formatMoney(adjustment.amount),
    postingId: adjustmentPostingId(id),
  };
}

function moneyOrNull(amount: Nano | null): string | null {
  return amount === null ? null : formatMoney(amount);
}
