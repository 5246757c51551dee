// Is there audio from the caller? Three limits (media.md item 8), asked ten times a second, never moved by what we send.
//
//   state     input                                     effect
//   off       start                                     waiting
//   waiting   packet                                    active
//   waiting   firstPacketMs passed, both ways open      report `first_packet` once, expired
//   active    silenceMs passed since the last packet    report `silence` once, expired
//   waiting, active, expired   hold, or peer is mute    sleeping
//   sleeping  heldMs passed                             report `held` once, expired
//   sleeping  resume                                    waiting, counted from now (the peer starts sending anew)
//   expired   packet                                    active
//
// Hold is what the other side does not want to hear (sendonly, inactive, 0.0.0.0). It may play music meanwhile, or nothing: neither says
// anything about the call.

import type { MediaLimit, MediaTimeouts } from './session.ts';

type State =
  | { readonly kind: 'off' | 'expired' }
  | { readonly kind: 'sleeping'; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly sinceMs: number; readonly limitMs: number; readonly limit: MediaLimit }
  | { readonly kind: 'active' };

export class Watchdog {
  #timeouts: MediaTimeouts;
  #state: State = { kind: 'off' };
  #started = false;
  #awake = true;

  constructor(timeouts: MediaTimeouts) {
    this.#timeouts = timeouts;
  }

  setTimeouts(timeouts: MediaTimeouts): void {
    this.#timeouts = timeouts;
  }

  start(nowMs: number): void {
    this.#started = true;
    if (!this.#awake) this.#state = { kind: 'sleeping', sinceMs: nowMs };
    else this.#wait(nowMs, 'first_packet', this.#timeouts.firstPacketMs);
  }

  /** After each offer/answer: do we expect audio, and are we heard? */
  negotiated(awake: boolean, nowMs: number): void {
    const before = this.#awake;
    this.#awake = awake;
    if (!this.#started || before === awake) return;
    if (!awake) this.#state = { kind: 'sleeping', sinceMs: nowMs };
    else this.#wait(nowMs, 'silence', this.#timeouts.silenceMs);
  }

  /** Which limit was passed, once per silence or hold that is too long. `lastPacketMs` 0 = none yet. */
  expired(lastPacketMs: number, nowMs: number): MediaLimit | null {
    const state = this.#state;
    const { heldMs = null, silenceMs } = this.#timeouts;
    switch (state.kind) {
      case 'off':
        return null;
      case 'sleeping':
        return this.#expireIf(heldMs !== null && nowMs - state.sinceMs >= heldMs, 'held');
      case 'expired':
        if (nowMs - lastPacketMs < silenceMs && lastPacketMs > 0) this.#state = { kind: 'active' };
        return null;
      case 'waiting':
        if (lastPacketMs >= state.sinceMs) {
          this.#state = { kind: 'active' };
          return null;
        }
        return this.#expireIf(nowMs - state.sinceMs >= state.limitMs, state.limit);
      case 'active':
        return this.#expireIf(nowMs - lastPacketMs >= silenceMs, 'silence');
    }
  }

  #wait(sinceMs: number, limit: MediaLimit, limitMs: number): void {
    this.#state = { kind: 'waiting', sinceMs, limitMs, limit };
  }

  #expireIf(expired: boolean, limit: MediaLimit): MediaLimit | null {
    if (!expired) return null;
    this.#state = { kind: 'expired' };
    return limit;
  }
}
