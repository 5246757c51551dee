// What the API may do with calls.

import type { CallRecord } from '../domain/call.ts';
import type { CustomHeaders } from '../domain/custom-headers.ts';
import type { PhoneNumber } from '../domain/directory.ts';
import type { DtmfRequest } from '../domain/dtmf.ts';
import type { Reason } from '../domain/reasons.ts';
import type { CallStore } from '../directory/directory.ts';
import type { SendKeysOutcome } from './keys.ts';
import type { TransferOutcome, TransferRequest } from './transfer.ts';

export interface CallManager {
  /** Places a call. The idempotency key is durable before the INVITE leaves; a repeat answers with the first call. */
  originate(request: OriginateRequest): Promise<OriginateOutcome>;
  /** Live calls and stored ones. */
  get(callId: string): Promise<CallRecord | undefined>;
  list(filter: Parameters<CallStore['list']>[0]): ReturnType<CallStore['list']>;
  /** Keys to the other side of an answered call. */
  sendKeys(callId: string, request: DtmfRequest, idempotencyKey: string | null): Promise<SendKeysOutcome>;
  hangup(callId: string): Promise<'ending' | 'already_ended' | 'unknown'>;
  /** Has the carrier of an answered call transfer it. Unknown: no live call of this id. */
  transfer(
    callId: string,
    request: TransferRequest,
  ): Promise<TransferOutcome | { readonly ok: false; readonly code: 'unknown' }>;
  readonly activeCalls: number;
  readonly state: 'active' | 'draining';
}

export interface OriginateRequest {
  readonly workspaceId: string;
  readonly idempotencyKey: string;
  readonly from: string;
  readonly to: string;
  readonly agentId?: string;
  readonly customParameters?: Readonly<Record<string, string>>;
  /** Of the INVITE. */
  readonly headers?: CustomHeaders;
  /** Of our BYE. */
  readonly byeHeaders?: CustomHeaders;
  /** The record of `from` where it is in no directory: a number that the operator itself calls from. */
  readonly caller?: PhoneNumber;
  /** Nobody but the carrier is to see `from`. */
  readonly hideCallerId?: boolean;
  readonly ringTimeoutMs?: number;
  readonly maxDurationMs?: number;
}

export type OriginateOutcome =
  | { readonly ok: true; readonly call: CallRecord; readonly repeated: boolean }
  /** `callId`: its record, where there is one by now. */
  | { readonly ok: false; readonly reason: Reason; readonly callId?: string };
