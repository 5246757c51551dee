import { openBooksInline } from '../../../src/books.ts';
import { openDirectory } from '../../../src/directory/sqlite-directory.ts';
import { isE164 } from '../../../src/domain/e164.ts';
import { CHUNKS_KIND } from '../../../src/numbers/requests/kinds.ts';
import type { Asker } from '../../../src/numbers/requests/number-requests.ts';
import type { NumberRequest } from '../../../src/numbers/requests/request.ts';
import type { GrantedNumber } from '../../../src/numbers/requests/settler.ts';
import { trunk, workspace } from '../../directory/records.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type CrashPlan, Process } from './crashes.ts';
import { openTestRequests, pdf, REQUIREMENTS } from './stage.ts';

// A directory and books in SQLite, and processes of requests that come and go over them.

export const SEALING_KEY = new Uint8Array(32).fill(7);
export const OWNER: Asker = { by: 'customer', workspaceId: 'ws_a' };
export const STRANGER: Asker = { by: 'customer', workspaceId: 'ws_b' };
export const OPERATOR: Asker = { by: 'operator', workspaceId: undefined };
export const MADRID = ['+34910000001', '+34910000002', '+34910000003'].filter(isE164);
/** Ten and three, for each number. */
export const FEE = 13_000_000_000n;

export async function openWorld(path = ':memory:') {
  const clock = new FakeClock();
  const directory = openDirectory(path, {
    sealingKey: SEALING_KEY,
    schedule: queueMicrotask,
    nowMs: () => clock.wallMs(),
  });
  const { books, close: closeBooks } = openBooksInline({ path: ':memory:' });
  await directory.workspaces.put(workspace());
  await directory.workspaces.put(workspace({ id: 'ws_b', name: 'B' }));
  await directory.trunks.put(trunk({ id: 'trunk_managed', workspaceId: null, kind: 'managed' }));
  await directory.trunks.put(trunk());
  const granted: GrantedNumber[] = [];
  const onGranted = async (number: GrantedNumber): Promise<void> => void granted.push(number);

  const start = (plan: CrashPlan | null = null) => {
    const process = new Process(plan);
    const requests = openTestRequests({
      directory: process.directory(directory),
      books: process.books(books),
      clock,
      onGranted: (number) => process.step('onGranted', () => onGranted(number)),
    });
    return { ...requests, process };
  };
  const plain = openTestRequests({ directory, books, clock, onGranted });

  return {
    clock,
    directory,
    books,
    granted,
    start,
    ...plain,
    topUp: (amount: bigint, id = 'topup:1') =>
      books.settle({
        workspaceId: 'ws_a',
        holdId: null,
        postings: [
          {
            id,
            workspaceId: 'ws_a',
            callId: null,
            meter: 'topup',
            quantityMs: 0,
            amount,
            at: clock.wallMs(),
            note: 'Top-up',
          },
        ],
        costs: [],
      }),
    fees: async () =>
      (await books.postings({ workspaceId: 'ws_a', meter: 'fee', limit: 100 })).map(({ id, amount }) => ({
        id,
        amount,
      })),
    balance: async () => (await books.balance('ws_a', clock.wallMs())).balance,
    numbers: async () => (await directory.numbers.list({ limit: 100 })).items.map((number) => number.e164).toSorted(),
    chunks: async () =>
      (await directory.records(CHUNKS_KIND).list({ limit: 1000 })).items.map((chunk) => chunk.id).toSorted(),
    stored: (id: string) => plain.parts.requests.get(id) as Promise<NumberRequest>,
    async close() {
      await directory.close();
      await closeBooks();
    },
  };
}

export type RequestsWorld = Awaited<ReturnType<typeof openWorld>>;

/** A request for Spanish local numbers, as far as is asked for. */
export async function asked(
  world: RequestsWorld,
  upTo: 'draft' | 'filled' | 'awaiting_payment' | 'in_review',
  quantity = 1,
): Promise<string> {
  const { service } = world;
  const { request } = await service.create({
    workspaceId: 'ws_a',
    by: 'customer',
    country: 'ES',
    type: 'local',
    requestType: 'new',
    quantity,
    numbers: [],
  });
  if (upTo === 'draft') return request.id;
  await fill(world, request.id);
  for (const kind of ['proof_of_address', 'company_registration', 'signer_identity'])
    await service.attach(request.id, { kind, content: pdf() }, OWNER);
  if (upTo === 'filled') return request.id;
  await service.submit(request.id, OWNER);
  if (upTo === 'awaiting_payment') return request.id;
  await world.topUp(FEE * BigInt(quantity), `topup:${request.id}`);
  await service.pay(request.id, OWNER);
  return request.id;
}

export async function fill({ service }: RequestsWorld, id: string): Promise<void> {
  const { request } = await service.get(id, OWNER);
  for (const rule of REQUIREMENTS.get(request.country, request.type, request.requestType)?.fields ?? [])
    await service.saveField(id, rule.name, rule.name === 'holder' ? 'company' : rule.example, OWNER);
}
