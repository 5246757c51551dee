// What one call has counted, written to its row ten times a second: per packet only the stages' own numbers move.
// `lastRtpMs` and `lastAgentProofMs` are not among them: they are written as they happen, because the meter reads them.

import { FIELD } from '../counters.ts';
import type { AgentSeat } from './agent-seat.ts';
import type { Control } from './control.ts';
import type { Inbound } from './inbound.ts';
import type { Outbound } from './outbound.ts';

export interface Counting {
  readonly control: Control;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly seat: AgentSeat;
}

export class CallFigures {
  /** Packets that failed authentication, or came again. */
  srtpRejected = 0;

  readonly #row: Float64Array;
  readonly #parts: Counting;

  constructor(row: Float64Array, parts: Counting) {
    this.#row = row;
    this.#parts = parts;
  }

  publish(): void {
    const row = this.#row;
    const { control, inbound, outbound, seat } = this.#parts;
    const { audio, reception } = inbound;
    row[FIELD.packetsReceived] = reception.received;
    row[FIELD.packetsSent] = outbound.packetsSent;
    row[FIELD.packetsLost] = reception.lost;
    row[FIELD.packetsLate] = audio.packetsLate;
    row[FIELD.packetsDuplicate] = reception.duplicates;
    row[FIELD.packetsReordered] = reception.reordered;
    row[FIELD.packetsDropped] = inbound.dropped;
    row[FIELD.malformed] = inbound.malformed + control.malformed + seat.malformed;
    row[FIELD.jitterMs] = reception.jitter / 8;
    row[FIELD.framesToAgent] = seat.framesToAgent;
    row[FIELD.framesFromAgent] = outbound.framesFromAgent;
    row[FIELD.agentFramesDropped] = seat.framesDropped;
    row[FIELD.roundTripMs] = control.roundTripMs ?? 0;
    row[FIELD.remoteLost] = control.remoteLost;
    row[FIELD.framesConcealed] = audio.framesConcealed;
    row[FIELD.playoutBytesDropped] = outbound.bytesDropped;
    row[FIELD.marksDropped] = outbound.marksDropped;
    row[FIELD.srtpRejected] = this.srtpRejected;
  }
}
