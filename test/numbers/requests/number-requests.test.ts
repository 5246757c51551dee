import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NumberTaken } from '../../../src/directory/errors.ts';
import type { E164 } from '../../../src/domain/e164.ts';
import { ACTS, type Act, type RequestStatus, STATUSES, TRANSITIONS } from '../../../src/numbers/requests/machine.ts';
import { LIMITS } from '../../../src/numbers/requests/limits.ts';
import { number } from '../../directory/records.ts';
import { jpeg, pdf, png } from './stage.ts';
import { asked, FEE, fill, MADRID, OPERATOR, openWorld, OWNER, type RequestsWorld, STRANGER } from './world.ts';

let world: RequestsWorld;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

const code = (wanted: string) => expect.objectContaining({ code: wanted });
const statusOf = async (id: string): Promise<string> => (await world.service.get(id, OWNER)).request.status;
const create = (over: object = {}) =>
  world.service.create({
    workspaceId: 'ws_a',
    by: 'customer',
    country: 'ES',
    type: 'local',
    requestType: 'new',
    quantity: undefined,
    numbers: [],
    ...over,
  });

describe('a request is begun', () => {
  test('for one number, as a draft, with the fees of this day', async () => {
    const { request } = await create();
    expect(request).toMatchObject({
      status: 'draft',
      quantity: 1,
      fees: { activation: 10_000_000_000n, monthly: 3_000_000_000n },
    });
    expect(request.id).toMatch(/^NR-[2-9A-Z]{4}-[2-9A-Z]{4}$/);
    expect((await world.service.get(request.id.toLowerCase().replaceAll('-', ' '), OWNER)).request.id).toBe(request.id);
  });

  test('not for what is not on offer, and that is said by field', async () => {
    await expect(create({ country: 'US' })).rejects.toMatchObject({ code: 'request_not_offered', field: 'country' });
    await expect(create({ country: 'AQ' })).rejects.toMatchObject({ field: 'country' });
    await expect(create({ type: 'national' })).rejects.toMatchObject({ field: 'type' });
    await expect(create({ type: 'tollfree', requestType: 'porting' })).rejects.toMatchObject({ field: 'requestType' });
    await expect(create({ country: '__proto__' })).rejects.toMatchObject({ field: 'country' });
  });

  test('porting brings its numbers along, each of that country and once', async () => {
    const porting = { requestType: 'porting' };
    await expect(create(porting)).rejects.toMatchObject({ mistakes: [{ field: 'numbers' }] });
    await expect(create({ ...porting, numbers: ['+33123456789'] })).rejects.toMatchObject({
      mistakes: [{ field: 'numbers.0' }],
    });
    await expect(create({ ...porting, numbers: [MADRID[0], MADRID[0]] })).rejects.toMatchObject({
      code: 'request_fields_invalid',
    });
    await expect(create({ ...porting, numbers: MADRID, quantity: 2 })).rejects.toMatchObject({
      mistakes: [{ field: 'quantity' }],
    });
    await expect(create({ numbers: MADRID })).rejects.toMatchObject({ mistakes: [{ field: 'numbers' }] });
    expect((await create({ ...porting, numbers: MADRID })).request).toMatchObject({
      quantity: 3,
      portedNumbers: MADRID,
    });
  });

  test('a workspace has so many open at once; one that is decided makes room', async () => {
    const ids: string[] = [];
    for (let index = 0; index < LIMITS.openRequestsMax; index += 1) ids.push((await create()).request.id);
    await expect(create()).rejects.toMatchObject({ code: 'request_limit' });
    expect((await create({ workspaceId: 'ws_b' })).request.status).toBe('draft');
    await world.service.cancel(ids[7] ?? '', OWNER);
    expect((await create()).request.status).toBe('draft');
  });
});

