// Server transaction of every other method: RFC 3261 section 17.2.2.
//
//   state       input            next        action
//   trying      request again    trying      nothing: there is nothing to send yet
//   trying      1xx from user    proceeding  send
//   trying      2xx-6xx          completed   send; timer J = 64 T1 (unreliable) or 0
//   proceeding  request again    proceeding  send the last provisional
//   proceeding  1xx from user    proceeding  send
//   proceeding  2xx-6xx          completed   send; timer J
//   completed   request again    completed   send the final
//   completed   transport error  terminated
//   completed   timer J          terminated
//   ignored: responses of the user in completed; transport error in trying and proceeding (the user decides);
//   everything in terminated
import { giveUpMs, type MachineContext, TimerSlot } from './timers.ts';

export interface NonInviteServerUser {
  terminated(): void;
}

export class NonInviteServerTransaction {
  readonly #context: MachineContext;
  readonly #user: NonInviteServerUser;
  readonly #lifetime: TimerSlot;
  #state: 'trying' | 'proceeding' | 'completed' | 'terminated' = 'trying';
  #last: Buffer | undefined;

  constructor(context: MachineContext, user: NonInviteServerUser) {
    this.#context = context;
    this.#user = user;
    this.#lifetime = new TimerSlot(context.clock);
  }

  get state(): string {
    return this.#state;
  }

  get open(): boolean {
    return this.#state === 'trying' || this.#state === 'proceeding';
  }

  respond(status: number, bytes: Buffer): void {
    if (!this.open) return;
    this.#last = bytes;
    if (status < 200) {
      this.#state = 'proceeding';
    } else {
      this.#state = 'completed';
      this.#lifetime.start(() => this.#terminate(), this.#context.reliable ? 0 : giveUpMs(this.#context.timers));
    }
    this.#context.send(bytes);
  }

  receiveAgain(): void {
    if (this.#last !== undefined && this.#state !== 'terminated') this.#context.send(this.#last);
  }

  transportFailed(): void {
    if (this.#state === 'completed') this.#terminate();
  }

  /** Ends the machine at once without a word to its user: the engine is closing. */
  abandon(): void {
    this.#state = 'terminated';
    this.#lifetime.stop();
  }

  #terminate(): void {
    this.abandon();
    this.#user.terminated();
  }
}
