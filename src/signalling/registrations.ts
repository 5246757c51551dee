// The registrations of all trunks of this node: which there are, which of a cluster's nodes has each, and which calls come over them.
//
//   of a trunk      the claim on it            done
//   wanted          ours                       registered here (registration.ts)
//   wanted          another node's             `elsewhere`; asked for again every `CLAIM_EACH_MS`
//   wanted          ours, then lost            taken back here, left to the other
//   changed         -                          the old binding is taken back, the new settings are registered
//   gone, drain     -                          taken back; the claim is given up, so that another node registers at once
//
// Invariants
//   RS1. Trunks are registered with chance between them, at the start as after an outage: registrars see no flood.
//   RS2. While the claims cannot be asked for (the shared store is away), everything stays as it is.
//   RS3. An address counts as the carrier's only while the trunk is registered there, and only for that trunk. Of a call to our Contact the user
//        part says which trunk it is for; nobody can guess it, and from another address it means nothing.
//   RS4. Registrations are bounded.

import { createHmac } from 'node:crypto';
import type { Timer } from '../domain/clock.ts';
import type { Trunk } from '../domain/directory.ts';
import type { RegisterParts } from './register-request.ts';
import { type Registrar, Registration, type RegistrationOptions, type RegistrationView } from './registration.ts';
import type { SipServer, SipServers } from './sip-servers.ts';
import { fingerprintOf, registrarsOf, registrationSettings, wantsRegistration } from './trunk-registration.ts';

export interface RegistrationsOptions extends RegisterParts {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Random hex, 32 digits. */
  readonly newId: () => string;
  /** Secret of which the users of our Contacts are made; the same after a restart. */
  readonly key: string;
  readonly servers: Pick<SipServers, 'locate'>;
  /** Our SIP engine can be used. */
  readonly ready: () => boolean;
  readonly claims: {
    claim(name: string, ttlMs: number): Promise<boolean>;
    release(name: string): Promise<void>;
  };
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  readonly onTried: RegistrationOptions['onTried'];
}

/** `elsewhere`: another node has registered the trunk. */
export type TrunkRegistrationView = Omit<RegistrationView, 'state'> & {
  readonly state: RegistrationView['state'] | 'elsewhere';
};

export interface RegistrationChange extends TrunkRegistrationView {
  readonly trunkId: string;
  readonly workspaceId: string | null;
}

/** A call that came to the Contact of a registration. */
export interface RegisteredCall {
  readonly trunkId: string;
  /** The number it is for; null: the one in To. */
  readonly calledNumber: string | null;
}

const REGISTRATIONS_MAX = 2_000;
/** At most so long between the first registrations of two trunks, on average. */
const SPREAD_MS = 100;
const SPREAD_MAX_MS = 60_000;
const CLAIM_TTL_MS = 30_000;
const CLAIM_EACH_MS = 10_000;
const ADDRESSES_MAX = 64;
const STOPS_AT_ONCE = 32;

interface Wanted {
  trunk: Trunk;
  fingerprint: string;
  readonly contactUser: string;
  registration: Registration | null;
  /** Addresses of all its registrars, as they were located last. */
  addresses: readonly string[];
  /** Another node has the claim, as far as the shared store was asked. */
  isElsewhere: boolean;
  since: number;
}

export class Registrations {
  readonly #options: RegistrationsOptions;
  readonly #wanted = new Map<string, Wanted>();
  readonly #byContact = new Map<string, Wanted>();
  readonly #listeners = new Set<(change: RegistrationChange) => void>();
  #timer: Timer | null = null;
  #claiming: Promise<void> | null = null;
  #closed = false;
  /** Bindings that are being taken back. */
  readonly #stopping = new Set<Promise<void>>();
  /** Their trunks: what makes a new binding must not come before what takes the old one back. */
  readonly #ending = new Set<string>();
  #withSources: { readonly of: readonly Trunk[]; readonly trunks: readonly Trunk[] } | null = null;
  /** As told last. */
  readonly #told = new Map<string, string>();

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /** All trunks there are now. */
  watch(trunks: readonly Trunk[]): void {
    if (this.#closed) return;
    const wanted = trunks.filter(wantsRegistration).slice(0, REGISTRATIONS_MAX);
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, each] of this.#wanted) if (!ids.has(id)) this.#drop(id, each);
    for (const trunk of wanted) {
      const known = this.#wanted.get(trunk.id);
      if (known === undefined) this.#add(trunk);
      else if (known.fingerprint === fingerprintOf(trunk)) known.trunk = trunk;
      else this.#replace(known, trunk);
    }
    this.#withSources = null;
    void this.#claimAll();
  }

