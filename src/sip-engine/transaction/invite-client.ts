// INVITE client transaction: RFC 3261 section 17.1.1 with the Accepted state of RFC 6026.
//
//   state       input            next        action
//   calling     start            calling     send INVITE; timer A = T1 (unreliable); timer B = 64 T1
//   calling     timer A          calling     send INVITE; A doubles
//   calling     timer B          terminated  timeout to user
//   calling     transport error  terminated  failure to user
//   calling     1xx              proceeding  response to user
//   calling     2xx              accepted    response to user; timer M = 64 T1
//   calling     3xx-6xx          completed   response to user; send ACK; timer D
//   proceeding  1xx              proceeding  response to user
//   proceeding  2xx              accepted    response to user; timer M
//   proceeding  3xx-6xx          completed   response to user; send ACK; timer D
//   proceeding  cancelled        proceeding  64 T1 from now on for a final response (section 9.1)
//   proceeding  that time        terminated  timeout to user
//   accepted    2xx              accepted    response to user (who re-sends its ACK)
//   accepted    timer M          terminated
//   completed   3xx-6xx          completed   send ACK
//   completed   transport error  terminated
//   completed   timer D          terminated
//   ignored: 1xx and 3xx-6xx in accepted; 1xx and 2xx in completed; transport error in proceeding and accepted;
//   everything in terminated
import type { SipResponse } from '../message/message.ts';
import { giveUpMs, type MachineContext, TimerSlot, timerDMs } from './timers.ts';

export interface InviteClientUser<Source> {
  response(response: SipResponse, source: Source): void;
  failed(cause: 'timeout' | 'transport'): void;
  terminated(): void;
}

export class InviteClientTransaction<Source> {
  readonly #context: MachineContext;
  readonly #user: InviteClientUser<Source>;
  readonly #invite: Buffer;
  readonly #ackFor: (response: SipResponse) => Buffer;
  readonly #retransmit: TimerSlot;
  readonly #lifetime: TimerSlot;
  #state: 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated' = 'calling';
  #ack: Buffer | undefined;

  /** @param ackFor prints the ACK to a 3xx-6xx: same branch, To of the response (RFC 3261 section 17.1.1.3). */
  constructor(
    context: MachineContext,
    user: InviteClientUser<Source>,
    invite: Buffer,
    ackFor: (response: SipResponse) => Buffer,
  ) {
    this.#context = context;
    this.#user = user;
    this.#invite = invite;
    this.#ackFor = ackFor;
    this.#retransmit = new TimerSlot(context.clock);
    this.#lifetime = new TimerSlot(context.clock);
  }

  get state(): string {
    return this.#state;
  }

  start(): void {
    const { timers, reliable } = this.#context;
    this.#lifetime.start(() => this.#timeout(), giveUpMs(timers));
    if (!reliable) this.#armTimerA(timers.t1Ms);
    this.#context.send(this.#invite);
  }

  receive(response: SipResponse, source: Source): void {
    switch (this.#state) {
      case 'calling':
      case 'proceeding':
        this.#retransmit.stop();
        if (response.status < 200) this.#proceed();
        else if (response.status < 300) this.#accept();
        else this.#complete(response);
        this.#user.response(response, source);
        return;
      case 'accepted':
        if (response.status >= 200 && response.status < 300) this.#user.response(response, source);
        return;
      case 'completed':
        if (response.status >= 300 && this.#ack !== undefined) this.#context.send(this.#ack);
        return;
      case 'terminated':
        return;
    }
  }

  transportFailed(): void {
    if (this.#state === 'calling') {
      this.#terminate();
      this.#user.failed('transport');
    } else if (this.#state === 'completed') {
      this.#terminate();
    }
  }

  /** A CANCEL is on its way. */
  cancelled(): void {
    if (this.#state === 'proceeding') this.#lifetime.start(() => this.#timeout(), giveUpMs(this.#context.timers));
  }

  /** Ends the machine at once without a word to its user: the engine is closing. */
  abandon(): void {
    this.#state = 'terminated';
    this.#retransmit.stop();
    this.#lifetime.stop();
  }

  #armTimerA(delayMs: number): void {
    this.#retransmit.start(() => {
      this.#armTimerA(delayMs * 2);
      this.#context.send(this.#invite);
    }, delayMs);
  }

  #timeout(): void {
    this.#terminate();
    this.#user.failed('timeout');
  }

  #proceed(): void {
    if (this.#state === 'calling') this.#lifetime.stop();
    this.#state = 'proceeding';
  }

  #accept(): void {
    this.#state = 'accepted';
    this.#lifetime.start(() => this.#terminate(), giveUpMs(this.#context.timers));
  }

  #complete(response: SipResponse): void {
    this.#state = 'completed';
    this.#ack = this.#ackFor(response);
    this.#lifetime.start(() => this.#terminate(), timerDMs(this.#context.timers, this.#context.reliable));
    this.#context.send(this.#ack);
  }

  #terminate(): void {
    this.abandon();
    this.#user.terminated();
  }
}
