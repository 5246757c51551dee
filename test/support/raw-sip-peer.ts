import dgram from 'node:dgram';
import net from 'node:net';
import tls from 'node:tls';
import { WebSocket } from 'ws';

/** A SIP message as text with just enough reading for assertions. It is no SIP stack: the test says every byte. */
export class RawMessage {
  readonly text: string;
  readonly from: { address: string; port: number };

  constructor(text: string, from: { address: string; port: number }) {
    this.text = text;
    this.from = from;
  }

  get startLine(): string {
    return this.text.slice(0, this.text.indexOf('\r\n'));
  }

  get method(): string | undefined {
    return this.startLine.startsWith('SIP/') ? undefined : this.startLine.split(' ')[0];
  }

  get uri(): string {
    return this.startLine.split(' ')[1] ?? '';
  }

  get status(): number | undefined {
    return this.startLine.startsWith('SIP/') ? Number(this.startLine.split(' ')[1]) : undefined;
  }

  get body(): string {
    return this.text.slice(this.text.indexOf('\r\n\r\n') + 4);
  }

  /** Value of the first field of that name, or an empty string. */
  header(name: string): string {
    return this.headers(name)[0] ?? '';
  }

  headers(name: string): string[] {
    const head = this.text.slice(0, this.text.indexOf('\r\n\r\n'));
    const wanted = `${name.toLowerCase()}:`;
    return head
      .split('\r\n')
      .slice(1)
      .filter((line) => line.toLowerCase().startsWith(wanted))
      .map((line) => line.slice(wanted.length).trim());
  }

  tag(name: 'From' | 'To'): string {
    return /;tag=([^;>\s]+)/.exec(this.header(name))?.[1] ?? '';
  }

  get branch(): string {
    return /;branch=([^;,\s]+)/.exec(this.header('Via'))?.[1] ?? '';
  }

  get sequence(): number {
    return Number(this.header('CSeq').split(' ')[0]);
  }
}

export type RawTransport = 'UDP' | 'TCP' | 'TLS' | 'WS';

type Wanted = string | number | ((message: RawMessage) => boolean);

/**
 * A SIP peer that sends raw text and collects what comes back, over UDP or over one connection (TCP, TLS, WebSocket). Everything received is kept
 * until a test takes it, so nothing that was sent unasked goes unseen.
 */
export class RawSipPeer {
  readonly port: number;
  readonly address: string;
  readonly transport: RawTransport;
  readonly received: RawMessage[] = [];
  readonly #write: (text: string | Buffer, port: number) => void;
  readonly #close: () => Promise<void>;
  #closed: Promise<void> | undefined;
  readonly #wake = new Set<() => void>();

  private constructor(
    transport: RawTransport,
    port: number,
    write: (text: string | Buffer, port: number) => void,
    close: () => Promise<void>,
    address = '127.0.0.1',
  ) {
    this.address = address;
    this.transport = transport;
    this.port = port;
    this.#write = write;
    this.#close = close;
  }

