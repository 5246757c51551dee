// Reconciliation with carriers: their exports in, reports out, and the queue of what a person must look at. Operator only.

import { parseMoney } from '../../domain/money.ts';
import type { Adjustment, StoredException } from '../../reconciliation/exception.ts';
import { BY_ITSELF } from '../../reconciliation/exception.ts';
import { LIMITS } from '../../reconciliation/limits.ts';
import type { TimeRange } from '../../reconciliation/read-file.ts';
import { CSV_TYPE } from '../csv.ts';
import type { HttpDeps } from '../deps.ts';
import { invalidField, Problem } from '../problems.ts';
import { viewException, viewImport, viewSweep } from '../reconciliation-views.ts';
import { defineRoute, type Route } from '../route.ts';
import { pageOf } from '../schemas/common.ts';
import * as schemas from '../schemas/reconciliations.ts';
import { found, given, idOf, pageFrom, viewPage } from './lookup.ts';

const OPERATOR = 'operator';

export function reconciliationRoutes({ reconciliation, directory }: HttpDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/reconciliations',
      operationId: 'importCarrierRecords',
      tag: 'Reconciliation',
      summary:
        "Imports a carrier's export (CSV) and reconciles it with our calls; the same file again answers with the first report",
      access: 'operator',
      query: schemas.newReconciliation,
      upload: { type: CSV_TYPE, bytesMax: LIMITS.fileBytesMax },
      success: { status: 200, description: 'The report', schema: schemas.reconciliationSchema },
      problems: [
        'unknown_reference',
        'trunk_not_reconcilable',
        'mapping_invalid',
        'cdr_file_invalid',
        'cdr_rows_invalid',
        'reconciliation_busy',
      ],
      async handle({ query, body }) {
        const { carrier, trunk, file = '', strict = false, dryRun = false } = query;
        const content = body instanceof Uint8Array ? body : new Uint8Array();
        const range = rangeOf(query);
        const request = { carrier, trunkId: trunk, fileName: file, content, range, strict, dryRun };
        return { body: viewImport(await reconciliation.import(request)) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/reconciliations',
      operationId: 'listReconciliations',
      tag: 'Reconciliation',
      summary: 'Lists imports with their reports, newest first',
      access: 'operator',
      query: schemas.reconciliationQuery,
      success: { status: 200, description: 'A page of imports', schema: pageOf(schemas.reconciliationSchema) },
      problems: [],
      handle: async ({ query }) => ({ body: viewPage(reconciliation.imports(pageFrom(query)), viewImport) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/reconciliations/{id}',
      operationId: 'getReconciliation',
      tag: 'Reconciliation',
      summary: 'One import with its report',
      access: 'operator',
      success: { status: 200, description: 'The import', schema: schemas.reconciliationSchema },
      problems: [],
      async handle({ params }) {
        return { body: viewImport(await found(Promise.resolve(reconciliation.importById(idOf(params))))) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/reconciliations/sweep',
      operationId: 'sweepReconciliations',
      tag: 'Reconciliation',
      summary:
        'Looks for calls that no carrier has a record of, and tries unmatched records again; the node does so each hour',
      access: 'operator',
      success: { status: 200, description: 'A report for each carrier and trunk', schema: schemas.sweepSchema },
      problems: ['reconciliation_busy'],
      handle: async () => ({ body: { items: (await reconciliation.sweep()).map(viewSweep) } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/reconciliation-exceptions',
      operationId: 'listReconciliationExceptions',
      tag: 'Reconciliation',
      summary: 'Lists differences, newest first by the instant of the call',
      access: 'operator',
      query: schemas.exceptionQuery,
      success: { status: 200, description: 'A page of exceptions', schema: pageOf(schemas.exceptionSchema) },
      problems: [],
      async handle({ query }) {
        const { status, kind, carrier, trunk, from, to } = query;
        const filter = given({
          status,
          kind,
          carrier,
          trunkId: trunk,
          fromMs: from === undefined ? undefined : Date.parse(from),
          toMs: to === undefined ? undefined : Date.parse(to),
        });
        return { body: viewPage(reconciliation.exceptions({ ...filter, ...pageFrom(query) }), viewException) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/reconciliation-exceptions/{id}/resolve',
      operationId: 'resolveReconciliationException',
      tag: 'Reconciliation',
      summary: "Resolves an exception with a note, and where asked for with an adjustment of the workspace's balance",
      access: 'operator',
      body: schemas.resolution,
      success: { status: 200, description: 'The exception', schema: schemas.exceptionSchema },
      problems: ['unknown_reference', 'resolution_conflict'],
      async handle({ params, body }) {
        const { note, by = OPERATOR } = body;
        if (by === BY_ITSELF || by.trim() === '') throw invalidField('by', 'must be the name of a person');
        const exception = await found(Promise.resolve(reconciliation.exceptionById(idOf(params))));
        const adjustment = body.adjustment === undefined ? null : await adjustmentOf(exception, body.adjustment);
        const resolved = await found(reconciliation.resolve(exception.id, { note, by, adjustment }));
        return { body: viewException(resolved) };
      },
    }),
  ];

  /** For the workspace of the call, or the one that is named where no call of ours is concerned. */
  async function adjustmentOf(
    exception: StoredException,
    asked: { readonly amount: string; readonly workspaceId?: string },
  ): Promise<Adjustment> {
    const amount = parseMoney(asked.amount) ?? 0n;
    if (amount === 0n) throw invalidField('adjustment.amount', 'must not be zero');
    const workspaceId = asked.workspaceId ?? exception.workspaceId;
    if (workspaceId === null) throw invalidField('adjustment.workspaceId', 'is required: no call of ours is concerned');
    if (exception.workspaceId !== null && exception.workspaceId !== workspaceId)
      throw invalidField('adjustment.workspaceId', 'is not that of the call');
    if ((await directory.workspaces.get(workspaceId)) === undefined)
      throw new Problem('unknown_reference', {
        fields: [{ field: 'adjustment.workspaceId', message: 'does not exist' }],
      });
    return { workspaceId, amount };
  }
}

function rangeOf({ from, to }: { readonly from?: string; readonly to?: string }): TimeRange | null {
  if (from === undefined && to === undefined) return null;
  if (from === undefined || to === undefined)
    throw invalidField(from === undefined ? 'from' : 'to', 'is required with the other');
  const range = { fromMs: Date.parse(from), toMs: Date.parse(to) };
  if (range.fromMs >= range.toMs) throw invalidField('to', 'must be later than from');
  if (range.toMs - range.fromMs > LIMITS.spanMsMax)
    throw invalidField('to', 'must be at most 100 days later than from');
  return range;
}
