// Transfers that the agent or the API asks for: a REFER to the carrier of the call, which then calls the target itself, without us (blind), or
// joins it with another call of ours that the carrier has as well (attended, by Replaces).
//
//   asked    destination, trunk and state are judged               refused: nothing is sent
//   sent     202 of the carrier                                    transfer_accepted
//            another answer                                        transfer_failed, the call goes on
//   taken    NOTIFY 2xx                                            transferred: we hang up, the call ends and its bill with it
//            NOTIFY 3xx to 6xx, or an end without a result         transfer_failed, the call goes on
//            nothing in time                                       transfer_timed_out, the call goes on
//            BYE of the carrier                                    transferred: some hang up first and tell nothing
//
// Invariants
//   CT1. A number is judged as if it had been dialled over the trunk of the call: country, special ranges. What the carrier charges for the call that
//        it makes is its customer's: so the operator's own trunks transfer only where the operator has said so.
//   CT2. The call is billed until its leg ends, by whoever's BYE.

import { type CustomHeaders, readCustomHeaders } from '../domain/custom-headers.ts';
import type { Trunk } from '../domain/directory.ts';
import type { AgentAsk } from '../media/agent-stream.ts';
import type { ReferEvent } from '../signalling/own-refer.ts';
import { printReferTo } from '../signalling/refer-to.ts';
import type { AnsweredLeg, LegDialog } from '../signalling/leg.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';
import { judgeTarget, readTarget, writeTarget } from './transfer-target.ts';

export interface TransferRequest {
  /** A number, or `sip:user@host`; or another call of the workspace. */
  readonly to: { readonly address: string } | { readonly callId: string };
  readonly by: 'api' | 'agent';
  readonly headers?: CustomHeaders;
  /** From the carrier's 202: how long its result is waited for. */
  readonly timeoutMs?: number;
}

export type TransferRefusal =
  | 'call_not_answered'
  | 'transfer_unsupported'
  | 'transfer_in_progress'
  | 'transfer_target_invalid'
  | 'destination_not_allowed';

export type TransferOutcome =
  /** `pending`: the carrier has not answered the REFER yet. */
  | { readonly ok: true; readonly state: 'accepted' | 'pending' }
  | { readonly ok: false; readonly code: TransferRefusal }
  /** The carrier did not take the REFER. */
  | { readonly ok: false; readonly code: 'transfer_refused'; readonly status: number };

export const TRANSFER_TIMEOUT_MS = 60_000;
/** Whoever asks is not kept waiting longer for the carrier's answer. */
const ANSWER_WAIT_MS = 5_000;

export type TransferDeps = Pick<CallDeps, 'clock' | 'directory' | 'limits'>;

/** `other`: the live call of that id, whosever it is. Never rejects but for a fault of the directory. */
export async function transferCall(
  deps: TransferDeps,
  call: Call,
  request: TransferRequest,
  other: (callId: string) => Call | undefined,
): Promise<TransferOutcome> {
  const trunk = (await deps.directory.allTrunks()).find(({ id }) => id === call.route.trunkId);
  const leg = call.leg;
  if (call.over || call.state !== 'answered') return refused('call_not_answered');
  if (trunk === undefined || leg === null || !takesTransfers(trunk)) return refused('transfer_unsupported');
  if (call.transfer !== 'none') return refused('transfer_in_progress');
  // Answered, but the caller's ACK is not there yet.
  if (leg.dialog === null) return refused('call_not_answered');
  const target =
    'callId' in request.to ? attended(call, other(request.to.callId)) : blind(deps, trunk, request.to.address);
  if (!target.ok) return target;
  call.note('transfer_requested', { by: request.by, to: target.shown, attended: target.consultation !== null });
  return await send(deps, call, leg, leg.dialog, request, target);
}

function takesTransfers(trunk: Trunk): boolean {
  return (trunk.transfer ?? (trunk.workspaceId === null ? 'off' : 'refer')) === 'refer';
}

type Target =
  | {
      readonly ok: true;
      readonly referTo: (leg: LegDialog) => string;
      readonly shown: string;
      readonly consultation: Call | null;
    }
  | { readonly ok: false; readonly code: TransferRefusal };

/** CT1 */
function blind({ limits }: TransferDeps, trunk: Trunk, address: string): Target {
  const asked = readTarget(address);
  if (asked === undefined) return refused('transfer_target_invalid');
  const verdict = judgeTarget(trunk, asked, limits.openRanges ?? []);
  if (!verdict.ok) return refused(verdict.reason);
  const { user, host } = verdict.kind === 'number' ? writeTarget(trunk, verdict.e164) : verdict;
  const shown = verdict.kind === 'number' ? verdict.e164 : `sip:${verdict.user}@${verdict.host}`;
  const referTo = (leg: LegDialog) => printReferTo(user, host ?? hostOf(leg.remoteTarget), null);
  return { ok: true, referTo, shown, consultation: null };
}

/** Of the same workspace and at the same carrier: nobody else's call is named to anybody, and another carrier would not know it. */
function attended(call: Call, consultation: Call | undefined): Target {
  const { workspaceId, trunkId } = call.route;
  if (consultation === undefined || consultation === call || consultation.route.workspaceId !== workspaceId) {
    return refused('transfer_target_invalid');
  }
  if (consultation.route.trunkId !== trunkId) return refused('transfer_unsupported');
  const dialog = consultation.over || consultation.state !== 'answered' ? null : (consultation.leg?.dialog ?? null);
  if (dialog === null) return refused('call_not_answered');
  const { callId, localTag, remoteTag, remoteTarget } = dialog;
  const replaces = { callId, toTag: remoteTag, fromTag: localTag, earlyOnly: false };
  const referTo = () => printReferTo(userOf(remoteTarget), hostOf(remoteTarget), replaces);
  return { ok: true, referTo, shown: consultation.id, consultation };
}

