// A customer's receiver: a real HTTP server on loopback that remembers what it got and answers as a test says.
//
//   const receiver = await startReceiver();
//   receiver.answers.push({ status: 503, headers: { 'retry-after': '30' } });    // the next one; then 204 again
//   const [first] = await receiver.waitFor(1);
//   expect(isSigned(first, secret)).toBe(true);

import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Waiters } from '../../src/phone/waiters.ts';

export interface Received {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As it came. */
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  readonly json: any;
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
/** Answers by itself, or not at all. */
export type ReceiverHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  /** For the next requests, one each; when it is empty `otherwise` answers. */
  readonly answers: (ReceiverAnswer | ReceiverHandler)[];
  otherwise: ReceiverAnswer | ReceiverHandler;
  /** Resolves with all that was received once there are `count`. */
  waitFor(count: number, timeoutMs?: number): Promise<readonly Received[]>;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly port?: number;
}

export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = new FakeReceiver(options);
  await receiver.listen(options.port ?? 0);
  return receiver;
}

/** Written from the specification and not with the code that signs. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const expected = `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
  return (headers['webhook-signature'] ?? '').split(' ').includes(expected);
}

class FakeReceiver implements Receiver {
  readonly received: Received[] = [];
  readonly answers: (ReceiverAnswer | ReceiverHandler)[] = [];
  otherwise: ReceiverAnswer | ReceiverHandler = { status: 204 };
  readonly #server: Server;
  readonly #scheme: string;
  readonly #waiters = new Waiters();

  constructor({ tls }: ReceiverOptions) {
    const onRequest = (request: IncomingMessage, response: ServerResponse) => this.#take(request, response);
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server = tls === undefined ? createServer(onRequest) : createSecureServer(tls, onRequest);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}/hook`;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
  }

  async waitFor(count: number, timeoutMs = 5_000): Promise<readonly Received[]> {
    await this.#waiters.until(
      () => this.received.length >= count,
      timeoutMs,
      () => `${this.received.length} of ${count} requests came`,
    );
    return this.received;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const { url = '', method = '', headers } = request;
      this.received.push({ path: url, method, headers: headers as Received['headers'], body, json: JSON.parse(body) });
      answer(this.answers.shift() ?? this.otherwise, request, response);
      this.#waiters.notify();
    });
  }
}

function answer(how: ReceiverAnswer | ReceiverHandler, request: IncomingMessage, response: ServerResponse): void {
  if (typeof how === 'function') return how(request, response);
  response.writeHead(how.status, how.headers).end(how.body ?? '');
}
