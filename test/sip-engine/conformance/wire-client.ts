import { randomUUID } from 'node:crypto';
import net from 'node:net';

/** One frame from the engine: tokens of its meta line, and the SIP text behind it. */
export interface Frame {
  readonly tokens: readonly string[];
  readonly sip: string;
  /** Number of the socket read it arrived in: frames of one number were coalesced. */
  readonly read: number;
}

/** The application's side of the wire protocol, written against the specification and not against the engine. */
export class WireClient {
  readonly received: Frame[] = [];
  closed = false;
  readonly socket: net.Socket;
  #buffered = Buffer.alloc(0);
  #reads = 0;
  readonly #wake = new Set<() => void>();

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#reads += 1;
      this.#buffered = Buffer.concat([this.#buffered, chunk]);
      this.#cut();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.closed = true;
      for (const wake of [...this.#wake]) wake();
    });
  }

  static async connect(port: number): Promise<WireClient> {
    const socket = net.connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new WireClient(socket);
  }

  /** Connected, authenticated, and registered for these verbs. */
  static async ready(port: number, secret: string, ...verbs: string[]): Promise<WireClient> {
    const client = await WireClient.connect(port);
    await client.ask(`authenticate|${secret}|`);
    for (const verb of verbs) await client.ask(`route|${verb}`);
    return client;
  }

  /** Sends one frame; returns its id. */
  send(meta: string, sip?: string): string {
    const id = randomUUID();
    this.socket.write(frameText(`${id}|${meta}${sip === undefined ? '' : `\r\n${sip}`}`));
    return id;
  }

  /** Sends one frame and waits for its reply. */
  async ask(meta: string, sip?: string, timeoutMs = 3_000): Promise<Frame> {
    const id = this.send(meta, sip);
    return this.next((frame) => frame.tokens[1] === 'response' && frame.tokens[2] === id, timeoutMs);
  }

  async next(matches: (frame: Frame) => boolean, timeoutMs = 3_000): Promise<Frame> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const index = this.received.findIndex(matches);
      if (index !== -1) return this.received.splice(index, 1)[0]!;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        const seen = this.received.map((frame) => `${frame.tokens[1]} ${frame.sip.split('\r\n')[0]}`).join(' | ');
        throw new Error(`no such frame within ${timeoutMs} ms; waiting: ${seen || 'nothing'}`);
      }
      await this.#arrival(leftMs);
    }
  }

  /** The next `sip` frame whose start line begins so. */
  nextSip(start: string, timeoutMs?: number): Promise<Frame> {
    return this.next((frame) => frame.tokens[1] === 'sip' && frame.sip.startsWith(start), timeoutMs);
  }

  async rest(quietMs = 60): Promise<string[]> {
    await new Promise((resolve) => setTimeout(resolve, quietMs));
    return this.received.map((frame) => `${frame.tokens.slice(1).join('|')} ${frame.sip.split('\r\n')[0]}`);
  }

  async untilClosed(timeoutMs = 3_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.closed) {
      if (performance.now() > deadline) throw new Error('connection is still open');
      await this.#arrival(deadline - performance.now());
    }
  }

  close(): void {
    this.socket.destroy();
  }

  #cut(): void {
    for (;;) {
      const hash = this.#buffered.indexOf('#');
      if (hash === -1) return;
      const prefix = this.#buffered.toString('latin1', 0, hash);
      if (!/^\d+$/.test(prefix)) throw new Error(`bad frame length ${JSON.stringify(prefix)}`);
      const end = hash + 1 + Number(prefix);
      if (this.#buffered.length < end) return;
      const text = this.#buffered.toString('utf8', hash + 1, end);
      this.#buffered = this.#buffered.subarray(end);
      const cut = text.indexOf('\r\n');
      const meta = cut === -1 ? text : text.slice(0, cut);
      this.received.push({ tokens: meta.split('|'), sip: cut === -1 ? '' : text.slice(cut + 2), read: this.#reads });
      for (const wake of [...this.#wake]) wake();
    }
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

export function frameText(payload: string): string {
  return `${Buffer.byteLength(payload)}#${payload}`;
}

/** Value of a header in SIP text, or an empty string. */
export function headerOf(sip: string, name: string): string {
  const wanted = `${name.toLowerCase()}:`;
  const line = sip
    .split('\r\n\r\n', 1)[0]!
    .split('\r\n')
    .find((text) => text.toLowerCase().startsWith(wanted));
  return line === undefined ? '' : line.slice(wanted.length).trim();
}

export function tagOf(sip: string, name: 'From' | 'To'): string {
  return /;tag=([^;>\s]+)/.exec(headerOf(sip, name))?.[1] ?? '';
}