/** The agent's own word for a transfer, of which it is told what becomes, or for the end of the call. Never rejects. */
export async function answerAsk(
  deps: TransferDeps & Pick<CallDeps, 'log'>,
  call: Call,
  ask: AgentAsk,
  other: (callId: string) => Call | undefined,
): Promise<void> {
  if (ask.type === 'hangup') return hangUpFor(call, ask.headers);
  const refuse = (code: string) => {
    call.note('transfer_refused', { by: 'agent', code });
    call.media?.notifyAgent({ type: 'transfer', state: 'refused', status: null, code });
  };
  try {
    const headers = readCustomHeaders(ask.headers ?? {});
    if (headers === undefined) return refuse('headers_invalid');
    const outcome = await transferCall(deps, call, { to: { address: ask.to }, by: 'agent', headers }, other);
    // That the carrier refused it is told by the transfer itself.
    if (!outcome.ok && outcome.code !== 'transfer_refused') refuse(outcome.code);
  } catch (error) {
    deps.log.error({ callId: call.id, err: error }, 'a transfer could not be judged');
    refuse('store_unavailable');
  }
}

/** Headers that cannot be sent are left out: the call ends all the same. */
function hangUpFor(call: Call, given: unknown): void {
  const headers = readCustomHeaders(given ?? {});
  if (headers === undefined) call.note('headers_refused', { of: 'BYE' });
  else call.leg?.setByeHeaders(headers);
  void call.end('agent_hangup', 'agent');
}

async function send(
  { clock }: TransferDeps,
  call: Call,
  leg: AnsweredLeg,
  dialog: LegDialog,
  { headers = {}, timeoutMs = TRANSFER_TIMEOUT_MS }: TransferRequest,
  { referTo, consultation }: Extract<Target, { ok: true }>,
): Promise<TransferOutcome> {
  const answered = Promise.withResolvers<TransferOutcome>();
  const wait = clock.setTimer(() => answered.resolve({ ok: true, state: 'pending' }), ANSWER_WAIT_MS);
  const our = call.identity.direction === 'outbound' ? call.identity.from : call.identity.to;
  const request = {
    referTo: referTo(dialog),
    referredBy: printReferTo(our, dialog.localHost, null),
    headers,
    timeoutMs,
  };
  call.transfer = 'asked';
  let isLost = false;
  call.transferLost = () => {
    isLost = true;
    answered.resolve({ ok: false, code: 'transfer_refused', status: 481 });
    goesOn(call, consultation, 'transfer_failed', 'failed', { at: 'carrier', status: null });
  };
  const isSent = leg.refer(request, (event) => {
    if (isLost) return;
    if (event.type === 'accepted') answered.resolve({ ok: true, state: 'accepted' });
    if (event.type === 'refused') {
      answered.resolve({ ok: false, code: 'transfer_refused', status: event.status });
    }
    followed(call, consultation, event);
  });
  if (!isSent) {
    call.transfer = 'none';
    call.transferLost = null;
    answered.resolve(refused('transfer_in_progress'));
  }
  const outcome = await answered.promise;
  wait.cancel();
  return outcome;
}

function followed(call: Call, consultation: Call | null, event: ReferEvent): void {
  if (call.over) return;
  switch (event.type) {
    case 'accepted':
      call.transfer = 'accepted';
      if (consultation !== null) consultation.transfer = 'accepted';
      call.note('transfer_accepted');
      return call.media?.notifyAgent({ type: 'transfer', state: 'accepted', status: null });
    case 'progress':
      return call.note('transfer_progress', { status: event.status });
    case 'done':
      call.note('transfer_done', { status: event.status });
      call.media?.notifyAgent({ type: 'transfer', state: 'done', status: event.status });
      return void call.end('transferred', 'signalling');
    case 'refused':
      return goesOn(call, consultation, 'transfer_failed', 'failed', { at: 'carrier', status: event.status });
    case 'failed':
      return goesOn(call, consultation, 'transfer_failed', 'failed', { at: 'target', status: event.status });
    case 'timed-out':
      return goesOn(call, consultation, 'transfer_timed_out', 'timed_out', { at: 'target', status: null });
  }
}

function goesOn(
  call: Call,
  consultation: Call | null,
  event: string,
  state: 'failed' | 'timed_out',
  detail: { readonly at: 'carrier' | 'target'; readonly status: number | null },
): void {
  call.transfer = 'none';
  call.transferLost = null;
  if (consultation !== null && !consultation.over) consultation.transfer = 'none';
  call.note(event, detail);
  call.media?.notifyAgent({ type: 'transfer', state, status: detail.status });
}

function refused<T extends TransferRefusal>(code: T): { readonly ok: false; readonly code: T } {
  return { ok: false, code };
}

function hostOf(uri: string): string {
  return /^sips?:(?:[^@]*@)?([^;>?\s]+)/i.exec(uri)?.[1] ?? 'localhost';
}

function userOf(uri: string): string {
  const user = /^sips?:([^@;>?\s]+)@/i.exec(uri)?.[1] ?? 'anonymous';
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}
