import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/reconciliation/limits.ts';
import { call, trunk } from '../directory/records.ts';
import { type CarrierRow, exported } from '../reconciliation/stage.ts';
import { type Answer, startWorld, type World } from './world.ts';

let world: World;
let workspace: { id: string; token: string };
const NOON = Date.parse('2026-01-01T00:00:00Z') - 3 * 86_400_000;

beforeEach(async () => {
  world = await startWorld();
  workspace = await world.workspace('A');
  await world.directory.trunks.put(trunk({ id: 'trunk_m', workspaceId: null, kind: 'managed' }));
  await saveCall('call_1', NOON, 61_000);
  await saveCall('call_2', NOON + 600_000, 75_000);
});
afterEach(() => world.close());

async function saveCall(id: string, startedAt: number, durationMs: number): Promise<void> {
  const record = call({ id, workspaceId: workspace.id, trunkId: 'trunk_m', class: 'managed' });
  const at = { createdAt: startedAt, startedAt, answeredAt: startedAt, endedAt: startedAt + durationMs };
  const evidence = { start: startedAt, end: startedAt + durationMs, endedBy: 'bye' as const };
  await world.directory.calls.save({ ...record, ...at, bill: record.bill && { ...record.bill, evidence } });
}

const WRONG: CarrierRow[] = [
  { id: 'r1', at: NOON, seconds: 300, cost: '0.05' },
  { id: 'r2', at: NOON + 900_000, to: '+12025550177', seconds: 62, cost: '0.014' },
];

function post(content: string, query = 'carrier=generic&trunk=trunk_m&file=cdr.csv', headers = {}): Promise<Answer> {
  return world.ask('POST', `/v1/reconciliations?${query}`, {
    raw: content,
    headers: { 'content-type': 'text/csv', ...headers },
  });
}

