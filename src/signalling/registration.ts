// The registration of one trunk with its carrier (RFC 3261 section 10): the state machine, on a clock and randomness that are handed in.
//
//   state        event                                 next         done
//   waiting      due                                   registering  REGISTER at the first registrar
//   registering  bound                                 registered   refreshed at half of the granted time
//   registering  the registrar failed                  registering  the next one; after the last: failed
//   registering  the account was refused               failed       tried again, later and later (from a minute on: accounts get locked)
//   registered   half of the time has passed, refresh()  registered REGISTER where it was bound, then at the others
//   registered   a refresh failed                      registered   tried again, later and later, until the time is over
//   registered   the time is over                      failed       tried again, later and later
//   failed       due, refresh()                        registering  REGISTER at the first registrar
//   any          stop()                                stopped      where it is or may be bound: REGISTER that takes the binding back
//   stopped      anything                              stopped      nothing
//
// Invariants
//   RG1. One REGISTER is under way at a time; requests are never closer together than `AGAIN_MIN_MS`, whoever asks for them.
//   RG2. Tries after failures are spread by chance, and come no earlier than the registrar said (Retry-After, an hour at most).
//   RG3. The binding is ours while `registered`: its time is counted from before the request left, so it never outlives the registrar's.

import type { Timer } from '../domain/clock.ts';
import type { Credentials } from './digest.ts';
import { type RegisterIdentity, type RegisterOutcome, type RegisterParts, register } from './register-request.ts';
import type { SipServer } from './sip-servers.ts';

export type RegistrationState = 'waiting' | 'registering' | 'registered' | 'failed' | 'stopped';

export interface RegistrationView {
  readonly state: RegistrationState;
  /** Wall-clock ms of the last change of `state`. */
  readonly since: number;
  /** Wall-clock ms; null while it is not registered. */
  readonly expiresAt: number | null;
  /** Of the last failure; null after a success. */
  readonly lastError: string | null;
  /** Where it is bound, or was asked for last: `udp 192.0.2.1:5060`. */
  readonly registrar: string | null;
}

export interface Registrar {
  /** Request-URI, and next hop, of a REGISTER there. */
  readonly uri: string;
  readonly nextHop: string;
  readonly server: SipServer;
  readonly shown: string;
}

export interface RegistrationSettings {
  readonly user: string;
  readonly domain: string;
  readonly credentials: Credentials | null;
  readonly expiresSec: number;
  readonly contactUser: string;
  readonly instance: string;
}

export interface RegistrationOptions extends RegisterParts {
  readonly settings: RegistrationSettings;
  readonly random: () => number;
  readonly newId: () => string;
  /** In the order in which they are tried; a text says why there is none. Never rejects. */
  readonly registrars: () => Promise<readonly Registrar[] | string>;
  /** Nothing can be sent now: it is asked again soon. */
  readonly ready: () => boolean;
  readonly onChange: () => void;
  readonly onTried: (result: 'registered' | 'refused' | 'failed') => void;
}

const ANSWER_MS = 8_000;
const UNREGISTER_MS = 2_000;
const REGISTRARS_MAX = 6;
const AGAIN_MIN_MS = 1_000;
/** Spread by chance: all registrations of a node wait for the same thing. */
const NOT_READY_MS = 1_000;
const NOT_READY_MAX_MS = 6_000;
const BACKOFF_MS = 5_000;
const BACKOFF_MAX_MS = 300_000;
const REFUSED_MS = 60_000;
const REFUSED_MAX_MS = 1_800_000;
const RETRY_AFTER_MAX_MS = 3_600_000;

