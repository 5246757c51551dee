// What the rooms above ask of providers of phone numbers: one interface per need, the same for every provider.
//
// Invariants
//   PV1. An expected failure is a value with a verdict. What is thrown is our own: a store that cannot be written, a mistake of the program.
//   PV2. No type and no word of a provider's API is here. Ids of theirs are opaque text, and too long for a number.
//   PV3. A secret goes in with the credentials or the plan and comes out nowhere: not in a result, a failure, a record or an event.
//   PV4. Records (`NumberRecord`, `TrunkRecord`) are plain data. Whoever calls stores them, gives them back, and `save` has resolved before
//        the provider is changed in a way that could not be found again without them.

import type { Gateway, MediaEncryption, SipTransport } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import type { Nano } from '../domain/money.ts';
import type { Fault, ProviderErrorCode, Retry } from './errors.ts';
import type { ProviderNoticeCode } from './notices.ts';

export type Provider = 'twilio' | 'telnyx' | 'demo';

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: ProviderFailure };

export interface ProviderFailure {
  readonly code: ProviderErrorCode;
  readonly provider: Provider;
  readonly text: string;
  readonly advice: string;
  readonly retry: Retry;
  readonly fault: Fault;
  /** How long the provider asked to be left alone; null = it did not say. */
  readonly retryAfterMs: number | null;
  /** `unknown`: the request may have been carried out all the same. */
  readonly effect: 'none' | 'unknown';
  /** In the provider's words, or what exactly was not right; null where there is nothing to add. */
  readonly detail: string | null;
  /** HTTP status and the provider's own code, for its support. */
  readonly told: { readonly status: number; readonly code: string | null } | null;
}

export interface Notice {
  readonly code: ProviderNoticeCode;
  readonly text: string;
  readonly advice: string;
}

// An account of a customer.

export interface ProviderAccount {
  readonly provider: Provider;
  readonly numbers: NumberImport;
  readonly trunk: TrunkProvisioning;
}

export interface AccountReport {
  /** null = the provider tells none. */
  readonly accountId: string | null;
  readonly label: string | null;
  readonly balance: { readonly amount: Nano; readonly currency: string } | null;
  readonly notices: readonly Notice[];
}

export type NumberType = 'local' | 'tollfree' | 'mobile' | 'national' | 'shared_cost';

/** A number of the account, as it may be chosen for import. */
export interface AccountNumber {
  readonly providerId: string;
  readonly e164: E164;
  readonly label: string | null;
  /** ISO 3166-1, where it can be told. */
  readonly country: string | null;
  readonly type: NumberType | null;
  /** Where its calls go now. `ours`: to the trunk that was asked with. */
  readonly use: 'free' | 'ours' | 'elsewhere';
  /** What `elsewhere` is, for people. */
  readonly usedBy: string | null;
  /** Why it cannot be imported; null = it can. */
  readonly refusal: { readonly code: ProviderErrorCode; readonly text: string; readonly advice: string } | null;
  readonly notices: readonly Notice[];
}

export interface NumberPage {
  readonly numbers: readonly AccountNumber[];
  /** null = the last page. */
  readonly nextCursor: string | null;
  readonly notices: readonly Notice[];
}

export interface ListQuery {
  readonly cursor: string | null;
  /** Numbers on it are `ours`; null = none is. */
  readonly trunkId: string | null;
}

/** A number that is connected to a trunk of ours, or is about to be, and what has to be put back when it is not any more. */
export interface NumberRecord {
  readonly providerId: string;
  readonly e164: E164;
  readonly trunkId: string;
  /**
   * As the adapter that wrote it reads it. null = it was found on our trunk and nobody knows what was before. It may hold a voice URL with a
   * password of the customer's in it: kept sealed, and shown to nobody.
   */
  readonly before: Readonly<Record<string, string>> | null;
}

export interface ConnectRequest {
  readonly providerId: string;
  readonly trunkId: string;
  /** Take it even where its calls go to another system. */
  readonly takeOver: boolean;
  /** Of an earlier try. */
  readonly record: NumberRecord | null;
  save(record: NumberRecord): Promise<void>;
}

export interface ConnectedNumber {
  readonly record: NumberRecord;
  readonly notices: readonly Notice[];
}

export interface DetachRequest {
  readonly record: NumberRecord;
  /** Connecting it was cut off: it may be on our trunk and not show it yet, so it is looked at for a while. */
  readonly isUnsure: boolean;
}

export interface NumberImport {
  /** Are these credentials good for what follows, area by area? Changes nothing. */
  check(signal?: AbortSignal): Promise<Outcome<AccountReport>>;
  list(query: ListQuery, signal?: AbortSignal): Promise<Outcome<NumberPage>>;
  /** Calls to the number reach the trunk from now on, and the trunk may call with it. Repeating it changes nothing. */
  connect(request: ConnectRequest, signal?: AbortSignal): Promise<Outcome<ConnectedNumber>>;
  /** Puts back what was there before. A number that is gone, or was moved on by hand, is left alone. */
  detach(request: DetachRequest, signal?: AbortSignal): Promise<Outcome<{ readonly notices: readonly Notice[] }>>;
}

// A trunk at the provider, both ways.

export interface TrunkPlan {
  /** Ours, in every name at the provider: 4 to 30 of a-z, 0-9, `-` and `_`. Never used for two trunks. */
  readonly reference: string;
  /** Where calls are to arrive. */
  readonly gateway: { readonly host: string; readonly port: number; readonly transport: SipTransport };
  readonly mediaEncryption: Exclude<MediaEncryption, 'optional'>;
  readonly outbound: OutboundAuth;
  /** ISO 3166-1; where the provider lets the trunk call. */
  readonly allowedCountries: readonly string[];
  readonly numbers: readonly { readonly providerId: string; readonly takeOver: boolean }[];
}