  /** @param address any of 127.0.0.0/8, to be a peer with an address of its own. */
  static async udp(address = '127.0.0.1'): Promise<RawSipPeer> {
    const socket = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, address, resolve));
    const peer = new RawSipPeer(
      'UDP',
      socket.address().port,
      (text, port) => socket.send(text, port, '127.0.0.1'),
      () => new Promise((resolve) => socket.close(() => resolve())),
      address,
    );
    socket.on('message', (bytes, from) => peer.#take(new RawMessage(bytes.toString(), from)));
    return peer;
  }

  /** One outgoing TCP connection to `port`, on which everything is sent. */
  static async tcp(port: number): Promise<RawSipPeer> {
    const socket = net.connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return RawSipPeer.#overSocket(socket);
  }

  /** Listens on TCP and serves the first connection that arrives. */
  static async tcpListener(): Promise<{ port: number; accepted: Promise<RawSipPeer>; close(): Promise<void> }> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const accepted = new Promise<RawSipPeer>((resolve) =>
      server.on('connection', (socket) => resolve(RawSipPeer.#overSocket(socket, port))),
    );
    return { port, accepted, close: () => new Promise((resolve) => server.close(() => resolve())) };
  }

  /** One outgoing TLS connection to `port` of localhost. */
  static async tls(port: number, ca: string): Promise<RawSipPeer> {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return RawSipPeer.#overSocket(socket, socket.localPort, 'TLS');
  }

  /** Listens on TLS and serves the first connection that arrives. */
  static async tlsListener(certificate: { cert: string; key: string }) {
    const server = tls.createServer(certificate);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const accepted = new Promise<RawSipPeer>((resolve) =>
      server.on('secureConnection', (socket) => resolve(RawSipPeer.#overSocket(socket, port, 'TLS'))),
    );
    return { port, accepted, close: () => new Promise<void>((resolve) => server.close(() => resolve())) };
  }

  /** A browser: one WebSocket to `port`; one message per frame. */
  static async ws(port: number): Promise<RawSipPeer> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, 'sip');
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const peer = new RawSipPeer(
      'WS',
      // It listens nowhere.
      9,
      (text) => socket.send(text),
      () => {
        socket.terminate();
        return Promise.resolve();
      },
      'df7jal23ls0d.invalid',
    );
    socket.on('error', () => socket.terminate());
    socket.on('message', (data) => peer.#take(new RawMessage(String(data), { address: '127.0.0.1', port })));
    return peer;
  }

  static #overSocket(socket: net.Socket, port = socket.localPort ?? 0, transport: RawTransport = 'TCP'): RawSipPeer {
    const peer = new RawSipPeer(
      transport,
      port,
      (text) => void socket.write(text),
      () => {
        socket.destroy();
        return Promise.resolve();
      },
    );
    let buffered = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (;;) {
        const headEnd = buffered.indexOf('\r\n\r\n');
        if (headEnd === -1) return;
        const length = Number(
          /\r\ncontent-length\s*:\s*(\d+)/i.exec(buffered.toString('latin1', 0, headEnd))?.[1] ?? 0,
        );
        const end = headEnd + 4 + length;
        if (buffered.length < end) return;
        const from = { address: '127.0.0.1', port: socket.remotePort ?? 0 };
        peer.#take(new RawMessage(buffered.toString('utf8', 0, end), from));
        buffered = buffered.subarray(end);
      }
    });
    return peer;
  }

  send(text: string | Buffer, port: number): void {
    this.#write(text, port);
  }

  /**
   * The first message received and not yet taken that matches a method, a status or a predicate; waits for it.
   * @throws with everything received when it does not come in time.
   */
  async next(wanted: Wanted, timeoutMs = 3_000): Promise<RawMessage> {
    const matches = (message: RawMessage): boolean =>
      typeof wanted === 'function' ? wanted(message) : message.method === wanted || message.status === wanted;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const index = this.received.findIndex(matches);
      if (index !== -1) return this.received.splice(index, 1)[0]!;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        const seen = this.received.map((message) => message.startLine).join(' | ');
        throw new Error(`no ${String(wanted)} within ${timeoutMs} ms; waiting: ${seen || 'nothing'}`);
      }
      await this.#arrival(leftMs);
    }
  }

  /** Start lines of what has arrived and was not taken, after giving the network a moment. */
  async rest(quietMs = 60): Promise<string[]> {
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    return this.received.map((message) => message.startLine);
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #take(message: RawMessage): void {
    this.received.push(message);
    for (const wake of [...this.#wake]) wake();
  }

  #arrival(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#wake.add(done);
    });
  }
}

export interface RequestText {
  readonly method: string;
  readonly uri: string;
  readonly callId: string;
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  readonly branch: string;
  readonly contact?: string | undefined;
  readonly extra?: readonly string[];
  readonly body?: string;
}

/** Prints a request of this peer. Content-Type is SDP when the body looks like it. */
export function requestText(peer: RawSipPeer, request: RequestText): string {
  const body = request.body ?? '';
  return [
    `${request.method} ${request.uri} SIP/2.0`,
    `Via: SIP/2.0/${peer.transport} ${sentBy(peer)};branch=${request.branch}`,
    'Max-Forwards: 70',
    `From: ${request.from}`,
    `To: ${request.to}`,
    `Call-ID: ${request.callId}`,
    `CSeq: ${request.sequence} ${request.method}`,
    ...(request.contact === undefined ? [] : [`Contact: ${request.contact}`]),
    ...(request.extra ?? []),
    ...(body.startsWith('v=0') ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** Prints a response of this peer to a request it received: Via, Record-Route, From, To, Call-ID and CSeq are copied. */
export function responseText(
  peer: RawSipPeer,
  request: RawMessage,
  status: number,
  options: { toTag?: string; contact?: string; extra?: readonly string[]; body?: string; reason?: string } = {},
): string {
  const body = options.body ?? '';
  const to = request.header('To');
  const contact = options.contact ?? contactOf(peer, 'callee');
  return [
    `SIP/2.0 ${status} ${options.reason ?? 'Answer'}`,
    ...request.headers('Via').map((via) => `Via: ${via}`),
    `From: ${request.header('From')}`,
    `To: ${options.toTag === undefined || to.includes(';tag=') ? to : `${to};tag=${options.toTag}`}`,
    `Call-ID: ${request.header('Call-ID')}`,
    `CSeq: ${request.header('CSeq')}`,
    ...(contact === '' || status < 101 || status > 299 ? [] : [`Contact: ${contact}`]),
    ...(options.extra ?? []),
    ...(body.startsWith('v=0') ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** Host and port; a browser has a name of no meaning and no port (RFC 7118 section 5). */
function sentBy(peer: RawSipPeer): string {
  return peer.transport === 'WS' ? peer.address : `${peer.address}:${peer.port}`;
}

export function contactOf(peer: RawSipPeer, user: string): string {
  const transport = peer.transport === 'UDP' ? '' : `;transport=${peer.transport.toLowerCase()}`;
  return `<sip:${user}@${sentBy(peer)}${transport}>`;
}

export const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0',
  'a=sendrecv',
  '',
].join('\r\n');
