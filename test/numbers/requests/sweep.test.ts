import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS, pdf } from './stage.ts';
import { asked, FEE, MADRID, OPERATOR, openWorld, OWNER, type RequestsWorld } from './world.ts';

let world: RequestsWorld;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

const nothing = { settled: 0, expired: 0, erased: 0, failed: 0 };
const pass = async (days: number) => {
  world.clock.stepWall(days * DAY_MS);
  return world.sweep();
};

describe('personal data', () => {
  test('of an approved request is erased so many days after the decision; what was asked, paid and given stays', async () => {
    const id = await asked(world, 'in_review');
    await world.service.approve(id, { numbers: MADRID.slice(0, 1), trunkId: null }, OPERATOR);
    expect(await pass(89)).toEqual(nothing);
    expect(await world.chunks()).toHaveLength(3);
    expect(await pass(1)).toEqual({ ...nothing, erased: 1 });
    expect(await world.chunks()).toEqual([]);
    const stored = await world.stored(id);
    expect(stored).toMatchObject({ status: 'approved', fields: {}, documents: [], payment: { state: 'paid' } });
    expect(stored.erasedAt).toBe(world.clock.wallMs());
    expect(await world.numbers()).toEqual(['+34910000001']);
    expect(await pass(400)).toEqual(nothing);
  });

  test('of a request in review is never erased: it waits for the operator', async () => {
    const id = await asked(world, 'in_review');
    expect(await pass(1_000)).toEqual(nothing);
    expect((await world.stored(id)).status).toBe('in_review');
    expect(await world.chunks()).toHaveLength(3);
  });
});

describe('requests that nobody goes on with', () => {
  test.each(['draft', 'filled', 'awaiting_payment'] as const)(
    'a %s is cancelled after so many days, and erased',
    async (upTo) => {
      const id = await asked(world, upTo);
      expect(await pass(59)).toEqual(nothing);
      expect(await pass(1)).toEqual({ ...nothing, expired: 1 });
      expect(await world.stored(id)).toMatchObject({
        status: 'cancelled',
        fields: {},
        documents: [],
        payment: { state: 'none' },
      });
      expect((await world.stored(id)).history.at(-1)).toMatchObject({ status: 'cancelled', by: 'system' });
      expect([await world.chunks(), await world.fees()]).toEqual([[], []]);
    },
  );

  test('an act of the customer begins the time anew, a look does not', async () => {
    const id = await asked(world, 'draft');
    await pass(59);
    await world.service.saveField(id, 'city', 'Madrid', OWNER);
    expect(await pass(59)).toEqual(nothing);
    await world.service.get(id, OWNER);
    expect(await pass(1)).toEqual({ ...nothing, expired: 1 });
  });

  test('a rejected one that was paid gets its money back when its time is over', async () => {
    const id = await asked(world, 'in_review');
    await world.service.reject(id, 'Please look again', OPERATOR);
    expect(await pass(89)).toEqual(nothing);
    expect(await world.balance()).toBe(0n);
    expect(await pass(1)).toEqual({ ...nothing, expired: 1 });
    expect([await world.balance(), (await world.stored(id)).payment.state]).toEqual([FEE, 'refunded']);
  });

  test('more of them than a page holds are all seen', async () => {
    const { service } = world;
    const base = {
      by: 'customer',
      country: 'ES',
      type: 'local',
      requestType: 'new',
      quantity: 1,
      numbers: [],
    } as const;
    for (let index = 0; index < 120; index += 1)
      await service
        .create({ ...base, workspaceId: index < 49 ? 'ws_a' : index < 98 ? 'ws_b' : 'ws_c' })
        .catch(async (error) => {
          if ((error as { code: string }).code !== 'unknown_reference') throw error;
        });
    const open = (await service.find({ limit: 200 })).items.length;
    expect(open).toBe(98);
    expect(await pass(60)).toEqual({ ...nothing, expired: open });
  });
});

test('one that cannot be brought on is told and tried again; the others are not held up', async () => {
  const id = await asked(world, 'in_review');
  const other = await asked(world, 'draft');
  world.directory.numbers.put = () => Promise.reject(new Error('the disk is full'));
  const approve = world.service.approve(id, { numbers: MADRID.slice(0, 1), trunkId: null }, OPERATOR);
  await expect(approve).rejects.toThrow('the disk is full');
  expect(await pass(60)).toEqual({ ...nothing, expired: 1, failed: 1 });
  expect((await world.stored(other)).status).toBe('cancelled');
  expect(world.errors.splice(0)).toMatchObject([{ requestId: id }]);
});

describe('at rest', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'requests-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('nothing that was typed or uploaded can be read in the files, plain or in base64', async () => {
    const filed = await openWorld(join(folder, 'directory.db'));
    const id = await asked(filed, 'draft');
    const secretText = 'RECIBO-DE-LA-LUZ-4711';
    const content = pdf(secretText, 200_000);
    await filed.service.saveField(id, 'holder', 'person', OWNER);
    await filed.service.saveField(id, 'nationalId', '12345678Z', OWNER);
    await filed.service.saveField(id, 'street', 'Calle del Secreto 12', OWNER);
    await filed.service.attach(id, { kind: 'proof_of_address', content }, OWNER);
    const documentId = (await filed.stored(id)).documents[0]?.id ?? '';
    expect((await filed.service.document(id, documentId, OWNER)).content.equals(content)).toBe(true);

    const bytes = (): string =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'latin1'))
        .join('\n');
    const planted = [
      secretText,
      '12345678Z',
      'Calle del Secreto',
      '%PDF-1.4',
      content.toString('base64', 0, 60),
      'startxref',
    ];
    // All alignments of the text in base64.
    for (let shift = 0; shift < 3; shift += 1)
      planted.push(
        Buffer.from('x'.repeat(shift) + secretText)
          .toString('base64')
          .slice(4, -4),
      );
    // They are found where they are: the search itself works.
    expect(bytes()).toContain(id);
    for (const text of planted) expect(bytes().includes(text), text).toBe(false);
    await filed.close();
    for (const text of planted) expect(bytes().includes(text), text).toBe(false);
  });
});
