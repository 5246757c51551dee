// A carrier's registrar, on loopback: it asks for credentials, keeps bindings, can forget them, be away, and calls what is registered. UDP, or TLS
// with one connection at a time.

import dgram from 'node:dgram';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { verifyAnswer } from '../../src/phone/digest.ts';
import { RawMessage } from './raw-sip-peer.ts';

export interface RegistrarOptions {
  readonly credentials: { readonly username: string; readonly password: string };
  readonly grantedSec?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Port to listen on; default: any. */
  readonly port?: number;
}

export interface Binding {
  /** URI of the Contact. */
  readonly contact: string;
  readonly header: string;
}

const CHALLENGE = { realm: 'registrar', nonce: 'n0' };

export class Registrar {
  readonly options: RegistrarOptions;
  readonly seen: RawMessage[] = [];
  readonly answers: RawMessage[] = [];
  /** By user of To. */
  readonly bindings = new Map<string, Binding>();
  /** What REGISTER is answered with instead, with its headers; null = as it should. */
  refusal: { readonly status: number; readonly headers?: readonly string[] } | null = null;
  readonly #send: (text: string, to: { readonly port: number; readonly address: string }) => void;
  readonly #stop: () => Promise<void>;
  readonly port: number;
  #branch = 0;

  private constructor(options: RegistrarOptions, port: number, send: Registrar['sendRaw'], stop: () => Promise<void>) {
    this.options = options;
    this.port = port;
    this.#send = send;
    this.#stop = stop;
  }

  static async udp(options: RegistrarOptions): Promise<Registrar> {
    const socket = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(options.port ?? 0, '127.0.0.1', resolve));
    const registrar = new Registrar(
      options,
      socket.address().port,
      (text, { port, address }) => socket.send(text, port, address),
      () => new Promise((resolve) => socket.close(() => resolve())),
    );
    socket.on('message', (bytes, from) => registrar.#take(new RawMessage(bytes.toString(), from)));
    return registrar;
  }