describe('fields', () => {
  test('are saved one by one, each with its status, and taken away again', async () => {
    const id = await asked(world, 'draft');
    const { assessment } = await world.service.saveField(id, 'holder', 'person', OWNER);
    const status = (name: string) => assessment?.fields.find((field) => field.rule.name === name)?.status;
    expect([status('holder'), status('nationalId'), status('companyTaxId')]).toEqual(['saved', 'pending', undefined]);
    await world.service.saveField(id, 'nationalId', ' 12.345.678-z', OWNER);
    expect((await world.stored(id)).fields['nationalId']?.value).toBe('12345678Z');
    await world.service.saveField(id, 'nationalId', null, OWNER);
    expect((await world.stored(id)).fields).not.toHaveProperty('nationalId');
  });

  test('a value that does not do is refused and what was saved stays; a field that there is not is unknown', async () => {
    const id = await asked(world, 'draft');
    await world.service.saveField(id, 'contactEmail', 'a@example.com', OWNER);
    const refused = world.service.saveField(id, 'contactEmail', 'nobody', OWNER);
    await expect(refused).rejects.toMatchObject({ code: 'request_fields_invalid', mistakes: [{ field: 'value' }] });
    expect((await world.stored(id)).fields['contactEmail']?.value).toBe('a@example.com');
    for (const name of ['shoeSize', '__proto__', 'constructor'])
      await expect(world.service.saveField(id, name, 'x', OWNER)).rejects.toMatchObject({ code: 'request_unknown' });
  });

  test('many saved at once all count', async () => {
    const id = await asked(world, 'draft');
    const values = {
      city: 'Madrid',
      street: 'Calle Gran Vía 12',
      postalCode: '28013',
      areaCode: '91',
      contactName: 'María López',
    };
    await Promise.all(Object.entries(values).map(([name, value]) => world.service.saveField(id, name, value, OWNER)));
    expect(Object.keys((await world.stored(id)).fields).toSorted()).toEqual(Object.keys(values).toSorted());
  });
});

