// Keys of one call: those that the API asks to be sent, and those that go by INFO, one after another.
//
// Invariants
//   K1. No key's value is kept, logged or told to anybody but the agent: they may be somebody's PIN. The timeline says that there were keys, how many
//       were sent, and by which way.
//   K2. An INFO leaves when the one before has its final answer: overtaken by a later one it would be refused (RFC 3261 section 12.2.2). The
//       cadence is the one of media, which says when each key is due.
//   K3. The same Idempotency-Key in the same call sends once, whoever repeats it; with other keys it is refused.

import { createHash } from 'node:crypto';
import { dtmfKeyCount, type DtmfRequest } from '../domain/dtmf.ts';
import type { MediaEvent } from '../media/session.ts';
import type { Call } from './call.ts';

export type SendKeysOutcome =
  | { readonly ok: true; readonly keys: number; readonly repeated: boolean }
  | {
      readonly ok: false;
      readonly code: 'call_not_answered' | 'dtmf_queue_full' | 'dtmf_unavailable' | 'idempotency_key_reused';
    };

/** Requests of one call that are remembered. */
const REMEMBERED_MAX = 100;
/** INFOs that wait for the one before: beyond it the other side answers none. */
const WAITING_MAX = 16;

export class CallKeys {
  readonly #call: Call;
  readonly #asked = new Map<string, { readonly print: string; readonly outcome: Promise<SendKeysOutcome> }>();
  #sending = Promise.resolve();
  #waiting = 0;
  #refused = false;

  constructor(call: Call) {
    this.#call = call;
  }

  /** K3; `idempotencyKey` null = none was given. */
  send(request: DtmfRequest, idempotencyKey: string | null): Promise<SendKeysOutcome> {
    if (idempotencyKey === null) return this.#send(request);
    const print = createHash('sha256')
      .update(`${idempotencyKey} ${JSON.stringify(request)}`)
      .digest('hex');
    const known = this.#asked.get(idempotencyKey);
    if (known !== undefined) return this.#repeated(known, print);
    const outcome = this.#send(request);
    this.#asked.set(idempotencyKey, { print, outcome });
    if (this.#asked.size > REMEMBERED_MAX) this.#asked.delete(this.#asked.keys().next().value!);
    return outcome;
  }

  /** K2 */
  due(key: string, toneMs: number): void {
    const call = this.#call;
    const leg = call.leg;
    if (leg === null || this.#waiting === WAITING_MAX) return this.#failed(leg === null ? 481 : 408);
    this.#waiting += 1;
    this.#sending = this.#sending.then(async () => {
      const status = call.over ? 200 : await leg.sendKey(key, toneMs);
      this.#waiting -= 1;
      if (status >= 300 && !call.over) this.#failed(status);
    });
  }

  /** What media tells of keys. */
  onMedia(event: Extract<MediaEvent, { type: 'dtmf' | 'dtmf-asked' | 'dtmf-due' }>): void {
    switch (event.type) {
      case 'dtmf':
        return this.#call.note('dtmf', { by: event.kind });
      case 'dtmf-due':
        return this.due(event.digit, event.toneMs);
      case 'dtmf-asked': {
        const { by, keys, kind, outcome } = event;
        if (outcome === 'queued') this.#call.note('dtmf_sent', { askedBy: by, keys, by: kind });
        else this.#call.note('dtmf_refused', { askedBy: by, keys, reason: outcome });
      }
    }
  }

  async #send(request: DtmfRequest): Promise<SendKeysOutcome> {
    const { media, over, state } = this.#call;
    if (over || media === null || state !== 'answered') return { ok: false, code: 'call_not_answered' };
    switch (await media.sendDtmf(request)) {
      case 'queued':
        return { ok: true, keys: dtmfKeyCount(request.text), repeated: false };
      case 'queue_full':
        return { ok: false, code: 'dtmf_queue_full' };
      case 'unavailable':
        return { ok: false, code: 'dtmf_unavailable' };
      case 'gone':
        return { ok: false, code: 'call_not_answered' };
    }
  }

  async #repeated(
    known: { readonly print: string; readonly outcome: Promise<SendKeysOutcome> },
    print: string,
  ): Promise<SendKeysOutcome> {
    if (known.print !== print) return { ok: false, code: 'idempotency_key_reused' };
    const outcome = await known.outcome;
    return outcome.ok ? { ...outcome, repeated: true } : outcome;
  }

  /** Once per call: a carrier that refuses one refuses them all. */
  #failed(status: number): void {
    if (this.#refused) return;
    this.#refused = true;
    this.#call.note('dtmf_refused', { askedBy: 'carrier', status, by: 'info' });
  }
}
