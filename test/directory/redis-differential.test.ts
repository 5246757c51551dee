import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Directory } from '../../src/directory/directory.ts';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import type { PhoneNumber } from '../../src/domain/directory.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { SeededRandom } from '../metering/support/random.ts';
import { HAS_REDIS, type RedisServer, startRedis } from '../support/redis.ts';
import { agent, apiKey, number, trunk, workspace } from './records.ts';
import { KEY, openRedis } from './redis.ts';

// The rules of SQLite's keys, indexes and triggers are written a second time for Redis. The same random steps in both must end the same, and
// where several rules refuse a step, by the same one.

const STEPS = 1_500;
const WORKSPACES = ['ws_a', 'ws_b', 'ws_c'];
const AGENTS = ['agent_a', 'agent_b', 'agent_c', 'agent_d'];
const TRUNKS = ['trunk_a', 'trunk_b', 'trunk_m'];
const NUMBERS = ['num_a', 'num_b', 'num_c', 'num_d', 'num_e', 'num_f'];
const E164S = ['+12025550100', '+12025550101', '+4930123456'] as E164[];
const STATUSES = ['active', 'pending', 'released'] as const;

type Step = (directory: Directory) => Promise<unknown>;

class Steps {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  next(): Step {
    const makers = [
      () => this.#put(),
      () => this.#putNumber(),
      () => this.#putNumber(),
      () => this.#updateNumber(),
      () => this.#addTrunk(),
      () => this.#delete(),
      () => this.#find(),
      () => this.#read(),
    ];
    return this.#random.pick(makers)();
  }

  #number(id = this.#random.pick(NUMBERS)): PhoneNumber {
    return number({
      id,
      createdAt: 1_000 + NUMBERS.indexOf(id),
      workspaceId: this.#random.pick(WORKSPACES),
      e164: this.#random.pick(E164S),
      trunkId: this.#random.pick([...TRUNKS, null]),
      agentId: this.#random.pick([...AGENTS, null]),
      status: this.#random.pick(STATUSES),
      provider: this.#random.pick(['byoc', 'managed'] as const),
    });
  }

  #put(): Step {
    const workspaceId = this.#random.pick(WORKSPACES);
    const index = this.#random.below(4);
    const made = workspace({ id: workspaceId });
    const own = agent({
      id: AGENTS[index] ?? '',
      createdAt: index,
      workspaceId,
      fallbackAgentId: this.#random.pick([...AGENTS, null, null]),
    });
    const line = trunk({ id: this.#random.pick(TRUNKS), workspaceId: this.#random.pick([...WORKSPACES, null]) });
    const key = apiKey({ id: `key_${index}`, workspaceId, tokenHash: this.#random.pick(['aa', 'bb']) });
    return this.#random.pick<Step>([
      (d) => d.workspaces.put(made),
      (d) => d.agents.put(own),
      (d) => d.agents.put(own),
      (d) => d.trunks.put(line),
      (d) => d.keys.put(key),
    ]);
  }

  #putNumber(): Step {
    const made = this.#number();
    return (d) => d.numbers.put(made);
  }

  #updateNumber(): Step {
    const { id, createdAt: _createdAt, workspaceId, ...other } = this.#number();
    const scope = this.#random.pick([undefined, undefined, workspaceId]);
    const change = this.#random.pick([
      { status: other.status },
      { trunkId: other.trunkId },
      { agentId: other.agentId },
      other,
    ]);
    return (d) => d.numbers.update(id, (item) => ({ ...item, ...change }), scope);
  }

  #addTrunk(): Step {
    const id = this.#random.pick(TRUNKS);
    const workspaceId = this.#random.pick(WORKSPACES);
    const numbers = [this.#number('num_e'), this.#number('num_f')].map((each) => ({
      ...each,
      trunkId: this.#random.pick([id, each.trunkId]),
      workspaceId: this.#random.pick([workspaceId, workspaceId, each.workspaceId]),
      agentId: this.#random.pick([each.agentId, null, null]),
    }));
    return (d) => d.addTrunk(trunk({ id, workspaceId }), numbers);
  }

  #delete(): Step {
    const scope = this.#random.pick([undefined, ...WORKSPACES]);
    const ids = { workspaces: WORKSPACES, agents: AGENTS, trunks: TRUNKS, numbers: NUMBERS };
    const kind = this.#random.pick(['workspaces', 'agents', 'trunks', 'numbers', 'numbers'] as const);
    const id = this.#random.pick(ids[kind]);
    return (d) => d[kind].delete(id, scope);
  }

  #find(): Step {
    const maybe = <T>(value: T): T | undefined => (this.#random.below(3) === 0 ? value : undefined);
    const all = {
      workspaceId: maybe(this.#random.pick(WORKSPACES)),
      provider: maybe('byoc'),
      status: maybe(this.#random.pick(STATUSES)),
      country: maybe(this.#random.pick(['US', 'DE'])),
      assigned: maybe(this.#random.below(2) === 0),
      agentId: maybe(this.#random.pick(AGENTS)),
      trunkId: maybe(this.#random.pick(TRUNKS)),
      q: maybe(this.#random.pick(['0100', '55501', '+49', '%', ''])),
    };
    const filter = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const limit = 1 + this.#random.below(4);
    return async (d) => {
      const first = await d.numbers.find({ ...filter, limit });
      return first.nextCursor === null
        ? first
        : [first, await d.numbers.find({ ...filter, limit, cursor: first.nextCursor })];
    };
  }

  #read(): Step {
    const e164 = this.#random.pick(E164S);
    const workspaceId = this.#random.pick([undefined, ...WORKSPACES]);
    return async (d) => [
      (await d.numbers.byE164(e164)).toSorted((a, b) => a.id.localeCompare(b.id)),
      (await d.allTrunks()).toSorted((a, b) => a.id.localeCompare(b.id)),
      await d.agents.list({ limit: 3, ...(workspaceId && { workspaceId }) }),
      await d.keys.byTokenHash('aa'),
      await d.isEmpty(),
    ];
  }
}

async function outcomeOf(step: Step, directory: Directory): Promise<unknown> {
  try {
    return (await step(directory)) ?? 'nothing';
  } catch (error) {
    return (error as { readonly code?: string }).code ?? error;
  }
}

describe.skipIf(!HAS_REDIS)('Redis and SQLite refuse and answer alike (needs redis-server)', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  test.each([1, 2, 3, 4])(`in ${STEPS} random steps (seed %d)`, async (seed) => {
    await server.admin.flushall();
    const redis = await openRedis(server.url);
    const sqlite = openDirectory(':memory:', { sealingKey: KEY });
    const steps = new Steps(seed);
    const seen = new Map<string, number>();
    try {
      for (let index = 0; index < STEPS; index += 1) {
        const step = steps.next();
        const [own, other] = [await outcomeOf(step, redis), await outcomeOf(step, sqlite)];
        expect(own, `step ${index}`).toEqual(other);
        if (typeof own === 'string') seen.set(own, (seen.get(own) ?? 0) + 1);
      }
      // Each refusal was met: the steps are not idle.
      expect([...seen.keys()].toSorted()).toEqual(
        ['key_taken', 'nothing', 'number_taken', 'record_in_use', 'record_moved', 'unknown_reference'].toSorted(),
      );
    } finally {
      await redis.close();
      await sqlite.close();
    }
  });
});
