// Every SIP message that is sent or accepted, copied to a capture server (HEP over UDP): what an operator reads in Homer.
//
// Invariants
//   H1. No secret leaves: what message/secrets.ts lists is taken out before a message is copied.
//   H2. It harms nothing: a copy is sent or dropped at once, whatever becomes of the server. At most `PENDING_MAX` are on their way.
//   H3. Copies follow the server's name: it is looked up every LOOKUP_MS, also where that failed. While it has no address, copies go where they went;
//       that it has none is said once.

import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { EngineClock, TimerHandle } from '../clock.ts';
import { header } from '../message/headers.ts';
import type { SipMessage } from '../message/message.ts';
import { parseDatagram } from '../message/parse.ts';
import { bodyKind, bodyWithoutSecrets, valueWithoutSecrets } from '../message/secrets.ts';
import { serialise } from '../message/serialise.ts';
import { bareHost } from '../message/uri.ts';
import type { Flow, Source, TransportProtocol } from '../transport/flow.ts';
import { type HepEnd, hepPacket } from './hep.ts';

export interface CaptureOptions {
  /** IP literal, or a name (H3). */
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
const LOOKUP_MS = 30_000;

/** Rejects where the name has none. */
type AddressOf = (host: string) => Promise<string>;
/** The system's look-up, not that of peers' names: the operator may have named a host of the hosts file. */
const systemAddress: AddressOf = async (host) => (await lookup(host)).address;

export class Capture {
  readonly #options: CaptureOptions;
  readonly #clock: EngineClock;
  readonly #onFault: (error: unknown) => void;
  readonly #addressOf: AddressOf;
  /** Leads to `#address`; undefined while there was never one. */
  #socket: Promise<Socket | undefined>;
  #address: string | undefined;
  #isLost = false;
  #isClosed = false;
  #timer: TimerHandle | undefined;
  #pending = 0;
  #sent = 0;
  #dropped = 0;

  constructor(
    options: CaptureOptions,
    clock: EngineClock,
    onFault: (error: unknown) => void,
    addressOf: AddressOf = systemAddress,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#onFault = onFault;
    this.#addressOf = addressOf;
    this.#socket = this.#follow(undefined);
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
    this.#isClosed = true;
    this.#timer?.cancel();
    (await this.#socket)?.close();
  }

  /** The socket that copies take from now on: another one where the server has moved (H3). Never rejects. */
  async #follow(before: Socket | undefined): Promise<Socket | undefined> {
    const after = await this.#look(before).catch((error: unknown) => {
      if (!this.#isLost) this.#onFault(error);
      this.#isLost = true;
      return before;
    });
    if (!this.#isClosed) this.#timer = this.#clock.setTimer(() => void this.#followAgain(after), LOOKUP_MS);
    return after;
  }

  /** Copies do not wait for it, and neither does `close`. */
  async #followAgain(before: Socket | undefined): Promise<void> {
    const after = await this.#follow(before);
    if (after === before) return;
    if (this.#isClosed) return void after?.close();
    this.#socket = Promise.resolve(after);
    before?.close();
  }

  async #look(before: Socket | undefined): Promise<Socket | undefined> {
    const { host, port } = this.#options;
    const address = await this.#addressOf(host);
    const after = address === this.#address ? before : await open(address, port);
    this.#address = address;
    this.#isLost = false;
    return after;
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

/** Rejects where nothing can be sent there: no network, no IPv6. */
async function open(address: string, port: number): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.unref();
  try {
    socket.connect(port, address);
    await once(socket, 'connect');
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', () => undefined);
  return socket;
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