interface Binding {
  readonly registrar: Registrar;
  /** Monotonic. */
  readonly untilMs: number;
  readonly serviceRoute: readonly string[];
}

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #identity: RegisterIdentity;
  #state: RegistrationState = 'waiting';
  #since: number;
  #lastError: string | null = null;
  #shown: string | null = null;
  #binding: Binding | null = null;
  /** A REGISTER left whose answer never came: it may have been taken. */
  #maybeAt: Registrar | null = null;
  #outbound = false;
  #failures = 0;
  #underWay: Promise<void> | null = null;
  #lastTriedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #expiry: Timer | null = null;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#since = options.clock.wallMs();
    this.#identity = { callId: options.newId(), fromTag: options.newId().slice(0, 16), cseq: 0 };
  }

  get view(): RegistrationView {
    const { clock } = this.#options;
    const leftMs = this.#binding === null ? null : this.#binding.untilMs - clock.monotonicMs();
    return {
      state: this.#state,
      since: this.#since,
      expiresAt: leftMs === null ? null : Math.round(clock.wallMs() + leftMs),
      lastError: this.#lastError,
      registrar: this.#shown,
    };
  }

  /** The server it is bound at; null while it is not registered. */
  get boundAt(): SipServer | null {
    return this.#state === 'registered' ? (this.#binding?.registrar.server ?? null) : null;
  }

  /** Where calls out are to go by the registrar's word (RFC 3608). */
  get serviceRoute(): readonly string[] {
    return this.#state === 'registered' ? (this.#binding?.serviceRoute ?? []) : [];
  }

  start(delayMs: number): void {
    this.#due(delayMs);
  }

  /** The registrar may have lost the binding. */
  refresh(): void {
    if (this.#state === 'stopped' || this.#underWay !== null) return;
    const sinceMs = this.#options.clock.monotonicMs() - this.#lastTriedMs;
    this.#due(Math.max(0, AGAIN_MIN_MS - sinceMs));
  }

  /** Resolves when the binding is gone, or after two seconds. Idempotent. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return await (this.#underWay ?? undefined);
    const registrar = this.#binding?.registrar ?? this.#maybeAt;
    this.#timer?.cancel();
    this.#expiry?.cancel();
    this.#binding = null;
    this.#enter('stopped');
    if (registrar === null || !this.#options.ready()) return;
    this.#underWay = this.#send(registrar, 0, UNREGISTER_MS).then(() => undefined);
    await this.#underWay;
  }

  #due(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(() => this.#try(), delayMs);
  }

  #try(): void {
    if (this.#state === 'stopped' || this.#underWay !== null) return;
    const { ready, random } = this.#options;
    if (!ready()) return this.#due(NOT_READY_MS + random() * (NOT_READY_MAX_MS - NOT_READY_MS));
    this.#lastTriedMs = this.#options.clock.monotonicMs();
    this.#underWay = this.#round().finally(() => {
      if (this.#state !== 'stopped') this.#underWay = null;
    });
  }

  /** One registrar after the other, until one has the binding or all have failed. */
  async #round(): Promise<void> {
    if (this.#state !== 'registered') this.#enter('registering');
    const known = await this.#options.registrars();
    if (this.#isStopped()) return;
    if (typeof known === 'string') return this.#failed({ fault: 'registrar', error: known, retryAfterMs: null });
    let last: Failure = { fault: 'registrar', error: 'there is no registrar', retryAfterMs: null };
    for (const registrar of this.#inOrder(known).slice(0, REGISTRARS_MAX)) {
      const askedAtMs = this.#options.clock.monotonicMs();
      this.#maybeAt = registrar;
      const outcome = await this.#send(registrar, this.#options.settings.expiresSec, ANSWER_MS);
      if (outcome.kind !== 'failed' || !outcome.unanswered) this.#maybeAt = null;
      if (this.#isStopped()) return;
      if (outcome.kind === 'bound') return this.#bound(registrar, outcome, askedAtMs);
      if (outcome.kind === 'gone') continue;
      last = { ...outcome, error: `${registrar.shown}: ${outcome.error}` };
      if (this.#binding === null) this.#shown = registrar.shown;
      if (outcome.fault !== 'registrar') break;
    }
    this.#failed(last);
  }

  /** `stop` may come during any wait. */
  #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  /** Where it is bound first: a registrar knows best what it has itself. */
  #inOrder(registrars: readonly Registrar[]): readonly Registrar[] {
    const bound = this.#binding?.registrar.shown;
    return [...registrars.filter(({ shown }) => shown === bound), ...registrars.filter(({ shown }) => shown !== bound)];
  }

  #send({ uri, nextHop, server }: Registrar, expiresSec: number, timeoutMs: number): Promise<RegisterOutcome> {
    const { settings } = this.#options;
    return register(
      {
        uri,
        nextHop,
        user: settings.user,
        domain: settings.domain,
        contactUser: settings.contactUser,
        contactParameters: server.transport === 'udp' ? '' : `;transport=${server.transport}`,
        instance: settings.instance,
        outbound: this.#outbound,
        expiresSec,
        identity: this.#identity,
        credentials: settings.credentials,
        timeoutMs,
        wanted: () => expiresSec === 0 || this.#state !== 'stopped',
      },
      this.#options,
    );
  }

  /** RG3 */
  #bound(registrar: Registrar, { grantedMs, outbound, serviceRoute }: Bound, askedAtMs: number): void {
    const { clock, onTried } = this.#options;
    const untilMs = askedAtMs + grantedMs;
    this.#binding = { registrar, untilMs, serviceRoute };
    this.#failures = 0;
    this.#lastError = null;
    this.#shown = registrar.shown;
    this.#expiry?.cancel();
    this.#expiry = clock.setTimer(() => this.#expired(), untilMs - clock.monotonicMs());
    const learned = outbound && !this.#outbound;
    this.#outbound = outbound;
    // A registrar that keeps flows is told at once that we know how.
    this.#due(learned ? AGAIN_MIN_MS : Math.max(AGAIN_MIN_MS, untilMs - grantedMs / 2 - clock.monotonicMs()));
    onTried('registered');
    this.#enter('registered');
  }

  #failed({ fault, error, retryAfterMs }: Failure): void {
    const { random, onTried, onChange } = this.#options;
    this.#failures += 1;
    this.#lastError = error;
    const refused = fault === 'account';
    const [baseMs, maxMs] = refused ? [REFUSED_MS, REFUSED_MAX_MS] : [BACKOFF_MS, BACKOFF_MAX_MS];
    const backoffMs = Math.min(maxMs, baseMs * 2 ** Math.min(16, this.#failures - 1));
    // RG2: half of it at least, and never before the registrar wants it.
    const waitMs = Math.max(backoffMs * (0.5 + random() / 2), Math.min(RETRY_AFTER_MAX_MS, retryAfterMs ?? 0));
    this.#due(waitMs);
    onTried(refused ? 'refused' : 'failed');
    if (this.#binding === null) this.#enter('failed');
    else onChange();
  }

  #expired(): void {
    this.#binding = null;
    this.#lastError ??= 'it was not refreshed in time';
    this.#enter('failed');
  }

  #enter(state: RegistrationState): void {
    const isNew = state !== this.#state;
    this.#state = state;
    if (isNew) this.#since = this.#options.clock.wallMs();
    this.#options.onChange();
  }
}

type Bound = Extract<RegisterOutcome, { kind: 'bound' }>;
type Failure = Pick<Extract<RegisterOutcome, { kind: 'failed' }>, 'fault' | 'error' | 'retryAfterMs'>;
