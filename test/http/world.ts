import { randomBytes } from 'node:crypto';
import type { CallManager, OriginateOutcome, OriginateRequest } from '../../src/calls/manager.ts';
import type { SendKeysOutcome } from '../../src/calls/keys.ts';
import type { DtmfRequest } from '../../src/domain/dtmf.ts';
import type { TransferOutcome, TransferRequest } from '../../src/calls/transfer.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { openDirectory } from '../../src/directory/sqlite-directory.ts';
import type { CallRecord } from '../../src/domain/call.ts';
import { createIds } from '../../src/domain/ids.ts';
import type { HttpDeps } from '../../src/http/deps.ts';
import type { OpenApiDocument } from '../../src/http/openapi.ts';
import { createHttp } from '../../src/http/server.ts';
import type {
  Balance,
  Books,
  FeeOutcome,
  FeeRequest,
  HoldRequest,
  Posting,
  PostingQuery,
  Settlement,
  SupplierCost,
} from '../../src/ledger/books.ts';
import type { CarrierMeter } from '../../src/reconciliation/carrier-meter.ts';
import { directoryCalls } from '../../src/reconciliation/our-calls.ts';
import { openReconciliation } from '../../src/reconciliation/reconciliation.ts';
import { createEventHub, type EventHub } from '../../src/observability/event-hub.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { call } from '../directory/records.ts';
import { openTestDiagnoses } from '../diagnosis/stage.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openRig, type Rig } from '../webhooks/support.ts';
import { openTestRequests } from '../numbers/requests/stage.ts';
import { openTestNumbers } from '../numbers/stage.ts';
import { createAnswerCheck } from './documented.ts';
import { personalRig, type SpokenCode } from './personal.ts';

// A listening server on a free port with a real directory, simple books and calls that a test steers. Every answer is compared
// with the OpenAPI document on its way to the test.

const CARRIERS = new URL('../../config/carriers/', import.meta.url).pathname;
/** No journal stands behind these calls. */
const unknownCalls: CarrierMeter = {
  foresee: async () => ({ outcome: 'unknown_call', charged: 0n }),
  apply: async () => ({ outcome: 'unknown_call', charged: 0n }),
};

export const ADMIN_TOKEN = 'admin-token-for-tests';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed JSON; undefined where the answer is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly body: any;
}

