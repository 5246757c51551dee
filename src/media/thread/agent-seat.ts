// Hot path: the agent's place in a call. At most one stream sits there; what it says goes to the caller, what the caller says goes to it.
//
//   state      take           ready                          its end                   leave
//   empty      dialling       -                              -                         -
//   dialling   dialling (*)   ready; begins if it is heard   empty; its dial says so   empty
//   ready      dialling (*)   ignored                        empty; the call is told   empty
//   (*) the new one, in place of the one that was
//
// AS1. A link that sits here no more does nothing: late callbacks of a replaced or closed stream are void.
// AS2. An agent begins once, when it is ready and its call is heard, whichever comes last.

import type { DtmfRequest } from '../../domain/dtmf.ts';
import type { AgentAsk, AgentDial, AgentFailure, AgentNotice, AgentStreamFactory } from '../agent-stream.ts';
import { FIELD } from '../counters.ts';
import type { AgentConnectOutcome, MediaEvent } from '../session.ts';
import { AgentLink, type AgentLinkOwner } from './agent-link.ts';
import type { Inbound } from './inbound.ts';
import type { Outbound } from './outbound.ts';

/** The call around the seat. */
export interface AgentSeatCall {
  /** Audio flows between the caller and an agent that is ready. */
  readonly isAgentHeard: boolean;
  agentStarted(nowMs: number): void;
  /** Keys for the caller. False: not now. */
  agentKeys(request: DtmfRequest): boolean;
  /** Something is due at another time than before. */
  reschedule(): void;
}

export interface AgentSeatDeps {
  readonly nowMs: () => number;
  readonly createAgentStream: AgentStreamFactory;
  readonly emit: (event: MediaEvent) => void;
  /** The call's row of counters. */
  readonly row: Float64Array;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
}

export class AgentSeat implements AgentLinkOwner {
  framesToAgent = 0;
  framesDropped = 0;
  malformed = 0;

  readonly #call: AgentSeatCall;
  readonly #deps: AgentSeatDeps;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  #link: AgentLink | null = null;
  #lastProofMs = 0;

  constructor(call: AgentSeatCall, deps: AgentSeatDeps) {
    this.#call = call;
    this.#deps = deps;
    this.#inbound = deps.inbound;
    this.#outbound = deps.outbound;
  }

  /** Somebody sits here, perhaps still dialling. */
  get isTaken(): boolean {
    return this.#link !== null;
  }

  /** `done` is called exactly once, unless the agent is replaced or the call closed first. */
  take(dial: AgentDial, done: (outcome: AgentConnectOutcome) => void): void {
    this.#link?.close();
    this.#outbound.attach(dial.codec);
    this.#inbound.audio.stop();
    this.#inbound.attach(dial.codec);
    const link = new AgentLink(this, dial, this.#deps.nowMs(), done);
    this.#link = link;
    link.dial(this.#deps.createAgentStream);
  }

  /** The call is heard from now on (AS2). */
  start(nowMs: number): void {
    if (this.#link?.wasReady === true) this.#start(this.#link, nowMs);
  }

  leave(): void {
    this.#link?.close();
    this.#link = null;
  }

  // From the call to the agent.

  hear(bytes: Buffer, start: number, end: number, timestampMs: number): void {
    this.framesToAgent++;
    this.#link?.hear(bytes, start, end, timestampMs);
  }

  key(digit: string): void {
    this.#link?.key(digit);
  }

  notify(notice: AgentNotice): void {
    this.#link?.notify(notice);
  }

  markPlayed(name: string): void {
    this.#link?.markPlayed(name);
  }

  tick(nowMs: number): void {
    this.#link?.tick(nowMs);
  }

  // What the link reports.

  agentReady(link: AgentLink): number {
    const nowMs = this.#deps.nowMs();
    this.agentAlive();
    if (this.#call.isAgentHeard && this.#link === link) this.#start(link, nowMs);
    this.#call.reschedule();
    return nowMs;
  }

  /** The stream of `link` ended by itself; `failure` null = in order. */
  agentEnded(link: AgentLink, failure: AgentFailure | null): void {
    if (this.#link !== link) return;
    this.#link = null;
    this.#inbound.audio.stop();
    this.#call.reschedule();
    if (!link.wasReady) return;
    const { emit } = this.#deps;
    const atMs = this.#deps.nowMs();
    if (failure === null) emit({ type: 'agent-closed', atMs });
    else emit({ type: 'agent-lost', atMs, lastProofMs: this.#lastProofMs, failure });
  }

  agentAudio(bytes: Buffer, start: number, end: number): void {
    this.#outbound.audio(bytes, start, end, this.#deps.nowMs());
    this.#call.reschedule();
  }

  agentMark(name: string): void {
    this.#outbound.mark(name);
  }

  agentClear(): void {
    this.#outbound.clear();
    this.#call.reschedule();
  }

  agentAsked(ask: AgentAsk): void {
    this.#deps.emit({ type: 'agent-asked', atMs: this.#deps.nowMs(), ask });
  }

  agentKeys(request: DtmfRequest): void {
    if (!this.#call.agentKeys(request)) this.malformed++;
  }

  /** Written as it happens: the meter reads it. */
  agentAlive(): void {
    this.#lastProofMs = this.#deps.nowMs();
    this.#deps.row[FIELD.lastAgentProofMs] = this.#lastProofMs;
  }

  agentMalformed(): void {
    this.malformed++;
  }

  agentDropped(): void {
    this.framesDropped++;
  }

  #start(link: AgentLink, nowMs: number): void {
    link.start();
    this.#call.agentStarted(nowMs);
    this.#inbound.audio.restart();
    this.#inbound.audio.start(nowMs);
  }
}
