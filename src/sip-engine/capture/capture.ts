// Every SIP message that is sent or accepted, copied to a capture server (HEP over UDP): what an operator reads in Homer.
//
// Invariants
//   H1. No secret leaves: credentials, media keys and keyed digits are taken out before a message is copied.
//   H2. It harms nothing: a copy is sent or dropped at once, whatever becomes of the server. At most `PENDING_MAX` are on their way.

import { createSocket, type Socket } from 'node:dgram';
import type { EngineClock } from '../clock.ts';
import { header } from '../message/headers.ts';
import type { SipMessage } from '../message/message.ts';
import { parseDatagram } from '../message/parse.ts';
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
const REDACTED = '[redacted]';
const SECRET_HEADER = /^(?:proxy-)?authorization$|token|secret|password|api-?key|cookie/i;
const SECRET_LINES = /^(a=crypto:\d+ +\S+|a=(?:ice-pwd|key-mgmt):|k=|signal\s*=)[^\r\n]*/gim;
const KEYED = /^application\/dtmf\s*(?:;|$)/i;

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
    // Nobody at the other end shows as an error of a later packet: that one is lost, and nothing else.
    socket.send(packet, (error) => this.#done(error === null));
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
  socket.once('error', (error) => {
    onFault(error);
    resolve(undefined);
  });
  socket.connect(port, host, () => {
    socket.removeAllListeners('error');
    socket.on('error', () => undefined);
    resolve(socket);
  });
  return await promise;
}

/** H1 */
function withoutSecrets(message: SipMessage): SipMessage {
  const headers = message.headers.map((field) =>
    SECRET_HEADER.test(field.name) ? { ...field, value: REDACTED } : field,
  );
  return { ...message, headers, body: bodyWithoutSecrets(message) };
}

function bodyWithoutSecrets(message: SipMessage): Buffer {
  const { body } = message;
  if (body.length === 0) return body;
  if (KEYED.test(header(message, 'content-type') ?? '')) return Buffer.from(REDACTED);
  const text = body.toString('latin1');
  const clean = text.replace(SECRET_LINES, (_line, kept: string) => `${kept}${REDACTED}`);
  return clean === text ? body : Buffer.from(clean, 'latin1');
}
