import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CallGrouping, Directory, EndedQuery } from '../../src/directory/directory.ts';
import type { CallRecord } from '../../src/domain/call.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { agent, apiKey, call, number, trunk, workspace } from './records.ts';

/** What every implementation of the directory must do. `open` makes an empty one. */
export function directoryContract(name: string, open: () => Promise<Directory>): void {
  describe(`directory contract: ${name}`, () => {
    let directory: Directory;

    beforeEach(async () => {
      directory = await open();
      await directory.workspaces.put(workspace());
      await directory.workspaces.put(workspace({ id: 'ws_b', createdAt: 2_000, name: 'B' }));
      await directory.agents.put(agent());
      await directory.trunks.put(trunk());
    });
    afterEach(() => directory.close());

    test('every kind of record comes back as it went in', async () => {
      await directory.numbers.put(number());
      await directory.keys.put(apiKey());
      await directory.calls.save(call());
      expect(await directory.workspaces.get('ws_a')).toEqual(workspace());
      expect(await directory.agents.get('agent_a')).toEqual(agent());
      expect(await directory.trunks.get('trunk_a')).toEqual(trunk());
      expect(await directory.numbers.get('num_a')).toEqual(number());
      expect(await directory.keys.get('key_a')).toEqual(apiKey());
      expect(await directory.calls.get('call_a')).toEqual(call());
    });

    test('what a trunk may have beside comes back as well', async () => {
      const { inbound, outbound } = trunk();
      const full = trunk({
        inbound: { ...inbound, transport: 'tls', auth: { username: 'carrier', password: 'inbound-secret' } },
        outbound: { ...outbound, callerIdMode: 'pai', techPrefix: '99#', numberFormat: 'digits' },
      });
      await directory.trunks.put(full);
      expect(await directory.trunks.get('trunk_a')).toEqual(full);
    });

    test('a trunk is added with its numbers: all of it, or nothing', async () => {
      const made = trunk({ id: 'trunk_n' });
      const own = (id: string, e164: string) => number({ id, e164: e164 as E164, trunkId: 'trunk_n' });
      await directory.addTrunk(made, [own('num_1', '+12025550171'), own('num_2', '+12025550172')]);
      expect(await directory.trunks.get('trunk_n')).toEqual(made);
      expect((await directory.numbers.find({ trunkId: 'trunk_n', limit: 10 })).items).toHaveLength(2);
      expect((await directory.allTrunks()).map(({ id }) => id)).toContain('trunk_n');

      const other = trunk({ id: 'trunk_o' });
      const twice = [own('num_3', '+12025550173'), own('num_4', '+12025550173')].map((each) => ({
        ...each,
        trunkId: 'trunk_o',
      }));
      await expect(directory.addTrunk(other, twice)).rejects.toMatchObject({ code: 'number_taken' });
      const stranger = { ...own('num_5', '+12025550174'), trunkId: 'trunk_o', agentId: 'agent_x' };
      await expect(directory.addTrunk(other, [stranger])).rejects.toMatchObject({ code: 'unknown_reference' });
      expect(await directory.trunks.get('trunk_o')).toBeUndefined();
      expect(await directory.numbers.get('num_3')).toBeUndefined();
      expect((await directory.allTrunks()).map(({ id }) => id)).not.toContain('trunk_o');
    });

    test('null where a value may be missing comes back as null', async () => {
      const bare = workspace({
        limits: { concurrentCalls: null, callsPerSecond: null, spendPerHour: null, spendPerDay: null },
      });
      const open = trunk({ workspaceId: null, id: 'trunk_m', outbound: { ...trunk().outbound, password: null } });
      const ringing = call({ workspaceId: null, bill: null, state: 'ringing' });
      await directory.workspaces.put(bare);
      await directory.trunks.put(open);
      await directory.calls.save(ringing);
      expect(await directory.workspaces.get('ws_a')).toEqual(bare);
      expect(await directory.trunks.get('trunk_m')).toEqual(open);
      expect(await directory.calls.get('call_a')).toEqual(ringing);
    });

    test('a bill whose call had no telephony price, and a bill of an earlier version, come back as they were', async () => {
      const { bill } = call();
      if (bill?.rate === undefined) throw new Error('the record of these tests has a bill with its rate');
      const none = { prefix: null, effectiveFrom: null, connectFee: null, initialMs: null, incrementMs: null };
      const { rate, ...earlier } = bill;
      const byoc = call({ id: 'call_byoc', bill: { ...bill, rate: { ...rate, ...none } } });
      const old = call({ id: 'call_old', bill: earlier });
      await Promise.all([directory.calls.save(byoc), directory.calls.save(old)]);
      expect(await directory.calls.get('call_byoc')).toEqual(byoc);
      expect(await directory.calls.get('call_old')).toEqual(old);
      expect((await directory.calls.get('call_old'))?.bill).not.toHaveProperty('rate');
    });

    test('amounts beyond 2^53 are kept to the last digit', async () => {
      const limits = {
        concurrentCalls: null,
        callsPerSecond: null,
        spendPerHour: 9_007_199_254_740_993_121n,
        spendPerDay: 9_007_199_254_740_993_123n,
      };
      await directory.workspaces.put(workspace({ limits }));
      expect((await directory.workspaces.get('ws_a'))?.limits).toEqual(limits);
    });

    test('a second put replaces the first', async () => {
      await directory.agents.put(agent({ name: 'Renamed' }));
      expect((await directory.agents.get('agent_a'))?.name).toBe('Renamed');
      expect((await directory.agents.list({ limit: 10 })).items).toHaveLength(1);
    });

    test('what is unknown is undefined, and deleting it says so', async () => {
      expect(await directory.agents.get('agent_x')).toBeUndefined();
      expect(await directory.agents.update('agent_x', (item) => item)).toBeUndefined();
      expect(await directory.agents.delete('agent_x')).toBe(false);
      expect(await directory.numbers.byE164('+12025550111' as E164)).toEqual([]);
      expect(await directory.keys.byTokenHash('00')).toBeUndefined();
    });

    test('empty means no workspace', async () => {
      expect(await directory.isEmpty()).toBe(false);
      const fresh = await open();
      expect(await fresh.isEmpty()).toBe(true);
      await fresh.close();
    });

    describe('isolation', () => {
      test('a record of another workspace is unknown, and so is one of the operator', async () => {
        await directory.trunks.put(trunk({ id: 'trunk_m', workspaceId: null }));
        await directory.numbers.put(number());
        await directory.calls.save(call());
        expect(await directory.agents.get('agent_a', 'ws_b')).toBeUndefined();
        expect(await directory.trunks.get('trunk_a', 'ws_b')).toBeUndefined();
        expect(await directory.trunks.get('trunk_m', 'ws_b')).toBeUndefined();
        expect(await directory.numbers.get('num_a', 'ws_b')).toBeUndefined();
        expect(await directory.calls.get('call_a', 'ws_b')).toBeUndefined();
        expect(await directory.workspaces.get('ws_a', 'ws_b')).toBeUndefined();
        expect(await directory.agents.get('agent_a', 'ws_a')).toEqual(agent());
      });

      test('another workspace can neither change nor delete it', async () => {
        expect(await directory.agents.update('agent_a', (item) => ({ ...item, name: 'x' }), 'ws_b')).toBeUndefined();
        expect(await directory.agents.delete('agent_a', 'ws_b')).toBe(false);
        expect(await directory.agents.get('agent_a')).toEqual(agent());
      });

      test('a put cannot move a record to another workspace', async () => {
        await expect(directory.agents.put(agent({ workspaceId: 'ws_b' }))).rejects.toMatchObject({
          code: 'record_moved',
        });
        expect(await directory.agents.get('agent_a')).toEqual(agent());
        await expect(directory.trunks.put(trunk({ workspaceId: null }))).rejects.toMatchObject({
          code: 'record_moved',
        });
      });

      test('lists hold the records of the workspace only', async () => {
        await directory.agents.put(agent({ id: 'agent_b', workspaceId: 'ws_b' }));
        await directory.numbers.put(number());
        const ids = async (workspaceId: string) =>
          (await directory.agents.list({ workspaceId, limit: 10 })).items.map((item) => item.id);
        expect(await ids('ws_a')).toEqual(['agent_a']);
        expect(await ids('ws_b')).toEqual(['agent_b']);
        expect((await directory.numbers.find({ workspaceId: 'ws_b', limit: 10 })).items).toEqual([]);
        expect((await directory.workspaces.list({ workspaceId: 'ws_b', limit: 10 })).items.map((w) => w.id)).toEqual([
          'ws_b',
        ]);
      });

      test('a call may find its workspace after it was first stored', async () => {
        await directory.calls.save(call({ workspaceId: null, state: 'ringing' }));
        await directory.calls.save(call());
        expect(await directory.calls.get('call_a', 'ws_a')).toEqual(call());
      });
    });

    describe('references', () => {
      test.each([
        ['a number at an unknown agent', (d: Directory) => d.numbers.put(number({ agentId: 'agent_x' }))],
        ['a number at an unknown trunk', (d: Directory) => d.numbers.put(number({ trunkId: 'trunk_x' }))],
        ['a number in an unknown workspace', (d: Directory) => d.numbers.put(number({ workspaceId: 'ws_x' }))],
        [
          "a number at another workspace's agent",
          (d: Directory) => d.numbers.put(number({ workspaceId: 'ws_b', trunkId: null })),
        ],
        [
          "a number at another workspace's trunk",
          (d: Directory) => d.numbers.put(number({ workspaceId: 'ws_b', agentId: null })),
        ],
        ['an agent with an unknown fallback', (d: Directory) => d.agents.put(agent({ fallbackAgentId: 'agent_x' }))],
        [
          "an agent with another workspace's fallback",
          (d: Directory) => d.agents.put(agent({ id: 'agent_b', workspaceId: 'ws_b', fallbackAgentId: 'agent_a' })),
        ],
        [
          'a trunk in an unknown workspace',
          (d: Directory) => d.trunks.put(trunk({ id: 'trunk_x', workspaceId: 'ws_x' })),
        ],
        ['a key in an unknown workspace', (d: Directory) => d.keys.put(apiKey({ workspaceId: 'ws_x' }))],
      ])('refuses %s', async (_what, act) => {
        await expect(act(directory)).rejects.toMatchObject({ code: 'unknown_reference' });
        expect((await directory.numbers.find({ limit: 10 })).items).toEqual([]);
      });

      test('a change that breaks a reference changes nothing', async () => {
        await directory.numbers.put(number());
        const change = directory.numbers.update('num_a', (item) => ({
          ...item,
          trunkId: 'trunk_x',
          status: 'pending',
        }));
        await expect(change).rejects.toMatchObject({ code: 'unknown_reference' });
        expect(await directory.numbers.get('num_a')).toEqual(number());
      });

      test("a number may use the operator's trunk", async () => {
        await directory.trunks.put(trunk({ id: 'trunk_m', workspaceId: null, kind: 'managed' }));
        await directory.numbers.put(number({ trunkId: 'trunk_m' }));
        expect(await directory.numbers.get('num_a')).toMatchObject({ trunkId: 'trunk_m' });
      });

      test('what is pointed at cannot be deleted until nothing points at it', async () => {
        await directory.numbers.put(number());
        for (const store of [directory.agents, directory.trunks, directory.workspaces]) {
          const id = store === directory.agents ? 'agent_a' : store === directory.trunks ? 'trunk_a' : 'ws_a';
          await expect(store.delete(id)).rejects.toMatchObject({ code: 'record_in_use' });
        }
        expect(await directory.numbers.delete('num_a')).toBe(true);
        expect(await directory.agents.delete('agent_a')).toBe(true);
        expect(await directory.trunks.delete('trunk_a')).toBe(true);
      });
    });

    describe('numbers', () => {
      const second = () => number({ id: 'num_b', createdAt: 2_000 });

      test('a number exists once per trunk', async () => {
        await directory.numbers.put(number());
        await expect(directory.numbers.put(second())).rejects.toMatchObject({ code: 'number_taken' });
        expect(await directory.numbers.get('num_b')).toBeUndefined();
      });

      test('a number without a trunk exists once', async () => {
        await directory.numbers.put(number({ trunkId: null }));
        const other = { ...second(), trunkId: null, workspaceId: 'ws_b', agentId: null };
        await expect(directory.numbers.put(other)).rejects.toMatchObject({ code: 'number_taken' });
      });

      test("another workspace's number cannot be taken, on whatever trunk, until it is released", async () => {
        await directory.trunks.put(trunk({ id: 'trunk_b', workspaceId: 'ws_b' }));
        await directory.numbers.put(number());
        const grab = number({ id: 'num_b', workspaceId: 'ws_b', trunkId: 'trunk_b', agentId: null });
        await expect(directory.numbers.put(grab)).rejects.toMatchObject({ code: 'number_taken' });
        await directory.numbers.put({ ...grab, status: 'released' });
        const revive = directory.numbers.update('num_b', (item) => ({ ...item, status: 'active' }));
        await expect(revive).rejects.toMatchObject({ code: 'number_taken' });
        await directory.numbers.update('num_a', (item) => ({ ...item, status: 'released' }));
        await directory.numbers.put(grab);
        expect((await directory.numbers.byE164(number().e164)).map((each) => each.id)).toEqual(['num_b']);
      });

      test('on another trunk it may exist again, and both are found by what was dialled', async () => {
        await directory.trunks.put(trunk({ id: 'trunk_b' }));
        await directory.numbers.put(number());
        await directory.numbers.put({ ...second(), trunkId: 'trunk_b' });
        const found = await directory.numbers.byE164('+12025550100' as E164);
        expect(found.map((each) => each.trunkId).sort()).toEqual(['trunk_a', 'trunk_b']);
      });

      test('a change cannot make it ambiguous', async () => {
        await directory.trunks.put(trunk({ id: 'trunk_b' }));
        await directory.numbers.put(number());
        await directory.numbers.put({ ...second(), trunkId: 'trunk_b' });
        const change = directory.numbers.update('num_b', (item) => ({ ...item, trunkId: 'trunk_a' }));
        await expect(change).rejects.toMatchObject({ code: 'number_taken' });
        expect(await directory.numbers.get('num_b')).toMatchObject({ trunkId: 'trunk_b' });
      });

      test('a released number is not found by what was dialled and frees its place', async () => {
        await directory.numbers.put(number({ status: 'released' }));
        expect(await directory.numbers.byE164('+12025550100' as E164)).toEqual([]);
        await directory.numbers.put(second());
        expect((await directory.numbers.byE164('+12025550100' as E164)).map((each) => each.id)).toEqual(['num_b']);
      });

      test('filters hold together', async () => {
        const e164 = (tail: string) => `+1202555${tail}` as E164;
        await directory.numbers.put(number({ id: 'n1', createdAt: 1, e164: e164('0101') }));
        await directory.numbers.put(number({ id: 'n2', createdAt: 2, e164: e164('0102'), agentId: null }));
        await directory.numbers.put(
          number({ id: 'n3', createdAt: 3, e164: e164('0203'), provider: 'telnyx', status: 'pending' }),
        );
        const ids = async (filter: Parameters<Directory['numbers']['find']>[0]) =>
          (await directory.numbers.find(filter)).items.map((item) => item.id);
        expect(await ids({ limit: 10 })).toEqual(['n3', 'n2', 'n1']);
        expect(await ids({ limit: 10, assigned: false })).toEqual(['n2']);
        expect(await ids({ limit: 10, assigned: true })).toEqual(['n3', 'n1']);
        expect(await ids({ limit: 10, provider: 'telnyx' })).toEqual(['n3']);
        expect(await ids({ limit: 10, status: 'active' })).toEqual(['n2', 'n1']);
        expect(await ids({ limit: 10, q: '5550' })).toEqual(['n3', 'n2', 'n1']);
        expect(await ids({ limit: 10, q: '501', assigned: true })).toEqual(['n1']);
        expect(await ids({ limit: 10, agentId: 'agent_a', status: 'pending' })).toEqual(['n3']);
        expect(await ids({ limit: 10, trunkId: 'trunk_x' })).toEqual([]);
        expect(await ids({ limit: 10, q: '%' })).toEqual([]);
        await directory.numbers.put(number({ id: 'n4', createdAt: 4, e164: '+14165550101' as E164 }));
        expect(await ids({ limit: 10, country: 'CA' })).toEqual(['n4']);
        expect(await ids({ limit: 10, country: 'US', assigned: false })).toEqual(['n2']);
      });
    });

    describe('what is counted of calls', () => {
      const DAY = 86_400_000;
      const save = (...records: CallRecord[]) => Promise.all(records.map((record) => directory.calls.save(record)));
      const count = async (by: CallGrouping, over: Partial<EndedQuery> = {}) => {
        const counts = await directory.calls.countEnded({
          workspaceId: 'ws_a',
          fromMs: 0,
          toMs: 10 * DAY,
          by,
          ...over,
        });
        return counts.toSorted((a, b) => String(a.key).localeCompare(String(b.key)));
      };

      beforeEach(() =>
        save(
          call({ id: 'c1', endedAt: 1_000 }),
          call({ id: 'c2', endedAt: DAY - 1, answeredAt: null, agentId: null }),
          call({ id: 'c3', endedAt: DAY, direction: 'outbound', from: '+12025550177', class: 'managed' }),
          call({ id: 'c4', endedAt: 3 * DAY + 0.5 }),
          call({ id: 'live', endedAt: null, state: 'answered' }),
          call({ id: 'other', endedAt: 1_000, workspaceId: 'ws_b' }),
        ),
      );

      test('on the day on which its bill ends, however much later that was found out', async () => {
        const bill = call().bill as NonNullable<CallRecord['bill']>;
        const evidence = { start: 1_000, end: 5 * DAY - 1, endedBy: 'media' } as const;
        await save(call({ id: 'silent', endedAt: 5 * DAY + 29_000, bill: { ...bill, evidence } }));
        const found = { calls: 1, answered: 1 };
        expect(await count('day', { fromMs: 4 * DAY })).toEqual([{ key: '1970-01-05', ...found }]);
      });

      test('by number: inbound the one that was dialled, outbound the caller id', async () => {
        expect(await count('number')).toEqual([
          { key: '+12025550100', calls: 3, answered: 2 },
          { key: '+12025550177', calls: 1, answered: 1 },
        ]);
      });

      test('by agent, calls without one too', async () => {
        expect(await count('agent')).toEqual([
          { key: 'agent_a', calls: 3, answered: 3 },
          { key: null, calls: 1, answered: 0 },
        ]);
      });

      test('by the day of UTC in which they ended', async () => {
        expect(await count('day')).toEqual([
          { key: '1970-01-01', calls: 2, answered: 1 },
          { key: '1970-01-02', calls: 1, answered: 1 },
          { key: '1970-01-04', calls: 1, answered: 1 },
        ]);
      });

      test('from is inclusive, to is exclusive; an empty range and another workspace have none', async () => {
        expect(await count('day', { fromMs: DAY - 1, toMs: DAY })).toEqual([
          { key: '1970-01-01', calls: 1, answered: 0 },
        ]);
        expect(await count('day', { fromMs: DAY, toMs: DAY })).toEqual([]);
        expect(await count('day', { workspaceId: 'ws_none' })).toEqual([]);
      });

      test('a call is counted once, as it was saved last', async () => {
        await save(call({ id: 'live', endedAt: 2 * DAY, agentId: 'agent_b' }));
        expect(await count('agent', { fromMs: 2 * DAY, toMs: 3 * DAY })).toEqual([
          { key: 'agent_b', calls: 1, answered: 1 },
        ]);
      });

      test('facts by id, of the workspace’s own calls', async () => {
        const facts = await directory.calls.factsOf(['c2', 'c3', 'other', 'none', ''], 'ws_a');
        expect([...facts].toSorted()).toEqual([
          ['c2', { class: 'byoc', number: '+12025550100', agentId: null }],
          ['c3', { class: 'managed', number: '+12025550177', agentId: 'agent_a' }],
        ]);
        expect(await directory.calls.factsOf([], 'ws_a')).toEqual(new Map());
      });
    });

    describe('pages', () => {
      const fill = async (count: number) => {
        // Two per millisecond: the id decides between them.
        for (let i = 0; i < count; i += 1) {
          await directory.calls.save(
            call({ id: `call_${String(i).padStart(3, '0')}`, createdAt: 1_000 + Math.floor(i / 2) }),
          );
        }
      };
      const walk = async (limit: number, between: () => Promise<void> = async () => undefined) => {
        const ids: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await directory.calls.list({ workspaceId: 'ws_a', limit, ...(cursor ? { cursor } : {}) });
          ids.push(...page.items.map((item) => item.id));
          cursor = page.nextCursor ?? undefined;
          await between();
        } while (cursor !== undefined);
        return ids;
      };

      test('walk through everything once, newest first', async () => {
        await fill(25);
        const expected = Array.from({ length: 25 }, (_, i) => `call_${String(24 - i).padStart(3, '0')}`);
        expect(await walk(7)).toEqual(expected);
        expect(await walk(25)).toEqual(expected);
      });

      test('hold a call once that was saved again with another time', async () => {
        await directory.calls.save(call({ createdAt: 5_000, endedAt: 6_000 }));
        await directory.calls.save(call({ createdAt: 4_999, endedAt: 6_001 }));
        await directory.calls.save(call({ id: 'call_b', createdAt: 5_001 }));
        for (const workspaceId of ['ws_a', undefined]) {
          const page = await directory.calls.list({ limit: 10, ...(workspaceId && { workspaceId }) });
          expect(page.items.map(({ id }) => id)).toEqual(['call_b', 'call_a']);
        }
        const ended = { workspaceId: 'ws_a', fromMs: 6_000, toMs: 7_000, by: 'number' } as const;
        expect(await directory.calls.countEnded(ended)).toEqual([{ key: '+12025550100', calls: 1, answered: 1 }]);
      });

      test('neither repeat nor skip when records arrive meanwhile', async () => {
        await fill(12);
        let added = 0;
        const ids = await walk(5, async () => {
          added += 1;
          await directory.calls.save(call({ id: `call_new_${added}`, createdAt: 9_000 + added }));
        });
        expect(ids).toHaveLength(12);
        expect(new Set(ids).size).toBe(12);
      });

      test('an exactly full last page has no next cursor', async () => {
        await fill(4);
        expect((await directory.calls.list({ limit: 4 })).nextCursor).toBeNull();
      });

      test('filters by state and direction', async () => {
        await fill(3);
        await directory.calls.save(
          call({ id: 'call_live', createdAt: 5_000, state: 'answered', direction: 'outbound' }),
        );
        const ids = async (filter: { state?: string; direction?: string }) =>
          (await directory.calls.list({ limit: 10, ...filter })).items.map((item) => item.id);
        expect(await ids({ state: 'answered' })).toEqual(['call_live']);
        expect(await ids({ direction: 'inbound' })).toHaveLength(3);
        expect(await ids({ state: 'answered', direction: 'inbound' })).toEqual([]);
      });

      test.each(['', 'x', '!!!', 'bnVsbA', 'WzEsMl0', 'WyJhIiwiYiJd', 'a'.repeat(5000)])(
        'cursor %j is refused',
        async (cursor) => {
          await expect(directory.calls.list({ limit: 5, cursor })).rejects.toMatchObject({ code: 'invalid_cursor' });
        },
      );

      test.each([0, -1, 1.5, 1001, Number.NaN])('limit %d is refused', async (limit) => {
        await expect(directory.calls.list({ limit })).rejects.toThrow(RangeError);
      });
    });

    describe('keys', () => {
      test('are found by the hash of their token until they are deleted', async () => {
        await directory.keys.put(apiKey());
        expect(await directory.keys.byTokenHash('ab'.repeat(32))).toEqual(apiKey());
        await directory.keys.delete('key_a', 'ws_a');
        expect(await directory.keys.byTokenHash('ab'.repeat(32))).toBeUndefined();
      });

      test('two keys never share a token', async () => {
        await directory.keys.put(apiKey());
        await expect(directory.keys.put(apiKey({ id: 'key_b' }))).rejects.toMatchObject({ code: 'key_taken' });
      });
    });

    describe('idempotency', () => {
      test('the first claim wins and every repeat gets its value', async () => {
        expect(await directory.idempotency.claim('s', 'k', 'one')).toEqual({ first: true, value: 'one' });
        expect(await directory.idempotency.claim('s', 'k', 'two')).toEqual({ first: false, value: 'one' });
        expect(await directory.idempotency.claim('t', 'k', 'three')).toEqual({ first: true, value: 'three' });
      });

      test('of many claims at once exactly one is first', async () => {
        const claims = await Promise.all(
          Array.from({ length: 20 }, (_, i) => directory.idempotency.claim('s', 'k', `v${i}`)),
        );
        expect(claims.filter((claim) => claim.first)).toHaveLength(1);
        expect(new Set(claims.map((claim) => claim.value)).size).toBe(1);
      });
    });

    test('two edits at once both count', async () => {
      await Promise.all([
        directory.agents.update('agent_a', (item) => ({ ...item, name: 'New' })),
        directory.agents.update('agent_a', (item) => ({ ...item, readyTimeoutMs: 9 })),
      ]);
      expect(await directory.agents.get('agent_a')).toEqual(agent({ name: 'New', readyTimeoutMs: 9 }));
    });

    test('all trunks are seen at once after each write', async () => {
      expect((await directory.allTrunks()).map((each) => each.id)).toEqual(['trunk_a']);
      await directory.trunks.put(trunk({ id: 'trunk_m', workspaceId: null }));
      expect(await directory.allTrunks()).toHaveLength(2);
      await directory.trunks.update('trunk_a', (item) => ({ ...item, label: 'Renamed' }));
      expect((await directory.allTrunks()).find((each) => each.id === 'trunk_a')?.label).toBe('Renamed');
      await directory.trunks.delete('trunk_m');
      expect((await directory.allTrunks()).map((each) => each.id)).toEqual(['trunk_a']);
    });

    test('texts with quotes, nulls and other scripts are only texts', async () => {
      const name = `'; DROP TABLE agents; -- \u0000 "日本" \u{1f4de}`;
      await directory.agents.put(agent({ name }));
      expect((await directory.agents.get('agent_a'))?.name).toBe(name);
      expect(await directory.agents.get("' OR 1=1 --")).toBeUndefined();
    });

    test('closing twice is harmless', async () => {
      const other = await open();
      await other.close();
      await expect(other.close()).resolves.toBeUndefined();
    });
  });
}
