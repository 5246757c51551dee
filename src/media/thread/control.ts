// The RTCP of one call: its reports leave by the call's path, and the peer's are taken from there.
//
// CT1. Only the path says whose control packets are the peer's; a stranger's is dropped and counted, and says nothing about the line.
// CT2. No report leaves before a packet could.

import type { Random } from '../random.ts';
import { RtcpSession } from '../rtp/control.ts';
import type { Inbound } from './inbound.ts';
import type { Outbound } from './outbound.ts';
import type { RtpPath } from './path.ts';

const CNAME = 'callin-edge';

export interface ControlDeps {
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly random: Random;
  readonly path: RtpPath;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
}

export class Control {
  malformed = 0;

  readonly #deps: ControlDeps;
  readonly #rtcp: RtcpSession;

  constructor(deps: ControlDeps) {
    this.#deps = deps;
    this.#rtcp = new RtcpSession(deps.random, CNAME);
  }

  /** When the next report is due, monotonic ms. */
  get dueMs(): number {
    return this.#rtcp.dueMs;
  }

  /** Null until a peer's report completed the loop. */
  get roundTripMs(): number | null {
    return this.#rtcp.roundTripMs;
  }

  /** What the peer says it lost of ours. */
  get remoteLost(): number {
    return this.#rtcp.remoteLost;
  }

  /** In a row, that say that nothing of ours came. */
  get unheardReports(): number {
    return this.#rtcp.unheardReports;
  }

  start(nowMs: number): void {
    this.#rtcp.start(nowMs);
  }

  /** CT1 */
  received(bytes: Buffer, address: string): void {
    const { inbound, nowMs, outbound, path, wallMs } = this.#deps;
    if (!path.acceptsControlFrom(address)) inbound.dropped++;
    else if (!this.#rtcp.received(bytes, outbound.ssrc, inbound.reception.ssrc, wallMs(), nowMs())) this.malformed++;
  }

  /** CT2 */
  report(nowMs: number, bye: boolean): void {
    const { inbound, outbound, path, wallMs } = this.#deps;
    if (!path.ready) return;
    const sent = {
      ssrc: outbound.ssrc,
      packetsSent: outbound.packetsSent,
      octetsSent: outbound.octetsSent,
      timestampSent: outbound.timestamp,
    };
    path.sendRtcp(this.#rtcp.build(inbound.reception, sent, wallMs(), nowMs, bye));
  }
}
