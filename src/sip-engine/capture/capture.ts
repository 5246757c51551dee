// Every SIP message that is sent or accepted, copied to a capture server (HEP over UDP): what an operator reads in Homer.
//
// Invariants
//   H1. No secret leaves: what message/secrets.ts lists is taken out before a message is copied.
//   H2. It harms nothing: a copy is sent or dropped at once, whatever becomes of the server. At most `PENDING_MAX` are on their way.

import { createSocket, type Socket } from 'node:dgram';
import type { EngineClock } from '../clock.ts';
import { header } from '../message/headers.ts';
import type { SipMessage } from '../message/message.ts';
import { parseDatagram } from '../message/parse.ts';
import { bodyKind, bodyWithoutSecrets, valueWithoutSecrets } from '../message/secrets.ts';
import { serialise } from '../message/serialise.ts';
import { bareHost } from '../message/uri.ts';
import type { Flow, Source, TransportProtocol } from '../transport/flow.ts';
import { type HepEnd, hepPacket } from './hep.ts';

export interface CaptureOptions {
  /** IP literal, or a name that is looked up once at the start. */
  readonly host: string;
  readonly port: number;
  /** Of this node, at the capture server. */
  readonly id: number;
  /** '' = none. */
  readonly password: string;
}

export interface CaptureStats {
  readonly sent: number;
  readonly dropped: number;
}

const PENDING_MAX = 1_000;

export class Capture {
  readonly #options: CaptureOptions;
  readonly #clock: EngineClock;
  readonly #onFault: (error: unknown) => void;
  readonly #socket: Promise<Socket | undefined>;
  #pending = 0;
  #sent = 0;
  #dropped = 0;

  constructor(options: CaptureOptions, clock: EngineClock, onFault: (error: unknown) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#onFault = onFault;
    this.#socket = open(options, onFault);
  }

  get stats(): CaptureStats {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  received(message: SipMessage, source: Source): void {
    const from = { address: source.address, port: source.port };
    this.#copy(message, source.protocol, from, { address: source.localAddress, port: source.localPort });
  }

  /** `local`: where our listener of that transport is; over a connection of ours the port is another, which nobody needs. */
  sent(bytes: Buffer, flow: Flow, local: HepEnd): void {
    const result = parseDatagram(bytes);
    if (!result.ok) return this.#onFault(result.error);
    this.#copy(result.message, flow.protocol, local, { address: bareHost(flow.address), port: flow.port });
  }

  async close(): Promise<void> {
    (await this.#socket)?.close();
  }

  #copy(message: SipMessage, protocol: TransportProtocol, from: HepEnd, to: HepEnd): void {
    const { id, password } = this.#options;
    const packet = hepPacket({
      protocol: protocol === 'udp' ? 'udp' : 'tcp',
      from,
      to,
      atMs: this.#clock.wallTime().getTime(),
      captureId: id,
      password,
      correlation: header(message, 'call-id') ?? '',
      payload: serialise(withoutSecrets(message)),
    });
    if (packet === undefined || this.#pending >= PENDING_MAX) {
      this.#dropped += 1;
      return;
    }
    this.#pending += 1;
    void this.#send(packet);
  }

  async #send(packet: Buffer): Promise<void> {
    const socket = await this.#socket;
    if (socket === undefined) return this.#done(false);
    try {
      // Nobody at the other end shows as an error of a later packet: that one is lost, and nothing else.
      socket.send(packet, (error) => this.#done(error === null));
    } catch {
      // It was closed while this one waited.
      this.#done(false);
    }
  }

  #done(isSent: boolean): void {
    this.#pending -= 1;
    if (isSent) this.#sent += 1;
    else this.#dropped += 1;
  }
}

/** Undefined where its address cannot be used: said once, and no copy is sent. */
async function open({ host, port }: CaptureOptions, onFault: (error: unknown) => void): Promise<Socket | undefined> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.unref();
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
  const failed = (error: Error): void => {
    socket.close();
    onFault(error);
    resolve(undefined);
  };
  socket.once('error', failed);
  // The types know only the listener of success; at run time a name that has no address is passed to it.
  socket.connect(port, host, ((error?: Error) => {
    socket.off('error', failed);
    socket.on('error', () => undefined);
    if (error === undefined) resolve(socket);
    else failed(error);
  }) as () => void);
  return await promise;
}

/** H1. Printed anew it has the length that its body has then. */
function withoutSecrets(message: SipMessage): SipMessage {
  const headers = message.headers.map(({ name, value }) => ({ name, value: valueWithoutSecrets(name, value) }));
  const text = message.body.toString('latin1');
  const clean = bodyWithoutSecrets(text, bodyKind(message.headers));
  const body = clean === text ? message.body : Buffer.from(clean, 'latin1');
  return message.kind === 'request'
    ? { ...message, uri: valueWithoutSecrets('', message.uri), headers, body }
    : { ...message, headers, body };
}