describe('documents', () => {
  test('of each kind of file come back byte by byte, however large, under a name of ours', async () => {
    const id = await asked(world, 'draft');
    const large = pdf('large', 700_000);
    const files = [pdf(), png(), jpeg(), large];
    for (const content of files) await world.service.attach(id, { kind: 'proof_of_address', content }, OWNER);
    const { documents } = await world.stored(id);
    expect(documents.map((entry) => entry.chunks)).toEqual([1, 1, 1, Math.ceil(large.length / LIMITS.chunkBytes)]);
    for (const [index, entry] of documents.entries()) {
      const file = await world.service.document(id, entry.id, OPERATOR);
      expect(file.content.equals(files[index] ?? Buffer.alloc(0))).toBe(true);
      expect(file.fileName).toMatch(new RegExp(`^${id}-proof_of_address\\.(pdf|png|jpg)$`));
    }
  });

  test('what is no such file, of no such kind or too large is refused, and nothing is kept of it', async () => {
    const id = await asked(world, 'draft');
    const attach = (kind: string, content: Buffer) => world.service.attach(id, { kind, content }, OWNER);
    await expect(attach('proof_of_address', Buffer.from('<html>'))).rejects.toMatchObject({ code: 'document_refused' });
    await expect(attach('horoscope', pdf())).rejects.toMatchObject({ mistakes: [{ field: 'kind' }] });
    await expect(attach('proof_of_address', pdf('', LIMITS.documentBytesMax))).rejects.toMatchObject({
      code: 'document_refused',
    });
    expect([(await world.stored(id)).documents, await world.chunks()]).toEqual([[], []]);
  });

  test('are limited in number and in bytes, also where many come at once', async () => {
    const id = await asked(world, 'draft');
    const many = Array.from({ length: LIMITS.documentsMax + 5 }, () =>
      world.service.attach(id, { kind: 'proof_of_address', content: png() }, OWNER).then(
        () => 'added',
        (error: { code: string }) => error.code,
      ),
    );
    const outcomes = await Promise.all(many);
    expect(outcomes.filter((outcome) => outcome === 'added')).toHaveLength(LIMITS.documentsMax);
    expect(outcomes.filter((outcome) => outcome === 'document_limit')).toHaveLength(5);
    const other = await asked(world, 'draft');
    const heavy = pdf('x', 4_500_000);
    for (let index = 0; index < 6; index += 1)
      await world.service.attach(other, { kind: 'proof_of_address', content: heavy }, OWNER);
    await expect(world.service.attach(other, { kind: 'proof_of_address', content: heavy }, OWNER)).rejects.toEqual(
      code('document_limit'),
    );
  }, 30_000);

  test('one that is removed is gone with its bytes, and a request that needs it waits for it again', async () => {
    const id = await asked(world, 'awaiting_payment');
    const before = await world.chunks();
    const [first] = (await world.stored(id)).documents;
    await world.service.detach(id, first?.id ?? '', OWNER);
    expect(await statusOf(id)).toBe('awaiting_documents');
    expect(await world.chunks()).toHaveLength(before.length - 1);
    await expect(world.service.document(id, first?.id ?? '', OWNER)).rejects.toEqual(code('document_unknown'));
    await expect(world.service.detach(id, first?.id ?? '', OWNER)).rejects.toEqual(code('document_unknown'));
    await world.service.attach(id, { kind: first?.kind ?? '', content: jpeg() }, OWNER);
    expect(await statusOf(id)).toBe('awaiting_payment');
  });

  test('one that is still on its way, or on its way out, is none', async () => {
    const id = await asked(world, 'draft');
    await world.service.attach(id, { kind: 'proof_of_address', content: png() }, OWNER);
    const [entry] = (await world.stored(id)).documents;
    for (const state of ['uploading', 'erasing'] as const) {
      await world.parts.requests.update(id, (item) => ({
        ...item,
        documents: item.documents.map((document) => ({ ...document, state })),
      }));
      await expect(world.service.document(id, entry?.id ?? '', OWNER)).rejects.toEqual(code('document_unknown'));
      await expect(world.service.detach(id, entry?.id ?? '', OWNER)).rejects.toEqual(code('document_unknown'));
    }
  });

  test('a document with a piece missing is none, and a piece of another document does not open in its place', async () => {
    const id = await asked(world, 'draft');
    await world.service.attach(id, { kind: 'proof_of_address', content: pdf('', 300_000) }, OWNER);
    const [entry] = (await world.stored(id)).documents;
    await world.directory.records({ name: 'number_request_chunks', fields: () => ({}) }).delete(`${entry?.id}-1`);
    await expect(world.service.document(id, entry?.id ?? '', OWNER)).rejects.toEqual(code('document_unknown'));
  });
});

describe('submitting', () => {
  test('without all fields is refused with what is missing by name', async () => {
    const id = await asked(world, 'draft');
    await world.service.saveField(id, 'holder', 'company', OWNER);
    await world.service.saveField(id, 'areaCode', '91', OWNER);
    await world.service.saveField(id, 'postalCode', '08001', OWNER);
    const refused = await world.service.submit(id, OWNER).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'request_incomplete' });
    const { mistakes } = refused as { mistakes: { field: string; message: string }[] };
    expect(mistakes).toContainEqual({ field: 'fields.companyTaxId', message: 'is required' });
    expect(mistakes).toContainEqual({
      field: 'fields.postalCode',
      message: expect.stringContaining('area of 91 (Madrid)'),
    });
    expect(await statusOf(id)).toBe('draft');
  });

  test('waits for documents first, and moves on with the last of them', async () => {
    const id = await asked(world, 'draft');
    await fill(world, id);
    await world.service.submit(id, OWNER);
    expect(await statusOf(id)).toBe('awaiting_documents');
    for (const kind of ['proof_of_address', 'company_registration'])
      await world.service.attach(id, { kind, content: png() }, OWNER);
    expect(await statusOf(id)).toBe('awaiting_documents');
    await world.service.attach(id, { kind: 'signer_identity', content: png() }, OWNER);
    expect(await statusOf(id)).toBe('awaiting_payment');
  });

  test('a field that is taken away while it waits makes it a draft again', async () => {
    const id = await asked(world, 'awaiting_payment');
    await world.service.saveField(id, 'city', null, OWNER);
    expect(await statusOf(id)).toBe('draft');
    await expect(world.service.pay(id, OWNER)).rejects.toEqual(code('request_state'));
  });
});

