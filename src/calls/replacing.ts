// An INVITE with Replaces (RFC 3891): the carrier has found somebody else to be in a call that we have with it (the second half of an attended
// transfer). The call goes on with the new leg: same agent, same bill. No call of its own comes of such an INVITE.
//
//   Replaces names                               answered
//   nothing that can be read                     400
//   no dialog of this trunk (others' included)   481
//   one that is over                             603
//   an answered one, `early-only`                486
//   an answered one                              200; then BYE to the leg so far
//
// Invariants
//   RP1. Only whoever may call in over the trunk of the call, credentials and transport included, takes its leg over: the same workspace, the same
//        carrier.
//   RP2. Ringing calls of ours are not replaced (481): they have no dialog that could be.
//   RP3. The call was answered before: a new leg that never acknowledges makes none of it free. It is billed until the old leg was let go.

import { answerOffer, type LocalAudio } from '../sdp/index.ts';
import type { Trunk } from '../domain/directory.ts';
import type { Reason } from '../domain/reasons.ts';
import { calledParty } from './caller.ts';
import type { InboundEvent, InboundInvite, InboundLeg, LegDialog } from '../signalling/leg.ts';
import { parseReplaces, type Replaces } from '../signalling/refer-to.ts';
import { inboundEncryption, negotiated } from './encryption.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';
import { HOLD_PROBE_MS, HoldProbe } from './hold-probe.ts';
import { acceptRefresh, acceptReoffer, legEnded } from './in-dialog.ts';
import { answerTermsOf } from './inbound-answer.ts';

const FORMER_MAX = 500;
/** In one call; a carrier that goes on and on is broken. */
const REPLACEMENTS_MAX = 10;

/** Dialogs that were, so that whoever comes late is told so. */
export class FormerDialogs {
  readonly #keys = new Set<string>();

  add(trunkId: string | null, dialog: LegDialog): void {
    const key = keyOf(trunkId, dialog);
    this.#keys.delete(key);
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > FORMER_MAX && oldest !== undefined) this.#keys.delete(oldest);
  }

  has(trunkId: string, { callId, toTag, fromTag }: Replaces): boolean {
    return this.#keys.has(keyOf(trunkId, { callId, localTag: toTag, remoteTag: fromTag }));
  }
}

function keyOf(
  trunkId: string | null,
  { callId, localTag, remoteTag }: Omit<LegDialog, 'remoteTarget' | 'localHost'>,
): string {
  return JSON.stringify([trunkId, callId, localTag, remoteTag]);
}

export interface Replaceable {
  readonly live: Iterable<Call>;
  readonly former: FormerDialogs;
}

/** Takes the invite at once. Never rejects. */
export async function replaceLeg(deps: CallDeps, invite: InboundInvite, calls: Replaceable): Promise<void> {
  let onEvent: (event: InboundEvent) => void = () => undefined;
  const leg = invite.accept((event) => onEvent(event));
  try {
    const { address: sourceIp, protocol: transport } = invite.source;
    const { trunk } = await deps.routeInbound({ sourceIp, called: calledParty(invite), transport });
    if (trunk === undefined) return leg.reject('unknown_source');
    // Also where the called number is none of ours: to a dialog it may be anybody's.
    const { transport: wanted = null } = trunk.inbound;
    if (wanted !== null && wanted !== transport.toLowerCase()) return leg.reject('transport_mismatch');
    if (!authenticate(deps, invite, leg, trunk)) return;
    const found = find(trunk.id, invite.headers['replaces'] ?? '', calls);
    if (typeof found === 'string') return leg.reject(found);
    await new Replacement(deps, found, trunk, invite, leg).take((handler) => {
      onEvent = handler;
    });
  } catch (error) {
    deps.log.error({ sipCallId: invite.sipCallId, err: error }, 'an INVITE with Replaces could not be judged');
    leg.reject('store_unavailable');
  }
}

/** RP1. As a new call does (inbound.ts), with the same count of wrong answers. */
function authenticate(deps: CallDeps, { headers, source }: InboundInvite, leg: InboundLeg, trunk: Trunk): boolean {
  const { digest, digestGuard } = deps;
  const { address } = source;
  const credentials = trunk.inbound.auth ?? null;
  const peer = { address, trunkId: trunk.id };
  if (credentials === null) return true;
  const verdict = digestGuard.isBlocked(peer)
    ? 'blocked'
    : digest.judge({ method: 'INVITE', authorization: headers['authorization'], credentials, address });
  if (verdict === 'proved') {
    digestGuard.proved(peer);
    return true;
  }
  if (verdict === 'wrong') digestGuard.failed(peer);
  if (verdict === 'wrong' || verdict === 'blocked') leg.reject('credentials_refused');
  else leg.challenge(digest.challenges(verdict === 'stale', address));
  return false;
}

