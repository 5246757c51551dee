// A REFER from the carrier inside a call: it wants us to call somebody in its own place. The agent stays; the leg to the carrier is replaced by a new
// one over the same trunk. By default this is declined (603): whoever asks has us place calls.
//
//   state     event                              next      done
//   judged    not allowed                        over      603 (503 draining) and the reason; the call goes on
//   calling   1xx of the new leg                 calling   NOTIFY 180, 183
//             BYE of the old leg                 alone     the agent waits, nothing is ended
//             200 of the new leg                 over      media moves, NOTIFY 200, the old leg gets BYE (at once, or when it has had its time)
//             refused, nobody answers            over      NOTIFY with its status; the call goes on with the old leg
//   alone     200 of the new leg                 over      media moves
//             refused, nobody answers            over      the call ends where the old leg left
//   any       the call ends                      over      CANCEL, NOTIFY 487
//
// Invariants
//   RC1. Judged like a call to there (RT1, transfer-target.ts), and only on a customer's own trunk, whose calls have no price of ours per minute: the money
//        of the call holds as it is. On the operator's trunks a second price would be owed that nobody has authorised.
//   RC2. The new leg leaves over the trunk of the call, to its gateways, whatever host the carrier names.
//   RC3. At most `TRANSFERS_MAX` in a call: carriers that send one another round end.

import type { Timer } from '../domain/clock.ts';
import type { Trunk } from '../domain/directory.ts';
import { type E164, isE164 } from '../domain/e164.ts';
import { type Reason, reasonHeader } from '../domain/reasons.ts';
import { gatewayUri, hostPort, type OutboundAttempt } from '../routing/index.ts';
import type { OutboundEvent, OutboundLeg } from '../signalling/leg.ts';
import type { Referred } from '../signalling/referral.ts';
import { escapeUser, parseSipAddress } from '../signalling/sip-text.ts';
import { printReferTo, printReplaces } from '../signalling/refer-to.ts';
import { type PlannedAttempt, planAttempts } from './attempts.ts';
import type { Call } from './call.ts';
import type { LegControl } from './call-legs.ts';
import type { CallDeps } from './deps.ts';
import { HOLD_PROBE_MS, HoldProbe } from './hold-probe.ts';
import { legEnded } from './in-dialog.ts';
import { OutboundAudio } from './outbound-audio.ts';
import { callerIdentity } from './outbound-identity.ts';
import { outboundRoutes } from './outbound-router.ts';
import { mediaPolicy } from './media-policy.ts';
import { sessionTimerOf } from './session-timer.ts';
import { isHostOf, judgeTarget, looksDialled } from './transfer-target.ts';

const TRANSFERS_MAX = 3;
/** Of the new leg, all attempts together. */
const RINGING_MAX_MS = 60_000;
/** RFC 5589: whoever asked for the transfer hangs up once it has worked. */
const OLD_LEG_MS = 5_000;

/** Never rejects. */
export async function takeReferral(deps: CallDeps, call: Call, referred: Referred, isDraining: boolean): Promise<void> {
  const { target } = referred;
  // Without hosts: where the operator's carriers are stands in no timeline of a workspace.
  const shown = target.user.slice(0, 100);
  const by = referrerOf(referred)?.user.slice(0, 100) ?? null;
  call.note('carrier_transfer', { to: shown, attended: target.replaces !== null, by });
  const refuse = (status: number, reason: Reason) => {
    call.note('carrier_transfer_refused', { to: shown, reason });
    referred.refuse(status, { Reason: reasonHeader(reason) });
  };
  try {
    if (isDraining) return refuse(503, 'draining');
    const verdict = await judge(deps, call, referred);
    if (call.over) return referred.refuse(481);
    if (!verdict.ok) return refuse(603, verdict.reason);
    const attempts = await planAttempts(deps.gateways, call, verdict.attempts);
    const [first] = attempts;
    if (call.over) return referred.refuse(481);
    if (first === undefined) return refuse(503, 'carrier_failed');
    call.carrierTransfers += 1;
    new Successor(deps, call, referred, attempts).start();
  } catch (error) {
    deps.log.error({ callId: call.id, err: error }, 'a transfer by the carrier could not be judged');
    refuse(503, 'store_unavailable');
  }
}

type Verdict =
  | { readonly ok: true; readonly attempts: readonly OutboundAttempt[] }
  | { readonly ok: false; readonly reason: Reason };

