// Hot path: SRTP of a carrier's leg, whose keys come by SDP (RFC 4568) and may come anew with each offer and answer.
//
//   offer/answer brings            we send with               we hear with
//   the same key                   the same, counters go on   the same, counters go on
//   another key                    another, from counter 0    another; the one before for FORMER_MS more, so that what was on its way is heard
//   the key before the last one    -                          the same as then: what was received is not taken twice
//
// Invariant Q1. A packet is opened with keys of this leg or it is not heard.

import type { SrtpKey, SrtpParameters } from '../../domain/srtp.ts';
import { SrtpReceiver } from './receiver.ts';
import { SrtpSender } from './sender.ts';

/** Packets on their way, and the time that an answer takes to reach the other side. */
const FORMER_MS = 5000;

interface Hearing {
  readonly parameters: SrtpParameters;
  readonly receiver: SrtpReceiver;
}

export class SdesSrtp {
  #parameters: SrtpParameters;
  #sender: SrtpSender;
  #hearing: Hearing;
  #former: Hearing | null = null;
  #formerUntilMs = 0;

  constructor(parameters: SrtpParameters) {
    this.#parameters = parameters;
    this.#sender = new SrtpSender(parameters.suite, parameters.local);
    this.#hearing = hearing(parameters);
  }

  negotiate(parameters: SrtpParameters, nowMs: number): void {
    if (!sameLocal(parameters, this.#parameters)) this.#sender = new SrtpSender(parameters.suite, parameters.local);
    this.#parameters = parameters;
    if (sameRemote(parameters, this.#hearing.parameters)) return;
    const before = this.#former;
    this.#former = this.#hearing;
    this.#formerUntilMs = nowMs + FORMER_MS;
    this.#hearing = before !== null && sameRemote(parameters, before.parameters) ? before : hearing(parameters);
  }

  protectRtp(packet: Buffer): Buffer {
    return this.#sender.protectRtp(packet);
  }

  protectRtcp(packet: Buffer): Buffer {
    return this.#sender.protectRtcp(packet);
  }

  unprotectRtp(packet: Buffer, nowMs: number): Buffer | null {
    return this.#hearing.receiver.unprotectRtp(packet) ?? this.#formerAt(nowMs)?.unprotectRtp(packet) ?? null;
  }

  unprotectRtcp(packet: Buffer, nowMs: number): Buffer | null {
    return this.#hearing.receiver.unprotectRtcp(packet) ?? this.#formerAt(nowMs)?.unprotectRtcp(packet) ?? null;
  }

  #formerAt(nowMs: number): SrtpReceiver | null {
    return this.#former !== null && nowMs < this.#formerUntilMs ? this.#former.receiver : null;
  }
}

function hearing(parameters: SrtpParameters): Hearing {
  return { parameters, receiver: new SrtpReceiver(parameters.suite, parameters.remote, parameters.remoteMki) };
}

function sameLocal(a: SrtpParameters, b: SrtpParameters): boolean {
  return a.suite === b.suite && sameKey(a.local, b.local);
}

function sameRemote(a: SrtpParameters, b: SrtpParameters): boolean {
  const [mki, other] = [a.remoteMki ?? [], b.remoteMki ?? []];
  return a.suite === b.suite && sameKey(a.remote, b.remote) && Buffer.from(mki).equals(Buffer.from(other));
}

function sameKey(a: SrtpKey, b: SrtpKey): boolean {
  return Buffer.from(a.key).equals(b.key) && Buffer.from(a.salt).equals(b.salt);
}