describe('an import', () => {
  test('is answered with counts and values, kept, and listed', async () => {
    const { status, body } = await post(exported(WRONG));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      carrier: 'generic',
      trunkId: 'trunk_m',
      fileName: 'cdr.csv',
      state: 'complete',
      repeated: false,
      from: new Date(NOON).toISOString(),
      report: {
        rows: { rows: 2, bad: 0, imported: 2 },
        carrierCurrency: 'USD',
        matched: { count: 1, carrierMs: 300_000, ourMs: 61_000, carrierCost: '0.05', revenue: '0.012' },
        withinTolerance: { count: 0, revenue: '0.00' },
        correctionsCharged: '0.00',
        exceptions: {
          duration_differs: { count: 1 },
          missing_here: { count: 1, carrierCost: '0.014' },
          missing_there: { count: 1, ourMs: 75_000, revenue: '0.012' },
          ambiguous: { count: 0 },
        },
        total: { count: 3 },
      },
    });
    const again = await post(exported(WRONG));
    expect(again.body).toEqual({ ...body, repeated: true });
    expect((await world.ask('GET', `/v1/reconciliations/${body.id}`)).body).toEqual(body);
    expect((await world.ask('GET', '/v1/reconciliations?limit=1')).body).toEqual({ items: [body], nextCursor: null });
    expect(world.books.lines).toEqual([]);
  });

  test('may be tried only', async () => {
    const { body } = await post(exported(WRONG), 'carrier=generic&trunk=trunk_m&dryRun=true');
    expect([body.state, body.report.total.count]).toEqual(['tried', 3]);
    expect((await world.ask('GET', '/v1/reconciliations')).body.items).toEqual([]);
    expect((await world.ask('GET', '/v1/reconciliation-exceptions')).body.items).toEqual([]);
  });

  test('takes only rows of the range that is asked for', async () => {
    const range = `from=${new Date(NOON).toISOString()}&to=${new Date(NOON + 60_000).toISOString()}`;
    const { body } = await post(exported(WRONG), `carrier=generic&trunk=trunk_m&${range}`);
    expect(body.report.rows).toMatchObject({ imported: 1, outOfRange: 1 });
    expect(body.to).toBe(new Date(NOON + 60_000).toISOString());
  });

  test('a strict one names bad rows by line and imports nothing', async () => {
    const content = `${exported(WRONG)}secret,row\r\n`;
    const { status, body } = await post(content, 'carrier=generic&trunk=trunk_m&strict=true');
    expect([status, body.code, body.errors]).toEqual([
      422,
      'cdr_rows_invalid',
      [{ field: 'line 4', message: '2 fields, the header has 10' }],
    ]);
    expect((await world.ask('GET', '/v1/reconciliations')).body.items).toEqual([]);
    const lenient = await post(content);
    expect(lenient.body.report.rows.badRows).toEqual([{ line: 4, reason: '2 fields, the header has 10' }]);
    expect(JSON.stringify([body, lenient.body])).not.toContain('secret');
  });

  test.each<[string, string, string, number, string]>([
    ['no carrier', 'trunk=trunk_m', 'x', 422, 'invalid_fields'],
    ['a carrier that is a path', 'carrier=../generic&trunk=trunk_m', 'x', 422, 'invalid_fields'],
    ['an unknown carrier', 'carrier=nobody&trunk=trunk_m', 'x', 422, 'unknown_reference'],
    ['an unknown trunk', 'carrier=generic&trunk=trunk_x', 'x', 422, 'unknown_reference'],
    ['a customer’s trunk', 'carrier=generic&trunk=trunk_a', 'x', 422, 'trunk_not_reconcilable'],
    ['half a range', 'carrier=generic&trunk=trunk_m&from=2026-01-01T00:00:00Z', 'x', 422, 'invalid_fields'],
    [
      'a range backwards',
      'carrier=generic&trunk=trunk_m&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
      'x',
      422,
      'invalid_fields',
    ],
    [
      'a range of a year',
      'carrier=generic&trunk=trunk_m&from=2025-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
      'x',
      422,
      'invalid_fields',
    ],
    ['an unknown parameter', 'carrier=generic&trunk=trunk_m&dry=1', 'x', 422, 'invalid_fields'],
    ['another file', 'carrier=generic&trunk=trunk_m', 'a,b\n1,2\n', 422, 'cdr_file_invalid'],
    ['nothing', 'carrier=generic&trunk=trunk_m', '', 422, 'cdr_file_invalid'],
    [
      'bytes of a picture',
      'carrier=generic&trunk=trunk_m',
      '\u0089PNG\r\n\u001a\n\u0000\u0000',
      422,
      'cdr_file_invalid',
    ],
  ])('with %s is refused', async (_name, query, content, status, code) => {
    await world.directory.trunks.put(trunk({ workspaceId: workspace.id }));
    const answer = await post(content, query);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect((await world.ask('GET', '/v1/reconciliations')).body.items).toEqual([]);
  });

  test('takes CSV and nothing else; other routes take no CSV', async () => {
    const json = await world.ask('POST', '/v1/reconciliations?carrier=generic&trunk=trunk_m', { body: { a: 1 } });
    expect([json.status, json.body.code]).toEqual([415, 'unsupported_media_type']);
    const csv = await world.ask('POST', '/v1/workspaces', {
      raw: 'name\nx\n',
      headers: { 'content-type': 'text/csv' },
    });
    expect([csv.status, csv.body.code]).toEqual([415, 'unsupported_media_type']);
    const typed = await post(exported(WRONG), undefined, { 'content-type': 'text/csv; charset=utf-8' });
    expect(typed.status).toBe(200);
  });

  test('of more bytes than the limit is refused before it is read', async () => {
    const huge = await post('x'.repeat(LIMITS.fileBytesMax + 1));
    expect([huge.status, huge.body.code]).toEqual([413, 'body_too_large']);
  });

  test('a large one is taken whole', async () => {
    const rows = Array.from({ length: 3_000 }, (_, n) => ({
      id: `x${n}`,
      at: NOON + n,
      to: '+12025550177',
      seconds: 3,
    }));
    const { body } = await post(exported(rows));
    expect(body.report.rows.imported).toBe(3_000);
    expect(body.report.exceptions.missing_here.count).toBe(3_000);
  });

  test('a key of a workspace may not', async () => {
    const answer = await world.ask('POST', '/v1/reconciliations?carrier=generic&trunk=trunk_m', {
      token: workspace.token,
      raw: exported(WRONG),
      headers: { 'content-type': 'text/csv' },
    });
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
  });
});

