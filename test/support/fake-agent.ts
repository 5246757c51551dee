// A runtime under the control of a test: a real WebSocket server that records what a platform sends and misbehaves on command.
//
//   const agent = await startFakeAgent({ behaviour: { kind: 'echo' } });
//   … dial agent.url …
//   const call = await agent.nextCall();
//   await call.waitFor((message) => message.json?.event === 'start');
//   call.send({ event: 'clear' });
//   await agent.close();

import { createHmac } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';

export type FakeBehaviour =
  /** Accepts and records; the test speaks through `call`. */
  | { readonly kind: 'listen' }
  /** Sends every media payload straight back; with `marks` a mark (`m1`, `m2`, …) after each. */
  | { readonly kind: 'echo'; readonly marks?: boolean }
  /** Answers the upgrade with this status, and headers such as Location. */
  | { readonly kind: 'reject'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Takes the TCP connection and the request, answers when the test calls `agent.release()`; never otherwise. */
  | { readonly kind: 'hold-upgrade' }
  /** After so many messages: destroys the TCP connection. */
  | { readonly kind: 'drop'; readonly afterMessages: number }
  /** After so many messages: a close frame. */
  | { readonly kind: 'close'; readonly afterMessages: number; readonly code?: number; readonly reason?: string }
  /** After so many messages: reads nothing more, keeps the connection. */
  | { readonly kind: 'stop-reading'; readonly afterMessages: number };

export interface FakeAgentOptions {
  readonly behaviour?: FakeBehaviour;
  readonly path?: string;
  /** 0 = a free port; a fixed one to come back on. */
  readonly port?: number;
  /** Verify X-Twilio-Signature with this token; 401 otherwise. */
  readonly authToken?: string;
  /** Serve wss: with this key and certificate (PEM). */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Milliseconds for the records. */
  readonly now?: () => number;
  /** False = pings of the platform stay unanswered. */
  readonly autoPong?: boolean;
}

/** The JSON of a message, as loose as tests need it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into arbitrary messages
export type Json = any;

export interface FakeMessage {
  readonly atMs: number;
  readonly text: string;
  /** Undefined for binary frames and for text that is not JSON. */
  readonly json: Json | undefined;
  readonly binary: Buffer | undefined;
}

export interface FakeAgent {
  readonly url: string;
  readonly port: number;
  readonly calls: readonly FakeCall[];
  /** Upgrade requests seen, refused ones included. */
  readonly upgrades: readonly IncomingMessage[];
  /** The next call that has not been handed out yet. */
  nextCall(): Promise<FakeCall>;
  /** Lets held upgrades go on. */
  release(): void;
  /** Disconnects everything. */
  close(): Promise<void>;
}

/** Generous: after a stall, loopback TCP probes a closed window with growing pauses. */
const WAIT_MAX_MS = 15_000;