/** RC1, RC2 */
async function judge(deps: CallDeps, call: Call, { target }: Referred): Promise<Verdict> {
  const { trunkId, workspaceId } = call.route;
  const trunk = (await deps.directory.allTrunks()).find(({ id }) => id === trunkId);
  const refused = (reason: Reason): Verdict => ({ ok: false, reason });
  if (trunk === undefined || workspaceId === null || trunk.workspaceId !== workspaceId)
    return refused('transfer_not_allowed');
  if ((trunk.carrierTransfer ?? 'off') !== 'follow' || call.route.class !== 'byoc')
    return refused('transfer_not_allowed');
  if (call.state !== 'answered' || call.carrierTransfers >= TRANSFERS_MAX) return refused('transfer_not_allowed');
  const asked = judgeTarget(trunk, target, deps.limits.openRanges ?? []);
  // Somebody whom the carrier is talking to already. But who takes no heed of Replaces dials the user part: what may be a number is judged as one.
  if (target.replaces !== null) {
    const mayBeDialled = asked.ok ? asked.kind === 'number' : looksDialled(target.user);
    if (!isHostOf(trunk, target.host) || (mayBeDialled && !asked.ok)) return refused('destination_not_allowed');
    if (asked.ok && asked.kind === 'number' && !deps.hasRate('byoc', asked.e164)) return refused('no_rate');
    return { ok: true, attempts: attemptsAt(trunk, target.user) };
  }
  if (!asked.ok) return refused(asked.reason);
  if (asked.kind === 'extension') return { ok: true, attempts: attemptsAt(trunk, asked.user) };
  const from = ownNumber(call);
  if (!isE164(from)) return refused('caller_id_not_owned');
  const routeTo = await outboundRoutes({ ...deps, openRanges: deps.limits.openRanges ?? [] }, { workspaceId, from });
  const route = routeTo(asked.e164);
  if (!route.ok) return refused(route.reason);
  const attempts = route.attempts.filter((attempt) => attempt.trunk.id === trunk.id && attempt.class === 'byoc');
  if (attempts.some((attempt) => !deps.hasRate(attempt.class, asked.e164))) return refused('no_rate');
  return attempts.length === 0 ? refused('no_route') : { ok: true, attempts };
}

function attemptsAt(trunk: Trunk, user: string): readonly OutboundAttempt[] {
  return trunk.outbound.gateways.map((gateway) => {
    const uri = gatewayUri(trunk, gateway, '+10000000' as E164).replace(
      /^sip:[^@]*@/,
      () => `sip:${escapeUser(user)}@`,
    );
    return { trunk, gateway, class: 'byoc', uri };
  });
}

/** RFC 3892; undefined where it does not parse. */
function referrerOf({ referredBy }: Referred): { readonly user: string; readonly host: string } | undefined {
  const uri = referredBy === null ? undefined : parseSipAddress(referredBy)?.uri;
  return uri === undefined || uri.user === '' || uri.host === '' ? undefined : uri;
}

/** The workspace's side of the call. */
function ownNumber({ identity }: Call): string {
  return identity.direction === 'outbound' ? identity.from : identity.to;
}

/** The leg that takes the place of the one that asked for it. */
class Successor {
  readonly #deps: CallDeps;
  readonly #call: Call;
  readonly #referred: Referred;
  readonly #attempts: readonly PlannedAttempt[];
  #attempt = 0;
  #leg: OutboundLeg | null = null;
  readonly #audio: OutboundAudio;
  #state: 'calling' | 'taken' | 'over' = 'calling';
  readonly #limit: Timer;
  readonly #hold: HoldProbe;
  /** The old leg left at this instant, monotonic ms. */
  #aloneSinceMs: number | null = null;

  constructor(deps: CallDeps, call: Call, referred: Referred, attempts: readonly PlannedAttempt[]) {
    this.#deps = deps;
    this.#call = call;
    this.#referred = referred;
    this.#attempts = attempts;
    this.#audio = new OutboundAudio(deps, call);
    this.#limit = deps.clock.setTimer(() => this.#giveUp(408), RINGING_MAX_MS);
    const probe = async () => await this.#leg?.probe();
    this.#hold = new HoldProbe(deps.clock, deps.limits.holdProbeMs ?? HOLD_PROBE_MS, probe);
  }

