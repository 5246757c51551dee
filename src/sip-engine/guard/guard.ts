// Whom we listen to. Asked once for each datagram before it is parsed, for each socket before a byte of it is read, and for each message of a
// stranger's connection.
//
//   trusted    the trunks' addresses, told by who knows them: never banned, and no stranger's flood takes of what is theirs
//   acquainted addresses we have sent a request to, or who proved credentials: as trusted, for an hour
//   tolerated  a trunk that takes calls from a large part of the Internet (and asks for a digest): limited like strangers, but calling is no offence
//   stranger   everybody else: a budget each, one for all together, and a ban for who scans, guesses or floods
//
// Datagrams can be forged, connections cannot. So there are two of everything, and:
//
// Invariants
//   SG1. What a datagram does never turns away a connection, whoever it says it is from. A ban that rests on connections turns away both.
//   SG2. A trusted address is never banned, and becoming trusted lifts a ban.
//   SG3. Every table is bounded (limits.ts). IPv6 counts by /64, which is what one customer has.
//   SG4. Until `trust` was called for the first time everybody is let in: after a start, carriers must not pay for our not knowing them yet.

import type { EngineClock } from '../clock.ts';
import { networkOf } from '../transport/connection-pool.ts';
import { BanList, type BanRecord } from './bans.ts';
import { Bucket } from './bucket.ts';
import { DEFAULT_GUARD_LIMITS, type GuardLimits, type Rate } from './limits.ts';
import { NetworkSet, parseNetwork, plainName } from './networks.ts';
import { OFFENCE_POINTS, type Offence, offenceOf, type StrangerRequest } from './offences.ts';
import { RecentTable } from './recent.ts';

/** How something came: whether its sender may be forged. */
export type Way = 'datagram' | 'connection';

/** Why something was turned away; a label of metrics. */
export type TurnedAway = 'banned' | 'stranger_rate' | 'strangers_rate' | 'trusted_rate' | 'connect_rate' | 'scanner';

export interface Ban {
  /** An IPv4 address, or the first half of an IPv6 one with `::/64`. */
  readonly network: string;
  readonly way: Way;
  readonly why: Offence;
  /** Wall clock, milliseconds. */
  readonly since: number;
  readonly until: number;
  readonly times: number;
  readonly turnedAway: number;
}

export interface GuardStats {
  readonly turnedAway: Readonly<Record<TurnedAway, number>>;
  /** Bans made so far, by reason. */
  readonly bans: Readonly<Record<Offence, number>>;
  readonly banned: number;
  readonly sources: number;
  readonly trustedSources: number;
  readonly acquainted: number;
  readonly remembered: number;
}

export interface GuardOptions {
  readonly clock: EngineClock;
  readonly limits?: Partial<GuardLimits>;
  readonly onBan?: (ban: Ban) => void;
}

interface Source {
  readonly bucket: Bucket;
  points: number;
  pointsAt: number;
}

/** What is kept for one way. */
interface Gate {
  readonly way: Way;
  readonly sources: RecentTable<Source>;
  readonly bans: BanList;
  readonly all: Bucket;
}

/** Wider than these no network is trusted: nobody knows everyone in there. */
const WIDEST_TRUSTED = { 32: 8, 128: 16 } as const;