export interface Asking {
  readonly token?: string | null;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface World {
  readonly url: string;
  readonly document: OpenApiDocument;
  readonly directory: Directory;
  readonly books: FakeBooks;
  readonly calls: FakeCalls;
  readonly clock: FakeClock;
  /** Webhooks whose receivers are a fake: nothing leaves. */
  readonly webhooks: Rig;
  readonly events: EventHub;
  /** What verification calls have told the telephones. */
  readonly spoken: readonly SpokenCode[];
  readonly log: { text(): string };
  readonly deps: HttpDeps;
  ask(method: string, path: string, asking?: Asking): Promise<Answer>;
  /** What a browser holds after it signed in. */
  signIn(token: string): Promise<{ cookie: string; csrfToken: string }>;
  /** A workspace with an API key, made through the API. */
  workspace(name: string): Promise<{ id: string; token: string }>;
  close(): Promise<void>;
}

export async function startWorld(over: Partial<HttpDeps> = {}): Promise<World> {
  const clock = new FakeClock();
  const lines: string[] = [];
  const directory = openDirectory(':memory:', { sealingKey: new Uint8Array(32).fill(7), schedule: queueMicrotask });
  const books = new FakeBooks();
  const calls = new FakeCalls();
  const webhooks = await openRig({ clock });
  const events = createEventHub({ epoch: 'test' });
  const reconciliation = openReconciliation({
    path: ':memory:',
    carriersFolder: CARRIERS,
    books,
    calls: directoryCalls(directory.calls),
    meter: unknownCalls,
    costs: async () => new Map(),
    trunk: (id) => directory.trunks.get(id),
    currency: 'USD',
    callMaxMs: 3_600_000,
    nowMs: () => clock.wallMs(),
  });
  const numbers =
    over.numbers ?? openTestNumbers({ directory: over.directory ?? directory, books: over.books ?? books, clock });
  const personal = personalRig({ directory, calls, clock });
  const deps: HttpDeps = {
    personalNumbers: personal.service,
    directory,
    books,
    reconciliation,
    numbers,
    numberRequests: openTestRequests({
      directory: over.directory ?? directory,
      books: over.books ?? books,
      clock,
    }).service,
    currency: 'USD',
    calls,
    webhooks: webhooks.webhooks,
    events,
    clock,
    metrics: createMetrics({ processDefaults: false }),
    logger: createLogger({ level: 'debug', destination: { write: (line: string) => void lines.push(line) } }),
    ids: createIds(randomBytes),
    auth: { adminToken: ADMIN_TOKEN },
    node: () => ({
      id: 'node-1',
      version: '0.1.0',
      engines: { sip: 'embedded', webrtc: 'off', store: 'embedded' },
      ports: { http: 8080, sipTls: null },
      state: 'active',
      activeCalls: 3,
    }),
    testCalls: {
      wsUrl: null,
      prepare: ({ workspaceId, agentId }) => ({
        id: 'test_1',
        workspaceId,
        agentId,
        username: 'someone',
        password: 'a password that is shown once',
        realm: 'callin-edge',
        expiresAt: clock.wallMs() + 120_000,
        wsUrl: 'ws://127.0.0.1:5062',
      }),
    },
    ready: async () => ({ sip: true, store: true }),
    trunkChecks: { check: async () => [], refusedGateway: async () => undefined },
    diagnoses: openTestDiagnoses({ directory, books, clock }),
    sipListeners: () => [
      { host: 'sip.gateway.example', port: 5060, transport: 'udp' },
      { host: 'sip.gateway.example', port: 5060, transport: 'tcp' },
    ],
    explainRoute: async () => ({
      verdict: 'refused',
      reason: 'unknown_source',
      sipStatus: 403,
      text: 'No trunk accepts calls from this address',
      trunkId: null,
      workspaceId: null,
      numberId: null,
      agentId: null,
      steps: [{ check: 'source', result: 'failed', seen: 'no trunk accepts calls from 192.0.2.1' }],
    }),
    // Tests ask more than people do; the limits have a test of their own.
    limits: { anonymousBurst: 1_000_000, requestsBurst: 1_000_000, signInsBurst: 1_000_000 },
    ...over,
  };
  const server = await createHttp(deps);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${port}`;

  const document = (await (await fetch(`${url}/v1/openapi.json`)).json()) as OpenApiDocument;
  const checkAnswer = createAnswerCheck(document);

  const ask: World['ask'] = async (method, path, { token = ADMIN_TOKEN, body, raw, headers = {} } = {}) => {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(content === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(content === undefined ? {} : { body: content }),
    });
    const text = await response.text();
    const json = (response.headers.get('content-type') ?? '').includes('json') && text !== '';
    const answer = {
      status: response.status,
      headers: response.headers,
      text,
      body: json ? JSON.parse(text) : undefined,
    };
    if (path !== '/docs' && path !== '/v1/openapi.json') {
      checkAnswer(
        method,
        path,
        answer.status,
        response.headers.get('content-type') ?? '',
        text === '' ? undefined : (answer.body ?? text),
      );
    }
    return answer;
  };

  return {
    url,
    document,
    directory,
    books,
    calls,
    clock,
    webhooks,
    events,
    deps,
    spoken: personal.spoken,
    log: { text: () => lines.join('') },
    ask,
    async signIn(token) {
      const { headers, body } = await ask('POST', '/v1/sessions', { token: null, body: { token } });
      const [cookie = ''] = (headers.get('set-cookie') ?? '').split(';');
      return { cookie, csrfToken: body.csrfToken };
    },
    async workspace(name) {
      const { body: made } = await ask('POST', '/v1/workspaces', { body: { name } });
      const { body: key } = await ask('POST', `/v1/workspaces/${made.id}/keys`, { body: { label: 'test' } });
      return { id: made.id, token: key.token };
    },
    async close() {
      await server.close();
      await numbers.close();
      await webhooks.close();
      await reconciliation.close();
      await directory.close();
    },
  };
}

/** Balances and postings in memory; holds are not needed here. */
export class FakeBooks implements Books {
  readonly lines: Posting[] = [];
  readonly reserved = new Map<string, bigint>();

  async balance(workspaceId: string): Promise<Balance> {
    const balance = this.lines
      .filter((line) => line.workspaceId === workspaceId)
      .reduce((sum, line) => sum + line.amount, 0n);
    return { balance, reserved: this.reserved.get(workspaceId) ?? 0n, spentInHour: 0n, spentInDay: 0n };
  }

  async reserve(_hold: HoldRequest): Promise<'held'> {
    return 'held';
  }

  async release(): Promise<void> {
    await Promise.resolve();
  }

  async settle({ postings }: Settlement): Promise<'posted' | 'exists'> {
    const fresh = postings.filter((posting) => !this.lines.some((line) => line.id === posting.id));
    for (const posting of fresh) {
      const { balance } = await this.balance(posting.workspaceId);
      this.lines.push({ ...posting, balanceAfter: balance + posting.amount });
    }
    return fresh.length > 0 ? 'posted' : 'exists';
  }

  async postFee({ posting, prepaid }: FeeRequest): Promise<FeeOutcome> {
    const { workspaceId, amount } = posting;
    if (this.lines.some((line) => line.id === posting.id)) return 'exists';
    const { balance, reserved } = await this.balance(workspaceId);
    if (prepaid && balance + amount < reserved) return 'insufficient';
    return this.settle({ workspaceId, holdId: null, postings: [posting], costs: [] });
  }

  async costs(): Promise<readonly SupplierCost[]> {
    return await Promise.resolve([]);
  }

  async postings(query: PostingQuery): Promise<readonly Posting[]> {
    const newest = this.lines
      .toReversed()
      .filter(
        (line) =>
          (query.workspaceId ?? line.workspaceId) === line.workspaceId &&
          (query.callId ?? line.callId) === line.callId &&
          (query.meter ?? line.meter) === line.meter &&
          (query.fromMs ?? 0) <= line.at &&
          line.at < (query.toMs ?? Number.POSITIVE_INFINITY),
      );
    const start = query.beforeId === undefined ? 0 : newest.findIndex((line) => line.id === query.beforeId) + 1;
    return newest.slice(start, start + query.limit);
  }
}

/** Calls that a test puts there; `originate` answers what the test says and remembers what it was asked. */
export class FakeCalls implements CallManager {
  readonly records = new Map<string, CallRecord>();
  readonly asked: OriginateRequest[] = [];
  readonly hungUp: string[] = [];
  refusal: Extract<OriginateOutcome, { ok: false }>['reason'] | null = null;
  readonly activeCalls = 0;
  readonly state = 'active';
  readonly #byKey = new Map<string, CallRecord>();

  async originate(request: OriginateRequest): Promise<OriginateOutcome> {
    this.asked.push(request);
    if (this.refusal !== null) return { ok: false, reason: this.refusal, callId: 'call_refused' };
    const key = `${request.workspaceId} ${request.idempotencyKey}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return { ok: true, call: known, repeated: true };
    const { workspaceId, from, to } = request;
    const placed = call({
      id: `call_${this.asked.length}`,
      workspaceId,
      from,
      to,
      direction: 'outbound',
      state: 'queued',
      bill: null,
    });
    this.#byKey.set(key, placed);
    this.records.set(placed.id, placed);
    return { ok: true, call: placed, repeated: false };
  }

