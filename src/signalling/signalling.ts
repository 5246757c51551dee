// SIP for calls: connects to a SIP engine, turns its requests into legs, and keeps the list of the legs that live.
//
// Invariants
//   S1. A new INVITE reaches the handler only after `screen` has found nothing wrong with it, and always ends in a final response:
//       where the handler throws or does not take it, 500 is ours.
//   S2. When the engine's connection is lost, every live leg is told so once; new ones work after the reconnect, and the other sides of the lost ones
//       are then told (orphans.ts).

import { randomBytes } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import { reasonHeader, verdictOf } from '../domain/reasons.ts';
import { ACCEPT, ALLOW, SUPPORTED } from './abilities.ts';
import { DialogKeeper, type NewDialog } from './dialog-keeper.ts';
import { DrachtioLink } from './drachtio.ts';
import type { LinkAnswer, LinkRequest } from './link-requests.ts';
import { SignallingError } from './errors.ts';
import type { SignallingObserver } from './frames.ts';
import { SipInboundLeg } from './inbound-leg.ts';
import type {
  InboundInvite,
  OriginateParams,
  OutboundEvent,
  OutboundLeg,
  Signalling,
  SignallingSource,
} from './leg.ts';
import type { Exchange } from './link-handles.ts';
import { SipOutboundLeg } from './outbound-leg.ts';
import type { DialogLog } from './orphans.ts';
import { type Answer, ask, type Question } from './question.ts';
import { RefusalMemory } from './refusal-memory.ts';
import { type Screening, screen } from './screen.ts';
import { parseSipAddress, parseSipUri } from './sip-text.ts';
import { refuseSubscription } from './transfers.ts';

export interface SignallingLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface GuardedRequest {
  readonly source: SignallingSource;
  readonly method: string;
  readonly userAgent: string | undefined;
  readonly from: string | undefined;
  readonly isInDialog: boolean;
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

type Screened = Extract<Screening, { ok: true }>;

interface Leg {
  lost(): void;
  /** Of those that we call out. */
  hasSent?(callId: string, fromTag: string | undefined): boolean;
}

class SipSignalling implements Signalling, CarrierQuestions {
  readonly #clock: Clock;
  readonly #log: SignallingLog;
  readonly #link: DrachtioLink;
  readonly #refusals: RefusalMemory;
  readonly #admits: SignallingOptions['admits'];
  readonly #random: () => number;
  readonly #legs = new Set<Leg>();
  readonly #dialogs: DialogKeeper;
  #addresses: readonly string[] = [];
  #handler: ((invite: InboundInvite) => void) | null = null;
  #draining = false;
  onFirstConnection: PromiseWithResolvers<void> | null = null;