export async function startFakeAgent(options: FakeAgentOptions = {}): Promise<FakeAgent> {
  const { behaviour = { kind: 'listen' }, path = '/media', authToken, tls, autoPong = true } = options;
  const now = options.now ?? (() => performance.now());
  const server = tls ? createHttpsServer({ key: tls.key, cert: tls.cert }) : createHttpServer();
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, autoPong });
  const calls: FakeCall[] = [];
  const upgrades: IncomingMessage[] = [];
  const sockets = new Set<Duplex>();
  const held: (() => void)[] = [];
  const waiting: ((call: FakeCall) => void)[] = [];
  let handedOut = 0;
  const scheme = tls ? 'wss' : 'ws';

  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const call = new FakeCall(webSocket, socket, request, behaviour, now);
      calls.push(call);
      const waiter = waiting.shift();
      if (!waiter) return;
      handedOut++;
      waiter(call);
    });
  };
  server.on('connection', (socket) => track(sockets, socket));
  server.on('upgrade', (request, socket, head) => {
    upgrades.push(request);
    socket.on('error', () => socket.destroy());
    const url = `${scheme}://${request.headers.host}${request.url}`;
    if (authToken !== undefined && request.headers['x-twilio-signature'] !== signatureOf(authToken, url)) {
      refuse(socket, 401, {});
    } else if (behaviour.kind === 'reject') refuse(socket, behaviour.status, behaviour.headers ?? {});
    else if (behaviour.kind === 'hold-upgrade') held.push(() => accept(request, socket, head));
    else accept(request, socket, head);
  });
  await listening(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://${tls ? 'localhost' : '127.0.0.1'}:${port}${path}`,
    port,
    calls,
    upgrades,
    nextCall() {
      const ready = calls[handedOut];
      if (!ready) return bounded(new Promise((resolve) => waiting.push(resolve)), 'a call');
      handedOut++;
      return Promise.resolve(ready);
    },
    release() {
      for (const go of held.splice(0)) go();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One WebSocket of a platform, seen from the runtime. */
export class FakeCall {
  readonly messages: FakeMessage[] = [];
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** Header names and values in the order and spelling of the wire. */
  readonly rawHeaders: readonly string[];
  /** Times of pings from the platform. */
  readonly pings: number[] = [];
  /** Resolves when the WebSocket is over; code 1006 = without a close frame. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #behaviour: FakeBehaviour;
  readonly #watchers = new Set<() => void>();
  #marks = 0;

  constructor(
    webSocket: WebSocket,
    socket: Duplex,
    request: IncomingMessage,
    behaviour: FakeBehaviour,
    now: () => number,
  ) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#behaviour = behaviour;
    this.url = request.url ?? '';
    this.headers = request.headers;
    this.rawHeaders = request.rawHeaders;
    this.closed = new Promise((resolve) => {
      webSocket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    webSocket.on('error', () => undefined);
    webSocket.on('ping', () => this.pings.push(now()));
    webSocket.on('message', (data, isBinary) => this.#received(data, isBinary, now()));
    this.#misbehave();
  }

  /** The `start` message's streamSid, once it came. */
  get streamSid(): string | undefined {
    return this.of('start')[0]?.json.streamSid;
  }

  /** Messages with this `event`. */
  of(event: string): FakeMessage[] {
    return this.messages.filter((message) => message.json?.event === event);
  }

  /** The first message, past or future, that fits. */
  async waitFor(fits: (message: FakeMessage) => boolean): Promise<FakeMessage> {
    return bounded(
      this.#until(() => this.messages.find(fits)),
      'a message',
    );
  }

  async waitForCount(count: number): Promise<void> {
    await bounded(
      this.#until(() => (this.messages.length >= count ? true : undefined)),
      `${count} messages`,
    );
  }

  send(message: unknown): void {
    this.#webSocket.send(JSON.stringify(message));
  }

  sendMedia(audio: Uint8Array): void {
    this.send({ event: 'media', streamSid: this.streamSid, media: { payload: Buffer.from(audio).toString('base64') } });
  }

  /** Any text, JSON or not. */
  sendText(text: string): void {
    this.#webSocket.send(text);
  }

  sendBinary(bytes: Uint8Array): void {
    this.#webSocket.send(bytes, { binary: true });
  }

  /** Bytes past the WebSocket layer: malformed frames. */
  sendRaw(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  ping(): void {
    this.#webSocket.ping();
  }

  onPong(listener: () => void): void {
    this.#webSocket.on('pong', listener);
  }

  close(code?: number, reason?: string): void {
    this.#webSocket.close(code, reason);
  }

  /** Ends without a close frame. */
  drop(): void {
    this.#socket.destroy();
  }

  /** Half-open: the kernel's buffers fill up, nothing is answered. */
  stopReading(): void {
    this.#webSocket.pause();
  }

  resumeReading(): void {
    this.#webSocket.resume();
  }

  #received(data: RawData, isBinary: boolean, atMs: number): void {
    const bytes = data as Buffer;
    const text = isBinary ? '' : bytes.toString();
    const message = { atMs, text, json: isBinary ? undefined : parse(text), binary: isBinary ? bytes : undefined };
    this.messages.push(message);
    for (const watcher of this.#watchers) watcher();
    if (this.#behaviour.kind === 'echo' && message.json?.event === 'media') this.#echo(message.json.media.payload);
    this.#misbehave();
  }

  #echo(payload: string): void {
    this.send({ event: 'media', streamSid: this.streamSid, media: { payload } });
    if (this.#behaviour.kind === 'echo' && this.#behaviour.marks) {
      this.#marks++;
      this.send({ event: 'mark', streamSid: this.streamSid, mark: { name: `m${this.#marks}` } });
    }
  }

  #misbehave(): void {
    const behaviour = this.#behaviour;
    if (!('afterMessages' in behaviour) || this.messages.length !== behaviour.afterMessages) return;
    if (behaviour.kind === 'drop') this.drop();
    else if (behaviour.kind === 'close') this.close(behaviour.code, behaviour.reason);
    else this.stopReading();
  }

  #until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const watcher = (): void => {
        const found = look();
        if (found === undefined) return;
        this.#watchers.delete(watcher);
        resolve(found);
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }
}

export interface RawAgent {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A TCP server at a runtime's address that speaks whatever the test writes: broken HTTP, bytes after the 101, silence. */
export async function startRawAgent(onConnection: (socket: Socket) => void): Promise<RawAgent> {
  const sockets = new Set<Duplex>();
  const server = createTcpServer((socket) => {
    track(sockets, socket);
    onConnection(socket);
  });
  await listening(server, 0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}/media`,
    port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the stock validator of this dialect computes for an upgrade. */
export function signatureOf(authToken: string, url: string): string {
  return createHmac('sha1', authToken).update(url).digest('base64');
}

function track(sockets: Set<Duplex>, socket: Duplex): void {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => sockets.delete(socket));
}

function refuse(socket: Duplex, status: number, headers: Readonly<Record<string, string>>): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n${lines.join('')}\r\n`);
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listening(server: ReturnType<typeof createTcpServer>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

/** A guard against a test that waits for ever, not a clock of the test. */
async function bounded<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`fake agent: waited ${WAIT_MAX_MS} ms for ${what}`)), WAIT_MAX_MS);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
