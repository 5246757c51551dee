// One attempt: a POST to a customer's receiver, who may be slow, broken or hostile.
//
// Invariants
//   SN1. Never rejects: whatever happens is an `Attempt`.
//   SN2. The address is checked when the connection is made, in the very look-up whose result is connected to; a name that also resolves
//        to an address that is not allowed is refused as a whole (that is what DNS rebinding looks like).
//   SN3. It ends within `attemptTimeoutMs`, reads at most `responseBytesMax` of a body and follows no redirect. Once a status has come the
//        verdict is the status, whatever becomes of the body.

import type { LookupAddress, LookupOptions } from 'node:dns';
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { AddressNotAllowedError } from '../agents/errors.ts';
import type { Clock } from '../domain/clock.ts';
import type { DeliveryError } from './errors.ts';
import type { WebhookLimits } from './limits.ts';
import type { Resolve } from './resolve.ts';
import { type Attempt, isDelivered } from './retry.ts';
import { type AddressPolicy, literalOf, mayConnect } from './url.ts';

export interface Message {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Sender {
  send(message: Message): Promise<Attempt>;
  /** Breaks off what is under way: those attempts end as `connection_lost`. */
  close(): void;
}

export interface SenderOptions {
  readonly clock: Clock;
  readonly addressAllowed: AddressPolicy;
  readonly resolve: Resolve;
  readonly limits: WebhookLimits;
  /** Certificates to trust instead of the system's, for tests. */
  readonly ca?: string;
}

/** An idle connection is kept for the next event of a busy receiver. Below what servers usually wait (5 s), so that they rarely close first. */
const IDLE_MS = 4_000;

export function createSender(options: SenderOptions): Sender {
  const { limits, ca } = options;
  const keep = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: limits.sendingPerEndpointMax };
  const agents = { http: new HttpAgent(keep), https: new HttpsAgent({ ...keep, ...(ca === undefined ? {} : { ca }) }) };
  return {
    async send(message) {
      const startedMs = options.clock.monotonicMs();
      let met = await new Exchange(options, agents, message).done;
      // The receiver closed the idle connection just as we used it: nothing was read of the request.
      if (met.stale) met = await new Exchange(options, agents, message).done;
      return { ...met.answer, durationMs: options.clock.monotonicMs() - startedMs };
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

type Answer = Omit<Attempt, 'durationMs'>;
interface Met {
  readonly answer: Answer;
  readonly stale: boolean;
}

class Exchange {
  readonly done: Promise<Met>;
  readonly #options: SenderOptions;
  readonly #url: URL;
  readonly #resolve: (met: Met) => void;
  #request: ClientRequest | null = null;
  #response: IncomingMessage | null = null;
  readonly #body: Buffer[] = [];
  #bodyBytes = 0;
  #stage: 'connecting' | 'securing' | 'open' = 'connecting';

  constructor(options: SenderOptions, agents: { http: HttpAgent; https: HttpsAgent }, message: Message) {
    const { promise, resolve } = Promise.withResolvers<Met>();
    this.done = promise;
    this.#options = options;
    this.#url = new URL(message.url);
    this.#resolve = resolve;
    const literal = literalOf(this.#url);
    if (literal !== null && !this.#allows(literal)) {
      this.#fail('address_not_allowed');
      return;
    }
    const timer = options.clock.setTimer(() => this.#timeout(), options.limits.attemptTimeoutMs);
    void promise.then(() => timer.cancel());
    this.#send(message, agents);
  }

  #send({ headers, body }: Message, agents: { http: HttpAgent; https: HttpsAgent }): void {
    const isSecure = this.#url.protocol === 'https:';
    const request = (isSecure ? httpsRequest : httpRequest)(this.#url, {
      method: 'POST',
      agent: isSecure ? agents.https : agents.http,
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      lookup: this.#lookup,
      maxHeaderSize: this.#options.limits.responseHeaderBytesMax,
    });
    this.#request = request;
    request.on('socket', (socket) => this.#watch(socket));
    request.on('response', (response) => this.#read(response));
    request.on('error', (error: NodeJS.ErrnoException) => this.#broken(error));
    // Such as a switch of protocols that nobody asked for.
    request.on('close', () => this.#end('connection_lost'));
    request.end(body);
  }

  /** How far a new connection has come; one that is used again is open, and must not collect listeners. */
  #watch(socket: Socket): void {
    if (!socket.connecting) {
      this.#stage = 'open';
      return;
    }
    const isSecure = this.#url.protocol === 'https:';
    socket.once('connect', () => {
      this.#stage = isSecure ? 'securing' : 'open';
    });
    if (isSecure)
      socket.once('secureConnect', () => {
        this.#stage = 'open';
      });
  }

  #read(response: IncomingMessage): void {
    const { responseBytesMax } = this.#options.limits;
    this.#response = response;
    response.on('data', (chunk: Buffer) => {
      this.#body.push(chunk.subarray(0, responseBytesMax - this.#bodyBytes));
      this.#bodyBytes += chunk.length;
      if (this.#bodyBytes > responseBytesMax) this.#breakOff();
    });
    response.on('end', () => this.#end('connection_lost'));
    response.on('error', () => this.#end('connection_lost'));
  }

  #timeout(): void {
    this.#end('timeout');
    this.#breakOff();
  }

  #breakOff(): void {
    this.#end('connection_lost');
    this.#request?.destroy();
  }

  #broken(error: NodeJS.ErrnoException): void {
    const isStale = this.#request?.reusedSocket === true && error.code === 'ECONNRESET' && this.#response === null;
    if (isStale) this.#resolve({ answer: answerOf('connection_lost'), stale: true });
    else this.#end(errorOf(error, this.#stage));
  }

  /** The first call counts. `otherwise`: why there is no answer, where there is none (SN3). */
  #end(otherwise: DeliveryError): void {
    const response = this.#response;
    if (response === null) return this.#fail(otherwise);
    const status = response.statusCode ?? 0;
    const error = isDelivered({ status } as Attempt) ? null : 'bad_status';
    const text = Buffer.concat(this.#body).toString('utf8');
    const retryAfter = response.headers['retry-after'] ?? null;
    this.#resolve({ answer: { status, error, response: text, retryAfter }, stale: false });
  }

  #fail(error: DeliveryError): void {
    this.#resolve({ answer: answerOf(error), stale: false });
  }

  #allows(address: string): boolean {
    return mayConnect(this.#url, address, this.#options.addressAllowed);
  }

  readonly #lookup = (host: string, options: LookupOptions, callback: LookupCallback): void => {
    this.#options.resolve(host).then(
      (addresses) => {
        const refused = addresses.find(({ address }) => !this.#allows(address));
        const [first] = addresses;
        if (refused !== undefined) callback(new AddressNotAllowedError(host, refused.address), []);
        else if (first === undefined) callback(new HostUnknownError(), []);
        else if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (cause: unknown) => callback(new HostUnknownError({ cause }), []),
    );
  };
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

class HostUnknownError extends Error {
  readonly code = 'EHOSTUNKNOWN';
  constructor(options?: ErrorOptions) {
    super('the name of the host could not be resolved', options);
  }
}

function answerOf(error: DeliveryError): Answer {
  return { status: null, error, response: null, retryAfter: null };
}

function errorOf(error: NodeJS.ErrnoException, stage: 'connecting' | 'securing' | 'open'): DeliveryError {
  if (error instanceof AddressNotAllowedError) return 'address_not_allowed';
  if (error instanceof HostUnknownError) return 'dns_failed';
  if (error.code?.startsWith('HPE_')) return 'response_invalid';
  if (stage === 'connecting') return 'connect_failed';
  return stage === 'securing' ? 'tls_failed' : 'connection_lost';
}