describe('paying', () => {
  test('charges activation and first month of each number, in one line that says so', async () => {
    const id = await asked(world, 'awaiting_payment', 3);
    await world.topUp(FEE * 3n);
    const { request } = await world.service.pay(id, OWNER);
    expect(request.status).toBe('in_review');
    expect(await world.fees()).toEqual([{ id: `fee:request:${id}`, amount: -FEE * 3n }]);
    const [line] = await world.books.postings({ workspaceId: 'ws_a', meter: 'fee', limit: 1 });
    expect(line?.note).toBe(`Number request ${id}: activation 10.00, first month 3.00 for each of 3 numbers`);
    expect(await world.balance()).toBe(0n);
  });

  test('one nano too little changes nothing; with it the same request is paid', async () => {
    const id = await asked(world, 'awaiting_payment');
    await world.topUp(FEE - 1n);
    const before = await world.stored(id);
    await expect(world.service.pay(id, OWNER)).rejects.toEqual(code('fees_not_covered'));
    expect(await world.stored(id)).toEqual({ ...before, touchedAt: expect.any(Number) });
    expect([await world.balance(), await world.fees()]).toEqual([FEE - 1n, []]);
    await world.topUp(1n, 'topup:2');
    expect((await world.service.pay(id, OWNER)).request.status).toBe('in_review');
  });

  test('a postpaid workspace pays whatever its balance is', async () => {
    const id = await asked(world, 'awaiting_payment');
    await world.directory.workspaces.update('ws_a', (item) => ({ ...item, billingMode: 'postpaid' }));
    await world.service.pay(id, OWNER);
    expect(await world.balance()).toBe(-FEE);
  });

  test('twenty times at once, and again later, is paid once; the repeats say so', async () => {
    const id = await asked(world, 'awaiting_payment');
    await world.topUp(FEE * 30n);
    const views = await Promise.all(Array.from({ length: 20 }, () => world.service.pay(id, OWNER)));
    expect(views.filter((view) => !view.repeated)).toHaveLength(1);
    expect((await world.service.pay(id, OWNER)).repeated).toBe(true);
    expect([await world.fees(), await world.balance()]).toEqual([
      [{ id: `fee:request:${id}`, amount: -FEE }],
      FEE * 29n,
    ]);
  });

  test('two nodes at once: paid once', async () => {
    const id = await asked(world, 'awaiting_payment');
    await world.topUp(FEE * 30n);
    const nodes = [world.start(), world.start()];
    await Promise.allSettled(nodes.map(({ service }) => service.pay(id, OWNER)));
    await Promise.all(nodes.map(({ sweep }) => sweep()));
    expect([await world.fees(), await statusOf(id)]).toEqual([
      [{ id: `fee:request:${id}`, amount: -FEE }],
      'in_review',
    ]);
  });
});

