// From a number to a verified number: a call that speaks a code, and the code entered.
//
// Invariants
//   PE1. Nothing that is told before the code was right depends on other workspaces' numbers: who does not hold the telephone learns nothing about it.
//   PE2. A number is written under the directory's own rule of one owner, so of two workspaces that verify it at once one gets it.
//   PE3. What ended between the right code and the number is finished by whoever looks at it next, `recover` at the latest.

import type { RecordStore } from '../../directory/records.ts';
import { RecordTaken } from '../../directory/errors.ts';
import type { E164 } from '../../domain/e164.ts';
import { Calling } from './calling.ts';
import { hashCode } from './code.ts';
import { PersonalNumberError, type PersonalNumberErrorCode } from './errors.ts';
import { finish } from './finishing.ts';
import { languageOf } from './language.ts';
import { ATTEMPTS_MAX } from './limits.ts';
import type { PersonalDeps, PersonalNumbers, PersonalView, Started, StartRequest } from './personal-numbers.ts';
import { numberIdOf, PERSONAL_NUMBERS, type PersonalNumber, placeOf } from './record.ts';
import { checkCallable, judge, type Judgement } from './rules.ts';
import { viewOf } from './view.ts';

const RECOVERED_PER_PAGE = 100;
const LIMITS = new Set<PersonalNumberErrorCode>(['verification_limit', 'verification_pause', 'resend_limit']);

export function createPersonalNumbers(deps: PersonalDeps): PersonalNumbers {
  return new Verifications(deps);
}

class Verifications implements PersonalNumbers {
  readonly #deps: PersonalDeps;
  readonly #store: RecordStore<PersonalNumber>;
  readonly #calling: Calling;

  constructor(deps: PersonalDeps) {
    this.#deps = deps;
    this.#store = deps.directory.records(PERSONAL_NUMBERS);
    this.#calling = new Calling(deps, this.#store);
  }

