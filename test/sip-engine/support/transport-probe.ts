import dgram from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { SipParseError } from '../../../src/sip-engine/message/errors.ts';
import type { SipMessage, SipRequest } from '../../../src/sip-engine/message/message.ts';
import type { ConnectionId, Source, TransportLayer } from '../../../src/sip-engine/transport/transport.ts';

/** Records what a transport layer reports, and waits for it without polling a clock. */
export class TransportProbe {
  readonly messages: { message: SipMessage; source: Source }[] = [];
  readonly invalid: { partial: SipRequest | undefined; error: SipParseError; source: Source }[] = [];
  readonly closed: ConnectionId[] = [];
  readonly icmp: { address: string; port: number }[] = [];
  readonly faults: unknown[] = [];
  #changed: (() => void)[] = [];

  constructor(transport: TransportLayer) {
    transport.on('message', (message, source) => this.#note(() => this.messages.push({ message, source })));
    transport.on('invalid', (partial, error, source) =>
      this.#note(() => this.invalid.push({ partial, error, source })),
    );
    transport.on('closed', (connection) => this.#note(() => this.closed.push(connection)));
    transport.on('icmp', (address, port) => this.#note(() => this.icmp.push({ address, port })));
    transport.on('fault', (error) => this.#note(() => this.faults.push(error)));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #note(record: () => void): void {
    record();
    const changed = this.#changed;
    this.#changed = [];
    for (const wake of changed) wake();
  }
}

/** A UDP peer that keeps what it receives. */
export class UdpPeer {
  readonly socket: dgram.Socket;
  readonly received: { text: string; port: number }[] = [];
  #waiting: (() => void)[] = [];

  private constructor(socket: dgram.Socket) {
    this.socket = socket;
    socket.on('message', (bytes, from) => {
      this.received.push({ text: bytes.toString('utf8'), port: from.port });
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static async open(host = '127.0.0.1', port = 0): Promise<UdpPeer> {
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.bind(port, host);
    await once(socket, 'listening');
    return new UdpPeer(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  send(text: string | Buffer, port: number, host = '127.0.0.1'): void {
    this.socket.send(text, port, host);
  }

  async receive(count: number): Promise<void> {
    while (this.received.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(() => resolve()));
  }
}

/** A TCP peer's end of one connection. */
export class TcpPeer {
  readonly socket: Socket;
  text = '';
  isEnded = false;
  isClosed = false;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('utf8');
      this.#wake();
    });
    socket.on('end', () => {
      this.isEnded = true;
      this.#wake();
    });
    // A reset is one of the ways in which the other side may hang up; `close` follows it.
    socket.on('error', () => this.#wake());
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  static async dial(port: number, options: { host?: string; allowHalfOpen?: boolean } = {}): Promise<TcpPeer> {
    const socket = connect({ port, host: options.host ?? '127.0.0.1', allowHalfOpen: options.allowHalfOpen ?? false });
    await once(socket, 'connect');
    return new TcpPeer(socket);
  }

  get port(): number {
    return this.socket.localPort ?? 0;
  }

  async until(condition: (peer: TcpPeer) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  destroy(): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** A TCP listener that keeps its connections. */
export class TcpListener {
  readonly server: Server;
  readonly peers: TcpPeer[] = [];
  #waiting: (() => void)[] = [];

  private constructor(server: Server) {
    this.server = server;
    server.on('connection', (socket) => {
      this.peers.push(new TcpPeer(socket));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static async open(host = '127.0.0.1'): Promise<TcpListener> {
    const server = createServer();
    server.listen(0, host);
    await once(server, 'listening');
    return new TcpListener(server);
  }

  get port(): number {
    const address = this.server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  async peer(index: number): Promise<TcpPeer> {
    while (this.peers.length <= index) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.peers[index]!;
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
