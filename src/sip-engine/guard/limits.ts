// Bounds of the guard, each with its reason. Rates are of messages per second, bursts what may come at once.

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface GuardLimits {
  /** One stranger: more than somebody does who looks whether we live, or a carrier whose address is not on a trunk yet. */
  readonly stranger: Rate;
  /** All strangers' datagrams together, which may be forged: what they can cost, and far less than one core does. */
  readonly strangerDatagrams: Rate;
  /** All strangers' messages over connections, whose addresses are true: no forged datagram takes of this. */
  readonly strangerMessages: Rate;
  /** One trusted address, of IPv6 one /64: more than a carrier's busiest SBC. A flood that is forged in its name costs no more than this. */
  readonly trusted: Rate;
  /** Connections a stranger opens; a TLS handshake costs a millisecond. */
  readonly strangerConnects: Rate;
  /** Of all strangers. */
  readonly strangersConnect: Rate;
  /** Strangers remembered, of each way; who was heard of least recently goes first. */
  readonly sourcesMax: number;
  /** Trusted addresses heard of, as above. */
  readonly trustedSourcesMax: number;
  /** Addresses we have sent a request to, and how long they count as known after the last one. */
  readonly acquaintedMax: number;
  readonly acquaintedMs: number;
  /** Points at which a source is banned, and how many it loses in a second. */
  readonly banPoints: number;
  readonly forgivenPerSecond: number;
  /** The first ban; each further one lasts twice as long as the one before. */
  readonly banMs: number;
  /** Longest ban that rests on datagrams, whose sender may be somebody else. */
  readonly datagramBanMaxMs: number;
  /** Longest ban of who held a connection. */
  readonly connectionBanMaxMs: number;
  /** Bans, those that are over but remembered included, of each way. */
  readonly bansMax: number;
  /** After its end a ban counts for the length of the next one for so long. */
  readonly banRememberedMs: number;
}

export const DEFAULT_GUARD_LIMITS: GuardLimits = {
  stranger: { perSecond: 20, burst: 60 },
  strangerDatagrams: { perSecond: 200, burst: 200 },
  strangerMessages: { perSecond: 500, burst: 1000 },
  trusted: { perSecond: 5_000, burst: 10_000 },
  strangerConnects: { perSecond: 5, burst: 40 },
  strangersConnect: { perSecond: 100, burst: 200 },
  sourcesMax: 8_192,
  trustedSourcesMax: 4_096,
  acquaintedMax: 4_096,
  acquaintedMs: 3_600_000,
  banPoints: 40,
  forgivenPerSecond: 0.5,
  banMs: 60_000,
  datagramBanMaxMs: 3_600_000,
  connectionBanMaxMs: 86_400_000,
  bansMax: 4_096,
  banRememberedMs: 86_400_000,
};
