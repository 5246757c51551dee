// INVITE server transaction: RFC 3261 section 17.2.1 with the Accepted state of RFC 6026.
//
//   state       input            next        action
//   proceeding  INVITE again     proceeding  send the last provisional
//   proceeding  1xx from user    proceeding  send
//   proceeding  2xx from user    accepted    send; timer L = 64 T1
//   proceeding  3xx-6xx          completed   send; timer G = T1 (unreliable); timer H = 64 T1
//   completed   INVITE again     completed   send the final
//   completed   timer G          completed   send the final; G = min(2G, T2)
//   completed   ACK              confirmed   timer I = T4 (unreliable) or 0
//   completed   timer H          terminated  no ACK came
//   completed   transport error  terminated
//   accepted    2xx from user    accepted    send (the user retransmits a 2xx until its ACK, section 13.3.1.4)
//   accepted    ACK              accepted    ACK to user
//   accepted    timer L          terminated
//   confirmed   timer I          terminated
//   ignored: INVITE in accepted and confirmed; ACK in proceeding and confirmed; transport error in proceeding (the
//   user decides) and accepted; responses of the user in completed and confirmed; everything in terminated
import { giveUpMs, type MachineContext, TimerSlot } from './timers.ts';

export interface InviteServerUser {
  terminated(): void;
}

export class InviteServerTransaction {
  readonly #context: MachineContext;
  readonly #user: InviteServerUser;
  readonly #retransmit: TimerSlot;
  readonly #lifetime: TimerSlot;
  #state: 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated' = 'proceeding';
  #last: Buffer | undefined;

  constructor(context: MachineContext, user: InviteServerUser) {
    this.#context = context;
    this.#user = user;
    this.#retransmit = new TimerSlot(context.clock);
    this.#lifetime = new TimerSlot(context.clock);
  }

  get state(): string {
    return this.#state;
  }

  get open(): boolean {
    return this.#state === 'proceeding';
  }

  respond(status: number, bytes: Buffer): void {
    if (this.#state === 'accepted' && status >= 200 && status < 300) {
      this.#context.send(bytes);
      return;
    }
    if (this.#state !== 'proceeding') return;
    this.#last = bytes;
    if (status >= 300) this.#complete(bytes);
    else if (status >= 200) this.#accept();
    this.#context.send(bytes);
  }

  receiveAgain(): void {
    if ((this.#state === 'proceeding' || this.#state === 'completed') && this.#last !== undefined) {
      this.#context.send(this.#last);
    }
  }

  /** @returns 'for user' when the ACK belongs to a 2xx: some peers reuse the branch of the INVITE for it. */
  receiveAck(): 'absorbed' | 'for user' {
    if (this.#state === 'accepted') return 'for user';
    if (this.#state === 'completed') {
      this.#state = 'confirmed';
      this.#retransmit.stop();
      this.#lifetime.start(() => this.#terminate(), this.#context.reliable ? 0 : this.#context.timers.t4Ms);
    }
    return 'absorbed';
  }

  transportFailed(): void {
    if (this.#state === 'completed') this.#terminate();
  }

  /** Ends the machine at once without a word to its user: the engine is closing. */
  abandon(): void {
    this.#state = 'terminated';
    this.#retransmit.stop();
    this.#lifetime.stop();
  }

  #accept(): void {
    this.#state = 'accepted';
    this.#lifetime.start(() => this.#terminate(), giveUpMs(this.#context.timers));
  }

  #complete(bytes: Buffer): void {
    this.#state = 'completed';
    const { timers, reliable } = this.#context;
    if (!reliable) this.#armTimerG(bytes, timers.t1Ms);
    this.#lifetime.start(() => this.#terminate(), giveUpMs(timers));
  }

  #armTimerG(bytes: Buffer, delayMs: number): void {
    this.#retransmit.start(() => {
      this.#armTimerG(bytes, Math.min(delayMs * 2, this.#context.timers.t2Ms));
      this.#context.send(bytes);
    }, delayMs);
  }

  #terminate(): void {
    this.abandon();
    this.#user.terminated();
  }
}
