// Hot path: decides from which source a call takes RTP, and where it sends to (symmetric RTP).
//
//   state      packet from                          condition                                       effect
//   open       the SDP's address and port           -                                               accept, lock on it
//   open       SDP host, signalling host, or any    window open, SSRC and payload type steady,      drop until then,
//              host if NAT is allowed               4 sequential packets over >= 60 ms              accept and lock with the 4th
//   locked     the locked source                    -                                               accept
//   locked     the SDP's address and port           locked elsewhere                                accept, lock on it (it is the truth)
//   locked     same host, new port (NAT rebind)     locked source silent >= 200 ms, its SSRC,       drop until then,
//                                                   4 sequential packets over >= 60 ms              accept and lock with the 4th
//   moved      the source before the re-INVITE      until the new one speaks or the window ends     accept
//   any        anybody else                         -                                               drop
//
// L1. A dropped packet changes nothing but a candidate's count.
// L2. The window opens with each offer/answer and lasts 5 s; the NAT rebind needs none, but only heals a silent source.
// L3. Of encrypted audio only what is authentic comes here (thread/latched-path.ts P1).

/** How long after an offer/answer an unannounced source may be latched on to. */
const WINDOW_MS = 5000;
const SEQUENTIAL_PACKETS = 4;
const SEQUENTIAL_SPAN_MS = 60;
/** A source silent for this long may be replaced by the same host on another port. */
const REBIND_SILENCE_MS = 200;
/** Sources on probation at the same time; a spray from many ports pushes out its own, never a source that has begun to count. */
const CANDIDATES_MAX = 16;
/** A candidate that paused for longer is no stream. */
const CANDIDATE_PAUSE_MS = 200;

/** RFC 2543's hold; to send there is to send to this machine. */
const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

interface Source {
  address: string;
  port: number;
}

interface Candidate extends Source {
  ssrc: number;
  nextSequence: number;
  packets: number;
  sinceMs: number;
  lastMs: number;
}

export interface LatchOptions {
  readonly natAllowed: boolean;
  readonly signallingAddress: string | null;
}

export class Latch {
  readonly #options: LatchOptions;
  #sdp: Source | null = null;
  /** The same, but not an address that leads to ourselves. */
  #reachable: Source | null = null;
  #locked: Source | null = null;
  /** Still accepted after a re-INVITE moved the peer, until it speaks from the new place. */
  #moved: Source | null = null;
  #windowEndMs = 0;
  #lockedSsrc = 0;
  #lastAcceptedMs = 0;
  readonly #candidates: Candidate[] = [];

  constructor(options: LatchOptions) {
    this.#options = options;
  }

  /** Where to send: the latched source, else what the SDP says; null before the first negotiation, and on hold by an unspecified address. */
  get target(): Source | null {
    return this.#locked ?? this.#reachable;
  }

  negotiate(address: string, port: number, nowMs: number): void {
    this.#windowEndMs = nowMs + WINDOW_MS;
    this.#candidates.length = 0;
    if (this.#sdp?.address === address && this.#sdp.port === port) return;
    this.#moved = this.#locked;
    this.#locked = null;
    this.#sdp = { address, port };
    this.#reachable = UNSPECIFIED.has(address) ? null : this.#sdp;
  }

  /** False where `accept` would drop a packet of this source whatever is in it. Changes nothing: asked before the packet is authenticated. */
  mayAccept(address: string, port: number, ssrc: number, nowMs: number): boolean {
    return (
      isSource(this.#locked, address, port) ||
      isSource(this.#sdp, address, port) ||
      (isSource(this.#moved, address, port) && nowMs < this.#windowEndMs) ||
      this.#eligible(address, ssrc, nowMs)
    );
  }

  /** True if a packet of this source belongs to the call. `payloadTypeOk`: one of the negotiated types. */
  accept(
    address: string,
    port: number,
    ssrc: number,
    sequence: number,
    payloadTypeOk: boolean,
    nowMs: number,
  ): boolean {
    const locked = this.#locked;
    if (locked !== null && port === locked.port && address === locked.address) {
      this.#lockedSsrc = ssrc;
      this.#lastAcceptedMs = nowMs;
      return true;
    }
    const sdp = this.#sdp;
    if (sdp !== null && port === sdp.port && address === sdp.address) {
      this.#lock(address, port, ssrc, nowMs);
      return true;
    }
    const moved = this.#moved;
    if (moved !== null && port === moved.port && address === moved.address && nowMs < this.#windowEndMs) return true;
    return (
      payloadTypeOk && this.#eligible(address, ssrc, nowMs) && this.#probation(address, port, ssrc, sequence, nowMs)
    );
  }

  /** RTCP is believed only from the host of the media. */
  acceptsControlFrom(address: string): boolean {
    return this.target?.address === address;
  }

  #eligible(address: string, ssrc: number, nowMs: number): boolean {
    const locked = this.#locked;
    if (locked !== null) {
      return (
        address === locked.address && ssrc === this.#lockedSsrc && nowMs - this.#lastAcceptedMs >= REBIND_SILENCE_MS
      );
    }
    const sdp = this.#sdp;
    if (sdp === null || nowMs >= this.#windowEndMs) return false;
    return this.#options.natAllowed || address === this.#options.signallingAddress || address === sdp.address;
  }

  #probation(address: string, port: number, ssrc: number, sequence: number, nowMs: number): boolean {
    const candidate = this.#candidates.find((entry) => entry.port === port && entry.address === address);
    if (candidate === undefined || candidate.ssrc !== ssrc || candidate.nextSequence !== sequence) {
      this.#remember(nowMs, {
        address,
        port,
        ssrc,
        nextSequence: (sequence + 1) & 0xffff,
        packets: 1,
        sinceMs: nowMs,
        lastMs: nowMs,
      });
      return false;
    }
    candidate.nextSequence = (sequence + 1) & 0xffff;
    candidate.packets++;
    candidate.lastMs = nowMs;
    if (candidate.packets < SEQUENTIAL_PACKETS || nowMs - candidate.sinceMs < SEQUENTIAL_SPAN_MS) return false;
    this.#lock(address, port, ssrc, nowMs);
    return true;
  }

  #remember(nowMs: number, candidate: Candidate): void {
    const list = this.#candidates;
    const same = list.findIndex((entry) => entry.port === candidate.port && entry.address === candidate.address);
    if (same !== -1) list[same] = candidate;
    else if (list.length < CANDIDATES_MAX) list.push(candidate);
    else list[this.#weakest(nowMs)] = candidate;
  }

  /** The candidate to give up: one that stopped, else the one with the fewest packets, else the oldest. */
  #weakest(nowMs: number): number {
    let weakest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#candidates.length; i++) {
      const { packets, sinceMs, lastMs } = this.#candidates[i]!;
      if (nowMs - lastMs > CANDIDATE_PAUSE_MS) return i;
      const worth = packets * WINDOW_MS * 2 - (nowMs - sinceMs);
      if (worth < least) {
        least = worth;
        weakest = i;
      }
    }
    return weakest;
  }

  #lock(address: string, port: number, ssrc: number, nowMs: number): void {
    this.#locked = { address, port };
    this.#lockedSsrc = ssrc;
    this.#lastAcceptedMs = nowMs;
    this.#moved = null;
    this.#candidates.length = 0;
  }
}

function isSource(source: Source | null, address: string, port: number): boolean {
  return source !== null && port === source.port && address === source.address;
}
