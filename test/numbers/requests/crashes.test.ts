import { describe, expect, test } from 'vitest';
import { chunksOf } from '../../../src/numbers/requests/document-store.ts';
import type { NumberRequests } from '../../../src/numbers/requests/number-requests.ts';
import { agent } from '../../directory/records.ts';
import { Crash } from './crashes.ts';
import { openTestRequests, pdf } from './stage.ts';
import { asked, FEE, MADRID, OPERATOR, openWorld, OWNER, type RequestsWorld } from './world.ts';

// Each act is broken off at every one of its steps towards a store, before and after the step took effect; another process comes, and whoever asked
// asks again. What stands then is what would stand without the crash.

interface Scene {
  readonly from: 'filled' | 'awaiting_payment' | 'in_review';
  readonly quantity?: number;
  readonly act: (service: NumberRequests, id: string, world: RequestsWorld) => Promise<unknown>;
  readonly status: string;
  /** Charged in all. */
  readonly fees: readonly bigint[];
  readonly numbers: number;
  /** Stored documents; undefined: as before. */
  readonly documents?: number;
}

const BIG = pdf('a scan', 300_000);
const SCENES: Readonly<Record<string, Scene>> = {
  'saving a field': {
    from: 'filled',
    act: (service, id) => service.saveField(id, 'city', 'Getafe', OWNER),
    status: 'draft',
    fees: [],
    numbers: 0,
  },
  submitting: {
    from: 'filled',
    act: (service, id) => service.submit(id, OWNER),
    status: 'awaiting_payment',
    fees: [],
    numbers: 0,
  },
  paying: {
    from: 'awaiting_payment',
    quantity: 3,
    act: (service, id) => service.pay(id, OWNER),
    status: 'in_review',
    fees: [-FEE * 3n],
    numbers: 0,
  },
  approving: {
    from: 'in_review',
    quantity: 3,
    act: (service, id) => service.approve(id, { numbers: MADRID, trunkId: null }, OPERATOR),
    status: 'approved',
    fees: [-FEE * 3n],
    numbers: 3,
  },
  rejecting: {
    from: 'in_review',
    act: (service, id) => service.reject(id, 'Please look again', OPERATOR),
    status: 'rejected',
    fees: [-FEE],
    numbers: 0,
  },
  'cancelling what was paid': {
    from: 'in_review',
    act: (service, id) => service.cancel(id, OWNER),
    status: 'cancelled',
    fees: [FEE, -FEE],
    numbers: 0,
    documents: 0,
  },
};

async function prepare({ from, quantity = 1 }: Scene): Promise<{ world: RequestsWorld; id: string }> {
  const world = await openWorld();
  const id = await asked(world, from, quantity);
  await world.topUp(FEE * 10n, 'topup:more');
  return { world, id };
}

async function check(scene: Scene, world: RequestsWorld, id: string): Promise<void> {
  const stored = await world.stored(id);
  expect(stored.status).toBe(scene.status);
  expect(['none', 'paid', 'refunded']).toContain(stored.payment.state);
  expect((await world.fees()).map((fee) => fee.amount)).toEqual(scene.fees);
  expect(await world.numbers()).toEqual(MADRID.slice(0, scene.numbers));
  // Told again or not, each number is told with the same id and the same first day.
  const told = new Set(world.granted.map((number) => JSON.stringify({ ...number, activation: null, monthly: null })));
  expect(told.size).toBe(scene.numbers);
  expect(stored.documents.every((document) => document.state === 'stored')).toBe(true);
  if (scene.documents !== undefined) expect(stored.documents).toHaveLength(scene.documents);
  expect(await world.chunks()).toHaveLength(stored.documents.reduce((sum, document) => sum + document.chunks, 0));
}

async function stepsOf(scene: Scene): Promise<readonly string[]> {
  const { world, id } = await prepare(scene);
  const { service, process } = world.start();
  await scene.act(service, id, world);
  await check(scene, world, id);
  await world.close();
  return process.steps;
}

describe.each(Object.entries(SCENES))('%s', (_name, scene) => {
  test.each(['before', 'after'] as const)('a process that ends just %s any of its steps', async (when) => {
    const steps = await stepsOf(scene);
    expect(steps.length).toBeGreaterThan(2);
    for (const [index, step] of steps.entries()) {
      const { world, id } = await prepare(scene);
      const first = world.start({ atStep: index + 1, when });
      const outcome = await scene.act(first.service, id, world).catch((error: unknown) => error);
      expect(first.process.isDead, step).toBe(true);
      if (index + 1 < steps.length || when === 'before') expect(outcome, `${when} ${step}`).toBeInstanceOf(Crash);

      // By itself, when the node starts again: nothing is left half done.
      const next = world.start();
      await next.sweep();
      const swept = await world.stored(id);
      expect(['none', 'paid', 'refunded'], `${when} ${step}`).toContain(swept.payment.state);
      expect(swept.approval !== null && swept.status === 'in_review', `${when} ${step}`).toBe(false);
      // And where somebody asks again.
      await scene.act(next.service, id, world);
      await check(scene, world, id);
      expect(next.errors).toEqual([]);
      await world.close();
    }
  });
});