  async start({ workspaceId, e164, language, requestKey }: StartRequest): Promise<Started> {
    return await this.#countingLimits(workspaceId, async () => {
      const known = await this.#at(workspaceId, e164);
      if (known?.requestKeys.includes(requestKey)) return await this.#repeated(known);
      if (known !== undefined) await this.#finished(known);
      // Its own numbers are all that a workspace is told about (PE1).
      if (await this.#isOwned(workspaceId, e164)) throw alreadyOwned();
      const country = await this.#calling.countryOf(workspaceId, e164);
      if (known !== undefined) checkCallable(known, this.#nowMs());
      await this.#calling.takePlace(workspaceId, e164);
      const id = known?.id ?? (await this.#create(workspaceId, e164));
      const called = await this.#calling.call(id, workspaceId, language ?? languageOf(country), requestKey);
      return { view: await this.#view(called), repeated: false };
    });
  }

  async resend(id: string, requestKey: string, workspaceId?: string): Promise<Started | undefined> {
    const item = await this.#store.get(id, workspaceId);
    if (item === undefined) return undefined;
    const { workspaceId: owner, e164, language } = item;
    return await this.#countingLimits(owner, async () => {
      if (item.requestKeys.includes(requestKey)) return await this.#repeated(item);
      if (item.state !== 'pending') throw refusalOf(item.state === 'failed' ? 'failed' : 'used');
      await this.#calling.countryOf(owner, e164);
      checkCallable(item, this.#nowMs());
      await this.#calling.takePlace(owner, e164);
      const called = await this.#calling.call(id, owner, language, requestKey);
      return { view: await this.#view(called), repeated: false };
    });
  }

  async verify(id: string, code: string, workspaceId?: string): Promise<PersonalView | undefined> {
    const { hashKey, observer } = this.#deps;
    const nowMs = this.#nowMs();
    const outcome: { verdict: Judgement; counted: boolean } = { verdict: 'expired', counted: false };
    const entered = (item: PersonalNumber): PersonalNumber => {
      const judged = judge(item, hashCode(hashKey, { id, call: item.callSeq, code }), nowMs);
      outcome.verdict = judged.verdict;
      outcome.counted = judged.item !== item;
      return judged.item;
    };
    const item = await this.#store.update(id, entered, workspaceId);
    if (item === undefined) return undefined;
    const { verdict, counted } = outcome;
    if (verdict === 'right') return await this.#view(await this.#finished(item, true));
    const about = { workspaceId: item.workspaceId, verificationId: id };
    if (counted) observer.event(verdict === 'failed' ? 'failed' : 'wrong_code', about);
    throw refusalOf(verdict, ATTEMPTS_MAX - item.attempts);
  }

  async get(id: string, workspaceId?: string): Promise<PersonalView | undefined> {
    const item = await this.#store.get(id, workspaceId);
    return item === undefined ? undefined : await this.#view(await this.#finished(item));
  }

  async list(filter: Parameters<PersonalNumbers['list']>[0]): ReturnType<PersonalNumbers['list']> {
    const { items, nextCursor } = await this.#store.list(filter);
    return { items: await Promise.all(items.map((item) => this.#view(item))), nextCursor };
  }

  async remove(id: string, workspaceId?: string): Promise<boolean> {
    const { directory, calls } = this.#deps;
    const item = await this.#store.get(id, workspaceId);
    if (item === undefined) return false;
    if (item.state === 'pending' && item.callId !== null) await calls.hangUp(item.callId);
    await directory.numbers.delete(numberIdOf(item), item.workspaceId);
    return await this.#store.delete(id, item.workspaceId);
  }

  async recover(): Promise<number> {
    let finished = 0;
    for (;;) {
      const { items } = await this.#store.find({ where: { state: 'confirmed' }, limit: RECOVERED_PER_PAGE });
      for (const item of items) await this.#finished(item);
      finished += items.length;
      if (items.length < RECOVERED_PER_PAGE) return finished;
    }
  }

  #nowMs(): number {
    return this.#deps.clock.wallMs();
  }

  async #view(item: PersonalNumber): Promise<PersonalView> {
    return await viewOf(this.#deps, item, this.#nowMs());
  }

  async #repeated(item: PersonalNumber): Promise<Started> {
    return { view: await this.#view(item), repeated: true };
  }

  async #at(workspaceId: string, e164: E164): Promise<PersonalNumber | undefined> {
    const where = { place: placeOf(workspaceId, e164) };
    return (await this.#store.find({ workspaceId, where, limit: 1 })).items[0];
  }

  async #isOwned(workspaceId: string, e164: E164): Promise<boolean> {
    const numbers = await this.#deps.directory.numbers.byE164(e164);
    return numbers.some((number) => number.workspaceId === workspaceId);
  }

  /** One per workspace and number: of two at once the second goes on with the first one's. */
  async #create(workspaceId: string, e164: E164): Promise<string> {
    const nowMs = this.#nowMs();
    const item: PersonalNumber = {
      id: this.#deps.ids.next('ver'),
      createdAt: nowMs,
      workspaceId,
      e164,
      language: 'en',
      state: 'pending',
      codeHash: null,
      codeExpiresAt: nowMs,
      attempts: 0,
      calls: 0,
      callSeq: 0,
      lastCallAt: null,
      callId: null,
      requestKeys: [],
      verifiedAt: null,
    };
    try {
      await this.#store.put(item);
      return item.id;
    } catch (error) {
      const known = error instanceof RecordTaken ? await this.#at(workspaceId, e164) : undefined;
      if (known === undefined) throw error;
      return known.id;
    }
  }

  /** PE3. Throws where the number turns out to have an owner and somebody waits for it. */
  async #finished(item: PersonalNumber, isAsked = false): Promise<PersonalNumber> {
    if (item.state !== 'confirmed') return item;
    const { directory, observer } = this.#deps;
    const finished = await finish(directory.numbers, this.#store, item);
    const about = { workspaceId: item.workspaceId, verificationId: item.id };
    observer.event(finished.state === 'taken' ? 'verified_elsewhere' : 'verified', about);
    if (finished.state !== 'taken' || !isAsked) return finished;
    if (await this.#isOwned(item.workspaceId, item.e164)) throw alreadyOwned();
    throw new PersonalNumberError('verified_elsewhere', 'the number belongs to another workspace');
  }

  async #countingLimits<T>(workspaceId: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof PersonalNumberError && LIMITS.has(error.code))
        this.#deps.observer.event('limited', { workspaceId, reason: error.code });
      throw error;
    }
  }
}

function alreadyOwned(): PersonalNumberError {
  return new PersonalNumberError('number_taken', 'the workspace has the number already');
}

function refusalOf(verdict: Exclude<Judgement, 'right'>, attemptsLeft = 0): PersonalNumberError {
  if (verdict === 'wrong') {
    const left = attemptsLeft === 1 ? 'One attempt is left' : `${attemptsLeft} attempts are left`;
    return new PersonalNumberError('code_wrong', left);
  }
  if (verdict === 'failed') return new PersonalNumberError('verification_failed', 'too many wrong codes');
  if (verdict === 'expired') return new PersonalNumberError('code_expired', 'the code is too old, or was never spoken');
  return new PersonalNumberError('already_verified', 'the code was used');
}