  of(trunkId: string): TrunkRegistrationView | undefined {
    const wanted = this.#wanted.get(trunkId);
    return wanted === undefined ? undefined : viewOf(wanted);
  }

  all(): ReadonlyMap<string, TrunkRegistrationView> {
    return new Map([...this.#wanted].map(([id, wanted]) => [id, viewOf(wanted)] as const));
  }

  /** Where the trunk is bound, and the route of its calls out (RFC 3608); nowhere while it is not registered. */
  bindingOf(trunkId: string): { readonly at: SipServer | null; readonly serviceRoute: readonly string[] } {
    const registration = this.#wanted.get(trunkId)?.registration;
    return { at: registration?.boundAt ?? null, serviceRoute: registration?.serviceRoute ?? [] };
  }

  /** The registrar was away: it may have lost the binding. */
  refresh(trunkId: string): void {
    this.#wanted.get(trunkId)?.registration?.refresh();
  }

  /** The same trunks, with the registrars' addresses among those of the registered ones (RS3). The same list until something changes. */
  withSources(trunks: readonly Trunk[]): readonly Trunk[] {
    if (this.#withSources?.of === trunks) return this.#withSources.trunks;
    const added = trunks.map((trunk) => {
      const addresses = sourcesOf(this.#wanted.get(trunk.id));
      if (addresses.length === 0 || !trunk.inbound.enabled) return trunk;
      return { ...trunk, inbound: { ...trunk.inbound, addresses: [...trunk.inbound.addresses, ...addresses] } };
    });
    const isSame = added.every((trunk, index) => trunk === trunks[index]);
    this.#withSources = { of: trunks, trunks: isSame ? trunks : added };
    return this.#withSources.trunks;
  }

  /** RS3 */
  callTo(contactUser: string, sourceIp: string): RegisteredCall | undefined {
    const wanted = this.#byContact.get(contactUser);
    if (wanted === undefined || !sourcesOf(wanted).includes(sourceIp)) return undefined;
    return { trunkId: wanted.trunk.id, calledNumber: wanted.trunk.outbound.registration?.calledNumber ?? null };
  }

  onChange(listener: (change: RegistrationChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** All bindings are taken back, and none is made any more. Resolves when that is done, within some seconds. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#claiming;
    const all = [...this.#wanted];
    for (let start = 0; start < all.length; start += STOPS_AT_ONCE) {
      for (const [id, wanted] of all.slice(start, start + STOPS_AT_ONCE)) this.#drop(id, wanted);
      await Promise.all(this.#stopping);
    }
    await Promise.all(this.#stopping);
    this.#listeners.clear();
  }

  #add(trunk: Trunk): void {
    const wanted: Wanted = {
      trunk,
      fingerprint: fingerprintOf(trunk),
      contactUser: this.#contactUserOf(trunk.id),
      registration: null,
      addresses: [],
      isElsewhere: false,
      since: this.#options.clock.wallMs(),
    };
    this.#wanted.set(trunk.id, wanted);
    this.#byContact.set(wanted.contactUser, wanted);
  }

  #drop(id: string, wanted: Wanted): void {
    this.#wanted.delete(id);
    this.#byContact.delete(wanted.contactUser);
    this.#told.delete(id);
    this.#withSources = null;
    this.#stop(wanted, true);
  }

  #replace(wanted: Wanted, trunk: Trunk): void {
    void this.#stop(wanted, false);
    wanted.trunk = trunk;
    wanted.fingerprint = fingerprintOf(trunk);
    wanted.addresses = [];
  }

  #stop(wanted: Wanted, release: boolean): Promise<void> {
    const { registration } = wanted;
    const { id } = wanted.trunk;
    wanted.registration = null;
    if (registration === null) return Promise.resolve();
    this.#ending.add(id);
    const stopping = registration
      .stop()
      .then(() => (release && !this.#wanted.has(id) ? this.#options.claims.release(claimOf(id)) : undefined))
      .catch((error: unknown) => this.#warn(id, error, 'the claim on a registration was not given up'))
      .finally(() => {
        this.#stopping.delete(stopping);
        this.#ending.delete(id);
        if (this.#wanted.has(id)) void this.#claimAll();
      });
    this.#stopping.add(stopping);
    return stopping;
  }

  /** RS2 */
  async #claimAll(): Promise<void> {
    if (this.#claiming !== null) await this.#claiming;
    if (this.#closed) return;
    this.#claiming ??= this.#claimEach().finally(() => {
      this.#claiming = null;
    });
    await this.#claiming;
  }

  async #claimEach(): Promise<void> {
    this.#timer?.cancel();
    const begun: Wanted[] = [];
    for (const wanted of [...this.#wanted.values()]) {
      const { trunk } = wanted;
      const ours = await this.#options.claims.claim(claimOf(trunk.id), CLAIM_TTL_MS).catch((error: unknown) => {
        this.#warn(trunk.id, error, 'nobody can say which node registers a trunk; it stays as it is');
        return null;
      });
      if (this.#closed || this.#wanted.get(trunk.id) !== wanted) continue;
      if (ours !== null) wanted.isElsewhere = !ours;
      if (ours === true && wanted.registration === null && !this.#ending.has(trunk.id)) begun.push(wanted);
      if (ours === false && wanted.registration !== null) void this.#stop(wanted, false);
      if (ours === false) this.#changed(wanted);
    }
    const spreadMs = Math.min(SPREAD_MAX_MS, SPREAD_MS * begun.length);
    for (const wanted of begun) this.#begin(wanted, this.#options.random() * spreadMs);
    if (!this.#closed && this.#wanted.size > 0) {
      this.#timer = this.#options.clock.setTimer(() => void this.#claimAll(), CLAIM_EACH_MS);
    }
  }

  #begin(wanted: Wanted, delayMs: number): void {
    const registration = new Registration({
      ...this.#options,
      settings: registrationSettings(wanted.trunk, wanted.contactUser),
      registrars: () => this.#registrarsOf(wanted),
      onChange: () => this.#changed(wanted),
    });
    wanted.registration = registration;
    this.#changed(wanted);
    registration.start(delayMs);
  }

  async #registrarsOf(wanted: Wanted): Promise<readonly Registrar[] | string> {
    const found = await registrarsOf(wanted.trunk, this.#options.servers);
    const addresses = typeof found === 'string' ? [] : found.map(({ server }) => server.address);
    wanted.addresses = [...new Set(addresses)].slice(0, ADDRESSES_MAX);
    this.#withSources = null;
    return found;
  }

  #changed(wanted: Wanted): void {
    const { id: trunkId, workspaceId } = wanted.trunk;
    this.#withSources = null;
    if (this.#wanted.get(trunkId) !== wanted) return;
    const view = viewOf(wanted);
    const { state, lastError, registrar } = view;
    // A refresh that only moves the end is no news.
    const news = `${state} ${registrar} ${lastError}`;
    if (this.#told.get(trunkId) === news) return;
    const before = this.#told.get(trunkId)?.split(' ', 1)[0];
    this.#told.set(trunkId, news);
    if (state !== before) {
      this.#options.log.info({ trunkId, workspaceId, state, lastError, registrar }, 'a registration changed');
    }
    for (const listener of this.#listeners) {
      try {
        listener({ trunkId, workspaceId, ...view });
      } catch (error) {
        this.#warn(trunkId, error, 'a listener of registrations failed');
      }
    }
  }

  #contactUserOf(trunkId: string): string {
    return createHmac('sha256', this.#options.key).update(trunkId).digest('hex').slice(0, 32);
  }

  #warn(trunkId: string, err: unknown, message: string): void {
    this.#options.log.warn({ trunkId, err }, message);
  }
}

function claimOf(trunkId: string): string {
  return `registration:${trunkId}`;
}

function sourcesOf(wanted: Wanted | undefined): readonly string[] {
  const boundAt = wanted?.registration?.boundAt ?? null;
  if (wanted === undefined || boundAt === null) return [];
  return wanted.addresses.includes(boundAt.address) ? wanted.addresses : [...wanted.addresses, boundAt.address];
}

function viewOf({ registration, isElsewhere, since }: Wanted): TrunkRegistrationView {
  const state = isElsewhere ? 'elsewhere' : 'waiting';
  return registration?.view ?? { state, since, expiresAt: null, lastError: null, registrar: null };
}