  async get(callId: string): Promise<CallRecord | undefined> {
    return this.records.get(callId);
  }

  async list(filter: Parameters<CallManager['list']>[0]): ReturnType<CallManager['list']> {
    const items = [...this.records.values()].filter(
      (record) => (filter.workspaceId ?? record.workspaceId) === record.workspaceId,
    );
    return { items: items.slice(0, filter.limit), nextCursor: null };
  }

  readonly transfers: { callId: string; request: TransferRequest }[] = [];
  transferOutcome: TransferOutcome = { ok: true, state: 'accepted' };

  async transfer(callId: string, request: TransferRequest): Promise<TransferOutcome> {
    this.transfers.push({ callId, request });
    return this.transferOutcome;
  }

  readonly keysAsked: { callId: string; request: DtmfRequest; idempotencyKey: string | null }[] = [];
  keysOutcome: SendKeysOutcome = { ok: true, keys: 2, repeated: false };

  async sendKeys(callId: string, request: DtmfRequest, idempotencyKey: string | null): Promise<SendKeysOutcome> {
    this.keysAsked.push({ callId, request, idempotencyKey });
    return this.keysOutcome;
  }

  async hangup(callId: string): Promise<'ending' | 'already_ended' | 'unknown'> {
    this.hungUp.push(callId);
    const record = this.records.get(callId);
    if (record === undefined) return 'unknown';
    return record.state === 'ended' ? 'already_ended' : 'ending';
  }
}
