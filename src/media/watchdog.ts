// Is there audio from the caller? Two limits (media.md item 8), asked ten times a second, never moved by what we send.
//
//   state     input                                     effect
//   off       start                                     waiting
//   waiting   packet                                    active
//   waiting   firstPacketMs passed, receiving           report once, expired
//   active    silenceMs passed since the last packet    report once, expired
//   waiting, active, expired   hold (not receiving)     sleeping
//   sleeping  resume                                    waiting, counted from now (the peer starts sending anew)
//   expired   packet                                    active

import type { MediaTimeouts } from './session.ts';

type State =
  | { readonly kind: 'off' | 'sleeping' | 'expired' }
  | { readonly kind: 'waiting'; readonly sinceMs: number; readonly limitMs: number }
  | { readonly kind: 'active' };

export class Watchdog {
  readonly #timeouts: MediaTimeouts;
  #state: State = { kind: 'off' };
  #started = false;
  #receiving = true;

  constructor(timeouts: MediaTimeouts) {
    this.#timeouts = timeouts;
  }

  start(nowMs: number): void {
    this.#started = true;
    if (this.#receiving) this.#state = { kind: 'waiting', sinceMs: nowMs, limitMs: this.#timeouts.firstPacketMs };
    else this.#state = { kind: 'sleeping' };
  }

  /** After each offer/answer: do we expect audio? */
  negotiated(receiving: boolean, nowMs: number): void {
    const before = this.#receiving;
    this.#receiving = receiving;
    if (!this.#started || before === receiving) return;
    if (!receiving) this.#state = { kind: 'sleeping' };
    else this.#state = { kind: 'waiting', sinceMs: nowMs, limitMs: this.#timeouts.silenceMs };
  }

  /** True once per silence that is too long. `lastPacketMs` 0 = none yet. */
  expired(lastPacketMs: number, nowMs: number): boolean {
    const state = this.#state;
    switch (state.kind) {
      case 'off':
      case 'sleeping':
        return false;
      case 'expired':
        if (nowMs - lastPacketMs < this.#timeouts.silenceMs && lastPacketMs > 0) this.#state = { kind: 'active' };
        return false;
      case 'waiting':
        if (lastPacketMs >= state.sinceMs) {
          this.#state = { kind: 'active' };
          return false;
        }
        return this.#expireIf(nowMs - state.sinceMs >= state.limitMs);
      case 'active':
        return this.#expireIf(nowMs - lastPacketMs >= this.#timeouts.silenceMs);
    }
  }

  #expireIf(expired: boolean): boolean {
    if (expired) this.#state = { kind: 'expired' };
    return expired;
  }
}
