// What the fake Twilio and the fake Telnyx have in common: a real HTTP server on loopback that answers by handlers, one per operation of the
// OpenAPI documents, checks everything against them, and fails as it is told to.
//
//   fake.fail('CreateFqdn', { kind: 'answer', answer: { status: 500 } });        // carried out, and answered with 500
//   fake.fail('CreateFqdn', { kind: 'reset', processed: false }, { times: 2, after: 1 });
//   expect(fake.violations).toEqual([]);

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json, Match, OpenApiDocument } from './openapi-document.ts';

export interface FakeRequest {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly form: Readonly<Record<string, string>>;
  readonly json: Json;
}

export interface FakeAnswer {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `processed`: it was carried out before. */
export type Fault =
  /** Not carried out. */
  | { readonly kind: 'refuse'; readonly answer: FakeAnswer }
  /** Carried out, but this is the answer. */
  | { readonly kind: 'answer'; readonly answer: FakeAnswer }
  | { readonly kind: 'reset'; readonly processed: boolean }
  | { readonly kind: 'hang'; readonly processed: boolean }
  /** Carried out and answered, after `onSlow`. */
  | { readonly kind: 'slow' }
  /** Half of the JSON, as a whole answer. */
  | { readonly kind: 'truncate' }
  /** Half of what Content-Length says, then the end of the connection. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'huge'; readonly bytes: number };

interface PlannedFault {
  readonly operation: string | RegExp;
  readonly fault: Fault;
  left: number;
  after: number;
}

export type Handler = (request: FakeRequest) => FakeAnswer;

export abstract class FakeProvider {
  readonly requests: (Pick<FakeRequest, 'operation' | 'method' | 'path' | 'json' | 'form'> & {
    status: number | null;
  })[] = [];
  /** What was not as the documents say, in requests or in our own answers. */
  readonly violations: string[] = [];
  /** Called when a request is left hanging: the place to move the clock. */
  onHang: () => void = () => undefined;
  /** Called before a slow answer. */
  onSlow: () => void = () => undefined;
  /** Before each request that makes or changes something is carried out. */
  onChange: (request: FakeRequest) => void = () => undefined;
  /** Waited for before a request is dealt with at all, such as to look at what is shown meanwhile. */
  hold: (operation: string) => Promise<void> | null = () => null;
  readonly #documents: readonly OpenApiDocument[];
  readonly #server: Server;
  #faults: PlannedFault[] = [];
  protected abstract readonly handlers: Readonly<Record<string, Handler>>;

