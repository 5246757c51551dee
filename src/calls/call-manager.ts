// All calls of this node: takes what signalling brings and what the API asks for, and keeps the live ones.
//
// Invariants
//   N1. A call is in `#live` from its first moment until everything about it is stored.
//   N2. A draining node starts nothing new and lets live calls go on until the deadline. Bills that the books do not take for some seconds more
//       are left to the next start, which finds them in the journal.
//   N4. The key of a call that the API asked for is stored before anything else of it, and its intent in the journal before an INVITE leaves. So a key
//       whose call has no intent, and whose process is gone, was never dialled: a repeat places it, as the same call. With an intent it is not dialled
//       again, whatever became of it.
//   N3. Strangers (no trunk accepts their address) cost a response and a counter, never a record.

import type { CallRecord } from '../domain/call.ts';
import type { Trunk } from '../domain/directory.ts';
import type { DtmfRequest } from '../domain/dtmf.ts';
import { isE164, normaliseE164 } from '../domain/e164.ts';
import type { Reason } from '../domain/reasons.ts';
import { decodeCursor, encodeCursor, type Position } from '../directory/cursor.ts';
import type { CallStore, PageOf } from '../directory/directory.ts';
import type { InboundInvite } from '../signalling/leg.ts';
import { reasonOfFault } from './acquire.ts';
import { planAttempts } from './attempts.ts';
import { BROWSER, BrowserCall } from './browser.ts';
import { Call } from './call.ts';
import { takeReferral } from './carrier-transfer.ts';
import { noteAttestation } from './carrier-words.ts';
import type { CallDeps } from './deps.ts';
import { InboundCall } from './inbound.ts';
import { localPlaces } from './local-places.ts';
import { type Claim, printClaim, readClaim, repeatOf } from './call-claim.ts';
import { calledParty, callerOf } from './caller.ts';
import type { SendKeysOutcome } from './keys.ts';
import type { CallManager, OriginateOutcome, OriginateRequest } from './manager.ts';
import { OutboundCall } from './outbound.ts';
import { outboundRoutes } from './outbound-router.ts';
import { noteRoute } from './route-notes.ts';
import { FormerDialogs, replaceLeg } from './replacing.ts';
import { answerAsk, transferCall, type TransferRequest } from './transfer.ts';
import { TrunkLimits } from './trunk-limits.ts';

const IDEMPOTENCY_SCOPE = 'calls';
const NOTHING_STORED: PageOf<CallRecord> = { items: [], nextCursor: null };
/** Set-up, and the ringing that a single call may ask for beyond the default (an hour at most). */
const RINGING_MARGIN_MS = 3_700_000;
/** After the deadline of a drain, for the calls that it ended: longer than a store that works needs. */
const LAST_BILLS_MS = 5_000;

export function createCallManager(deps: CallDeps): CallManager & { drain(deadlineMs: number): Promise<void> } {
  return new Calls(deps);
}

class Calls implements CallManager {
  readonly #deps: CallDeps;
  readonly #live = new Map<string, Call>();
  readonly #trunkLimits: TrunkLimits;
  readonly #former = new FormerDialogs();
  /** Live calls that have not begun to end. */
  #active = 0;
  #state: 'active' | 'draining' = 'active';
  #onIdle: (() => void) | null = null;
  /** A drain has waited long enough for the last bills. */
  #gaveUp = false;

