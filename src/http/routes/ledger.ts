// The ledger: every posting, as JSON or as CSV.

import type { Posting } from '../../ledger/books.ts';
import { scopeOf } from '../auth.ts';
import { CSV_TYPE, csvReply, wantsCsv } from '../csv.ts';
import type { HttpDeps } from '../deps.ts';
import { CSV_LIMIT_MAX, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from '../limits.ts';
import { invalidField } from '../problems.ts';
import { defineRoute, type Reply, type Route } from '../route.ts';
import { pageOf } from '../schemas/common.ts';
import * as schemas from '../schemas/ledger.ts';
import { viewPosting } from '../views.ts';
import { given } from './lookup.ts';

export function ledgerRoutes({ books }: HttpDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/ledger',
      operationId: 'listPostings',
      tag: 'Ledger',
      summary: 'Lists postings, newest first; CSV with Accept: text/csv',
      access: 'workspace',
      query: schemas.ledgerQuery,
      success: {
        status: 200,
        description: 'A page of postings; for CSV the next page is in the Link header',
        schema: pageOf(schemas.postingSchema),
        otherTypes: [CSV_TYPE],
      },
      problems: [],
      async handle({ principal, query, header }) {
        const csv = wantsCsv(header('accept'));
        const { callId, meter, from, to, cursor, limit = csv ? CSV_LIMIT_MAX : PAGE_LIMIT_DEFAULT } = query;
        if (!csv && limit > PAGE_LIMIT_MAX) throw invalidField('limit', `must be <= ${PAGE_LIMIT_MAX} for JSON`);
        const workspaceId = scopeOf(principal, query.workspaceId);
        const fromMs = from === undefined ? undefined : Date.parse(from);
        const toMs = to === undefined ? undefined : Date.parse(to);
        const beforeId = cursor === undefined ? undefined : readCursor(cursor);
        // One more than asked for tells whether there is a next page.
        const found = await books.postings({
          ...given({ workspaceId, callId, meter, fromMs, toMs, beforeId }),
          limit: limit + 1,
        });
        const items = found.slice(0, limit);
        const last = found.length > limit ? items.at(-1) : undefined;
        const nextCursor = last === undefined ? null : writeCursor(last.id);
        return csv ? ledgerCsv(items, query, nextCursor) : { body: { items: items.map(viewPosting), nextCursor } };
      },
    }),
  ];
}

function writeCursor(postingId: string): string {
  return Buffer.from(postingId).toString('base64url');
}

/** Only what `writeCursor` wrote; a posting that does not exist ends the list. */
function readCursor(cursor: string): string {
  const postingId = Buffer.from(cursor, 'base64url').toString('utf8');
  if (writeCursor(postingId) !== cursor) throw invalidField('cursor', 'must be the nextCursor of a page');
  return postingId;
}

const COLUMNS = ['at', 'id', 'workspaceId', 'callId', 'meter', 'quantityMs', 'amount', 'balanceAfter', 'note'] as const;

function ledgerCsv(items: readonly Posting[], query: object, nextCursor: string | null): Reply {
  const next = new URLSearchParams(
    Object.entries({ ...query, cursor: nextCursor ?? '' }).map(([k, v]) => [k, String(v)]),
  );
  return csvReply({
    name: 'ledger',
    columns: COLUMNS,
    rows: items.map(viewPosting),
    headers: nextCursor === null ? {} : { link: `</v1/ledger?${next}>; rel="next"` },
  });
}
