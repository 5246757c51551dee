// Why a browser's leg can have no audio any more, if so. Asked ten times a second; tells each leg's one fault once.
//
//   state       input                                       effect
//   idle        start                                       connecting, until `connectMs` from now
//   idle        connected                                   connected
//   connecting  connected                                   connected
//   connecting  time is up                                  fault: what was awaited, ICE or DTLS
//   any         failed(cause)                               fault: the cause
//   any         failed('peer_closed')                       fault after a grace: the browser's BYE is on its way through SIP
//   over        anything                                    -
//
// Before `start` nothing is awaited: the browser has no answer yet.

import type { WebRtcFailure } from '../session.ts';

const PEER_CLOSED_GRACE_MS = 2000;

export class WebRtcWatch {
  readonly #connectMs: number;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #connected = false;
  #failure: WebRtcFailure | null = null;
  /** When the failure is told; infinity = there is none. */
  #tellMs = Number.POSITIVE_INFINITY;
  #over = false;

  constructor(connectMs: number) {
    this.#connectMs = connectMs;
  }

  start(nowMs: number): void {
    this.#deadlineMs = nowMs + this.#connectMs;
  }

  connected(): void {
    this.#connected = true;
  }

  failed(cause: WebRtcFailure, nowMs: number): void {
    if (this.#failure !== null) return;
    this.#failure = cause;
    this.#tellMs = cause === 'peer_closed' ? nowMs + PEER_CLOSED_GRACE_MS : nowMs;
  }

  /** The fault to be told now; null = none. */
  fault(stage: 'ice' | 'dtls' | 'connected', nowMs: number): WebRtcFailure | null {
    if (this.#over) return null;
    if (nowMs >= this.#tellMs) return this.#tell(this.#failure!);
    if (!this.#connected && nowMs >= this.#deadlineMs)
      return this.#tell(stage === 'ice' ? 'ice_timeout' : 'dtls_timeout');
    return null;
  }

  #tell(failure: WebRtcFailure): WebRtcFailure {
    this.#over = true;
    return failure;
  }
}
