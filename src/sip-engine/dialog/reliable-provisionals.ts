// Reliable provisional responses to one INVITE: one at a time, sent again until its PRACK (RFC 3262 section 3).
//
//   state    input            next     action
//   idle     provisional      waiting  send; timer = T1, doubling; deadline = 64 T1
//   idle     final            idle     send
//   waiting  provisional      waiting  queue behind
//   waiting  2xx              waiting  queue behind: its offer or answer may depend on the provisional
//   waiting  PRACK            held     -
//   held     provisional, 2xx held     queue behind
//   held     PRACK answered   idle     send what is queued next: a 200 never overtakes the answer to the PRACK before it
//   waiting  deadline         over     `unacknowledged`
//   any      stop             over     drop the queue
//   ignored: everything in over; PRACK for another RSeq is refused by `acknowledge`
import { giveUpMs, TimerSlot } from '../transaction/timers.ts';
import type { Environment } from './environment.ts';

/** A UAS that wants more in flight is broken. */
const QUEUED_MAX = 16;

type Queued =
  | { readonly rseq: number; readonly send: () => void }
  | { readonly rseq: undefined; readonly send: () => void };

export class ReliableProvisionals {
  readonly #environment: Environment;
  readonly #unacknowledged: () => void;
  readonly #retransmit: TimerSlot;
  readonly #deadline: TimerSlot;
  #nextRSeq: number;
  #waiting: number | undefined;
  /** Its PRACK is there and not answered yet. */
  #isHeld = false;
  #queue: Queued[] = [];

  constructor(environment: Environment, unacknowledged: () => void) {
    this.#environment = environment;
    this.#unacknowledged = unacknowledged;
    this.#retransmit = new TimerSlot(environment.clock);
    this.#deadline = new TimerSlot(environment.clock);
    this.#nextRSeq = 1 + (environment.names.sequence() % 0x7fff);
  }

  takeRSeq(): number {
    const rseq = this.#nextRSeq;
    this.#nextRSeq += 1;
    return rseq;
  }

  /** @returns false when too many wait already. */
  provisional(rseq: number, send: () => void): boolean {
    if (this.#queue.length >= QUEUED_MAX) return false;
    this.#submit({ rseq, send });
    return true;
  }

  success(send: () => void): void {
    this.#submit({ rseq: undefined, send });
  }

  /** @returns false when no provisional with that number waits. */
  acknowledge(rseq: number): boolean {
    if (this.#waiting !== rseq) return false;
    this.#waiting = undefined;
    this.#isHeld = true;
    this.#retransmit.stop();
    this.#deadline.stop();
    return true;
  }

  /** The PRACK has its answer. */
  release(): void {
    this.#isHeld = false;
    while (this.#waiting === undefined && this.#queue.length > 0) this.#begin(this.#queue.shift()!);
  }

  stop(): void {
    this.#retransmit.stop();
    this.#deadline.stop();
    this.#queue = [];
    this.#waiting = undefined;
  }

  #submit(item: Queued): void {
    if (this.#waiting === undefined && !this.#isHeld) this.#begin(item);
    else this.#queue.push(item);
  }

  #begin(item: Queued): void {
    item.send();
    if (item.rseq === undefined) return;
    this.#waiting = item.rseq;
    this.#arm(item.send, this.#environment.timers.t1Ms);
    this.#deadline.start(() => {
      this.stop();
      this.#unacknowledged();
    }, giveUpMs(this.#environment.timers));
  }

  #arm(send: () => void, delayMs: number): void {
    this.#retransmit.start(() => {
      this.#arm(send, delayMs * 2);
      send();
    }, delayMs);
  }
}
