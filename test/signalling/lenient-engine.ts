// A SIP engine that checks nothing: speaks just enough of the drachtio wire protocol to put any frame before the client library,
// and shows what comes back. For what the real engines refuse before we see it.

import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { Record } from './harness.ts';

export class LenientEngine {
  readonly port: number;
  /** SIP parts of the frames that the application sent. */
  readonly sent = new Record<{ meta: string; sip: string }>();
  connections = 0;
  authentications = 0;
  pings = 0;
  /** Takes everything and says nothing. */
  mute = false;
  readonly #server: net.Server;
  #socket: net.Socket | null = null;

  private constructor(server: net.Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(port = 0): Promise<LenientEngine> {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return new LenientEngine(server, (server.address() as net.AddressInfo).port);
  }

  /** A new request as the network would bring it. */
  request(sip: string): void {
    this.frame(
      `${randomUUID()}|sip|network|${sip.length}|udp|127.0.0.1|5099|00:00:00.000000|${randomUUID()}||127.0.0.1|5060|\r\n${sip}`,
    );
  }

  frame(text: string): void {
    this.raw(`${Buffer.byteLength(text)}#${text}`);
  }

  raw(bytes: string): void {
    this.#socket?.write(bytes);
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: net.Socket): void {
    this.#socket = socket;
    this.connections += 1;
    let buffered = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      buffered += chunk.toString('latin1');
      for (let hash = buffered.indexOf('#'); hash > 0; hash = buffered.indexOf('#')) {
        const end = hash + 1 + Number(buffered.slice(0, hash));
        if (!Number.isInteger(end)) return void socket.destroy();
        if (buffered.length < end) return;
        this.#take(buffered.slice(hash + 1, end));
        buffered = buffered.slice(end);
      }
    });
  }

  #take(text: string): void {
    const metaEnd = text.includes('\r\n') ? text.indexOf('\r\n') : text.length;
    const [id, type] = text.split('|', 2);
    if (type === 'ping') this.pings += 1;
    if (type === 'authenticate') this.authentications += 1;
    if (this.mute) return;
    if (type === 'authenticate') {
      return this.frame(`${randomUUID()}|response|${id}|OK|udp/127.0.0.1:5060|v0.9.10|udp/127.0.0.1:5060`);
    }
    if (type === 'sip') this.sent.add({ meta: text.slice(0, metaEnd), sip: text.slice(metaEnd + 2) });
    else this.frame(`${randomUUID()}|response|${id}|OK`);
  }
}
