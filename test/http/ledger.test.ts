import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NewPosting } from '../../src/ledger/books.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let a: { id: string; token: string };
let b: { id: string; token: string };
const DAY_MS = 86_400_000;

beforeAll(async () => {
  world = await startWorld();
  a = await world.workspace('A');
  b = await world.workspace('B');
  const posting = (index: number, over: Partial<NewPosting> = {}): NewPosting => ({
    id: `call_${index}:telephony:0`,
    workspaceId: a.id,
    callId: `call_${index}`,
    meter: 'telephony',
    quantityMs: 60_000,
    amount: -12_000_000n,
    at: index * DAY_MS,
    note: 'Per started minute',
    ...over,
  });
  const settle = (workspaceId: string, postings: readonly NewPosting[]) =>
    world.books.settle({ workspaceId, holdId: null, postings, costs: [] });
  await settle(a.id, [
    posting(1),
    posting(2, { meter: 'compute' }),
    posting(3),
    posting(4, { note: '=HYPERLINK("http://evil.example","x")' }),
    posting(5, { note: 'with, comma and "quotes"' }),
  ]);
  await settle(b.id, [posting(6, { workspaceId: b.id })]);
});
afterAll(() => world.close());

const list = async (query: string, token = a.token) =>
  (await world.ask('GET', `/v1/ledger?${query}`, { token })).body.items.map((item: { callId: string }) => item.callId);
const csv = (query: string, accept = 'text/csv') =>
  world.ask('GET', `/v1/ledger?${query}`, { token: a.token, headers: { accept } });

describe('ledger', () => {
  test('lists postings of the workspace, newest first, money as text', async () => {
    const { body } = await world.ask('GET', '/v1/ledger', { token: a.token });
    expect(body.items.map((item: { callId: string }) => item.callId)).toEqual([
      'call_5',
      'call_4',
      'call_3',
      'call_2',
      'call_1',
    ]);
    expect(body.items.at(-1)).toMatchObject({
      amount: '-0.012',
      balanceAfter: '-0.012',
      at: '1970-01-02T00:00:00.000Z',
      quantityMs: 60_000,
    });
  });

  test('filters by call, meter and time; `to` is exclusive', async () => {
    expect(await list('callId=call_3')).toEqual(['call_3']);
    expect(await list('meter=compute')).toEqual(['call_2']);
    expect(await list('from=1970-01-03T00:00:00Z&to=1970-01-05T00:00:00Z')).toEqual(['call_3', 'call_2']);
    expect(await list('from=1970-01-04T02:00:00%2B02:00&to=1970-01-05T00:00:00Z')).toEqual(['call_3']);
    for (const bad of [
      'from=yesterday',
      'meter=x',
      'from=1970-01-01',
      'callId=%00',
      'limit=201',
      'cursor=a',
      'cursor=%2B%2B',
    ]) {
      expect((await world.ask('GET', `/v1/ledger?${bad}`, { token: a.token })).status).toBe(422);
    }
  });

  test('pages walk through all', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await world.ask('GET', `/v1/ledger?limit=2${cursor ? `&cursor=${cursor}` : ''}`, {
        token: a.token,
      });
      seen.push(...body.items.map((item: { callId: string }) => item.callId));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual(['call_5', 'call_4', 'call_3', 'call_2', 'call_1']);
  });

  test('CSV where it is asked for by name, formulas defused, quotes doubled', async () => {
    const answer = await csv('');
    expect(answer.headers.get('content-type')).toContain('text/csv');
    const lines = answer.text.split('\r\n');
    expect(lines[0]).toBe('at,id,workspaceId,callId,meter,quantityMs,amount,balanceAfter,note');
    expect(lines).toHaveLength(7);
    expect(lines[1]).toContain('"with, comma and ""quotes"""');
    expect(lines[2]).toContain(`"'=HYPERLINK(""http://evil.example"",""x"")"`);
    expect(lines[5]).toContain(',-0.012,');
    for (const accept of ['*/*', 'application/json', 'text/*', 'text/csv;q=0', 'text/csvx']) {
      expect((await csv('', accept)).body.items).toHaveLength(5);
    }
  });

  test('a CSV that is cut names its continuation, with the filters', async () => {
    const first = await csv('limit=2&meter=telephony');
    const link = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    expect(link).toContain('meter=telephony');
    const second = await world.ask('GET', link, { token: a.token, headers: { accept: 'text/csv' } });
    expect(
      second.text
        .split('\r\n')
        .slice(1, -1)
        .map((line) => line.split(',')[3]),
    ).toEqual(['call_3', 'call_1']);
    expect(second.headers.get('link')).toBeNull();
  });
});
