// A 2xx to an INVITE, sent again until its ACK arrives (RFC 3261 section 13.3.1.4): the transaction ends with the 2xx, so this
// is work of the user agent core.
//
//   state    input          next     action
//   waiting  start          waiting  timer = T1 (unreliable); deadline = 64 T1
//   waiting  timer          waiting  send the 2xx; timer = min(2x, T2)
//   waiting  ACK or stop    over
//   waiting  deadline       over     `unacknowledged`
//   ignored: everything in over
import { giveUpMs, TimerSlot } from '../transaction/timers.ts';
import type { Environment } from './environment.ts';

export class SuccessRetransmission {
  readonly #environment: Environment;
  readonly #retransmit: TimerSlot;
  readonly #deadline: TimerSlot;

  constructor(environment: Environment, what: { reliable: boolean; send: () => void; unacknowledged: () => void }) {
    this.#environment = environment;
    this.#retransmit = new TimerSlot(environment.clock);
    this.#deadline = new TimerSlot(environment.clock);
    if (!what.reliable) this.#arm(what.send, environment.timers.t1Ms);
    this.#deadline.start(() => {
      this.stop();
      what.unacknowledged();
    }, giveUpMs(environment.timers));
  }

  stop(): void {
    this.#retransmit.stop();
    this.#deadline.stop();
  }

  #arm(send: () => void, delayMs: number): void {
    this.#retransmit.start(() => {
      this.#arm(send, Math.min(delayMs * 2, this.#environment.timers.t2Ms));
      send();
    }, delayMs);
  }
}