describe('a review', () => {
  const approve = (id: string, numbers: readonly E164[], trunkId: string | null = null) =>
    world.service.approve(id, { numbers, trunkId }, OPERATOR);

  test('that approves makes the numbers, which cost their month from the second one on', async () => {
    const id = await asked(world, 'in_review', 3);
    const { request } = await approve(id, MADRID, 'trunk_managed');
    expect(request).toMatchObject({ status: 'approved', decision: { reason: null } });
    const { items } = await world.directory.numbers.list({ limit: 10, workspaceId: 'ws_a' });
    expect(items.map((item) => item.e164).toSorted()).toEqual(MADRID);
    for (const item of items)
      expect(item).toMatchObject({
        provider: 'managed',
        trunkId: 'trunk_managed',
        agentId: null,
        status: 'active',
        supportsInbound: true,
      });
    expect(world.granted.map(({ e164, monthly, fromMs }) => ({ e164, monthly, fromMs }))).toEqual(
      MADRID.map((e164) => ({ e164, monthly: 3_000_000_000n, fromMs: request.decision?.at })),
    );
  });

  const wrong: readonly (readonly [string, readonly string[], string | null, object])[] = [
    ['too few numbers', ['+34910000001'], null, { mistakes: [{ field: 'numbers' }] }],
    ['one twice', ['+34910000001', '+34910000001'], null, { mistakes: [{ field: 'numbers' }] }],
    ['one of another country', ['+34910000001', '+33123456789'], null, { mistakes: [{ field: 'numbers.1' }] }],
    ['a trunk that there is not', ['+34910000001', '+34910000002'], 'trunk_none', { code: 'unknown_reference' }],
    ['a trunk of the customer', ['+34910000001', '+34910000002'], 'trunk_a', { mistakes: [{ field: 'trunkId' }] }],
    ['one that exists', ['+34910000001', '+34910000009'], null, { code: 'number_taken' }],
  ];
  test.each(wrong)('with %s is refused and changes nothing', async (_name, numbers, trunkId, expected) => {
    const id = await asked(world, 'in_review', 2);
    await world.directory.numbers.put(
      number({ id: 'num_b', workspaceId: 'ws_b', e164: '+34910000009' as E164, trunkId: null, agentId: null }),
    );
    const before = await world.stored(id);
    await expect(approve(id, numbers as E164[], trunkId)).rejects.toMatchObject(expected);
    expect([await world.stored(id), await world.numbers(), world.granted]).toEqual([before, ['+34910000009'], []]);
  });

  test('with a number that the workspace has on a trunk of its own is refused: it is there once', async () => {
    const id = await asked(world, 'in_review');
    await world.directory.numbers.put(number({ e164: MADRID[0] as E164, agentId: null }));
    await expect(approve(id, MADRID.slice(0, 1))).rejects.toEqual(code('number_taken'));
    expect(await world.numbers()).toEqual(MADRID.slice(0, 1));
    await world.directory.numbers.delete('num_a');
    expect((await approve(id, MADRID.slice(0, 1))).request.status).toBe('approved');
  });

  test('twenty times at once makes each number once; other numbers afterwards are a conflict', async () => {
    const id = await asked(world, 'in_review', 3);
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => approve(id, MADRID)));
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await world.numbers()).toEqual(MADRID);
    expect((await approve(id, MADRID.toReversed())).request.status).toBe('approved');
    await expect(approve(id, ['+34910000004' as E164])).rejects.toEqual(code('approval_conflict'));
  });

  test('a number that was released since is not made again by a repeat', async () => {
    const id = await asked(world, 'in_review');
    await approve(id, MADRID.slice(0, 1));
    const [made] = (await world.directory.numbers.list({ limit: 1 })).items;
    await world.directory.numbers.update(made?.id ?? '', (item) => ({ ...item, status: 'released' }));
    await approve(id, MADRID.slice(0, 1));
    expect((await world.directory.numbers.list({ limit: 10 })).items.map((item) => item.status)).toEqual(['released']);
  });

  test('a number that another takes in between: all of the approval is taken back, and it can be approved with others', async () => {
    const id = await asked(world, 'in_review', 3);
    const { put } = world.directory.numbers;
    let puts = 0;
    world.directory.numbers.put = async (item) => {
      puts += 1;
      if (puts === 3) throw new NumberTaken('taken in this instant');
      await put(item);
    };
    await expect(approve(id, MADRID)).rejects.toEqual(code('number_taken'));
    world.directory.numbers.put = put;
    expect([await world.numbers(), world.granted, await statusOf(id)]).toEqual([[], [], 'in_review']);
    await approve(id, ['+34910000007', '+34910000008', '+34910000009'] as E164[]);
    expect(await world.numbers()).toEqual(['+34910000007', '+34910000008', '+34910000009']);
  });

  test('ported numbers are approved as they were asked for, in any order, and no others', async () => {
    const { request } = await create({ requestType: 'porting', numbers: MADRID });
    await fill(world, request.id);
    for (const kind of ['letter_of_authorisation', 'latest_invoice', 'company_registration', 'signer_identity'])
      await world.service.attach(request.id, { kind, content: pdf() }, OWNER);
    await world.service.submit(request.id, OWNER);
    await world.topUp(FEE * 30n);
    await world.service.pay(request.id, OWNER);
    await expect(approve(request.id, ['+34910000001', '+34910000002', '+34910000004'] as E164[])).rejects.toMatchObject(
      { mistakes: [{ field: 'numbers' }] },
    );
    await approve(request.id, MADRID.toReversed());
    expect(await world.numbers()).toEqual(MADRID);
  });

  test('that rejects says why and keeps what was paid: corrected, it goes back into review without paying again', async () => {
    const id = await asked(world, 'in_review');
    await world.service.reject(id, 'The invoice is older than three months', OPERATOR);
    expect((await world.service.get(id, OWNER)).request).toMatchObject({
      status: 'rejected',
      decision: { reason: 'The invoice is older than three months' },
    });
    const proof = (await world.stored(id)).documents.find((document) => document.kind === 'proof_of_address');
    await world.service.detach(id, proof?.id ?? '', OWNER);
    await world.service.submit(id, OWNER);
    expect(await statusOf(id)).toBe('awaiting_documents');
    await world.service.attach(id, { kind: 'proof_of_address', content: jpeg() }, OWNER);
    expect(await statusOf(id)).toBe('in_review');
    expect(await world.fees()).toHaveLength(1);
    await approve(id, MADRID.slice(0, 1));
    expect(await statusOf(id)).toBe('approved');
  });

  test('that is cancelled gives everything back, once, and forgets what was typed and uploaded', async () => {
    const id = await asked(world, 'in_review');
    expect(await world.balance()).toBe(0n);
    await Promise.all([world.service.cancel(id, OWNER), world.service.cancel(id, OWNER)]);
    await world.service.cancel(id, OWNER);
    expect(await world.fees()).toEqual([
      { id: `fee:request:${id}:refund`, amount: FEE },
      { id: `fee:request:${id}`, amount: -FEE },
    ]);
    expect(await world.balance()).toBe(FEE);
    expect(await world.stored(id)).toMatchObject({
      status: 'cancelled',
      fields: {},
      documents: [],
      erasedAt: expect.any(Number),
    });
    expect(await world.chunks()).toEqual([]);
  });
});

