// Client transaction of every other method: RFC 3261 section 17.1.2.
//
//   state       input            next        action
//   trying      start            trying      send request; timer E = T1 (unreliable); timer F = 64 T1
//   trying      timer E          trying      send request; E = min(2E, T2)
//   trying      timer F          terminated  timeout to user
//   trying      transport error  terminated  failure to user
//   trying      1xx              proceeding  response to user; E = T2
//   trying      200-699          completed   response to user; timer K = T4 (unreliable) or 0
//   proceeding  timer E          proceeding  send request; E = T2
//   proceeding  timer F          terminated  timeout to user
//   proceeding  transport error  terminated  failure to user
//   proceeding  1xx              proceeding  response to user
//   proceeding  200-699          completed   response to user; timer K
//   completed   timer K          terminated
//   ignored: every response and transport error in completed; everything in terminated
import type { SipResponse } from '../message/message.ts';
import { giveUpMs, type MachineContext, TimerSlot } from './timers.ts';

export interface NonInviteClientUser<Source> {
  response(response: SipResponse, source: Source): void;
  failed(cause: 'timeout' | 'transport'): void;
  terminated(): void;
}

export class NonInviteClientTransaction<Source> {
  readonly #context: MachineContext;
  readonly #user: NonInviteClientUser<Source>;
  readonly #request: Buffer;
  readonly #retransmit: TimerSlot;
  readonly #lifetime: TimerSlot;
  #state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying';

  constructor(context: MachineContext, user: NonInviteClientUser<Source>, request: Buffer) {
    this.#context = context;
    this.#user = user;
    this.#request = request;
    this.#retransmit = new TimerSlot(context.clock);
    this.#lifetime = new TimerSlot(context.clock);
  }

  get state(): string {
    return this.#state;
  }

  start(): void {
    const { timers, reliable } = this.#context;
    this.#lifetime.start(() => this.#fail('timeout'), giveUpMs(timers));
    if (!reliable) this.#armTimerE(timers.t1Ms);
    this.#context.send(this.#request);
  }

  receive(response: SipResponse, source: Source): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    if (response.status < 200) {
      if (this.#state === 'trying' && !this.#context.reliable) this.#armTimerE(this.#context.timers.t2Ms);
      this.#state = 'proceeding';
    } else {
      this.#state = 'completed';
      this.#retransmit.stop();
      this.#lifetime.start(() => this.#terminate(), this.#context.reliable ? 0 : this.#context.timers.t4Ms);
    }
    this.#user.response(response, source);
  }

  transportFailed(): void {
    if (this.#state === 'trying' || this.#state === 'proceeding') this.#fail('transport');
  }

  /** Ends the machine at once without a word to its user: the engine is closing. */
  abandon(): void {
    this.#state = 'terminated';
    this.#retransmit.stop();
    this.#lifetime.stop();
  }

  #armTimerE(delayMs: number): void {
    this.#retransmit.start(() => {
      const { t2Ms } = this.#context.timers;
      this.#armTimerE(this.#state === 'proceeding' ? t2Ms : Math.min(delayMs * 2, t2Ms));
      this.#context.send(this.#request);
    }, delayMs);
  }

  #fail(cause: 'timeout' | 'transport'): void {
    this.#terminate();
    this.#user.failed(cause);
  }

  #terminate(): void {
    this.abandon();
    this.#user.terminated();
  }
}