  constructor(documents: readonly OpenApiDocument[]) {
    this.#documents = documents;
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Operations that were asked for and carried out, in order. */
  get operations(): string[] {
    return this.requests.map(({ operation }) => operation);
  }

  /** Reads excepted. */
  get changes(): string[] {
    return this.requests.filter(({ method }) => method !== 'GET').map(({ operation }) => operation);
  }

  fail(operation: string | RegExp, fault: Fault, { times = 1, after = 0 } = {}): void {
    this.#faults.push({ operation, fault, left: times, after });
  }

  mend(): void {
    this.#faults = [];
  }

  get faultsLeft(): number {
    return this.#faults.length;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Of the path that the documents know, where the server's has more before it. */
  protected pathOf(path: string): string {
    return path;
  }

  /** An answer to whoever may not do this; null = they may. */
  protected abstract refusal(request: FakeRequest): FakeAnswer | null;
  protected abstract notFound(): FakeAnswer;
  /** What of the documents is known not to be the whole truth. */
  protected isExcused(_operation: string, _violation: string): boolean {
    return false;
  }

  protected answerHeaders(): Record<string, string> {
    return {};
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const url = new URL(request.url ?? '/', this.origin);
    const path = this.pathOf(url.pathname);
    const found = this.#find(request.method ?? '', path);
    if (found === undefined) {
      this.violations.push(`${request.method} ${path} is in no document`);
      return this.#send(response, this.notFound());
    }
    const { document, match } = found;
    const contentType = request.headers['content-type'] ?? '';
    this.#note(match, document.requestViolations(match, { query: url.searchParams, contentType, body }));
    const isForm = contentType.startsWith('application/x-www-form-urlencoded');
    const fakeRequest: FakeRequest = {
      operation: match.operation.id,
      method: request.method ?? '',
      path,
      params: match.params,
      query: url.searchParams,
      headers: request.headers,
      form: isForm ? Object.fromEntries(new URLSearchParams(body)) : {},
      json: isForm || body === '' ? {} : JSON.parse(body),
    };
    const { operation, method, form, json } = fakeRequest;
    const seen: FakeProvider['requests'][number] = { operation, method, path, form, json, status: null };
    this.requests.push(seen);
    await this.hold(operation);
    const fault = this.#faultFor(operation);
    const isCarriedOut =
      fault === null ||
      fault.kind === 'answer' ||
      !(fault.kind === 'refuse' || ('processed' in fault && !fault.processed));
    const answer = isCarriedOut ? this.#answer(fakeRequest, document, match) : { status: 500 };
    seen.status = fault === null ? answer.status : null;
    if (fault === null) this.#send(response, answer);
    else this.#break(fault, answer, response);
  }

  #answer(request: FakeRequest, document: OpenApiDocument, match: Match): FakeAnswer {
    const refusal = this.refusal(request);
    if (refusal !== null) return refusal;
    if (request.method !== 'GET') this.onChange(request);
    const handler = this.handlers[request.operation];
    if (handler === undefined) {
      this.violations.push(`${request.operation} has no handler`);
      return { status: 501 };
    }
    const answer = handler(request);
    this.#note(match, document.answerViolations(match.operation, answer.status, answer.body));
    return answer;
  }

  #break(fault: Fault, answer: FakeAnswer, response: ServerResponse): void {
    const text = JSON.stringify(answer.body ?? {});
    const half = text.slice(0, Math.max(1, text.length / 2));
    const json = { 'content-type': 'application/json' };
    if (fault.kind === 'refuse' || fault.kind === 'answer') this.#send(response, fault.answer);
    else if (fault.kind === 'slow') {
      this.onSlow();
      this.#send(response, answer);
    } else if (fault.kind === 'hang') this.onHang();
    else if (fault.kind === 'reset') response.socket?.resetAndDestroy();
    else if (fault.kind === 'truncate') response.writeHead(answer.status === 204 ? 200 : answer.status, json).end(half);
    else if (fault.kind === 'cut') {
      response.writeHead(200, { ...json, 'content-length': String(text.length + 10) });
      response.write(half, () => response.socket?.destroy());
    } else response.writeHead(200, json).end(' '.repeat(fault.bytes));
  }

  #send(response: ServerResponse, { status, body, headers }: FakeAnswer): void {
    const all = {
      ...this.answerHeaders(),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    response.writeHead(status, all).end(body === undefined ? undefined : JSON.stringify(body));
  }

  #find(method: string, path: string): { document: OpenApiDocument; match: Match } | undefined {
    for (const document of this.#documents) {
      const match = document.match(method, path);
      if (match !== undefined) return { document, match };
    }
    return undefined;
  }

  #faultFor(operation: string): Fault | null {
    const planned = this.#faults.find((one) =>
      typeof one.operation === 'string' ? one.operation === operation : one.operation.test(operation),
    );
    if (planned === undefined) return null;
    if (planned.after > 0) {
      planned.after -= 1;
      return null;
    }
    planned.left -= 1;
    if (planned.left <= 0) this.#faults = this.#faults.filter((one) => one !== planned);
    return planned.fault;
  }

  #note({ operation }: Match, found: readonly string[]): void {
    const real = found.filter((violation) => !this.isExcused(operation.id, violation));
    this.violations.push(...real.map((violation) => `${operation.id}: ${violation}`));
  }
}
