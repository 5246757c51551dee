// Personal numbers as the API sees them, and what they need from the rooms beside and below.

import type { CodeLanguage } from '../../agents/bundled/languages.ts';
import type { Directory, Page, PageOf } from '../../directory/directory.ts';
import type { CallRecord } from '../../domain/call.ts';
import type { Clock } from '../../domain/clock.ts';
import type { PhoneNumber } from '../../domain/directory.ts';
import { type E164, normaliseE164 } from '../../domain/e164.ts';
import type { Ids, RandomBytes } from '../../domain/ids.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { DailyLimits } from './allowance.ts';
import type { CallProgress } from './call-progress.ts';
import type { DestinationCheck } from './destination.ts';
import type { PersonalNumber, PersonalState } from './record.ts';

/** Every method that takes a `workspaceId` knows nothing of other workspaces' records then. Refusals: errors.ts. */
export interface PersonalNumbers {
  /** Calls the number and speaks a code; a number on its way is called again. */
  start(request: StartRequest): Promise<Started>;
  /** Another call with another code. */
  resend(id: string, requestKey: string, workspaceId?: string): Promise<Started | undefined>;
  /** Resolves once the number is there. */
  verify(id: string, code: string, workspaceId?: string): Promise<PersonalView | undefined>;
  get(id: string, workspaceId?: string): Promise<PersonalView | undefined>;
  list(filter: { readonly workspaceId?: string } & Page): Promise<PageOf<PersonalView>>;
  /** Ends a verification, or takes the verified number out of the workspace. */
  remove(id: string, workspaceId?: string): Promise<boolean>;
  /** Finishes what a dead process had confirmed; resolves with how many there were. At the start of a node. */
  recover(): Promise<number>;
}

export interface StartRequest {
  readonly workspaceId: string;
  readonly e164: E164;
  /** Default: by the number's country. */
  readonly language?: CodeLanguage;
  /** The same request again has the same key, and makes no second call. */
  readonly requestKey: string;
}

export interface Started {
  readonly view: PersonalView;
  /** Nobody was called: the request had been answered before. */
  readonly repeated: boolean;
}

/** A record as people are to see it. */
export interface PersonalView {
  readonly item: PersonalNumber;
  /** `expired`: pending, and its code too old. `removed`: it was verified, and its number is gone. */
  readonly state: PersonalState | 'expired' | 'removed';
  readonly numberId: string | null;
  readonly attemptsLeft: number;
  readonly callsLeft: number;
  /** Wall-clock ms from which another call may be asked for; null: it is verified. */
  readonly nextCallAt: number | null;
  /** The last call, while it matters. */
  readonly call: CallProgress | null;
}

/** The calls of the room beside. */
export interface VerificationCalls {
  /** From the operator's number to `to`, spoken to by the code speaker. */
  place(call: PlaceCall): Promise<PlaceOutcome>;
  get(callId: string): Promise<CallRecord | undefined>;
  hangUp(callId: string): Promise<void>;
}

export interface PlaceCall {
  /** Each key is called once. */
  readonly key: string;
  readonly to: E164;
  readonly ticket: string;
  readonly ringTimeoutMs: number;
  readonly maxDurationMs: number;
}

export type PlaceOutcome =
  | { readonly ok: true; readonly callId: string }
  | { readonly ok: false; readonly reason: Reason };

export interface PersonalDeps extends DestinationCheck {
  readonly directory: Directory;
  /** The operator's number that calls; null: verification is not set up. */
  readonly caller: PhoneNumber | null;
  readonly calls: VerificationCalls;
  /** Tells the code speaker what the call with this ticket is to say. */
  readonly announce: (announcement: { ticket: string; code: string; language: CodeLanguage }) => Promise<void>;
  readonly limits: DailyLimits;
  /** Of the codes' hashes. */
  readonly hashKey: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly randomBytes: RandomBytes;
  readonly observer: PersonalObserver;
}

export type PersonalEvent =
  | 'called'
  | 'refused'
  | 'limited'
  | 'unavailable'
  | 'wrong_code'
  | 'failed'
  | 'verified'
  | 'verified_elsewhere';

/** For metrics and log: neither number nor code. Must not throw. */
export interface PersonalObserver {
  event(event: PersonalEvent, about: EventDetail): void;
}

export interface EventDetail {
  readonly workspaceId: string;
  readonly verificationId?: string;
  readonly callId?: string;
  readonly reason?: string;
}

/** What people write: `+49 171 …`, `0049 171 …`, `011 …`. Without one of these the country would have to be guessed: undefined. */
export function readNumber(text: string): E164 | undefined {
  return /^\s*(?:\+|00|011)/.test(text) ? normaliseE164(text) : undefined;
}
