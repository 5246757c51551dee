// A stranger on the SIP port: sends what it likes from an address of 127.0.0.0/8, and times what comes back. Not an agent with transactions: those
// would hide what a scanner sees.

import { createSocket, type Socket } from 'node:dgram';

export interface StrangerAnswer {
  readonly text: string;
  readonly tookMs: number;
}

export interface StrangerRequest {
  readonly method: string;
  readonly user: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.1.0.1\r\ns=-\r\nc=IN IP4 127.1.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n';
let count = 0;

export class Stranger {
  readonly address: string;
  readonly #socket: Socket;
  readonly #port: number;
  readonly #waiting = new Map<string, (text: string) => void>();

  private constructor(socket: Socket, address: string, port: number) {
    this.#socket = socket;
    this.address = address;
    this.#port = port;
    socket.on('message', (bytes) => {
      const text = bytes.toString('latin1');
      const callId = /^Call-ID: *(\S+)/im.exec(text)?.[1] ?? '';
      if (!/^SIP\/2\.0 1\d\d/.test(text)) this.#waiting.get(callId)?.(text);
    });
    socket.on('error', () => undefined);
  }

  static async open(address: string, port: number): Promise<Stranger> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, address, resolve));
    return new Stranger(socket, address, port);
  }

  /** The final answer; null where none came in time. */
  async ask({ method, user, headers = [], body }: StrangerRequest, timeoutMs = 1000): Promise<StrangerAnswer | null> {
    count += 1;
    const number = String(count).padStart(8, '0');
    const payload = body ?? (method === 'INVITE' ? SDP : '');
    const lines = [
      `${method} sip:${user}@127.0.0.1:${this.#port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK${number};rport`,
      'Max-Forwards: 70',
      `From: <sip:someone@127.0.0.1>;tag=${number}`,
      `To: <sip:${user}@127.0.0.1>`,
      `Call-ID: ${number}`,
      `CSeq: 1 ${method}`,
      'Contact: <sip:someone@127.0.0.1:5060>',
      ...headers,
      ...(payload === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${payload.length}`,
    ];
    const startMs = performance.now();
    const answer = new Promise<StrangerAnswer | null>((resolve) => {
      const timer = setTimeout(() => resolve(null), timeoutMs);
      this.#waiting.set(number, (text) => {
        clearTimeout(timer);
        this.#waiting.delete(number);
        resolve({ text, tookMs: performance.now() - startMs });
      });
    });
    this.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${payload}`));
    return await answer;
  }

  send(bytes: Buffer): void {
    this.#socket.send(bytes, this.#port, '127.0.0.1');
  }

  close(): void {
    this.#socket.close();
  }
}

/** Without what differs from request to request of the same stranger: branch, tags, Call-ID, ports, and the user it asked for itself. */
export function withoutEcho(text: string, user: string): string {
  return text
    .replaceAll(user, 'USER')
    .replace(/branch=[^;\r\n]+/g, 'branch=X')
    .replace(/;tag=[^;\r\n]+/g, ';tag=X')
    .replace(/;rport=\d+/g, ';rport=X')
    .replace(/;received=[\d.]+/g, ';received=X')
    .replace(/^Call-ID:.*$/im, 'Call-ID: X');
}

/** Largest distance between the distributions of two samples (Kolmogorov, Smirnov): 0 alike, 1 apart. */
export function distance(one: readonly number[], other: readonly number[]): number {
  const share = (sample: readonly number[], limit: number) =>
    sample.filter((value) => value <= limit).length / sample.length;
  return Math.max(...[...one, ...other].map((limit) => Math.abs(share(one, limit) - share(other, limit))));
}