  static async tls(options: RegistrarOptions & Required<Pick<RegistrarOptions, 'tls'>>): Promise<Registrar> {
    let connection: tls.TLSSocket | null = null;
    const server = tls.createServer(options.tls, (socket) => {
      connection = socket;
      let buffered = '';
      socket.on('error', () => socket.destroy());
      socket.on('data', (bytes) => {
        buffered += bytes.toString();
        for (let end = buffered.indexOf('\r\n\r\n'); end !== -1; end = buffered.indexOf('\r\n\r\n')) {
          const length = Number(/^Content-Length:\s*(\d+)/im.exec(buffered.slice(0, end))?.[1] ?? 0);
          if (buffered.length < end + 4 + length) return;
          const text = buffered.slice(0, end + 4 + length);
          buffered = buffered.slice(end + 4 + length);
          if (text.trim() !== '') registrar.#take(new RawMessage(text.trimStart(), { address: '127.0.0.1', port: 0 }));
        }
      });
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
    const registrar = new Registrar(
      options,
      (server.address() as AddressInfo).port,
      (text) => void connection?.write(text),
      () =>
        new Promise((resolve) => {
          connection?.destroy();
          server.close(() => resolve());
        }),
    );
    return registrar;
  }

  get sendRaw(): (text: string, to: { readonly port: number; readonly address: string }) => void {
    return this.#send;
  }

  registers(): readonly RawMessage[] {
    return this.seen.filter((message) => message.method === 'REGISTER');
  }

  /** Restarted without its database. */
  forget(): void {
    this.bindings.clear();
  }

  async close(): Promise<void> {
    await this.#stop();
  }

  /** An INVITE to the Contact of `user`, over the way that REGISTER came; `to` is the number in To. */
  invite(user: string, to: string, { body, uri }: { readonly body: string; readonly uri?: string }): RawMessage {
    const binding = this.bindings.get(user);
    if (binding === undefined) throw new Error(`${user} is not registered`);
    const [, host = '', port = ''] = /@\[?([^\]:;>]+)\]?:(\d+)/.exec(binding.contact) ?? [];
    this.#branch += 1;
    const transport = this.options.tls === undefined ? 'UDP' : 'TLS';
    const text = [
      `INVITE ${uri ?? binding.contact} SIP/2.0`,
      `Via: SIP/2.0/${transport} 127.0.0.1:${this.port};branch=z9hG4bKreg${this.#branch}${process.pid}`,
      'Max-Forwards: 70',
      `From: <sip:+12025550199@registrar>;tag=from${this.#branch}`,
      `To: <sip:${to}@registrar>`,
      `Call-ID: call-${this.#branch}-${process.pid}-${this.port}`,
      'CSeq: 1 INVITE',
      `Contact: <sip:registrar@127.0.0.1:${this.port}${this.options.tls === undefined ? '' : ';transport=tls'}>`,
      'Content-Type: application/sdp',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
    this.#send(text, { port: Number(port), address: host });
    return new RawMessage(text, { address: host, port: Number(port) });
  }

  /** ACK and BYE for a call of ours that was answered. */
  hangUp(invite: RawMessage, ok: RawMessage): void {
    const target = /<([^>]+)>/.exec(ok.header('Contact'))?.[1] ?? '';
    for (const [method, sequence] of [
      ['ACK', 1],
      ['BYE', 2],
    ] as const) {
      this.#branch += 1;
      const via = invite.header('Via').replace(/branch=\S+/, `branch=z9hG4bKend${this.#branch}${process.pid}`);
      const text = [
        `${method} ${target} SIP/2.0`,
        `Via: ${via}`,
        'Max-Forwards: 70',
        `From: ${invite.header('From')}`,
        `To: ${ok.header('To')}`,
        `Call-ID: ${invite.header('Call-ID')}`,
        `CSeq: ${sequence} ${method}`,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n');
      this.#send(text, invite.from);
    }
  }

  #take(message: RawMessage): void {
    if (message.status !== undefined) return void this.answers.push(message);
    this.seen.push(message);
    if (message.method === 'REGISTER') return this.#register(message);
    if (message.method !== 'ACK') this.#answer(message, 200, []);
  }

  #register(message: RawMessage): void {
    if (this.refusal !== null) return this.#answer(message, this.refusal.status, this.refusal.headers ?? []);
    const { credentials, grantedSec = 600 } = this.options;
    const given = message.header('Authorization');
    if (given === '' || !verifyAnswer(given, CHALLENGE, credentials, 'REGISTER')) {
      return this.#answer(message, 401, [
        `WWW-Authenticate: Digest realm="${CHALLENGE.realm}", nonce="${CHALLENGE.nonce}", algorithm=MD5, qop="auth"`,
      ]);
    }
    const user = /<sip:([^@>]+)@/.exec(message.header('To'))?.[1] ?? '';
    const header = message.header('Contact');
    const contact = /<([^>]+)>/.exec(header)?.[1] ?? '';
    if (/;expires=0(?:\D|$)/.test(header)) {
      this.bindings.delete(user);
      return this.#answer(message, 200, []);
    }
    this.bindings.set(user, { contact, header });
    this.#answer(message, 200, [`Contact: <${contact}>;expires=${grantedSec}`]);
  }

  #answer(request: RawMessage, status: number, extra: readonly string[]): void {
    const to = request.header('To');
    const text = [
      `SIP/2.0 ${status} Said`,
      ...request.headers('Via').map((via) => `Via: ${via}`),
      `From: ${request.header('From')}`,
      `To: ${to.includes(';tag=') ? to : `${to};tag=r${this.port}`}`,
      `Call-ID: ${request.header('Call-ID')}`,
      `CSeq: ${request.header('CSeq')}`,
      ...extra,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    this.#send(text, request.from);
  }
}