  constructor(deps: CallDeps) {
    this.#deps = deps;
    const { maxDurationMs, ringTimeoutMs } = deps.limits;
    const callLifeMaxMs = maxDurationMs + ringTimeoutMs + RINGING_MARGIN_MS;
    this.#trunkLimits = new TrunkLimits(deps.places ?? localPlaces(deps.clock, callLifeMaxMs));
    deps.signalling.onInvite((invite) => void this.#inbound(invite));
  }

  get activeCalls(): number {
    return this.#active;
  }

  get state(): 'active' | 'draining' {
    return this.#state;
  }

  async get(callId: string): Promise<CallRecord | undefined> {
    return this.#live.get(callId)?.record() ?? (await this.#deps.directory.calls.get(callId));
  }

  /** Live and stored calls in one order, newest first; a page ends where its cursor says, whichever of the two its last call was. */
  async list(filter: Parameters<CallStore['list']>[0]): ReturnType<CallStore['list']> {
    // Only calls that have ended are stored: to look for others there would be to read them all.
    const isStored = filter.state === undefined || filter.state === 'ended';
    const stored = isStored ? await this.#deps.directory.calls.list(filter) : NOTHING_STORED;
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor);
    const live = [...this.#live.values()]
      .map((call) => call.record())
      .filter((record) => matches(record, filter) && (after === null || newestFirst(after, record) < 0));
    const liveIds = new Set(live.map((record) => record.id));
    const all = [...live, ...stored.items.filter((record) => !liveIds.has(record.id))].sort(newestFirst);
    const items = all.slice(0, filter.limit);
    const last = items.at(-1);
    const isWhole = stored.nextCursor === null && all.length <= filter.limit;
    return { items, nextCursor: isWhole || last === undefined ? null : encodeCursor(last) };
  }

  async hangup(callId: string): Promise<'ending' | 'already_ended' | 'unknown'> {
    const call = this.#live.get(callId);
    if (call === undefined)
      return (await this.#deps.directory.calls.get(callId)) === undefined ? 'unknown' : 'already_ended';
    if (call.over) return 'already_ended';
    void call.end(call.state === 'answered' ? 'api_hangup' : 'api_cancelled', 'command');
    return 'ending';
  }

  async transfer(callId: string, request: TransferRequest): ReturnType<CallManager['transfer']> {
    const call = this.#live.get(callId);
    if (call === undefined) {
      const isStored = (await this.#deps.directory.calls.get(callId)) !== undefined;
      return { ok: false, code: isStored ? 'call_not_answered' : 'unknown' };
    }
    return await transferCall(this.#deps, call, request, (id) => this.#live.get(id));
  }

  async sendKeys(callId: string, request: DtmfRequest, idempotencyKey: string | null): Promise<SendKeysOutcome> {
    const call = this.#live.get(callId);
    return call === undefined
      ? { ok: false, code: 'call_not_answered' }
      : await call.keys.send(request, idempotencyKey);
  }

  async originate(request: OriginateRequest): Promise<OriginateOutcome> {
    const { ids, directory, earlier } = this.#deps;
    // Nothing is claimed then: the same request may be sent to another node, or to this one when it is back.
    if (this.#state === 'draining') return { ok: false, reason: 'draining' };
    const callId = ids.next('call');
    const claim = await directory.idempotency.claim(
      `${IDEMPOTENCY_SCOPE}:${request.workspaceId}`,
      request.idempotencyKey,
      printClaim({ callId, nodeId: earlier?.nodeId ?? null }),
    );
    return claim.first ? await this.#place(callId, request) : await this.#repeated(readClaim(claim.value), request);
  }

  async #place(callId: string, request: OriginateRequest): Promise<OriginateOutcome> {
    const call = this.#add(
      new Call(this.#deps, callId, { direction: 'outbound', from: request.from, to: request.to }, (ended) =>
        this.#remove(ended),
      ),
    );
    call.identified();
    call.route.workspaceId = request.workspaceId;
    const refusal = await this.#placeOutbound(call, request).catch((error: unknown) => {
      this.#deps.log.error({ callId, err: error }, 'an outbound call could not be placed');
      return reasonOfFault(error);
    });
    if (refusal === null) return { ok: true, call: call.record(), repeated: false };
    await call.end(refusal, 'command');
    return { ok: false, reason: refusal, callId };
  }

  /** Live calls get until the deadline; then each is ended and billed. Resolves when the last one is stored. */
  async drain(deadlineMs: number): Promise<void> {
    this.#state = 'draining';
    if (this.#live.size === 0 || this.#gaveUp) return;
    const { clock, log } = this.#deps;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    const deadline = clock.setTimer(() => {
      for (const call of this.#live.values()) void call.end('drain_deadline', 'command');
    }, deadlineMs);
    const lastBills = clock.setTimer(() => {
      this.#gaveUp = true;
      log.error({ calls: this.#live.size }, 'bills are left to the next start: the books do not take them');
      this.#onIdle?.();
    }, deadlineMs + LAST_BILLS_MS);
    await idle;
    deadline.cancel();
    lastBills.cancel();
  }

  async #inbound(invite: InboundInvite): Promise<void> {
    if (invite.fromBrowser) return await this.#fromBrowser(invite);
    if (invite.headers['replaces'] !== undefined) {
      return await replaceLeg(this.#deps, invite, { live: this.#live.values(), former: this.#former });
    }
    const to = normaliseE164(invite.calledUser) ?? invite.calledUser;
    const call = this.#newInbound(invite, callerOf(invite).number, to);
    const inbound = new InboundCall(this.#deps, call, invite, this.#trunkLimits);
    try {
      const limit = this.#nodeRefusal();
      if (limit !== null) return inbound.refuse(limit);
      const { address: sourceIp, protocol: transport } = invite.source;
      const verdict = await this.#deps.routeInbound({ sourceIp, called: calledParty(invite), transport });
      if (call.over) return;
      // A call to no number of a customer's trunk is still his to see.
      call.route.workspaceId = verdict.number?.workspaceId ?? verdict.trunk?.workspaceId ?? null;
      if (verdict.trunk !== undefined) {
        call.route.trunkId = verdict.trunk.id;
        identify(call, invite, verdict.trunk, verdict.number?.e164 ?? to);
        noteAttestation(call, invite.headers, verdict.trunk, this.#deps.clock.wallMs());
      }
      // Before anything else is said about numbers: who does not prove the trunk's credentials learns nothing.
      const auth = verdict.trunk?.inbound.auth ?? null;
      if (auth !== null && verdict.trunk !== undefined && !inbound.authenticate(verdict.trunk, auth)) return;
      if (verdict.ok || verdict.reason !== 'unknown_source') call.identified();
      if (verdict.ok) return await inbound.run(verdict);
      const unsaid = verdict.steps.filter(({ check, result }) => check === 'called_number' && result === 'failed');
      noteRoute(call, unsaid, verdict.trunk === undefined ? [] : [verdict.trunk]);
      inbound.refuse(verdict.reason);
    } catch (error) {
      this.#deps.log.error({ callId: call.id, err: error }, 'an INVITE could not be routed');
      inbound.refuse('store_unavailable');
    }
  }

  /** Only with the credential of a prepared test call, whatever address it comes from (N3). */
  async #fromBrowser(invite: InboundInvite): Promise<void> {
    const { testCalls } = this.#deps;
    const { address } = invite.source;
    const verdict = testCalls.judge({ address, authorization: invite.headers['authorization'] });
    const to = verdict.kind === 'accepted' ? verdict.testCall.agentId : '';
    const call = this.#newInbound(invite, BROWSER, to);
    const browser = new BrowserCall(this.#deps, call, invite);
    if (verdict.kind === 'challenged') return browser.challenge(verdict.challenges);
    if (verdict.kind === 'refused') return browser.refuse('unknown_source');
    const limit = this.#nodeRefusal();
    if (limit !== null) return browser.refuse(limit);
    await browser.run(verdict.testCall);
  }

  #newInbound(invite: InboundInvite, from: string, to: string): Call {
    const { ids } = this.#deps;
    const identity = { direction: 'inbound' as const, from, to };
    const call = this.#add(new Call(this.#deps, ids.next('call'), identity, (ended) => this.#remove(ended)));
    const { address: sourceAddress, port: sourcePort, protocol: transport } = invite.source;
    call.note('invite', { sourceAddress, sourcePort, transport });
    call.hasLeg(invite.sipCallId);
    return call;
  }

  async #placeOutbound(call: Call, request: OriginateRequest): Promise<Reason | null> {
    const { directory, gateways, limits, random } = this.#deps;
    const limit = this.#nodeRefusal();
    if (limit !== null) return limit;
    const { from, workspaceId, caller } = request;
    if (!isE164(from)) return 'caller_id_not_owned';
    if (!isE164(request.to)) return 'destination_not_allowed';
    const { openRanges = [] } = limits;
    const routeTo = await outboundRoutes({ directory, gateways, random, openRanges }, { from, workspaceId, caller });
    const verdict = routeTo(request.to);
    noteRoute(call, verdict.steps, await directory.allTrunks());
    if (!verdict.ok) return verdict.reason;
    const agentId = request.agentId ?? verdict.number.agentId;
    if (agentId === null) return 'number_unassigned';
    const attempts = await planAttempts(gateways, call, verdict.attempts);
    if (attempts.length === 0) return 'carrier_failed';
    const plan = {
      workspaceId: request.workspaceId,
      number: verdict.number,
      agentId,
      attempts,
      dialled: request.to,
      routeTo,
      parameters: request.customParameters ?? {},
      headers: request.headers ?? {},
      byeHeaders: request.byeHeaders ?? {},
      hideCallerId: request.hideCallerId ?? false,
      ringTimeoutMs: request.ringTimeoutMs ?? limits.ringTimeoutMs,
      maxDurationMs: Math.min(request.maxDurationMs ?? limits.maxDurationMs, limits.maxDurationMs),
    };
    return await new OutboundCall(this.#deps, call, plan, this.#trunkLimits).run();
  }

  /** N4 */
  async #repeated(claim: Claim, request: OriginateRequest): Promise<OriginateOutcome> {
    const { callId } = claim;
    const record = await this.get(callId);
    if (record !== undefined) return repeatOf(record);
    const { earlier } = this.#deps;
    const isOurs = earlier !== undefined && claim.nodeId === earlier.nodeId;
    if (!isOurs || (await earlier.hasIntent(callId))) return { ok: false, reason: 'crashed_before_answer' };
    // Another repeat may have been as fast.
    const live = this.#live.get(callId);
    return live === undefined ? await this.#place(callId, request) : repeatOf(live.record());
  }

  #nodeRefusal(): Reason | null {
    if (this.#state === 'draining') return 'draining';
    return this.#active > this.#deps.limits.concurrentMax ? 'node_limit' : null;
  }

  #add(call: Call): Call {
    this.#live.set(call.id, call);
    call.onReferred = (referred) => void takeReferral(this.#deps, call, referred, this.#state === 'draining');
    call.onAsked = (ask) => void answerAsk(this.#deps, call, ask, (id) => this.#live.get(id));
    this.#active += 1;
    call.whenOver(() => {
      this.#active -= 1;
    });
    return call;
  }

  #remove(call: Call): void {
    this.#live.delete(call.id);
    const dialog = call.leg?.lastDialog ?? null;
    if (dialog !== null) this.#former.add(call.route.trunkId, dialog);
    if (this.#live.size === 0) this.#onIdle?.();
  }
}

/** Who calls whom, as the trunk's carrier writes it. */
function identify(call: Call, invite: InboundInvite, trunk: Trunk, to: string): void {
  const { number: from, name, source } = callerOf(invite, trunk.inbound);
  call.identity = { ...call.identity, from, to, name };
  call.note('caller', { source, ...(name === null ? {} : { name }) });
}

/** The order of the store: by time, then by id. */
function newestFirst(a: Position, b: Position): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

function matches(record: CallRecord, filter: Parameters<CallStore['list']>[0]): boolean {
  return (
    (filter.workspaceId === undefined || record.workspaceId === filter.workspaceId) &&
    (filter.state === undefined || record.state === filter.state) &&
    (filter.direction === undefined || record.direction === filter.direction)
  );
}