export class SourceGuard {
  readonly #clock: EngineClock;
  readonly #limits: GuardLimits;
  readonly #onBan: (ban: Ban) => void;
  readonly #gates: Readonly<Record<Way, Gate>>;
  readonly #connects: RecentTable<Bucket>;
  readonly #allConnects: Bucket;
  readonly #trustedRates: RecentTable<Bucket>;
  readonly #acquainted: RecentTable<number>;
  #trusted = new NetworkSet();
  #tolerated = new NetworkSet();
  #isArmed = false;
  readonly #turnedAway: Record<TurnedAway, number> = {
    banned: 0,
    stranger_rate: 0,
    strangers_rate: 0,
    trusted_rate: 0,
    connect_rate: 0,
    scanner: 0,
  };
  readonly #bansMade: Record<Offence, number> = {
    scanner: 0,
    malformed: 0,
    register: 0,
    invite: 0,
    options: 0,
    other_request: 0,
    digest: 0,
    rate: 0,
  };

  constructor({ clock, limits = {}, onBan = () => undefined }: GuardOptions) {
    this.#clock = clock;
    this.#limits = { ...DEFAULT_GUARD_LIMITS, ...limits };
    this.#onBan = onBan;
    const { strangerDatagrams, strangerMessages, datagramBanMaxMs, connectionBanMaxMs } = this.#limits;
    this.#gates = {
      datagram: this.#gate('datagram', strangerDatagrams, datagramBanMaxMs),
      connection: this.#gate('connection', strangerMessages, connectionBanMaxMs),
    };
    this.#connects = new RecentTable(this.#limits.sourcesMax);
    this.#allConnects = new Bucket(this.#limits.strangersConnect, clock.now());
    this.#trustedRates = new RecentTable(this.#limits.trustedSourcesMax);
    this.#acquainted = new RecentTable(this.#limits.acquaintedMax);
  }

  /** All trunks' addresses and CIDR blocks, in place of those told before. @returns what is neither. */
  trust(networks: readonly string[]): readonly string[] {
    const trusted = new NetworkSet();
    const tolerated = new NetworkSet();
    const wrong = networks.filter((text) => {
      const network = parseNetwork(text);
      if (network === undefined) return true;
      const isWide = network.prefix < WIDEST_TRUSTED[network.bits];
      return !(isWide ? tolerated : trusted).add(text);
    });
    this.#trusted = trusted;
    this.#tolerated = tolerated;
    this.#isArmed = true;
    this.#liftTrusted();
    return wrong;
  }

  /** We have sent it a request, or it proved who it is. */
  acquaint(address: string): void {
    this.#acquainted.put(plainName(address), this.#clock.now() + this.#limits.acquaintedMs);
  }

  isTrusted(address: string): boolean {
    if (!this.#isArmed || this.#trusted.has(address)) return true;
    const until = this.#acquainted.get(plainName(address));
    return until !== undefined && until > this.#clock.now();
  }

  /** Whether this message is looked at. */
  admits(address: string, way: Way): boolean {
    if (!this.#isArmed) return true;
    const now = this.#clock.now();
    if (this.isTrusted(address)) return this.#trustedHasRoom(address, way, now) || this.#turnAway('trusted_rate');
    const network = networkOf(address);
    if (this.#isBanned(network, way, now)) return this.#turnAway('banned');
    const gate = this.#gates[way];
    if (!this.#sourceOf(gate, network, now).bucket.take(now)) {
      this.#count(gate, address, 'rate');
      return this.#turnAway('stranger_rate');
    }
    return gate.all.take(now) || this.#turnAway('strangers_rate');
  }

  /** Whether a socket from there is taken, before a byte of it is read. */
  admitsConnection(address: string): boolean {
    if (this.isTrusted(address)) return true;
    const now = this.#clock.now();
    const network = networkOf(address);
    if (this.#isBanned(network, 'connection', now)) return this.#turnAway('banned');
    const bucket = this.#connects.get(network) ?? new Bucket(this.#limits.strangerConnects, now);
    this.#connects.put(network, bucket);
    if (!bucket.take(now)) {
      this.#count(this.#gates.connection, address, 'rate');
      return this.#turnAway('connect_rate');
    }
    return this.#allConnects.take(now) || this.#turnAway('connect_rate');
  }

  /** A well-formed request of an admitted source. False: it is not answered, as who sent it is banned now. */
  request(address: string, way: Way, request: StrangerRequest): boolean {
    if (this.isTrusted(address)) return true;
    const offence = offenceOf(request);
    if (offence === undefined) return true;
    if (offence !== 'scanner' && this.#tolerated.has(address)) return true;
    this.offend(address, way, offence);
    return offence !== 'scanner' || this.#turnAway('scanner');
  }

  /** Told by whoever noticed: rubbish that could not be read, a digest that was wrong. */
  offend(address: string, way: Way, offence: Offence): void {
    if (!this.isTrusted(address)) this.#count(this.#gates[way], address, offence);
  }

  /** Of the connections of that address. */
  isBanned(address: string): boolean {
    return !this.isTrusted(address) && this.#isBanned(networkOf(address), 'connection', this.#clock.now());
  }

  /** Those that hold now, the youngest first. */
  bans(): readonly Ban[] {
    const now = this.#clock.now();
    return Object.values(this.#gates)
      .flatMap(({ way, bans }) => [...bans.active(now)].map(([network, record]) => this.#view(network, way, record)))
      .toSorted((a, b) => b.since - a.since);
  }

  /** `network` as `bans` writes it. False: nobody of that name is banned. */
  unban(network: string): boolean {
    const key = network.replace(/::\/64$/, '');
    const lifted = Object.values(this.#gates).map((gate) => {
      gate.sources.delete(key);
      return gate.bans.lift(key);
    });
    return lifted.some(Boolean);
  }

  stats(): GuardStats {
    const { datagram, connection } = this.#gates;
    return {
      turnedAway: { ...this.#turnedAway },
      bans: { ...this.#bansMade },
      banned: this.bans().length,
      sources: datagram.sources.size + connection.sources.size + this.#connects.size,
      trustedSources: this.#trustedRates.size,
      acquainted: this.#acquainted.size,
      remembered: datagram.bans.size + connection.bans.size,
    };
  }

  #gate(way: Way, all: Rate, longestMs: number): Gate {
    const { sourcesMax } = this.#limits;
    const bans = new BanList(this.#limits, longestMs);
    return { way, bans, sources: new RecentTable(sourcesMax), all: new Bucket(all, this.#clock.now()) };
  }

  /** SG1 */
  #isBanned(network: string, way: Way, now: number): boolean {
    const { datagram, connection } = this.#gates;
    return connection.bans.isBanned(network, now) || (way === 'datagram' && datagram.bans.isBanned(network, now));
  }

  /** Forged datagrams in a carrier's name use up what that one address (of IPv6: that /64) has over UDP, and nothing of anybody else. */
  #trustedHasRoom(address: string, way: Way, now: number): boolean {
    if (way === 'connection') return true;
    const network = networkOf(address);
    const bucket = this.#trustedRates.get(network) ?? new Bucket(this.#limits.trusted, now);
    this.#trustedRates.put(network, bucket);
    return bucket.take(now);
  }

  #sourceOf(gate: Gate, network: string, now: number): Source {
    const source = gate.sources.get(network) ?? {
      bucket: new Bucket(this.#limits.stranger, now),
      points: 0,
      pointsAt: now,
    };
    gate.sources.put(network, source);
    return source;
  }

  #count(gate: Gate, address: string, offence: Offence): void {
    const now = this.#clock.now();
    const network = networkOf(address);
    const source = this.#sourceOf(gate, network, now);
    this.#forgive(source, now);
    source.points += OFFENCE_POINTS[offence];
    if (source.points < this.#limits.banPoints) return;
    source.points = 0;
    const record = gate.bans.ban(network, offence, now);
    if (record === undefined) return;
    this.#bansMade[offence] += 1;
    this.#onBan(this.#view(network, gate.way, record));
  }

  /** Whole points only, so that eight offences of five points in one second are forty. */
  #forgive(source: Source, now: number): void {
    const { forgivenPerSecond } = this.#limits;
    const forgiven = Math.floor(((now - source.pointsAt) * forgivenPerSecond) / 1000);
    source.pointsAt = forgiven >= source.points ? now : source.pointsAt + (forgiven * 1000) / forgivenPerSecond;
    source.points = Math.max(0, source.points - forgiven);
  }

  /** SG2 */
  #liftTrusted(): void {
    const now = this.#clock.now();
    for (const { bans } of Object.values(this.#gates)) {
      const lifted = [...bans.active(now)].filter(([network]) => this.#trusted.has(addressIn(network)));
      for (const [network] of lifted) bans.lift(network);
    }
  }

  #view(network: string, way: Way, { why, since, until, times, turnedAway }: BanRecord): Ban {
    const offset = this.#clock.wallTime().getTime() - this.#clock.now();
    const name = network.includes(':') ? `${network}::/64` : network;
    return { network: name, way, why, since: since + offset, until: until + offset, times, turnedAway };
  }

  #turnAway(why: TurnedAway): false {
    this.#turnedAway[why] += 1;
    return false;
  }
}

/** Some address of a network as the tables name it. */
function addressIn(network: string): string {
  return network.includes(':') ? `${network}::` : network;
}