describe('every status and every act, on the service itself', () => {
  const perform: Readonly<Record<Exclude<Act, 'expire'>, (id: string, documentId: string) => Promise<unknown>>> = {
    save: (id) => world.service.saveField(id, 'city', 'Getafe', OWNER),
    attach: (id) => world.service.attach(id, { kind: 'proof_of_address', content: png() }, OWNER),
    detach: (id, documentId) => world.service.detach(id, documentId, OWNER),
    submit: (id) => world.service.submit(id, OWNER),
    pay: (id) => world.service.pay(id, OWNER),
    approve: (id) => world.service.approve(id, { numbers: MADRID.slice(0, 1), trunkId: null }, OPERATOR),
    reject: (id) => world.service.reject(id, 'Please look again', OPERATOR),
    cancel: (id) => world.service.cancel(id, OWNER),
  };
  const reach: Readonly<Record<RequestStatus, () => Promise<string>>> = {
    draft: () => asked(world, 'filled'),
    async awaiting_documents() {
      const id = await asked(world, 'awaiting_payment');
      const invoice = (await world.stored(id)).documents.find((document) => document.kind === 'signer_identity');
      await world.service.detach(id, invoice?.id ?? '', OWNER);
      return id;
    },
    awaiting_payment: () => asked(world, 'awaiting_payment'),
    in_review: () => asked(world, 'in_review'),
    async approved() {
      const id = await asked(world, 'in_review');
      await perform.approve(id, '');
      return id;
    },
    async rejected() {
      const id = await asked(world, 'in_review');
      await perform.reject(id, '');
      return id;
    },
    async cancelled() {
      const id = await asked(world, 'in_review');
      await perform.cancel(id, '');
      return id;
    },
  };
  const cases = STATUSES.flatMap((status) =>
    ACTS.filter((act) => act !== 'expire').map((act) => [status, act] as const),
  );

  test.each(cases)('%s, %s', async (status, act) => {
    const id = await reach[status]();
    await world.topUp(FEE * 10n, 'topup:more');
    expect(await statusOf(id)).toBe(status);
    const before = await world.stored(id);
    const sides = async () => [await world.fees(), await world.numbers(), await world.chunks()];
    const sidesBefore = await sides();
    const documentId = before.documents[0]?.id ?? '';
    // Without a document there is none to take away, whatever the status.
    if (act === 'detach' && documentId === '') return;
    const outcome = await perform[act](id, documentId).then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
    const target = TRANSITIONS[status][act];
    if (target === 'refused') {
      expect(outcome).toBe('request_state');
      expect(await world.stored(id)).toEqual(before);
      expect(await sides()).toEqual(sidesBefore);
      return;
    }
    expect(outcome).toBe('done');
    const after = await world.stored(id);
    if (target === 'repeat') expect([after, await sides()]).toEqual([before, sidesBefore]);
    if (target === 'stays') expect(after.status).toBe(status);
    if (target === 'approved' || target === 'rejected' || target === 'cancelled') expect(after.status).toBe(target);
  });
});

