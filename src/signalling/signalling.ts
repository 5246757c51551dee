// SIP for calls: connects to a SIP engine, turns its requests into legs, and keeps the legs that live.
//
// Invariants
//   S1. A new INVITE reaches the handler screened, and always ends in a final response (door.ts).
//   S2. When the engine's connection is lost, every live leg is told so once (live-legs.ts); new ones work after the reconnect, and the other sides
//       of the lost ones are then told (orphans.ts).

import { randomBytes } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import { Door, type GuardedRequest, type Taken } from './door.ts';
import { DrachtioLink } from './drachtio.ts';
import { SignallingError } from './errors.ts';
import type { SignallingObserver } from './frames.ts';
import { SipInboundLeg } from './inbound-leg.ts';
import type { InboundInvite, OriginateParams, OutboundEvent, OutboundLeg, Signalling } from './leg.ts';
import type { LinkAnswer, LinkRequest } from './link-requests.ts';
import { LiveLegs } from './live-legs.ts';
import { SipOutboundLeg } from './outbound-leg.ts';
import type { DialogLog } from './orphans.ts';
import { type Answer, ask, type Question } from './question.ts';
import { parseSipUri } from './sip-text.ts';

export interface SignallingLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SignallingOptions {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Of the connection to the engine: PEM of authorities beside those of the machine; absent = no TLS. */
  readonly tls?: { readonly authorities: readonly string[] } | undefined;
  /** Whether an engine that answers no ping for 10 s is taken for lost; default: no. */
  readonly pings?: boolean;
  readonly clock: Clock;
  readonly logger: SignallingLog;
  readonly observer: SignallingObserver;
  /**
   * Whether an UPDATE of ours puts the engine's own session refresh back, as a re-INVITE does; default: yes. Where it does not, the engine would send
   * one besides, and tell nobody what it was answered: there we refresh by re-INVITE.
   */
  readonly refreshesByUpdate?: boolean;
  /** Uniform in [0, 1): how long is waited after glare. Default: the operating system's. */
  readonly random?: () => number;
  /** Asked of each request outside a dialog where the engine has no guard of its own; false: it is refused without a look at it. */
  readonly admits?: ((request: GuardedRequest) => boolean) | undefined;
  /** Where live dialogs are written down for the next process; default: nowhere. */
  readonly dialogs?: DialogLog | undefined;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** What trunk checks need beside calls. */
export interface CarrierQuestions {
  /** Never rejects. */
  ask(question: Question): Promise<Answer>;
  /** A request outside any dialog: its final answer, or in words why none can come. Never rejects; may last as long as a transaction. */
  send(request: LinkRequest): Promise<LinkAnswer | string>;
}

/** Resolves once the engine has taken us; later losses are mended in the background. @throws SignallingError */
export async function connectSignalling(options: SignallingOptions): Promise<Signalling & CarrierQuestions> {
  const signalling = new SipSignalling(options);
  const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const ready = Promise.withResolvers<void>();
  signalling.onFirstConnection = ready;
  const timer = options.clock.setTimer(() => {
    const where = `${options.host}:${options.port}`;
    ready.reject(new SignallingError('sip_engine_unreachable', `no SIP engine at ${where} within ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    await ready.promise;
    return signalling;
  } catch (error) {
    await signalling.close();
    throw error;
  } finally {
    timer.cancel();
  }
}

/** Of a call that could not be placed. */
const UNSENT_LEG: OutboundLeg = {
  cancel: () => undefined,
  bye: () => Promise.resolve(),
  modify: () => Promise.resolve({ ok: false, status: 481 }),
  probe: () => Promise.resolve('lost'),
  sendKey: () => Promise.resolve(481),
  refer: () => false,
  setByeHeaders: () => undefined,
  dialog: null,
  lastDialog: null,
};

class SipSignalling implements Signalling, CarrierQuestions {
  readonly #clock: Clock;
  readonly #log: SignallingLog;
  readonly #link: DrachtioLink;
  readonly #random: () => number;
  readonly #refreshesByUpdate: boolean;
  readonly #door: Door;
  readonly #legs: LiveLegs;
  #addresses: readonly string[] = [];
  onFirstConnection: PromiseWithResolvers<void> | null = null;

  constructor(options: SignallingOptions) {
    const { host, port, secret, tls = null, pings = false, clock, logger, observer } = options;
    this.#clock = clock;
    this.#random = options.random ?? systemRandom;
    this.#refreshesByUpdate = options.refreshesByUpdate ?? true;
    this.#log = logger;
    this.#link = new DrachtioLink({
      host,
      port,
      secret,
      tls,
      pings,
      clock,
      observer,
      onRequest: (exchange) => this.#door.knock(exchange),
      onConnected: (addresses) => this.#onConnected(addresses),
      onRefused: () => this.#onRefused(),
      onLost: () => this.#onLost(),
      onFault: (error) => logger.error({ err: error }, 'a SIP message could not be handled'),
    });
    const dialogs = {
      clock,
      log: options.dialogs ?? null,
      send: (request: LinkRequest) => this.send(request),
      report: (all: number, ended: number) =>
        logger.warn({ dialogs: all, ended }, 'calls that nobody lived for any more were hung up'),
    };
    this.#legs = new LiveLegs(dialogs, (act) => this.#link.safely(act));
    this.#door = new Door({
      clock,
      log: logger,
      admits: options.admits,
      isOurs: (callId, fromTag) => this.#legs.haveSent(callId, fromTag),
      take: (taken) => this.#take(taken),
    });
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  onInvite(handler: (invite: InboundInvite) => void): void {
    this.#door.handler = handler;
  }

  setDraining(draining: boolean): void {
    this.#door.isDraining = draining;
  }

  originate(params: OriginateParams, onEvent: (event: OutboundEvent) => void): OutboundLeg {
    const fault = !this.connected
      ? { status: 503, reason: 'the SIP engine is not connected' }
      : isSendable(params.uri)
        ? null
        : { status: 416, reason: 'the Request-URI is malformed' };
    if (fault !== null) {
      queueMicrotask(() => onEvent({ type: 'rejected', ...fault }));
      return { ...UNSENT_LEG };
    }
    const ownHost = hostOf(this.#addresses[0]);
    const parts = { ...this.#legParts(), link: this.#link, params, ownHost, onEvent };
    return this.#legs.keep((kept) => new SipOutboundLeg({ ...parts, ...kept }));
  }

  async ask(question: Question): Promise<Answer> {
    if (!this.connected) return { kind: 'unsent', why: 'the SIP engine is not connected' };
    if (!isSendable(question.uri)) return { kind: 'unsent', why: 'the address is malformed' };
    return await ask(question, { clock: this.#clock, link: this.#link, newCnonce });
  }

  send(request: LinkRequest): Promise<LinkAnswer | string> {
    if (!this.connected) return Promise.resolve('the SIP engine is not connected');
    if (!isSendable(request.uri)) return Promise.resolve('the address is malformed');
    return new Promise((resolve) => this.#link.request(request, resolve));
  }

  async close(): Promise<void> {
    await this.#link.close();
    // Whoever is left was not hung up on: the next process does it.
    this.#legs.lost();
  }

  #take({ isBrowsers, ...taken }: Taken): SipInboundLeg {
    const parts = this.#legParts();
    return this.#legs.keep((kept) => new SipInboundLeg({ ...parts, ...taken, ...kept }), { isBrowsers });
  }

  #legParts() {
    return { clock: this.#clock, newCnonce, random: this.#random, refreshesByUpdate: this.#refreshesByUpdate };
  }

  #onConnected(addresses: readonly string[]): void {
    this.#addresses = addresses;
    this.#legs.connected();
    this.#log.info({ addresses }, 'connected to the SIP engine');
    this.onFirstConnection?.resolve();
    this.onFirstConnection = null;
  }

  #onRefused(): void {
    this.#log.error({}, 'the SIP engine refuses our secret');
    this.onFirstConnection?.reject(new SignallingError('sip_engine_refused', 'the SIP engine refuses our secret'));
    this.onFirstConnection = null;
  }

  /** S2 */
  #onLost(): void {
    this.#log.error({ legs: this.#legs.size }, 'the connection to the SIP engine is lost');
    this.#addresses = [];
    this.#legs.lost();
  }
}

/** `|` would break the frames of the wire protocol. */
function isSendable(uri: string): boolean {
  return parseSipUri(uri) !== undefined && !uri.includes('|');
}

/** Of `udp/192.0.2.1:5060`. */
function hostOf(address = ''): string {
  return /^[^/]*\/\[?([^\]/]+?)\]?:\d+$/.exec(address)?.[1] ?? 'localhost';
}

function systemRandom(): number {
  return randomBytes(4).readUInt32BE() / 2 ** 32;
}

function newCnonce(): string {
  return randomBytes(8).toString('hex');
}