  start(): void {
    const call = this.#call;
    this.#referred.accept();
    call.awaitsSuccessor = () => this.#oldLegLeft();
    call.whenOver(() => {
      this.#hold.stop();
      if (this.#state === 'calling') this.#stop(487);
    });
    this.#invite();
  }

  #invite(): void {
    const call = this.#call;
    const attempt = this.#attempts[this.#attempt];
    if (attempt === undefined || call.media === null) return this.#giveUp(503);
    const { trunk, gateway, server } = attempt;
    const { replaces } = this.#referred.target;
    const referrer = referrerOf(this.#referred);
    const { username, password, authRealm: realm = null } = trunk.outbound;
    const number = this.#attempt;
    call.note('inviting', { trunkId: trunk.id, gateway: hostPort(gateway), server: server.shown });
    this.#leg = this.#deps.signalling.originate(
      {
        uri: attempt.uri,
        nextHop: server.nextHop,
        ...callerIdentity(trunk, ownNumber(call)),
        offer: this.#audio.offer(call.media, attempt),
        ...sessionTimerOf(trunk.outbound),
        headers: {
          ...(replaces === null ? {} : { Replaces: printReplaces(replaces) }),
          ...(referrer === undefined ? {} : { 'Referred-By': printReferTo(referrer.user, referrer.host, null) }),
        },
        credentials: username !== null && password !== null ? { username, password, realm } : null,
        sent: (sipCallId) => call.hasLeg(sipCallId),
      },
      (event) => {
        if (number === this.#attempt) this.#onLeg(event);
      },
    );
  }

  #onLeg(event: OutboundEvent): void {
    const call = this.#call;
    if (event.type === 'progress' || event.type === 'answered' || event.type === 'rejected') {
      if (this.#state !== 'calling') return this.#tooLate(event);
      if (event.type === 'answered') return this.#answered(event.sdp);
      if (event.type === 'rejected') return this.#rejected(event);
      call.note('progress', { status: event.status, earlyMedia: event.sdp !== null });
      return this.#referred.progress(event.status);
    }
    // It may have been replaced in its turn.
    if (this.#state !== 'taken' || call.leg !== this.#leg) return;
    switch (event.type) {
      case 'bye':
      case 'lost':
        return legEnded(call, event);
      case 'reoffer':
        return this.#audio.reoffered(event, this.#hold);
      case 'refreshed':
        return this.#audio.refreshed(event, this.#hold);
      case 'key':
        return call.media?.heardDtmf(event.key);
      case 'fork-answered':
        return call.forkAnswered();
      case 'referred':
        return call.onReferred?.(event);
    }
  }

  /** Our CANCEL was too late: the dialog exists and must be closed. */
  #tooLate(event: OutboundEvent): void {
    if (event.type === 'answered') void this.#leg?.bye('cancelled');
  }

  #answered(sdp: string): void {
    const call = this.#call;
    const leg = this.#leg;
    const fault = this.#audio.answered(sdp, this.#attempts[this.#attempt]?.trunk, leg, this.#hold);
    if (leg === null || fault !== null) {
      void leg?.bye(fault ?? 'bad_offer');
      return this.#giveUp(488);
    }
    this.#state = 'taken';
    this.#limit.cancel();
    call.awaitsSuccessor = null;
    this.#limitSilence((silenceMs) => silenceMs);
    const former = call.replaceLeg(controlOf(leg));
    call.note('leg_replaced', { alone: this.#aloneSinceMs !== null });
    this.#referred.finish(200);
    if (this.#aloneSinceMs === null && former !== null) this.#dismiss(former);
  }

  #limitSilence(limit: (silenceMs: number) => number): void {
    const trunk = this.#attempts[this.#attempt]?.trunk;
    if (trunk === undefined) return;
    const policy = mediaPolicy(trunk, this.#deps.limits.media);
    const timeouts = { ...policy.timeouts, silenceMs: limit(policy.timeouts.silenceMs) };
    this.#call.media?.setPolicy({ ...policy, timeouts });
  }

  #dismiss(former: LegControl): void {
    const hangUp = () => {
      former.hangUp('transferred').catch((error: unknown) => {
        this.#deps.log.warn({ callId: this.#call.id, err: error }, 'BYE could not be completed');
      });
    };
    const timer = this.#deps.clock.setTimer(hangUp, OLD_LEG_MS);
    this.#call.whenOver(() => {
      timer.cancel();
      hangUp();
    });
  }

  #rejected({ status }: Extract<OutboundEvent, { type: 'rejected' }>): void {
    this.#call.note('rejected', { status });
    if (this.#attempt + 1 < this.#attempts.length && (status === 408 || status >= 500) && status < 600) {
      this.#attempt += 1;
      return this.#invite();
    }
    this.#giveUp(status);
  }

  #giveUp(status: number): void {
    if (this.#state !== 'calling') return;
    this.#stop(status);
    this.#call.note('carrier_transfer_failed', { status });
    if (this.#aloneSinceMs !== null) void this.#call.end('remote_hangup', 'bye', this.#aloneSinceMs, true);
  }

  #stop(status: number): void {
    this.#state = 'over';
    this.#limit.cancel();
    this.#call.awaitsSuccessor = null;
    this.#leg?.cancel('cancelled');
    this.#referred.finish(status);
  }

  /** True: the call goes on without it. */
  #oldLegLeft(): boolean {
    if (this.#state !== 'calling') return false;
    this.#aloneSinceMs = this.#deps.clock.monotonicMs();
    this.#call.note('leg_left');
    // Nobody speaks until the new leg is there; it has its own limit.
    this.#limitSilence((silenceMs) => Math.max(silenceMs, RINGING_MAX_MS));
    return true;
  }
}

function controlOf(leg: OutboundLeg): LegControl {
  return {
    refuse: (reason) => leg.cancel(reason),
    hangUp: (reason) => leg.bye(reason),
    answered: () => leg,
  };
}
