// The RTCP session of one call: reports every 5 s or so (RFC 3550 section 6.2 and A.7), round-trip time and loss at the peer.
//
// S1. The interval is randomised over [0.5, 1.5] of 5 s, so that calls that began together do not report together.
// S2. What a peer says is believed only from its host and SSRC (the caller checks the host); its BYE ends nothing.

import type { Reception } from './reception.ts';
import { buildRtcp, ntpMiddle, parseRtcp, RTCP_BYTES_MAX } from './rtcp.ts';

const INTERVAL_MS = 5000;
/** 16.16 fixed point. */
const NTP_UNITS_PER_MS = 65.536;
/** Of 256. */
const FRACTION_ALL = 255;

export interface SentState {
  readonly ssrc: number;
  readonly packetsSent: number;
  readonly octetsSent: number;
  /** RTP timestamp of media "now". */
  readonly timestampSent: number;
}

const scratch = Buffer.alloc(RTCP_BYTES_MAX);

export class RtcpSession {
  /** When the next report is due, monotonic ms. */
  dueMs = Number.POSITIVE_INFINITY;
  /** Null until a peer's report completed the loop. */
  roundTripMs: number | null = null;
  /** What the peer says it lost of ours: cumulative packets, and its jitter in timestamp units. */
  remoteLost = 0;
  remoteJitter = 0;
  reportsReceived = 0;
  /** In a row, that say that nothing of ours came: no word about us, or all lost. */
  unheardReports = 0;

  readonly #random: () => number;
  readonly #cname: string;
  #lastSrMiddle = 0;
  #lastSrMs = 0;

  /** `random` in [0, 1). */
  constructor(random: () => number, cname: string) {
    this.#random = random;
    this.#cname = cname;
  }

  start(nowMs: number): void {
    // A.7: the first report comes after half the interval.
    this.dueMs = nowMs + (INTERVAL_MS / 2) * (0.5 + this.#random());
  }

  /** Builds the report that is due into a shared buffer, valid until the next call. */
  build(reception: Reception, sent: SentState, wallMs: number, nowMs: number, bye = false): Buffer {
    this.dueMs = nowMs + INTERVAL_MS * (0.5 + this.#random());
    const block = reception.started
      ? {
          ssrc: reception.ssrc >>> 0,
          fractionLost: reception.takeFractionLost(),
          cumulativeLost: reception.lost,
          highestSequence: reception.highestExtended,
          jitter: reception.jitter,
          lastSr: this.#lastSrMiddle,
          delaySinceLastSr: this.#lastSrMiddle === 0 ? 0 : Math.round((nowMs - this.#lastSrMs) * NTP_UNITS_PER_MS),
        }
      : null;
    const sender =
      sent.packetsSent === 0
        ? null
        : { wallMs, rtpTimestamp: sent.timestampSent, packets: sent.packetsSent, octets: sent.octetsSent };
    const length = buildRtcp(scratch, { ssrc: sent.ssrc, sender, block, cname: this.#cname, bye });
    return scratch.subarray(0, length);
  }

  /** False = malformed or not from the peer we hear (S2). */
  received(bytes: Buffer, ourSsrc: number, remoteSsrc: number, wallMs: number, nowMs: number): boolean {
    const summary = parseRtcp(bytes, ourSsrc);
    if (summary === null || (remoteSsrc !== 0 && summary.ssrc !== remoteSsrc >>> 0)) return false;
    this.reportsReceived++;
    if (summary.senderNtpMiddle !== null) {
      this.#lastSrMiddle = summary.senderNtpMiddle;
      this.#lastSrMs = nowMs;
    }
    const isHeard = summary.report !== null && summary.report.fractionLost !== FRACTION_ALL;
    this.unheardReports = isHeard ? 0 : this.unheardReports + 1;
    if (summary.report !== null) {
      this.remoteLost = summary.report.cumulativeLost;
      this.remoteJitter = summary.report.jitter;
      if (summary.report.lastSr !== 0) {
        const elapsed = (ntpMiddle(wallMs) - summary.report.lastSr - summary.report.delaySinceLastSr) | 0;
        if (elapsed >= 0) this.roundTripMs = elapsed / NTP_UNITS_PER_MS;
      }
    }
    return true;
  }
}
