// The audio of a call that we place, as offer and answer describe it.
//
//   offered    early description    offered     media by it, heard by the agent
//              answer               agreed      media by it
//              answer of no use     offered     nothing, and why
//   agreed     re-INVITE, UPDATE    agreed      media by it (in-dialog.ts)
//
// Invariants
//   OA1. Each attempt has a description, a port and keys of its own: a gateway that did not take the call knows nothing of the next one's.
//   OA2. Keys are not sent where they could be read, also where only the answer says that the call leads there.

import type { Trunk } from '../domain/directory.ts';
import type { Reason } from '../domain/reasons.ts';
import type { MediaSession } from '../media/session.ts';
import { type LocalAudio, makeOffer, readAnswer } from '../sdp/index.ts';
import type { OutboundLeg, Refreshed, Reoffer } from '../signalling/leg.ts';
import type { PlannedAttempt } from './attempts.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';
import { answerLeadsInClear, negotiated, outboundEncryption } from './encryption.ts';
import type { HoldProbe } from './hold-probe.ts';
import { acceptRefresh, acceptReoffer } from './in-dialog.ts';

export class OutboundAudio {
  readonly #deps: Pick<CallDeps, 'clock' | 'randomBytes'>;
  readonly #call: Call;
  #local: LocalAudio | null = null;

  constructor(deps: Pick<CallDeps, 'clock' | 'randomBytes'>, call: Call) {
    this.#deps = deps;
    this.#call = call;
  }

  /** OA1 */
  offer(media: MediaSession, { trunk, server }: PlannedAttempt): string {
    const local: LocalAudio = {
      address: media.localAddress,
      port: media.localPort,
      codecs: trunk.codecs,
      sessionId: Math.floor(this.#deps.clock.wallMs()),
      version: 1,
      encryption: outboundEncryption(this.#deps, trunk, server.transport),
    };
    const offer = makeOffer(local);
    this.#local = { ...local, previous: offer };
    return offer;
  }

  /**
   * Audio before the answer: of several forks, or descriptions of one, the last. What cannot be used is not the end of the call: the answer may say
   * something else. False then.
   */
  early(sdp: string): boolean {
    const call = this.#call;
    if (call.media === null || this.#local === null) return false;
    const answer = readAnswer(this.#local, sdp);
    if (!answer.ok) {
      call.note('early_media_refused', { reason: answer.reason });
      return false;
    }
    call.media.negotiate(answer.remote);
    call.media.startEarly('agent');
    call.note('early_media', { hears: 'agent' });
    return true;
  }

  /** Why the answer cannot be used; null: media goes by it. */
  answered(sdp: string, trunk: Trunk | undefined, leg: OutboundLeg | null, hold: HoldProbe): Reason | null {
    const call = this.#call;
    if (this.#local === null) return 'bad_offer';
    const answer = readAnswer(this.#local, sdp);
    if (!answer.ok) {
      call.note('answer_refused', { reason: answer.reason, detail: answer.detail });
      return answer.reason;
    }
    if (trunk !== undefined && answerLeadsInClear(trunk, answer.remote, leg)) return 'keys_in_clear';
    this.#local = negotiated(call, this.#local, answer.remote);
    hold.negotiated(answer.remote.direction);
    return null;
  }

  reoffered(reoffer: Reoffer, hold: HoldProbe): void {
    this.#local = acceptReoffer(this.#call, reoffer, this.#local, hold, (local) => {
      this.#local = local;
    });
  }
  refreshed(refreshed: Refreshed, hold: HoldProbe): void {
    this.#local = acceptRefresh(this.#call, refreshed, this.#local, hold);
  }
}
