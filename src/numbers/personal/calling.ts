// The verification call: allowed destination -> place of the day -> a new code in the record -> ticket -> call.
//
// Invariants
//   CA1. The record comes before the call: a code that is spoken can be entered, whatever becomes of this process.
//   CA2. The code goes to the code speaker of this process and nowhere else; stored is its keyed hash, and the call carries a ticket.
//   CA3. A call that could not be placed leaves no code behind, and no pause.

import type { CodeLanguage } from '../../agents/bundled/languages.ts';
import type { RecordStore } from '../../directory/records.ts';
import type { E164 } from '../../domain/e164.ts';
import { takePlace } from './allowance.ts';
import { hashCode, makeCode } from './code.ts';
import { checkDestination } from './destination.ts';
import { PersonalNumberError } from './errors.ts';
import { CALL_MAX_MS, RING_TIMEOUT_MS } from './limits.ts';
import type { PersonalDeps, PlaceOutcome } from './personal-numbers.ts';
import type { PersonalNumber } from './record.ts';
import { withNewCode, withoutCode } from './rules.ts';

const TICKET_BYTES = 16;
const RETRY_AFTER_SEC = 60;

export class Calling {
  readonly #deps: PersonalDeps;
  readonly #store: RecordStore<PersonalNumber>;

  constructor(deps: PersonalDeps, store: RecordStore<PersonalNumber>) {
    this.#deps = deps;
    this.#store = store;
  }

  /** The country of a destination that the operator's trunks may call. Throws the refusal. */
  async countryOf(workspaceId: string, to: E164): Promise<string> {
    const { caller, observer } = this.#deps;
    if (caller === null) throw this.#unavailable({ workspaceId }, 'not_set_up');
    const destination = await checkDestination(this.#deps, caller, to);
    if (destination.ok) return destination.country;
    const { reason } = destination;
    if (reason !== 'destination_not_allowed' && reason !== 'no_rate') throw this.#unavailable({ workspaceId }, reason);
    observer.event('refused', { workspaceId, reason });
    throw new PersonalNumberError(reason, 'the operator’s trunks do not call there');
  }

  /** Throws `verification_limit`. */
  async takePlace(workspaceId: string, to: E164): Promise<void> {
    const { directory, limits, clock } = this.#deps;
    await takePlace(directory.idempotency, limits, { workspaceId, e164: to, nowMs: clock.wallMs() });
  }

  /** Calls and speaks a new code; the one before is void. Throws what the rules say, or that nobody can be called now. */
  async call(id: string, workspaceId: string, language: CodeLanguage, requestKey: string): Promise<PersonalNumber> {
    const { hashKey, randomBytes, clock, observer } = this.#deps;
    const code = makeCode(randomBytes);
    const nowMs = clock.wallMs();
    const item = await this.#store.update(id, (before) => {
      const hash = hashCode(hashKey, { id, call: before.callSeq + 1, code });
      return withNewCode(before, { hash, language, requestKey, nowMs });
    });
    if (item === undefined) throw this.#unavailable({ workspaceId, verificationId: id }, 'removed');
    const outcome = await this.#place(item, code);
    if (!outcome.ok) {
      if (item.callSeq === 1) await this.#store.delete(id, workspaceId);
      else await this.#store.update(id, (now) => (now.callSeq === item.callSeq ? withoutCode(now, requestKey) : now));
      throw this.#unavailable({ workspaceId, verificationId: id }, outcome.reason);
    }
    observer.event('called', { workspaceId, verificationId: id, callId: outcome.callId });
    return await this.#remember(item, outcome.callId);
  }

  async #place(item: PersonalNumber, code: string): Promise<PlaceOutcome | { ok: false; reason: string }> {
    const { announce, calls, randomBytes } = this.#deps;
    const ticket = Buffer.from(randomBytes(TICKET_BYTES)).toString('base64url');
    try {
      await announce({ ticket, code, language: item.language });
      return await calls.place({
        key: `${item.id}:${item.callSeq}`,
        to: item.e164,
        ticket,
        ringTimeoutMs: RING_TIMEOUT_MS,
        maxDurationMs: CALL_MAX_MS,
      });
    } catch (error) {
      const { code: known = 'node_fault' } = error as { readonly code?: string };
      return { ok: false, reason: known };
    }
  }

  /** Somebody may have removed the record meanwhile: then nobody is to be rung. */
  async #remember(item: PersonalNumber, callId: string): Promise<PersonalNumber> {
    const { callSeq } = item;
    const stored = await this.#store.update(item.id, (now) => (now.callSeq === callSeq ? { ...now, callId } : now));
    if (stored === undefined) await this.#deps.calls.hangUp(callId);
    return stored ?? { ...item, callId };
  }

  #unavailable(about: { workspaceId: string; verificationId?: string }, reason: string): PersonalNumberError {
    this.#deps.observer.event('unavailable', { ...about, reason });
    return new PersonalNumberError('verifications_unavailable', reason, RETRY_AFTER_SEC);
  }
}