describe('workspaces', () => {
  test('what belongs to another is unknown to each act, and nothing changes', async () => {
    const id = await asked(world, 'awaiting_payment');
    const before = await world.stored(id);
    const documentId = before.documents[0]?.id ?? '';
    const { service } = world;
    const acts = [
      () => service.get(id, STRANGER),
      () => service.saveField(id, 'city', 'Getafe', STRANGER),
      () => service.checkAttach(id, STRANGER),
      () => service.attach(id, { kind: 'proof_of_address', content: pdf() }, STRANGER),
      () => service.detach(id, documentId, STRANGER),
      () => service.document(id, documentId, STRANGER),
      () => service.submit(id, STRANGER),
      () => service.pay(id, STRANGER),
      () => service.cancel(id, STRANGER),
    ];
    for (const act of acts) await expect(act()).rejects.toEqual(code('request_unknown'));
    expect(await world.stored(id)).toEqual(before);
    expect((await service.find({ workspaceId: 'ws_b', limit: 10 })).items).toEqual([]);
    expect((await service.find({ workspaceId: 'ws_a', limit: 10 })).items).toHaveLength(1);
  });

  test('lists are filtered by status, country, type and request type', async () => {
    await asked(world, 'draft');
    await create({ country: 'GB', type: 'mobile' });
    await create({ requestType: 'porting', numbers: MADRID });
    const count = async (filter: object) =>
      (await world.service.find({ workspaceId: 'ws_a', limit: 10, ...filter })).items.length;
    expect(await count({})).toBe(3);
    expect(await count({ country: 'ES' })).toBe(2);
    expect(await count({ country: 'ES', requestType: 'porting' })).toBe(1);
    expect(await count({ type: 'mobile' })).toBe(1);
    expect(await count({ status: 'approved' })).toBe(0);
    expect(await count({ status: 'draft', country: 'GB' })).toBe(1);
  });
});