export type OutboundAuth =
  | { readonly kind: 'credentials'; readonly username: string; readonly password: string }
  /** IPv4 addresses or CIDR blocks that our calls come from. */
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] };

/** All that is known of a trunk at the provider. Begins as `newTrunkRecord`. Holds no secret. */
export interface TrunkRecord {
  readonly version: 1;
  readonly provider: Provider;
  readonly reference: string;
  readonly phase: 'new' | 'provisioning' | 'stopped' | 'ready' | 'undoing' | 'undone';
  readonly steps: Readonly<Record<string, StepRecord>>;
  readonly numbers: Readonly<Record<string, NumberStepRecord>>;
}

export interface StepRecord {
  /** `pending`: about to be made. `unknown`: it may have been made. */
  readonly status: 'pending' | 'unknown' | 'done' | 'failed' | 'undone';
  /** What it is found again by (a name, an address); the last one counts, the ones before were taken by others. */
  readonly keys: readonly string[];
  readonly resourceId: string | null;
  /** We made it, so we may delete it. */
  readonly created: boolean;
  readonly failure: ProviderErrorCode | null;
}

export interface NumberStepRecord {
  readonly status: 'pending' | 'done' | 'failed' | 'undone';
  readonly record: NumberRecord | null;
  readonly failure: ProviderErrorCode | null;
}

export interface TrunkProgress {
  readonly phase: 'provision' | 'undo';
  readonly step: string;
  /** For people. */
  readonly text: string;
  /** From 1. */
  readonly position: number;
  readonly steps: number;
  /** `found`: it was there already. `waiting`: for the provider to show what was asked of it. */
  readonly state: 'started' | 'waiting' | 'found' | 'done' | 'failed';
  readonly failure: ProviderFailure | null;
}

export interface TrunkRun {
  readonly record: TrunkRecord;
  save(record: TrunkRecord): Promise<void>;
  progress(event: TrunkProgress): void;
  /** A person says that what is missing at the provider was deleted there by hand; otherwise a key of another account looks the same. */
  readonly acceptGone?: boolean;
  readonly signal?: AbortSignal;
}

/** What a trunk of ours must know to receive and to call. */
export interface ReadyTrunk {
  readonly trunkId: string;
  readonly inbound: { readonly addresses: readonly string[]; readonly mediaEncryption: MediaEncryption };
  readonly outbound: {
    readonly gateways: readonly Gateway[];
    readonly transport: SipTransport;
    readonly mediaEncryption: MediaEncryption;
    readonly username: string | null;
  };
  readonly numbers: readonly ConnectedNumber[];
  /** The others of the plan, with why not. */
  readonly refused: readonly { readonly providerId: string; readonly failure: ProviderFailure }[];
}

export interface TrunkProvisioning {
  /** Names of the steps in order, before anything is started. */
  steps(plan: TrunkPlan): readonly string[];
  /** Goes on from wherever the record stands: what is done is looked at again, what is missing is made. */
  provision(plan: TrunkPlan, run: TrunkRun): Promise<Outcome<ReadyTrunk>>;
  /** Puts numbers back and deletes what the record says that we made, and nothing else. May be repeated until it succeeds. */
  undo(run: TrunkRun): Promise<Outcome<null>>;
  /** `different_account` where nothing of what the record says that we made is in the account. Changes nothing. */
  recognise(record: TrunkRecord, signal?: AbortSignal): Promise<Outcome<null>>;
}

export function newTrunkRecord(provider: Provider, reference: string): TrunkRecord {
  return { version: 1, provider, reference, phase: 'new', steps: {}, numbers: {} };
}

// Numbers for sale.

export interface NumberSearch {
  /** ISO 3166-1. */
  readonly country: string;
  readonly type: NumberType;
  readonly areaCode: string | null;
  readonly limit: number;
}

/** What the provider asks for a number. */
export interface NumberFees {
  readonly currency: string;
  readonly setup: Nano;
  readonly monthly: Nano;
}

export interface NumberOffer {
  readonly e164: E164;
  readonly country: string;
  readonly type: NumberType;
  readonly locality: string | null;
  readonly region: string | null;
  readonly fees: NumberFees;
  readonly notices: readonly Notice[];
}

export interface NumberPurchase {
  /** Ours, one per number: the order is found again by it. 1 to 64 of a-z, A-Z, 0-9, `-`, `_`, `.`, `:`. */
  readonly reference: string;
  readonly e164: E164;
  readonly type: NumberType;
  /** What was shown to the buyer; refused where the provider asks for more by now. */
  readonly feesShown: NumberFees;
}

export interface NumberOrder {
  readonly reference: string;
  readonly e164: E164;
  /** `pending`: ask again with `order`, after `pollAfterMs`. */
  readonly state: 'pending' | 'active';
  /** What `release` wants; null while pending. */
  readonly providerId: string | null;
  readonly pollAfterMs: number | null;
}

export interface NumberInventory {
  readonly provider: Provider;
  /** At least one number, or a failure that says why there is none. */
  search(search: NumberSearch, signal?: AbortSignal): Promise<Outcome<readonly NumberOffer[]>>;
  /** Buys at most once per reference, however often it is called: the second call finds the order of the first. */
  order(purchase: NumberPurchase, signal?: AbortSignal): Promise<Outcome<NumberOrder>>;
  /** How an order stands, without placing one. `not_found` where there is none. */
  status(reference: string, signal?: AbortSignal): Promise<Outcome<NumberOrder>>;
  /** Gives the number back, for good. One that is gone already counts as released. */
  release(number: { readonly providerId: string; readonly e164: E164 }, signal?: AbortSignal): Promise<Outcome<null>>;
}
