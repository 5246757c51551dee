// Telnyx numbers: listed, connected to a connection of ours, and put back where they were.
//
// Invariants
//   XN1. A number is read before it is changed and read again afterwards.
//   XN2. What was set before is on record before it is changed.
//   XN3. A number that is not on our connection any more was moved by hand, and is not touched.

import type Telnyx from 'telnyx';
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
import type { TelnyxClient, TelnyxList } from './client.ts';
import { accountNumber, isActive, readNumber, readNumberOrNull, type TelnyxNumber, userOf } from './number.ts';

export class TelnyxNumbers implements NumberImport {
  readonly #client: TelnyxClient;

  constructor(client: TelnyxClient) {
    this.#client = client;
  }

  check(signal?: AbortSignal): Promise<Outcome<AccountReport>> {
    return checkAccount(this.#client, signal);
  }

  /** Also what is not active yet: with its reason it is no riddle why it cannot be chosen. */
  async list({ cursor, trunkId }: ListQuery, signal?: AbortSignal): Promise<Outcome<NumberPage>> {
    if (cursor !== null && !/^[1-9]\d{0,3}$/.test(cursor)) {
      return this.#client.fail('request_refused', 'not a cursor of this list');
    }
    const number = Number(cursor ?? '1');
    const list: TelnyxList = {
      operation: 'ListPhoneNumbers',
      area: 'numbers',
      send: (telnyx, query) => telnyx.phoneNumbers.list(query),
      signal,
    };
    const page = await this.#client.page(list, number, readNumberOrNull);
    if (!page.ok) return page;
    const numbers = page.value.items.flatMap((item) => (item === null ? [] : accountNumber(item, trunkId)));
    const nextCursor = page.value.hasMore ? String(number + 1) : null;
    const isEmpty = cursor === null && nextCursor === null && numbers.length === 0;
    return ok({ numbers, nextCursor, notices: noticesOf({ account_empty: isEmpty }) });
  }

  async connect(request: ConnectRequest, signal?: AbortSignal): Promise<Outcome<ConnectedNumber>> {
    const { providerId, trunkId, takeOver } = request;
    const number = await this.read(providerId, signal);
    if (!number.ok) return number;
    if (!isActive(number.value)) return this.#client.fail('number_not_active', number.value.status);
    const { e164, connectionId } = number.value;
    const isOurs = connectionId === trunkId;
    if (!isOurs && connectionId !== '' && !takeOver) {
      return this.#client.fail('number_in_use_elsewhere', userOf(number.value));
    }
    const notices = await this.#detours(providerId, signal);
    if (!notices.ok) return notices;
    const before = isOurs ? null : { connectionId };
    const record = isOurs && request.record !== null ? request.record : { providerId, e164, trunkId, before };
    if (record !== request.record) await request.save(record);
    const attached = isOurs ? ok(null) : await this.assign(providerId, trunkId, signal);
    return attached.ok ? ok({ record, notices: notices.value }) : attached;
  }

  async detach(
    { record, isUnsure }: DetachRequest,
    signal?: AbortSignal,
  ): Promise<Outcome<{ readonly notices: readonly Notice[] }>> {
    const isThere = await this.#settled(
      record.providerId,
      (number) => number.connectionId === record.trunkId,
      isUnsure,
      signal,
    );
    if (hasFailed(isThere, 'number_not_in_account')) return ok({ notices: [] });
    if (!isThere.ok) return isThere;
    if (!isThere.value) return ok({ notices: [] });
    const former = record.before?.['connectionId'] ?? '';
    const moved = former === '' ? null : await this.assign(record.providerId, former, signal);
    if (moved?.ok) return ok({ notices: [] });
    // The connection of before is gone; anything else may pass.
    if (moved !== null && !hasFailed(moved, 'not_found', 'request_refused')) return moved;
    const left = await this.#unassign(record, signal);
    return left.ok ? ok({ notices: noticesOf({ restore_incomplete: former !== '' }) }) : left;
  }

  async read(id: string, signal?: AbortSignal): Promise<Outcome<TelnyxNumber>> {
    const outcome = await this.#client.call({
      operation: 'RetrievePhoneNumber',
      area: 'numbers',
      send: (telnyx) => telnyx.phoneNumbers.retrieve(id),
      read: readNumber,
      signal,
    });
    if (outcome.ok || outcome.failure.code !== 'not_found') return outcome;
    return failedAs('number_not_in_account', outcome);
  }

  /** Done when the number says so. */
  async assign(id: string, connectionId: string, signal?: AbortSignal): Promise<Outcome<null>> {
    const set = await this.#set(id, connectionId, signal);
    if (!set.ok) return set;
    const isThere = await this.#settled(id, (number) => number.connectionId === connectionId, true, signal);
    if (!isThere.ok) return isThere;
    return isThere.value ? ok(null) : this.#client.fail('setup_differs', 'the connection of the number');
  }

  /** Their document wants a text and says of nothing how it is written: the empty one first, then null. */
  async #unassign({ providerId, trunkId }: NumberRecord, signal?: AbortSignal): Promise<Outcome<null>> {
    for (const none of ['', null]) {
      const set = await this.#set(providerId, none, signal);
      if (hasFailed(set, 'number_not_in_account')) return ok(null);
      if (!set.ok && !hasFailed(set, 'request_refused', 'number_invalid')) return set;
      if (!set.ok) continue;
      const isGone = await this.#settled(providerId, (number) => number.connectionId !== trunkId, true, signal);
      if (!isGone.ok) return isGone;
      if (isGone.value) return ok(null);
    }
    return this.#client.fail('number_not_detachable');
  }

  #set(id: string, connectionId: string | null, signal?: AbortSignal): Promise<Outcome<null>> {
    // null is not in the package's type.
    const body = { connection_id: connectionId } as Telnyx.PhoneNumberUpdateParams;
    return this.#client.call({
      operation: 'UpdatePhoneNumber',
      area: 'numbers',
      does: 'sets',
      send: (telnyx) => telnyx.phoneNumbers.update(id, body),
      read: nothing,
      signal,
    });
  }

  /** Settings that send its calls elsewhere before they reach us. */
  #detours(id: string, signal?: AbortSignal): Promise<Outcome<readonly Notice[]>> {
    return this.#client.call({
      operation: 'GetPhoneNumberVoiceSettings',
      area: 'numbers',
      send: (telnyx) => telnyx.phoneNumbers.voice.retrieve(id),
      read(data) {
        const forwarding = data.objectOrNull('call_forwarding');
        const isForwarded =
          (forwarding?.boolean('call_forwarding_enabled', false) ?? false) &&
          forwarding?.textOrNull('forwards_to') !== null;
        return noticesOf({
          number_forwarded: isForwarded,
          number_translated: data.textOrNull('translated_number') !== null,
        });
      },
      signal,
    });
  }

  /** Reads the number until it is as wanted; once where it should be by now. */
  async #settled(
    id: string,
    isWanted: (number: TelnyxNumber) => boolean,
    isPatient: boolean,
    signal?: AbortSignal,
  ): Promise<Outcome<boolean>> {
    const looksMax = isPatient ? this.#client.limits.looksMax : 1;
    for (let looks = 1; ; looks += 1) {
      const number = await this.read(id, signal);
      if (!number.ok) return number;
      if (isWanted(number.value)) return ok(true);
      if (looks >= looksMax) return ok(false);
      if (!(await this.#client.pause(looks - 1, signal))) return this.#client.fail('cancelled');
    }
  }
}
