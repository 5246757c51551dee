// Twilio numbers: listed, connected to a trunk, and put back where they were.
//
// Invariants
//   TN1. A number is read before it is changed and read again afterwards: what a second attach answers is not documented, what the number says is.
//   TN2. What was set before is on record before it is changed.
//   TN3. A number that is on no trunk of ours any more was moved by hand, and is not touched. So voice settings are put back while it still is:
//        on a trunk they do nothing, and a detaching that is cut off can be repeated.

import type { IncomingPhoneNumberContextUpdateOptions } from 'twilio/lib/rest/api/v2010/account/incomingPhoneNumber.js';
import { nothing } from '../api/client.ts';
import { failedAs, hasFailed, noticesOf, ok } from '../outcome.ts';
import type {
  AccountReport,
  ConnectedNumber,
  ConnectRequest,
  DetachRequest,
  ListQuery,
  Notice,
  NumberImport,
  NumberPage,
  NumberRecord,
  Outcome,
} from '../provider.ts';
import { checkAccount } from './account.ts';
import { PAGE_KEYS, type TwilioClient, type TwilioList } from './client.ts';
import {
  accountNumber,
  readNumber,
  readNumberOrNull,
  settingsOf,
  type TwilioNumber,
  userOf,
  type VoiceSettings,
} from './number.ts';
import { pathPart } from './sdk.ts';

const CURSOR_LENGTH_MAX = 256;

export class TwilioNumbers implements NumberImport {
  readonly #client: TwilioClient;

  constructor(client: TwilioClient) {
    this.#client = client;
  }

  check(signal?: AbortSignal): Promise<Outcome<AccountReport>> {
    return checkAccount(this.#client, signal);
  }

  async list({ cursor, trunkId }: ListQuery, signal?: AbortSignal): Promise<Outcome<NumberPage>> {
    if (cursor !== null && !isCursor(cursor)) return this.#client.fail('request_refused', 'not a cursor of this list');
    const list: TwilioList = {
      operation: 'ListIncomingPhoneNumber',
      area: 'numbers',
      key: 'incoming_phone_numbers',
      send: (twilio, query) => twilio.incomingPhoneNumbers.page(query),
      signal,
    };
    const page = await this.#client.page(list, cursor ?? undefined, readNumberOrNull);
    if (!page.ok) return page;
    const numbers = page.value.items.flatMap((number) => (number === null ? [] : accountNumber(number, trunkId)));
    const isWhole = cursor === null && page.value.next === null;
    const notices = noticesOf({
      account_empty: isWhole && numbers.length === 0,
      account_no_voice: isWhole && numbers.length > 0 && numbers.every(({ refusal }) => refusal !== null),
    });
    return ok({ numbers, nextCursor: page.value.next, notices });
  }

  async connect(request: ConnectRequest, signal?: AbortSignal): Promise<Outcome<ConnectedNumber>> {
    const { providerId, trunkId, takeOver } = request;
    const number = await this.#read(providerId, signal);
    if (!number.ok) return number;
    if (!number.value.hasVoice) return this.#client.fail('number_no_voice');
    const { e164, trunkSid } = number.value;
    if (trunkSid === trunkId) {
      const record = request.record ?? { providerId, e164, trunkId, before: null };
      if (request.record === null) await request.save(record);
      return ok({ record, notices: [] });
    }
    const user = userOf(number.value);
    if (user !== null && !takeOver) return this.#client.fail('number_in_use_elsewhere', user);
    const record: NumberRecord = { providerId, e164, trunkId, before: settingsOf(number.value) };
    await request.save(record);
    const attached = await this.#attach(providerId, trunkId, signal);
    return attached.ok ? ok({ record, notices: [] }) : attached;
  }

  async detach(
    { record, isUnsure }: DetachRequest,
    signal?: AbortSignal,
  ): Promise<Outcome<{ readonly notices: readonly Notice[] }>> {
    const isThere = await this.#settled(
      record.providerId,
      (number) => number.trunkSid === record.trunkId,
      isUnsure,
      signal,
    );
    if (hasFailed(isThere, 'number_not_in_account')) return ok({ notices: [] });
    if (!isThere.ok) return isThere;
    if (!isThere.value) return ok({ notices: [] });
    const prepared = await this.#restoreVoice(record, signal);
    if (!prepared.ok) return prepared;
    const former = record.before?.['trunkSid'] ?? '';
    const moved = former === '' ? ok(false) : await this.#moveTo(record.providerId, former, signal);
    if (!moved.ok) return moved;
    const left = moved.value ? ok(null) : await this.#leave(record, signal);
    if (!left.ok) return left;
    // Should leaving the trunk have changed them.
    const restored = await this.#restoreVoice(record, signal);
    return restored.ok ? ok({ notices: noticesOf({ restore_incomplete: former !== '' && !moved.value }) }) : restored;
  }