describe('uploading', () => {
  const upload = (service: NumberRequests, id: string) =>
    service.attach(id, { kind: 'proof_of_address', content: BIG }, OWNER);

  test.each(['before', 'after'] as const)(
    'a process that ends just %s any step leaves a whole document or none',
    async (when) => {
      const clean = await prepare({ ...(SCENES['saving a field'] as Scene) });
      const { service, process } = clean.world.start();
      await upload(service, clean.id);
      await clean.world.close();
      expect(process.steps.filter((step) => step === 'number_request_chunks.put')).toHaveLength(chunksOf(BIG.length));

      for (const [index, step] of process.steps.entries()) {
        const { world, id } = await prepare({ ...(SCENES['saving a field'] as Scene) });
        const before = (await world.stored(id)).documents.length;
        await upload(world.start({ atStep: index + 1, when }).service, id).catch((error: unknown) => error);
        const next = world.start();
        await next.sweep();
        // One that may still be on its way is left alone for a while, and counts.
        world.clock.stepWall(11 * 60_000);
        await next.sweep();
        const { documents } = await world.stored(id);
        expect(
          documents.every((document) => document.state === 'stored'),
          step,
        ).toBe(true);
        expect(documents.length - before, step).toBeLessThanOrEqual(1);
        expect(await world.chunks(), step).toHaveLength(documents.reduce((sum, document) => sum + document.chunks, 0));
        for (const document of documents) await next.service.document(id, document.id, OWNER);
        await world.close();
      }
    },
  );

  test('a process that ends while it removes a document leaves no bytes of it', async () => {
    for (let step = 1; step <= 6; step += 1) {
      const { world, id } = await prepare({ ...(SCENES['saving a field'] as Scene) });
      const [first] = (await world.stored(id)).documents;
      const { service } = world.start({ atStep: step, when: 'after' });
      await service.detach(id, first?.id ?? '', OWNER).catch((error: unknown) => error);
      const next = world.start();
      await next.sweep();
      const { documents } = await world.stored(id);
      expect(documents.every((document) => document.state === 'stored')).toBe(true);
      expect(await world.chunks()).toHaveLength(documents.reduce((sum, document) => sum + document.chunks, 0));
      await world.close();
    }
  });
});

test('two processes at once, one of which ends anywhere while it approves: each number once', async () => {
  for (let step = 1; step <= 14; step += 1) {
    const { world, id } = await prepare(SCENES['approving'] as Scene);
    const dying = world.start({ atStep: step, when: 'after' });
    const living = world.start();
    const approve = ({ service }: { service: NumberRequests }) =>
      service.approve(id, { numbers: MADRID, trunkId: null }, OPERATOR);
    await Promise.allSettled([approve(dying), approve(living)]);
    await living.sweep();
    await approve(living);
    await check(SCENES['approving'] as Scene, world, id);
    await world.close();
  }
});

test.each([
  ['goes on as paid', false, 'in_review', [-FEE]],
  ['cancelled meanwhile, gets it back', true, 'cancelled', [-FEE, FEE]],
])(
  'of two processes one sees no money and writes that down after the other has charged: the request %s',
  async (_what, cancelled, status, sums) => {
    const world = await openWorld();
    const id = await asked(world, 'awaiting_payment');
    const [charged, looked, written] = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ];
    const nodeWith = (postFee: typeof world.books.postFee) =>
      openTestRequests({
        directory: world.directory,
        clock: world.clock,
        books: { ...world.books, settle: world.books.settle.bind(world.books), postFee },
      });
    const early = nodeWith(async (fee) => {
      const outcome = await world.books.postFee(fee);
      looked.resolve();
      await charged.promise;
      return outcome;
    });
    const late = nodeWith(async (fee) => {
      const outcome = await world.books.postFee(fee);
      charged.resolve();
      await written.promise;
      return outcome;
    });
    const refused = early.service.pay(id, OWNER).catch((error: { code?: string }) => error.code);
    await looked.promise;
    await world.topUp(FEE);
    const paid = late.service.pay(id, OWNER).catch((error: { code?: string }) => error.code);
    expect(await refused).toBe('fees_not_covered');
    if (cancelled) await early.service.cancel(id, OWNER);
    written.resolve();
    await paid;
    expect((await world.stored(id)).status).toBe(status);
    expect((await world.fees()).map(({ amount }) => amount).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(sums);
    await world.close();
  },
);

test('a number that its customer has assigned before the approval was brought to its end stays assigned', async () => {
  const { world, id } = await prepare(SCENES['approving'] as Scene);
  const dying = world.start({
    atStep: (await stepsOf(SCENES['approving'] as Scene)).indexOf('numbers.put') + 1,
    when: 'after',
  });
  const approve = dying.service.approve(id, { numbers: MADRID, trunkId: null }, OPERATOR);
  await expect(approve).rejects.toBeInstanceOf(Crash);
  await world.directory.agents.put(agent());
  const [made] = (await world.directory.numbers.list({ limit: 1 })).items;
  await world.directory.numbers.update(made?.id ?? '', (item) => ({ ...item, agentId: 'agent_a' }));
  expect(await world.start().sweep()).toMatchObject({ settled: 1 });
  await check(SCENES['approving'] as Scene, world, id);
  expect((await world.directory.numbers.get(made?.id ?? ''))?.agentId).toBe('agent_a');
  await world.close();
});