  constructor({
    host,
    port,
    secret,
    tls,
    pings = false,
    clock,
    logger,
    observer,
    random = systemRandom,
    admits,
    dialogs,
  }: SignallingOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#log = logger;
    this.#admits = admits;
    this.#refusals = new RefusalMemory(clock);
    this.#dialogs = new DialogKeeper({
      clock,
      log: dialogs ?? null,
      send: (request) => this.send(request),
      report: (all, ended) => logger.warn({ dialogs: all, ended }, 'calls that nobody lived for any more were hung up'),
    });
    this.#link = new DrachtioLink({
      host,
      port,
      secret,
      tls: tls ?? null,
      pings,
      clock,
      observer,
      onRequest: (exchange) => this.#onRequest(exchange),
      onConnected: (addresses) => this.#onConnected(addresses),
      onRefused: () => this.#onRefused(),
      onLost: () => this.#onLost(),
      onFault: (error) => logger.error({ err: error }, 'a SIP message could not be handled'),
    });
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  onInvite(handler: (invite: InboundInvite) => void): void {
    this.#handler = handler;
  }

  setDraining(draining: boolean): void {
    this.#draining = draining;
  }

  originate(params: OriginateParams, onEvent: (event: OutboundEvent) => void): OutboundLeg {
    const fault = !this.connected
      ? { status: 503, reason: 'the SIP engine is not connected' }
      : parseSipUri(params.uri) === undefined || params.uri.includes('|')
        ? { status: 416, reason: 'the Request-URI is malformed' }
        : null;
    if (fault !== null) {
      queueMicrotask(() => onEvent({ type: 'rejected', ...fault }));
      return {
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
    }
    const leg = new SipOutboundLeg({
      clock: this.#clock,
      link: this.#link,
      params,
      newCnonce,
      random: this.#random,
      ownHost: hostOf(this.#addresses[0]),
      onEvent,
      ...this.#kept(() => this.#legs.delete(leg)),
    });
    this.#legs.add(leg);
    return leg;
  }

  async ask(question: Question): Promise<Answer> {
    if (!this.connected) return { kind: 'unsent', why: 'the SIP engine is not connected' };
    if (parseSipUri(question.uri) === undefined || question.uri.includes('|'))
      return { kind: 'unsent', why: 'the address is malformed' };
    return await ask(question, { clock: this.#clock, link: this.#link, newCnonce });
  }

  send(request: LinkRequest): Promise<LinkAnswer | string> {
    if (!this.connected) return Promise.resolve('the SIP engine is not connected');
    if (parseSipUri(request.uri) === undefined || request.uri.includes('|'))
      return Promise.resolve('the address is malformed');
    return new Promise((resolve) => this.#link.request(request, resolve));
  }

  async close(): Promise<void> {
    await this.#link.close();
    // Whoever is left was not hung up on: the next process does it.
    this.#dialogs.lost();
    this.#endLegs();
  }

  #onConnected(addresses: readonly string[]): void {
    this.#addresses = addresses;
    this.#dialogs.connected();
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
    this.#dialogs.lost();
    this.#endLegs();
  }

  /** What a leg tells of its dialog and its end. A browser is gone with its connection: nobody can call it back. */
  #kept(onOver: () => void, isBrowsers = false) {
    let close = (): void => undefined;
    return {
      onDialog: (dialog: NewDialog) => {
        if (!isBrowsers) close = this.#dialogs.opened(dialog);
      },
      onOver: () => {
        close();
        onOver();
      },
    };
  }

  #endLegs(): void {
    const legs = [...this.#legs];
    this.#legs.clear();
    for (const leg of legs) this.#link.safely(() => leg.lost());
  }

  #onRequest(exchange: Exchange): void {
    if (!this.#isAdmitted(exchange)) return exchange.respond(verdictOf('unknown_source').sipStatus);
    const screening = screen(exchange);
    if (isBrowser(exchange.source)) return this.#onBrowserRequest(exchange, screening);
    if (!screening.ok) return exchange.respond(screening.status, { headers: screening.headers });
    switch (exchange.method) {
      case 'INVITE':
        return this.#onInvite(exchange, screening);
      case 'OPTIONS':
        return this.#onOptions(exchange);
      case 'BYE':
      case 'UPDATE':
      case 'INFO':
      case 'PRACK':
        // They make sense in a dialog only, and this one is none of ours (RFC 3261 section 12.2.2).
        return exchange.respond(481);
      case 'NOTIFY':
      case 'SUBSCRIBE':
        return refuseSubscription(exchange);
      case 'REFER':
        // Who is in no call with us has nobody called.
        return exchange.respond(403);
      default:
        return exchange.respond(405, { headers: { Allow: ALLOW } });
    }
  }

  #isAdmitted({ source, method, headers }: Exchange): boolean {
    if (this.#admits === undefined) return true;
    const isInDialog = parseSipAddress(headers['to'] ?? '')?.parameters.has('tag') === true;
    return this.#admits({ source, method, userAgent: headers['user-agent'], from: headers['from'], isInDialog });
  }

  /** Anybody may connect there: but for calls, which prove who they are, nobody learns what this is. */
  #onBrowserRequest(exchange: Exchange, screening: Screening): void {
    if (!screening.ok) return exchange.respond(screening.status);
    if (exchange.method === 'INVITE') return this.#onInvite(exchange, screening);
    const isOfDialog = ['BYE', 'UPDATE', 'INFO', 'PRACK'].includes(exchange.method);
    // OPTIONS is how some of its libraries see whether the connection lives.
    exchange.respond(exchange.method === 'OPTIONS' ? 200 : isOfDialog ? 481 : 403);
  }

  #onOptions(exchange: Exchange): void {
    const headers = { Allow: ALLOW, Supported: SUPPORTED, Accept: ACCEPT };
    if (!this.#draining) return exchange.respond(200, { headers });
    const retryAfter = String(verdictOf('draining').retryAfterSec);
    exchange.respond(503, { headers: { 'Retry-After': retryAfter, Reason: reasonHeader('draining') } });
  }

  /** S1 */
  #onInvite(exchange: Exchange, { from, callId, target, sdp }: Screened): void {
    const fromTag = from.parameters.get('tag');
    // The embedded engine knows a request of its own by its Via; another one may not.
    if ([...this.#legs].some((own) => own.hasSent?.(callId, fromTag) === true)) return exchange.respond(482);
    const refusalKey = `${callId}|${fromTag}`;
    let leg: SipInboundLeg | null = null;
    const take = (onEvent: Parameters<InboundInvite['accept']>[0]) => {
      if (leg !== null) throw new Error('an INVITE is accepted once');
      const accepted = new SipInboundLeg({
        clock: this.#clock,
        exchange,
        offer: sdp,
        newCnonce,
        random: this.#random,
        onEvent,
        onRejected: (reason) => this.#refusals.remember(refusalKey, reason),
        ...this.#kept(() => this.#legs.delete(accepted), isBrowser(exchange.source)),
      });
      leg = accepted;
      this.#legs.add(accepted);
      return accepted;
    };
    const before = this.#refusals.recall(refusalKey);
    if (before !== null) return take(() => undefined).reject(before);
    try {
      this.#handler?.({
        source: exchange.source,
        sipCallId: callId,
        requestUri: exchange.uri,
        calledUser: target.user,
        callerUser: from.uri.user,
        callerDisplay: from.display,
        fromBrowser: isBrowser(exchange.source),
        offer: sdp,
        headers: exchange.headers,
        accept: take,
      });
    } catch (error) {
      this.#log.error({ err: error, sipCallId: callId }, 'the handler of a new call failed');
    }
    // Nobody took it: no handler yet, or it failed before it could.
    if (leg === null) exchange.respond(500);
  }
}

/** The embedded engine names the transport; drachtio-server says `tcp`, and its browsers are strangers. */
function isBrowser({ protocol }: SignallingSource): boolean {
  return protocol === 'ws' || protocol === 'wss';
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