  async #read(sid: string, signal?: AbortSignal): Promise<Outcome<TwilioNumber>> {
    const outcome = await this.#client.call({
      operation: 'FetchIncomingPhoneNumber',
      area: 'numbers',
      send: (twilio) => twilio.incomingPhoneNumbers(pathPart(sid)).fetch(),
      read: readNumber,
      signal,
    });
    if (outcome.ok || outcome.failure.code !== 'not_found') return outcome;
    return failedAs('number_not_in_account', outcome);
  }

  /** TN1: whatever the answers were, the number is on the trunk or it is not. */
  async #attach(sid: string, trunkId: string, signal?: AbortSignal): Promise<Outcome<null>> {
    const { limits } = this.#client;
    for (let tries = 1; ; tries += 1) {
      const attached = await this.#client.call({
        operation: 'CreatePhoneNumber',
        area: 'trunks',
        does: 'makes',
        send: (twilio) => twilio.trunking.v1.trunks(pathPart(trunkId)).phoneNumbers.create({ phoneNumberSid: sid }),
        read: nothing,
        signal,
      });
      const isUnsure = attached.ok || attached.failure.effect === 'unknown';
      const isThere = await this.#settled(sid, (number) => number.trunkSid === trunkId, isUnsure, signal);
      if (!isThere.ok) return isThere;
      if (isThere.value) return ok(null);
      if (!isUnsure) return attached;
      if (tries >= limits.makesMax) return attached.ok ? this.#client.fail('setup_differs', 'trunk_sid') : attached;
    }
  }

  /** A number has one trunk: naming another one replaces it. false where that one is gone. */
  async #moveTo(sid: string, trunkId: string, signal?: AbortSignal): Promise<Outcome<boolean>> {
    const outcome = await this.#update(sid, { trunkSid: trunkId }, signal);
    if (hasFailed(outcome, 'not_found', 'request_refused', 'name_taken')) return ok(false);
    return outcome.ok ? ok(true) : outcome;
  }

  async #leave({ providerId, trunkId }: NumberRecord, signal?: AbortSignal): Promise<Outcome<null>> {
    const left = await this.#client.removed({
      operation: 'DeletePhoneNumber',
      area: 'trunks',
      send: (twilio) => twilio.trunking.v1.trunks(pathPart(trunkId)).phoneNumbers(pathPart(providerId)).remove(),
      signal,
    });
    if (!left.ok) return left;
    const isGone = await this.#settled(providerId, (number) => number.trunkSid !== trunkId, true, signal);
    if (!isGone.ok) return isGone;
    return isGone.value ? ok(null) : this.#client.fail('number_not_detachable');
  }

  /** What was set and is not any more. What was empty stays as it is now: somebody set it meanwhile. */
  async #restoreVoice({ providerId, before }: NumberRecord, signal?: AbortSignal): Promise<Outcome<null>> {
    if (before === null) return ok(null);
    const number = await this.#read(providerId, signal);
    if (!number.ok) return hasFailed(number, 'number_not_in_account') ? ok(null) : number;
    const now: Readonly<Record<string, string>> = settingsOf(number.value);
    const lost = VOICE_SETTINGS.filter((name) => (before[name] ?? '') !== '' && before[name] !== now[name]);
    const settings = Object.fromEntries(lost.map((name) => [name, before[name]]));
    return lost.length === 0 ? ok(null) : this.#update(providerId, settings, signal);
  }

  #update(sid: string, settings: Partial<VoiceSettings>, signal?: AbortSignal): Promise<Outcome<null>> {
    // As they were read: what Twilio said is what it takes.
    const params = settings as IncomingPhoneNumberContextUpdateOptions;
    return this.#client.call({
      operation: 'UpdateIncomingPhoneNumber',
      area: 'numbers',
      does: 'sets',
      send: (twilio) => twilio.incomingPhoneNumbers(pathPart(sid)).update(params),
      read: nothing,
      signal,
    });
  }

  /** Reads the number until it is as wanted; once where nothing should have changed. */
  async #settled(
    sid: string,
    isWanted: (number: TwilioNumber) => boolean,
    isPatient: boolean,
    signal?: AbortSignal,
  ): Promise<Outcome<boolean>> {
    const looksMax = isPatient ? this.#client.limits.looksMax : 1;
    for (let looks = 1; ; looks += 1) {
      const number = await this.#read(sid, signal);
      if (!number.ok) return number;
      if (isWanted(number.value)) return ok(true);
      if (looks >= looksMax) return ok(false);
      if (!(await this.#client.pause(looks - 1, signal))) return this.#client.fail('cancelled');
    }
  }
}

const VOICE_SETTINGS = ['voiceUrl', 'voiceMethod', 'voiceApplicationSid', 'voiceReceiveMode'] as const;

/** Cursors come back from outside: nothing else than a page may be asked with one. */
function isCursor(cursor: string): boolean {
  const keys = [...new URLSearchParams(cursor).keys()];
  return cursor.length <= CURSOR_LENGTH_MAX && keys.length > 0 && keys.every((key) => PAGE_KEYS.has(key));
}