describe('exceptions', () => {
  test('are listed with both sides, filtered and paged', async () => {
    await post(exported(WRONG));
    const { body } = await world.ask('GET', '/v1/reconciliation-exceptions?status=open');
    expect(body.items.map((item: { kind: string }) => item.kind)).toEqual([
      'missing_here',
      'missing_there',
      'duration_differs',
    ]);
    expect(body.items[2]).toMatchObject({
      id: expect.stringMatching(/^exc_[0-9a-f]{24}$/),
      callId: 'call_1',
      recordId: 'r1',
      workspaceId: workspace.id,
      carrierMs: 300_000,
      ourMs: 61_000,
      carrierCost: '0.05',
      revenue: '0.012',
      value: '0.05',
      carrierCurrency: 'USD',
      resolution: null,
    });
    expect(body.items[1]).toMatchObject({
      recordId: null,
      callId: 'call_2',
      carrierMs: null,
      carrierCost: null,
      value: '0.012',
    });
    const list = async (query: string) => (await world.ask('GET', `/v1/reconciliation-exceptions?${query}`)).body;
    expect((await list('kind=missing_there')).items).toHaveLength(1);
    expect((await list('status=resolved')).items).toEqual([]);
    expect((await list('carrier=telnyx')).items).toEqual([]);
    const at = (ms: number) => new Date(ms).toISOString();
    expect((await list(`from=${at(NOON)}&to=${at(NOON + 1)}`)).items).toHaveLength(1);
    const first = await list('limit=2');
    expect(first.items).toHaveLength(2);
    expect((await list(`limit=2&cursor=${first.nextCursor}`)).items).toHaveLength(1);
    expect((await world.ask('GET', '/v1/reconciliation-exceptions?cursor=zzz')).body.code).toBe('invalid_fields');
  });

  const find = async (kind: string): Promise<string> => {
    await post(exported(WRONG));
    return (await world.ask('GET', `/v1/reconciliation-exceptions?kind=${kind}`)).body.items[0].id;
  };
  const resolve = (id: string, body: object) =>
    world.ask('POST', `/v1/reconciliation-exceptions/${id}/resolve`, { body });

  test('are resolved by a note, once', async () => {
    const id = await find('duration_differs');
    const done = await resolve(id, { note: 'agreed', by: 'Ana' });
    expect(done.body).toMatchObject({
      status: 'resolved',
      resolution: { note: 'agreed', by: 'Ana', adjustment: null },
    });
    expect((await resolve(id, { note: 'agreed', by: 'Ana' })).body).toEqual(done.body);
    expect((await resolve(id, { note: 'other' })).body.code).toBe('resolution_conflict');
    expect(world.books.lines).toEqual([]);
  });

  test('and by an adjustment of the workspace of the call, once', async () => {
    const id = await find('duration_differs');
    const asked = { note: 'held for 300 s', adjustment: { amount: '-0.05' } };
    const done = await resolve(id, asked);
    expect(done.body.resolution).toMatchObject({
      by: 'operator',
      adjustment: { workspaceId: workspace.id, amount: '-0.05', postingId: `adjust:${id}` },
    });
    expect((await resolve(id, asked)).body).toEqual(done.body);
    const { body } = await world.ask('GET', '/v1/ledger', { token: workspace.token });
    expect(body.items).toMatchObject([{ id: `adjust:${id}`, meter: 'adjustment', amount: '-0.05', callId: null }]);
    expect((await resolve(id, { ...asked, adjustment: { amount: '-0.06' } })).status).toBe(409);
  });

  test('where no call of ours is concerned the workspace must be named, and must be there', async () => {
    const id = await find('missing_here');
    const field = async (adjustment: object) => {
      const { status, body } = await resolve(id, { note: 'x', adjustment });
      return [status, body.code, body.errors?.[0].field];
    };
    expect(await field({ amount: '1' })).toEqual([422, 'invalid_fields', 'adjustment.workspaceId']);
    expect(await field({ amount: '0.00', workspaceId: workspace.id })).toEqual([
      422,
      'invalid_fields',
      'adjustment.amount',
    ]);
    expect(await field({ amount: '1e3', workspaceId: workspace.id })).toEqual([
      422,
      'invalid_fields',
      'adjustment.amount',
    ]);
    expect(await field({ amount: '1', workspaceId: 'ws_x' })).toEqual([
      422,
      'unknown_reference',
      'adjustment.workspaceId',
    ]);
    expect((await resolve(id, { note: 'x', adjustment: { amount: '1', workspaceId: workspace.id } })).status).toBe(200);
  });

  test.each<[object, string]>([
    [{}, 'note'],
    [{ note: '' }, 'note'],
    [{ note: 'two\nlines' }, 'note'],
    [{ note: 'x'.repeat(501) }, 'note'],
    [{ note: 'x', by: 'reconciliation' }, 'by'],
    [{ note: 'x', by: ' ' }, 'by'],
    [{ note: 'x', adjustment: {} }, 'adjustment.amount'],
    [{ note: 'x', adjustment: { amount: '1', workspaceId: 'ws_other' } }, 'adjustment.workspaceId'],
  ])('a resolution %o is refused', async (body, field) => {
    const id = await find('duration_differs');
    const answer = await resolve(id, body);
    expect([answer.status, answer.body.errors[0].field]).toEqual([422, field]);
    expect(
      (await world.ask('GET', '/v1/reconciliation-exceptions?status=open&kind=duration_differs')).body.items,
    ).toHaveLength(1);
  });
});

test('a sweep reports on each carrier and trunk', async () => {
  await post(exported(WRONG));
  const { body } = await world.ask('POST', '/v1/reconciliations/sweep');
  expect(body.items).toMatchObject([
    { carrier: 'generic', trunkId: 'trunk_m', problem: null, report: { matched: { count: 0 } } },
  ]);
});

test('the documentation says what is uploaded, and what must be given with it', async () => {
  const operation = world.document.paths['/v1/reconciliations']?.['post'];
  expect(Object.keys(operation?.requestBody?.content ?? {})).toEqual(['text/csv']);
  expect(operation?.parameters?.filter(({ required }) => required).map(({ name }) => name)).toEqual([
    'carrier',
    'trunk',
  ]);
  expect((await world.ask('GET', '/docs')).text).toContain('<p>Body: <code>text/csv</code></p>');
});