function find(trunkId: string, header: string, { live, former }: Replaceable): Call | Reason {
  const replaces = parseReplaces(header);
  if (replaces === undefined) return 'bad_request';
  for (const call of live) {
    if (call.route.trunkId !== trunkId) continue;
    const dialog = call.leg?.lastDialog ?? null;
    if (dialog === null || keyOf(trunkId, dialog) !== keyOf(trunkId, asDialog(replaces))) continue;
    if (call.over || call.leg?.dialog === null) return 'replaces_over';
    if (replaces.earlyOnly) return 'replaces_answered';
    return call.replacements < REPLACEMENTS_MAX ? call : 'transfer_not_allowed';
  }
  return former.has(trunkId, replaces) ? 'replaces_over' : 'replaces_unknown';
}

function asDialog({ callId, toTag, fromTag }: Replaces): Omit<LegDialog, 'remoteTarget' | 'localHost'> {
  return { callId, localTag: toTag, remoteTag: fromTag };
}

class Replacement {
  readonly #deps: CallDeps;
  readonly #call: Call;
  readonly #trunk: Trunk;
  readonly #invite: InboundInvite;
  readonly #leg: InboundLeg;
  readonly #hold: HoldProbe;
  #local: LocalAudio | null = null;
  /** Monotonic ms; the old leg was let go. */
  #takenMs: number | null = null;

  constructor(deps: CallDeps, call: Call, trunk: Trunk, invite: InboundInvite, leg: InboundLeg) {
    this.#deps = deps;
    this.#call = call;
    this.#trunk = trunk;
    this.#invite = invite;
    this.#leg = leg;
    this.#hold = new HoldProbe(deps.clock, deps.limits.holdProbeMs ?? HOLD_PROBE_MS, () => leg.probe());
    call.whenOver(() => this.#hold.stop());
  }

  async take(listen: (handler: (event: InboundEvent) => void) => void): Promise<void> {
    const call = this.#call;
    const { offer, sipCallId } = this.#invite;
    const trunk = this.#trunk;
    call.hasLeg(sipCallId);
    if (offer === null || call.media === null) return this.#leg.reject('bad_offer');
    const local: LocalAudio = {
      address: call.media.localAddress,
      port: call.media.localPort,
      codecs: trunk.codecs,
      sessionId: Math.floor(this.#deps.clock.wallMs()),
      version: 1,
      encryption: inboundEncryption(this.#deps, trunk, this.#invite),
    };
    const answer = answerOffer(offer, local);
    if (!answer.ok) return this.#leg.reject(answer.reason);
    listen((event) => this.#onLeg(event));
    if ((await this.#leg.answer(answer.sdp, answerTermsOf(trunk))) === 'gone') return;
    if (call.over) return void (await this.#leg.bye('transferred'));
    this.#local = negotiated(call, { ...local, previous: answer.sdp }, answer.remote);
    this.#hold.negotiated(answer.remote.direction);
    const former = call.replaceLeg({
      refuse: (reason) => this.#leg.reject(reason),
      hangUp: (reason) => this.#leg.bye(reason),
      answered: () => this.#leg,
    });
    this.#takenMs = this.#deps.clock.monotonicMs();
    call.replacements += 1;
    call.note('leg_replaced', { by: 'carrier' });
    await former?.hangUp('transferred');
  }

  #onLeg(event: InboundEvent): void {
    const call = this.#call;
    if (call.leg !== this.#leg) return;
    switch (event.type) {
      case 'bye':
      case 'lost':
        return legEnded(call, event);
      case 'unconfirmed':
        return void call.end('peer_lost', 'signalling', this.#takenMs ?? undefined, true);
      case 'reoffer':
        this.#local = acceptReoffer(call, event, this.#local, this.#hold, (local) => {
          this.#local = local;
        });
        return;
      case 'refreshed':
        this.#local = acceptRefresh(call, event, this.#local, this.#hold);
        return;
      case 'key':
        return call.media?.heardDtmf(event.key);
      case 'referred':
        return call.onReferred === null ? event.refuse(603) : call.onReferred(event);
      case 'confirmed':
        return call.confirmed();
      case 'cancelled':
      case 'early-answer':
        // Before the 200 it was not the call's leg yet; a reliable response is never sent here.
        return;
    }
  }
}
