// The shapes of the API. Made by `npm run types:api` from the routes themselves: change those, not this.

export interface AccountNumber {
  readonly e164: string;
  readonly label: string | null;
  readonly country: string | null;
  readonly type: 'local' | 'tollfree' | 'mobile' | 'national' | 'shared_cost' | null;
  readonly use: 'free' | 'ours' | 'elsewhere';
  readonly usedBy: string | null;
  readonly numberId: string | null;
  readonly refusal: NumberFailure | null;
  readonly notices: readonly Notice[];
}

export interface Agent {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly stream: {
    readonly url: string;
    readonly protocol: 'twilio';
    readonly codec: 'PCMU' | 'PCMA';
    readonly headers: Readonly<Record<string, string>>;
    readonly customParameters: Readonly<Record<string, string>>;
    readonly extensionEvents: boolean;
    readonly authTokenSet: boolean;
  };
  readonly fallbackAgentId: string | null;
  readonly readyTimeoutMs: number;
}

export interface ApiKey {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly label: string;
  readonly role: 'read_only' | 'member' | 'admin';
}

/** STIR/SHAKEN: what the carrier says of the caller’s number */
export interface Attestation {
  readonly level: 'A' | 'B' | 'C' | null;
  readonly source: 'verstat' | 'p_attestation_indicator' | 'identity';
  readonly carrierVerdict: 'passed' | 'failed' | 'not_validated' | null;
  readonly verified: boolean;
  readonly origId: string | null;
  readonly problem: string | null;
}

export interface AvailableNumber {
  readonly e164: string;
  readonly country: string;
  readonly type: 'local' | 'tollfree' | 'mobile' | 'national' | 'shared_cost';
  readonly locality: string | null;
  readonly region: string | null;
  readonly monthlyFee: string;
  readonly setupFee: string;
  readonly currency: string;
  readonly notices: readonly Notice[];
}

export interface Bill {
  readonly telephony: {
    readonly billedMs: number;
    readonly ratePerMinute: string;
    readonly amount: string;
    readonly rule: string;
  };
  readonly compute: {
    readonly billedMs: number;
    readonly ratePerMinute: string;
    readonly amount: string;
    readonly rule: string;
  };
  readonly total: string;
  readonly currency: string;
  readonly rate: BillRate | null;
  readonly evidence: { readonly start: string | null; readonly end: string | null; readonly endedBy: string | null };
  readonly final: boolean;
  readonly flags: readonly string[];
}

/** the row of the price list; all but version and number null where no telephony is charged */
export interface BillRate {
  readonly version: string;
  readonly number: string;
  readonly prefix: string | null;
  readonly effectiveFrom: string | null;
  readonly connectFee: string | null;
  readonly initialMs: number | null;
  readonly incrementMs: number | null;
}

export interface Call {
  readonly id: string;
  readonly createdAt: string;
  readonly direction: 'inbound' | 'outbound';
  readonly from: string;
  readonly to: string;
  readonly workspaceId: string | null;
  readonly trunkId: string | null;
  readonly agentId: string | null;
  readonly class: 'managed' | 'imported' | 'byoc' | 'browser' | null;
  readonly state: 'queued' | 'ringing' | 'answered' | 'ended';
  readonly startedAt: string;
  readonly ringingAt: string | null;
  readonly answeredAt: string | null;
  readonly endedAt: string | null;
  readonly endReason:
    | 'remote_hangup'
    | 'agent_hangup'
    | 'api_hangup'
    | 'transferred'
    | 'hold_timeout'
    | 'agent_silent'
    | 'media_timeout'
    | 'agent_lost'
    | 'agent_slow'
    | 'balance_exhausted'
    | 'spend_limit_reached'
    | 'max_duration'
    | 'drain_deadline'
    | 'answer_unconfirmed'
    | 'session_expired'
    | 'peer_lost'
    | 'connection_lost'
    | 'signalling_lost'
    | 'store_lost'
    | 'node_crash'
    | 'cancelled'
    | 'api_cancelled'
    | 'no_answer'
    | 'busy'
    | 'rejected'
    | 'carrier_failed'
    | 'crashed_before_answer'
    | 'bad_request'
    | 'unknown_source'
    | 'unknown_number'
    | 'number_unassigned'
    | 'transport_mismatch'
    | 'credentials_refused'
    | 'outbound_only'
    | 'insufficient_balance'
    | 'workspace_limit'
    | 'spend_limit'
    | 'trunk_limit'
    | 'number_limit'
    | 'node_limit'
    | 'destination_not_allowed'
    | 'replaces_unknown'
    | 'replaces_over'
    | 'replaces_answered'
    | 'transfer_not_allowed'
    | 'no_rate'
    | 'no_route'
    | 'caller_id_not_owned'
    | 'encryption_mismatch'
    | 'keys_in_clear'
    | 'no_common_codec'
    | 'bad_offer'
    | 'draining'
    | 'agent_unreachable'
    | 'node_fault'
    | 'store_unavailable'
    | null;
  readonly sipStatus: number | null;
  readonly quality: CallQuality | null;
  readonly timeline: readonly TimelineEntry[];
  readonly bill: Bill | null;
  readonly attestation: Attestation | null;
  readonly carrierReason: CarrierReason | null;
}

export interface CallQuality {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly packetsLate: number;
  readonly packetsDuplicate: number;
  readonly packetsReordered: number;
  readonly packetsDropped: number;
  readonly jitterMs: number;
  readonly framesToAgent: number;
  readonly framesFromAgent: number;
  readonly agentFramesDropped: number;
}

/** the Reason header of the carrier’s BYE, CANCEL or refusal */
export interface CarrierReason {
  readonly sip: number | null;
  readonly q850: number | null;
  readonly text: string | null;
}

export interface CreatedApiKey {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly label: string;
  readonly role: 'read_only' | 'member' | 'admin';
  readonly token: string;
}

export interface CreatedWebhook {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly url: string;
  readonly events: 'all' | readonly ('call.ended' | 'call.billed' | 'balance.low' | 'balance.exhausted')[];
  readonly enabled: boolean;
  readonly description: string;
  readonly disabledReason: 'gone' | null;
  readonly formerSecretUntil: string | null;
  readonly secret: string;
}

export interface Diagnosis {
  readonly id: string;
  readonly createdAt: string;
  readonly durationMs: number;
  readonly workspaceId: string | null;
  readonly numberE164: string | null;
  readonly trunkId: string | null;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly steps: readonly DiagnosisStep[];
}

export interface DiagnosisStep {
  readonly step:
    | 'node'
    | 'number_exists'
    | 'number_active'
    | 'number_assigned'
    | 'inbound_allowed'
    | 'outbound_allowed'
    | 'agent_reachable'
    | 'inbound_trunk'
    | 'inbound_address'
    | 'overlap'
    | 'outbound_trunk'
    | 'gateway_address'
    | 'gateway_connect'
    | 'gateway_tls'
    | 'gateway_options'
    | 'credentials'
    | 'trunk_health'
    | 'registration'
    | 'countries'
    | 'rate'
    | 'balance'
    | 'limits'
    | 'recent_calls'
    | 'provider_account';
  readonly state: 'ok' | 'failed' | 'warning' | 'skipped';
  readonly subject: string | null;
  readonly seen: string;
  readonly advice: string | null;
  readonly docsUrl: string | null;
}

export interface ExplainedBill {
  readonly callId: string;
  readonly telephony: {
    readonly billedMs: number;
    readonly ratePerMinute: string;
    readonly amount: string;
    readonly rule: string;
  };
  readonly compute: {
    readonly billedMs: number;
    readonly ratePerMinute: string;
    readonly amount: string;
    readonly rule: string;
  };
  readonly total: string;
  readonly currency: string;
  readonly rate: BillRate | null;
  readonly evidence: { readonly start: string | null; readonly end: string | null; readonly endedBy: string | null };
  readonly final: boolean;
  readonly flags: readonly string[];
  readonly corrections: readonly Posting[];
  readonly charged: string;
  readonly explanation: readonly string[];
  readonly supplierCosts?: readonly {
    readonly id: string;
    readonly trunkId: string;
    readonly quantityMs: number;
    readonly cost: string;
    readonly revenue: string;
    readonly note: string;
  }[];
}

export interface ImportedNumber {
  readonly e164: string;
  readonly numberId: string | null;
  readonly state: 'pending' | 'active' | 'failed';
  readonly failure: NumberFailure | null;
  readonly notices: readonly Notice[];
}

export interface Ladder {
  readonly callId: string;
  readonly items: readonly LadderMessage[];
  readonly dropped: number;
  readonly kept: boolean;
}

export interface LadderMessage {
  readonly at: string;
  readonly offsetMs: number;
  readonly direction: 'in' | 'out';
  readonly transport: string;
  readonly from: string;
  readonly to: string;
  readonly startLine: string;
  readonly method: string;
  readonly status: number | null;
  readonly cseq: number | null;
  readonly text: string | null;
}

export interface Margins {
  readonly per: 'day' | 'month';
  readonly from: string;
  readonly to: string;
  readonly currency: string;
  readonly items: readonly {
    readonly trunkId: string;
    readonly period: string;
    readonly calls: number;
    readonly unpriced: number;
    readonly revenue: string;
    readonly cost: string;
    readonly margin: string;
  }[];
}

export interface Node {
  readonly id: string;
  readonly version: string;
  readonly engines: { readonly sip: string; readonly webrtc: string; readonly store: string };
  readonly ports: Readonly<Record<string, number | null>>;
  readonly state: 'active' | 'draining';
  readonly activeCalls?: number;
}

export interface Notice {
  readonly code: string;
  readonly text: string;
  readonly advice: string;
}

export interface NumberFailure {
  readonly code:
    | 'inventory_off'
    | 'balance_too_low'
    | 'spend_limit'
    | 'number_taken'
    | 'idempotency_key_reused'
    | 'provider_account_exists'
    | 'provider_account_in_use'
    | 'account_sid_invalid'
    | 'auth_token_invalid'
    | 'api_key_invalid'
    | 'gateway_address_invalid'
    | 'setup_invalid'
    | 'setup_running'
    | 'provider_credentials_refused'
    | 'key_revoked'
    | 'test_credentials'
    | 'account_suspended'
    | 'account_closed'
    | 'account_inactive'
    | 'account_blocked'
    | 'trial_limit'
    | 'account_tier'
    | 'verification_needed'
    | 'insufficient_funds'
    | 'different_account'
    | 'permission_account'
    | 'permission_numbers'
    | 'permission_trunks'
    | 'permission_sip_lists'
    | 'permission_connections'
    | 'permission_voice_profiles'
    | 'permission_ordering'
    | 'number_invalid'
    | 'number_not_in_account'
    | 'number_in_use_elsewhere'
    | 'number_no_voice'
    | 'number_not_active'
    | 'number_processing'
    | 'number_not_detachable'
    | 'number_locked'
    | 'number_gone'
    | 'number_reserved'
    | 'number_not_searched'
    | 'number_wrong_type'
    | 'reservations_full'
    | 'reservation_over'
    | 'country_unsupported'
    | 'type_unsupported'
    | 'area_code_invalid'
    | 'out_of_stock'
    | 'no_coverage'
    | 'address_required'
    | 'address_certification'
    | 'documents_required'
    | 'price_higher'
    | 'order_refused'
    | 'order_unconfirmed'
    | 'order_running'
    | 'order_reference_reused'
    | 'resource_in_use'
    | 'name_taken'
    | 'provider_object_gone'
    | 'encrypted_media_refused'
    | 'setup_differs'
    | 'request_refused'
    | 'provider_rate_limited'
    | 'queue_full'
    | 'provider_unreachable'
    | 'provider_timeout'
    | 'provider_fault'
    | 'provider_answer_invalid'
    | 'provider_answer_too_large'
    | 'too_many_pages'
    | 'provider_run_cancelled';
  readonly text: string;
  readonly advice: string;
  readonly detail: string | null;
}

export interface NumberOrder {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly agentId: string | null;
  readonly state: 'pending' | 'completed' | 'partly_completed' | 'failed';
  readonly numbers: readonly {
    readonly e164: string;
    readonly state: 'pending' | 'active' | 'failed';
    readonly numberId: string | null;
    readonly monthlyFee: string | null;
    readonly setupFee: string | null;
    readonly failure: NumberFailure | null;
  }[];
}

export interface NumberRequest {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly country: string;
  readonly type: 'local' | 'mobile' | 'national' | 'tollfree';
  readonly requestType: 'new' | 'porting';
  readonly quantity: number;
  readonly numbers: readonly string[];
  readonly status:
    | 'draft'
    | 'awaiting_documents'
    | 'awaiting_payment'
    | 'in_review'
    | 'approved'
    | 'rejected'
    | 'cancelled';
  readonly fields: Readonly<
    Record<
      string,
      {
        readonly status: 'saved' | 'pending' | 'invalid';
        readonly required: boolean;
        readonly value: string | null;
        readonly savedAt: string | null;
        readonly problem: string | null;
      }
    >
  >;
  readonly documents: readonly {
    readonly id: string;
    readonly kind: string;
    readonly mediaType: 'application/pdf' | 'image/jpeg' | 'image/png';
    readonly bytes: number;
    readonly createdAt: string;
  }[];
  readonly missing: { readonly fields: readonly string[]; readonly documents: readonly string[] };
  readonly fees: {
    readonly activation: string;
    readonly monthly: string;
    readonly currency: string;
    readonly total: string;
    readonly status: 'none' | 'unpaid' | 'paid' | 'refunded';
    readonly paidAt: string | null;
    readonly refundedAt: string | null;
  };
  readonly reviewDays: { readonly from: number; readonly to: number } | null;
  readonly decidedAt: string | null;
  readonly reason: string | null;
  readonly approvedNumbers: readonly { readonly id: string; readonly e164: string }[];
  readonly erasedAt: string | null;
  readonly history: readonly {
    readonly at: string;
    readonly status:
      | 'draft'
      | 'awaiting_documents'
      | 'awaiting_payment'
      | 'in_review'
      | 'approved'
      | 'rejected'
      | 'cancelled';
    readonly by: 'customer' | 'operator' | 'system';
  }[];
}

export interface NumberRequirement {
  readonly country: string;
  readonly countryName: string;
  readonly type: 'local' | 'mobile' | 'national' | 'tollfree';
  readonly typeLabel: string;
  readonly requestType: 'new' | 'porting';
  readonly notes: readonly string[];
  readonly fields: readonly {
    readonly name: string;
    readonly label: string;
    readonly help: string;
    readonly example: string;
    readonly required: boolean;
    readonly format: 'text' | 'email' | 'phone' | 'date';
    readonly pattern: string | null;
    readonly minLength: number;
    readonly maxLength: number;
    readonly options: readonly { readonly value: string; readonly label: string }[];
    readonly normalise: 'trim' | 'compact';
    readonly secret: boolean;
    readonly when: { readonly field: string; readonly is: readonly string[] } | null;
  }[];
  readonly documents: readonly {
    readonly kind: string;
    readonly label: string;
    readonly help: string;
    readonly required: boolean;
    readonly maxAgeMonths: number | null;
    readonly when: { readonly field: string; readonly is: readonly string[] } | null;
  }[];
  readonly fees: { readonly activation: string; readonly monthly: string; readonly currency: string };
  readonly reviewDays: { readonly from: number; readonly to: number };
  readonly areas: {
    readonly areaField: string;
    readonly postalField: string;
    readonly areas: readonly {
      readonly code: string;
      readonly name: string;
      readonly postalPrefixes: readonly string[];
    }[];
  } | null;
}

export interface PersonalNumber {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly e164: string;
  readonly country: string | null;
  readonly language: 'de' | 'en' | 'es' | 'fr' | 'it' | 'pt';
  readonly state: 'pending' | 'expired' | 'failed' | 'confirmed' | 'verified' | 'taken' | 'removed';
  readonly numberId: string | null;
  readonly verifiedAt: string | null;
  readonly codeExpiresAt: string | null;
  readonly attemptsLeft: number;
  readonly callsLeft: number;
  readonly nextCallAt: string | null;
  readonly call: {
    readonly state:
      | 'calling'
      | 'ringing'
      | 'speaking'
      | 'spoken'
      | 'hung_up'
      | 'no_answer'
      | 'busy'
      | 'rejected'
      | 'failed'
      | 'unknown';
    readonly advice: string;
    readonly callId: string | null;
  } | null;
}

export interface PhoneNumber {
  readonly id: string;
  readonly createdAt: string;
  readonly e164: string;
  readonly country: string | null;
  readonly workspaceId: string;
  readonly provider: 'managed' | 'twilio' | 'telnyx' | 'byoc' | 'personal';
  readonly trunkId: string | null;
  readonly agentId: string | null;
  readonly supportsInbound: boolean;
  readonly supportsOutbound: boolean;
  readonly status: 'active' | 'pending' | 'released';
  readonly limits: { readonly concurrentCalls: number | null; readonly callsPerSecond: number | null };
  readonly warnings: readonly (
    | 'not_assigned_to_agent'
    | 'fee_unpaid'
    | 'outbound_suspended'
    | 'trunk_missing'
    | 'trunk_down'
    | 'not_connected'
  )[];
}

export interface Posting {
  readonly id: string;
  readonly workspaceId: string;
  readonly callId: string | null;
  readonly meter: 'telephony' | 'compute' | 'topup' | 'fee' | 'adjustment';
  readonly quantityMs: number;
  readonly amount: string;
  readonly balanceAfter: string;
  readonly at: string;
  readonly note: string;
}

/** RFC 9457 problem details; `code` is stable. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code:
    | 'malformed_json'
    | 'malformed_form'
    | 'malformed_request'
    | 'idempotency_key_required'
    | 'unauthorized'
    | 'forbidden'
    | 'missing_scope'
    | 'csrf_failed'
    | 'not_found'
    | 'route_not_found'
    | 'request_timeout'
    | 'method_not_allowed'
    | 'balance_too_low'
    | 'number_taken'
    | 'inventory_off'
    | 'provider_account_exists'
    | 'provider_account_in_use'
    | 'trunk_ambiguous'
    | 'record_in_use'
    | 'request_state'
    | 'request_limit'
    | 'document_limit'
    | 'approval_conflict'
    | 'record_limit'
    | 'webhook_limit'
    | 'webhook_disabled'
    | 'dtmf_queue_full'
    | 'dtmf_unavailable'
    | 'call_not_answered'
    | 'transfer_unsupported'
    | 'transfer_in_progress'
    | 'transfer_refused'
    | 'test_calls_off'
    | 'verification_failed'
    | 'already_verified'
    | 'verified_elsewhere'
    | 'resend_limit'
    | 'idempotency_key_reused'
    | 'resolution_conflict'
    | 'code_expired'
    | 'body_too_large'
    | 'unsupported_media_type'
    | 'invalid_fields'
    | 'request_incomplete'
    | 'document_refused'
    | 'code_wrong'
    | 'transfer_target_invalid'
    | 'unknown_reference'
    | 'range_too_large'
    | 'trunk_not_reconcilable'
    | 'mapping_invalid'
    | 'cdr_file_invalid'
    | 'cdr_rows_invalid'
    | 'headers_too_large'
    | 'rate_limited'
    | 'test_call_limit'
    | 'verification_pause'
    | 'verification_limit'
    | 'stream_limit'
    | 'checks_busy'
    | 'internal_error'
    | 'uploads_busy'
    | 'verifications_unavailable'
    | 'reconciliation_busy'
    | 'not_ready'
    | 'account_sid_invalid'
    | 'auth_token_invalid'
    | 'api_key_invalid'
    | 'gateway_address_invalid'
    | 'setup_invalid'
    | 'setup_running'
    | 'provider_credentials_refused'
    | 'key_revoked'
    | 'test_credentials'
    | 'account_suspended'
    | 'account_closed'
    | 'account_inactive'
    | 'account_blocked'
    | 'trial_limit'
    | 'account_tier'
    | 'verification_needed'
    | 'insufficient_funds'
    | 'different_account'
    | 'permission_account'
    | 'permission_numbers'
    | 'permission_trunks'
    | 'permission_sip_lists'
    | 'permission_connections'
    | 'permission_voice_profiles'
    | 'permission_ordering'
    | 'number_invalid'
    | 'number_not_in_account'
    | 'number_in_use_elsewhere'
    | 'number_no_voice'
    | 'number_not_active'
    | 'number_processing'
    | 'number_not_detachable'
    | 'number_locked'
    | 'number_gone'
    | 'number_reserved'
    | 'number_not_searched'
    | 'number_wrong_type'
    | 'reservations_full'
    | 'reservation_over'
    | 'country_unsupported'
    | 'type_unsupported'
    | 'area_code_invalid'
    | 'out_of_stock'
    | 'no_coverage'
    | 'address_required'
    | 'address_certification'
    | 'documents_required'
    | 'price_higher'
    | 'order_refused'
    | 'order_unconfirmed'
    | 'order_running'
    | 'order_reference_reused'
    | 'resource_in_use'
    | 'name_taken'
    | 'provider_object_gone'
    | 'encrypted_media_refused'
    | 'setup_differs'
    | 'request_refused'
    | 'provider_rate_limited'
    | 'queue_full'
    | 'provider_unreachable'
    | 'provider_timeout'
    | 'provider_fault'
    | 'provider_answer_invalid'
    | 'provider_answer_too_large'
    | 'too_many_pages'
    | 'provider_run_cancelled'
    | 'remote_hangup'
    | 'agent_hangup'
    | 'api_hangup'
    | 'transferred'
    | 'hold_timeout'
    | 'agent_silent'
    | 'media_timeout'
    | 'agent_lost'
    | 'agent_slow'
    | 'balance_exhausted'
    | 'spend_limit_reached'
    | 'max_duration'
    | 'drain_deadline'
    | 'answer_unconfirmed'
    | 'session_expired'
    | 'peer_lost'
    | 'connection_lost'
    | 'signalling_lost'
    | 'store_lost'
    | 'node_crash'
    | 'cancelled'
    | 'api_cancelled'
    | 'no_answer'
    | 'busy'
    | 'rejected'
    | 'carrier_failed'
    | 'crashed_before_answer'
    | 'bad_request'
    | 'unknown_source'
    | 'unknown_number'
    | 'number_unassigned'
    | 'transport_mismatch'
    | 'credentials_refused'
    | 'outbound_only'
    | 'insufficient_balance'
    | 'workspace_limit'
    | 'spend_limit'
    | 'trunk_limit'
    | 'number_limit'
    | 'node_limit'
    | 'destination_not_allowed'
    | 'replaces_unknown'
    | 'replaces_over'
    | 'replaces_answered'
    | 'transfer_not_allowed'
    | 'no_rate'
    | 'no_route'
    | 'caller_id_not_owned'
    | 'encryption_mismatch'
    | 'keys_in_clear'
    | 'no_common_codec'
    | 'bad_offer'
    | 'draining'
    | 'agent_unreachable'
    | 'node_fault'
    | 'store_unavailable';
  readonly detail?: string;
  readonly instance?: string;
  readonly advice?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

export interface ProviderAccount {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly provider: 'twilio' | 'telnyx';
  readonly accountSid: string | null;
  readonly label: string | null;
  readonly keySet: boolean;
  readonly checkedAt: string;
  readonly notices: readonly Notice[];
  readonly trunkId: string | null;
  readonly provisioning: {
    readonly phase: 'new' | 'provisioning' | 'stopped' | 'ready' | 'undoing' | 'undone';
    readonly running: boolean;
    readonly steps: readonly {
      readonly step: string;
      readonly text: string;
      readonly state: 'pending' | 'started' | 'waiting' | 'found' | 'done' | 'failed';
      readonly failure: NumberFailure | null;
    }[];
    readonly failure: NumberFailure | null;
    readonly allowedCountries: 'worldwide' | readonly string[];
  };
  readonly imports: {
    readonly connected: number;
    readonly open: readonly {
      readonly e164: string;
      readonly numberId: string;
      readonly state: 'pending' | 'active' | 'failed';
      readonly failure: NumberFailure | null;
      readonly notices: readonly Notice[];
    }[];
  };
}

export interface Reconciliation {
  readonly id: string;
  readonly createdAt: string;
  readonly carrier: string;
  readonly trunkId: string;
  readonly fileName: string;
  readonly sha256: string;
  readonly mapping: string;
  readonly from: string;
  readonly to: string;
  readonly state: 'complete' | 'interrupted' | 'tried';
  readonly repeated: boolean;
  readonly report: ReconciliationImportReport | null;
}

export interface ReconciliationException {
  readonly id: string;
  readonly createdAt: string;
  readonly kind:
    | 'duration_differs'
    | 'missing_here'
    | 'missing_there'
    | 'not_answered_here'
    | 'ambiguous'
    | 'cost_differs';
  readonly status: 'open' | 'resolved';
  readonly at: string;
  readonly carrier: string;
  readonly trunkId: string;
  readonly reconciliationId: string | null;
  readonly recordId: string | null;
  readonly callId: string | null;
  readonly workspaceId: string | null;
  readonly from: string;
  readonly to: string;
  readonly carrierMs: number | null;
  readonly ourMs: number | null;
  readonly carrierCost: string | null;
  readonly knownCost: string | null;
  readonly revenue: string | null;
  readonly value: string;
  readonly carrierCurrency: string | null;
  readonly detail: string;
  readonly resolution: {
    readonly resolvedAt: string | null;
    readonly by: string;
    readonly note: string;
    readonly adjustment: { readonly workspaceId: string; readonly amount: string; readonly postingId: string } | null;
  } | null;
}

/** Costs in the currency of the mapping, revenue in that of the node. */
export interface ReconciliationGroup {
  readonly count: number;
  readonly carrierMs: number;
  readonly ourMs: number;
  readonly carrierCost: string;
  readonly revenue: string;
}

export interface ReconciliationImportReport {
  readonly rows: {
    readonly rows: number;
    readonly bad: number;
    readonly skipped: number;
    readonly outOfRange: number;
    readonly repeated: number;
    readonly known: number;
    readonly revised: number;
    readonly imported: number;
    readonly badRows: readonly { readonly line: number; readonly reason: string }[];
  };
  readonly carrierCurrency: string | null;
  readonly matched: ReconciliationGroup;
  readonly withinTolerance: ReconciliationGroup;
  readonly corrected: ReconciliationGroup;
  readonly correctionsCharged: string;
  readonly unanswered: ReconciliationGroup;
  readonly unansweredOnly: ReconciliationGroup;
  readonly pending: number;
  readonly exceptions: {
    readonly duration_differs: ReconciliationGroup;
    readonly missing_here: ReconciliationGroup;
    readonly missing_there: ReconciliationGroup;
    readonly not_answered_here: ReconciliationGroup;
    readonly ambiguous: ReconciliationGroup;
    readonly cost_differs: ReconciliationGroup;
  };
  readonly retriedMatched: number;
  readonly total: ReconciliationGroup;
}

export interface ReconciliationReport {
  readonly carrierCurrency: string | null;
  readonly matched: ReconciliationGroup;
  readonly withinTolerance: ReconciliationGroup;
  readonly corrected: ReconciliationGroup;
  readonly correctionsCharged: string;
  readonly unanswered: ReconciliationGroup;
  readonly unansweredOnly: ReconciliationGroup;
  readonly pending: number;
  readonly exceptions: {
    readonly duration_differs: ReconciliationGroup;
    readonly missing_here: ReconciliationGroup;
    readonly missing_there: ReconciliationGroup;
    readonly not_answered_here: ReconciliationGroup;
    readonly ambiguous: ReconciliationGroup;
    readonly cost_differs: ReconciliationGroup;
  };
  readonly retriedMatched: number;
  readonly total: ReconciliationGroup;
}

export interface RouteExplanation {
  readonly verdict: 'accepted' | 'refused';
  readonly reason:
    | 'remote_hangup'
    | 'agent_hangup'
    | 'api_hangup'
    | 'transferred'
    | 'hold_timeout'
    | 'agent_silent'
    | 'media_timeout'
    | 'agent_lost'
    | 'agent_slow'
    | 'balance_exhausted'
    | 'spend_limit_reached'
    | 'max_duration'
    | 'drain_deadline'
    | 'answer_unconfirmed'
    | 'session_expired'
    | 'peer_lost'
    | 'connection_lost'
    | 'signalling_lost'
    | 'store_lost'
    | 'node_crash'
    | 'cancelled'
    | 'api_cancelled'
    | 'no_answer'
    | 'busy'
    | 'rejected'
    | 'carrier_failed'
    | 'crashed_before_answer'
    | 'bad_request'
    | 'unknown_source'
    | 'unknown_number'
    | 'number_unassigned'
    | 'transport_mismatch'
    | 'credentials_refused'
    | 'outbound_only'
    | 'insufficient_balance'
    | 'workspace_limit'
    | 'spend_limit'
    | 'trunk_limit'
    | 'number_limit'
    | 'node_limit'
    | 'destination_not_allowed'
    | 'replaces_unknown'
    | 'replaces_over'
    | 'replaces_answered'
    | 'transfer_not_allowed'
    | 'no_rate'
    | 'no_route'
    | 'caller_id_not_owned'
    | 'encryption_mismatch'
    | 'keys_in_clear'
    | 'no_common_codec'
    | 'bad_offer'
    | 'draining'
    | 'agent_unreachable'
    | 'node_fault'
    | 'store_unavailable'
    | null;
  readonly sipStatus: number;
  readonly text: string;
  readonly trunkId: string | null;
  readonly workspaceId: string | null;
  readonly numberId: string | null;
  readonly agentId: string | null;
  readonly steps: readonly {
    readonly check: string;
    readonly result: 'ok' | 'failed' | 'note';
    readonly seen: string;
  }[];
}

export interface SavedTrunk {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string | null;
  readonly kind: 'managed' | 'telnyx' | 'byoc';
  readonly label: string;
  readonly inbound: {
    readonly enabled: boolean;
    readonly addresses: readonly string[];
    readonly transport: 'udp' | 'tcp' | 'tls' | null;
    readonly calledNumberFrom: 'request_uri' | 'to' | 'p_called_party_id' | 'diversion';
    readonly callerNumberFrom: 'from' | 'asserted';
    readonly country: string | null;
    readonly stripPrefix: string | null;
    readonly mediaEncryption: 'off' | 'optional' | 'required';
    readonly earlyMedia: 'off' | 'ringback';
    readonly reliableProvisionals: boolean;
    readonly sessionExpiresSec: number | null;
    readonly auth: { readonly username: string; readonly passwordSet: boolean } | null;
    readonly sbc: readonly {
      readonly host: string;
      readonly port: number;
      readonly transport: 'udp' | 'tcp' | 'tls';
    }[];
  };
  readonly outbound: {
    readonly enabled: boolean;
    readonly transport: 'udp' | 'tcp' | 'tls' | null;
    readonly mediaEncryption: 'off' | 'optional' | 'required';
    readonly username: string | null;
    readonly register: boolean;
    readonly failoverStatuses: readonly number[];
    readonly attemptTimeoutMs: number;
    readonly allowedCountries: 'worldwide' | readonly string[];
    readonly callerIdMode: 'from_and_pai' | 'from' | 'pai';
    readonly techPrefix: string | null;
    readonly numberFormat: 'e164' | 'digits' | '00' | 'national';
    readonly callerNumberFormat: 'e164' | 'digits' | '00' | 'national' | null;
    readonly country: string | null;
    readonly fromDomain: string | null;
    readonly fromUser: string | null;
    readonly displayName: string | null;
    readonly earlyMedia: 'off' | 'agent';
    readonly sessionExpiresSec: number | null;
    readonly identityHeader: 'p_asserted_identity' | 'p_preferred_identity' | 'remote_party_id';
    readonly privacy: 'off' | 'id';
    readonly diversion: string | null;
    readonly userPhone: boolean;
    readonly authRealm: string | null;
    readonly registration: {
      readonly user: string | null;
      readonly domain: string | null;
      readonly expiresSec: number;
      readonly calledNumber: string | null;
    };
    readonly gateways: readonly {
      readonly host: string;
      readonly port: number | null;
      readonly priority: number;
      readonly weight: number;
    }[];
    readonly passwordSet: boolean;
  };
  readonly codecs: readonly ('PCMU' | 'PCMA')[];
  readonly limits: { readonly concurrentCalls: number | null; readonly callsPerSecond: number | null };
  readonly natAllowed: boolean;
  readonly srtp: {
    readonly suites: readonly (
      | 'AEAD_AES_256_GCM'
      | 'AEAD_AES_128_GCM'
      | 'AES_CM_128_HMAC_SHA1_80'
      | 'AES_CM_128_HMAC_SHA1_32'
    )[];
    readonly keysInClear: boolean;
  };
  readonly transfer: 'refer' | 'off';
  readonly carrierTransfer: 'follow' | 'off';
  readonly redirects: 'follow' | 'off';
  readonly agentHeaders: readonly string[];
  readonly attestation: 'trusted' | 'ignored';
  readonly dtmf: 'auto' | 'rfc4733' | 'info' | 'inband';
  readonly mediaTimeouts: {
    readonly firstPacketMs: number | null;
    readonly silenceMs: number | null;
    readonly heldMs: number | null;
    readonly agentSilentMs: number | null;
  };
  readonly registration: {
    readonly state: 'waiting' | 'registering' | 'registered' | 'failed' | 'stopped' | 'elsewhere';
    readonly since: string;
    readonly expiresAt: string | null;
    readonly registrar: string | null;
    readonly lastError: string | null;
  } | null;
  readonly health: {
    readonly state: 'up' | 'down' | 'unknown';
    readonly since: string;
    readonly lastError: string | null;
  } | null;
  readonly checks: readonly TrunkCheck[];
}

export interface Session {
  readonly csrfToken: string;
  readonly principal: {
    readonly kind: 'operator' | 'workspace';
    readonly workspaceId: string | null;
    readonly role: 'read_only' | 'member' | 'admin';
  };
  readonly expiresAt: string;
}

export interface SipBan {
  readonly network: string;
  readonly way: 'datagram' | 'connection';
  readonly reason: 'scanner' | 'malformed' | 'register' | 'invite' | 'options' | 'other_request' | 'digest' | 'rate';
  readonly since: string;
  readonly until: string;
  readonly times: number;
  readonly turnedAway: number;
}

/** amounts as in the ledger, negative = charged: opening + top-ups + fees + charges + adjustments = closing */
export interface Statement {
  readonly workspaceId: string;
  readonly month: string;
  readonly from: string;
  readonly to: string;
  readonly currency: string;
  readonly final: boolean;
  readonly opening: string;
  readonly topups: { readonly count: number; readonly amount: string };
  readonly fees: { readonly count: number; readonly amount: string };
  readonly charges: readonly {
    readonly class: 'managed' | 'imported' | 'byoc' | 'browser' | null;
    readonly meter: 'telephony' | 'compute';
    readonly count: number;
    readonly quantityMs: number;
    readonly amount: string;
  }[];
  readonly adjustments: { readonly count: number; readonly amount: string };
  readonly closing: string;
  readonly calls?: readonly {
    readonly callId: string;
    readonly at: string;
    readonly class: 'managed' | 'imported' | 'byoc' | 'browser' | null;
    readonly telephonyMs: number;
    readonly computeMs: number;
    readonly telephony: string;
    readonly compute: string;
    readonly adjustments: string;
    readonly amount: string;
  }[];
  readonly others?: readonly Posting[];
}

export interface TestCall {
  readonly id: string;
  readonly workspaceId: string;
  readonly agentId: string;
  readonly wsUrl: string;
  readonly sipUri: string;
  readonly username: string;
  readonly password: string;
  readonly realm: string;
  readonly expiresAt: string;
  readonly iceServers: readonly {
    readonly urls: readonly string[];
    readonly username?: string;
    readonly credential?: string;
  }[];
}

export interface TimelineEntry {
  readonly at: string;
  readonly offsetMs: number;
  readonly event: string;
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface Trunk {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string | null;
  readonly kind: 'managed' | 'telnyx' | 'byoc';
  readonly label: string;
  readonly inbound: {
    readonly enabled: boolean;
    readonly addresses: readonly string[];
    readonly transport: 'udp' | 'tcp' | 'tls' | null;
    readonly calledNumberFrom: 'request_uri' | 'to' | 'p_called_party_id' | 'diversion';
    readonly callerNumberFrom: 'from' | 'asserted';
    readonly country: string | null;
    readonly stripPrefix: string | null;
    readonly mediaEncryption: 'off' | 'optional' | 'required';
    readonly earlyMedia: 'off' | 'ringback';
    readonly reliableProvisionals: boolean;
    readonly sessionExpiresSec: number | null;
    readonly auth: { readonly username: string; readonly passwordSet: boolean } | null;
    readonly sbc: readonly {
      readonly host: string;
      readonly port: number;
      readonly transport: 'udp' | 'tcp' | 'tls';
    }[];
  };
  readonly outbound: {
    readonly enabled: boolean;
    readonly transport: 'udp' | 'tcp' | 'tls' | null;
    readonly mediaEncryption: 'off' | 'optional' | 'required';
    readonly username: string | null;
    readonly register: boolean;
    readonly failoverStatuses: readonly number[];
    readonly attemptTimeoutMs: number;
    readonly allowedCountries: 'worldwide' | readonly string[];
    readonly callerIdMode: 'from_and_pai' | 'from' | 'pai';
    readonly techPrefix: string | null;
    readonly numberFormat: 'e164' | 'digits' | '00' | 'national';
    readonly callerNumberFormat: 'e164' | 'digits' | '00' | 'national' | null;
    readonly country: string | null;
    readonly fromDomain: string | null;
    readonly fromUser: string | null;
    readonly displayName: string | null;
    readonly earlyMedia: 'off' | 'agent';
    readonly sessionExpiresSec: number | null;
    readonly identityHeader: 'p_asserted_identity' | 'p_preferred_identity' | 'remote_party_id';
    readonly privacy: 'off' | 'id';
    readonly diversion: string | null;
    readonly userPhone: boolean;
    readonly authRealm: string | null;
    readonly registration: {
      readonly user: string | null;
      readonly domain: string | null;
      readonly expiresSec: number;
      readonly calledNumber: string | null;
    };
    readonly gateways: readonly {
      readonly host: string;
      readonly port: number | null;
      readonly priority: number;
      readonly weight: number;
    }[];
    readonly passwordSet: boolean;
  };
  readonly codecs: readonly ('PCMU' | 'PCMA')[];
  readonly limits: { readonly concurrentCalls: number | null; readonly callsPerSecond: number | null };
  readonly natAllowed: boolean;
  readonly srtp: {
    readonly suites: readonly (
      | 'AEAD_AES_256_GCM'
      | 'AEAD_AES_128_GCM'
      | 'AES_CM_128_HMAC_SHA1_80'
      | 'AES_CM_128_HMAC_SHA1_32'
    )[];
    readonly keysInClear: boolean;
  };
  readonly transfer: 'refer' | 'off';
  readonly carrierTransfer: 'follow' | 'off';
  readonly redirects: 'follow' | 'off';
  readonly agentHeaders: readonly string[];
  readonly attestation: 'trusted' | 'ignored';
  readonly dtmf: 'auto' | 'rfc4733' | 'info' | 'inband';
  readonly mediaTimeouts: {
    readonly firstPacketMs: number | null;
    readonly silenceMs: number | null;
    readonly heldMs: number | null;
    readonly agentSilentMs: number | null;
  };
  readonly registration: {
    readonly state: 'waiting' | 'registering' | 'registered' | 'failed' | 'stopped' | 'elsewhere';
    readonly since: string;
    readonly expiresAt: string | null;
    readonly registrar: string | null;
    readonly lastError: string | null;
  } | null;
  readonly health: {
    readonly state: 'up' | 'down' | 'unknown';
    readonly since: string;
    readonly lastError: string | null;
  } | null;
}

export interface TrunkCheck {
  readonly check:
    | 'node'
    | 'number_exists'
    | 'number_active'
    | 'number_assigned'
    | 'inbound_allowed'
    | 'outbound_allowed'
    | 'agent_reachable'
    | 'inbound_trunk'
    | 'inbound_address'
    | 'overlap'
    | 'outbound_trunk'
    | 'gateway_address'
    | 'gateway_connect'
    | 'gateway_tls'
    | 'gateway_options'
    | 'credentials'
    | 'trunk_health'
    | 'registration'
    | 'countries'
    | 'rate'
    | 'balance'
    | 'limits'
    | 'recent_calls'
    | 'provider_account';
  readonly state: 'ok' | 'failed' | 'warning' | 'skipped';
  readonly subject: string | null;
  readonly seen: string;
  readonly advice: string | null;
  readonly docsUrl: string | null;
}

export interface TrunkChecks {
  readonly checks: readonly TrunkCheck[];
}

/** what was charged; negative = given back */
export interface Usage {
  readonly workspaceId: string;
  readonly groupBy: 'number' | 'agent' | 'day';
  readonly from: string;
  readonly to: string;
  readonly currency: string;
  readonly items: readonly {
    readonly key: string | null;
    readonly calls: number;
    readonly answered: number;
    readonly telephonyMs: number;
    readonly computeMs: number;
    readonly telephony: string;
    readonly compute: string;
    readonly adjustments: string;
    readonly total: string;
  }[];
  readonly total: {
    readonly calls: number;
    readonly answered: number;
    readonly telephonyMs: number;
    readonly computeMs: number;
    readonly telephony: string;
    readonly compute: string;
    readonly adjustments: string;
    readonly total: string;
  };
}

export interface Webhook {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly url: string;
  readonly events: 'all' | readonly ('call.ended' | 'call.billed' | 'balance.low' | 'balance.exhausted')[];
  readonly enabled: boolean;
  readonly description: string;
  readonly disabledReason: 'gone' | null;
  readonly formerSecretUntil: string | null;
}

export interface WebhookDelivery {
  readonly id: string;
  readonly createdAt: string;
  readonly eventId: string;
  readonly type: 'call.ended' | 'call.billed' | 'balance.low' | 'balance.exhausted' | 'webhook.test';
  readonly status: 'waiting' | 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly lastAttemptAt: string | null;
  readonly lastStatus: number | null;
  readonly lastError:
    | 'dns_failed'
    | 'address_not_allowed'
    | 'connect_failed'
    | 'tls_failed'
    | 'connection_lost'
    | 'response_invalid'
    | 'timeout'
    | 'bad_status'
    | 'queue_full'
    | 'expired'
    | null;
  readonly lastResponse: string | null;
  readonly finishedAt: string | null;
}

export interface Workspace {
  readonly id: string;
  readonly createdAt: string;
  readonly name: string;
  readonly billingMode: 'prepaid' | 'postpaid';
  readonly balance: string;
  readonly reserved: string;
  readonly currency: string;
  readonly limits: {
    readonly concurrentCalls: number | null;
    readonly callsPerSecond: number | null;
    readonly spendPerHour: string | null;
    readonly spendPerDay: string | null;
  };
  readonly defaultTrunkId: string | null;
}

export interface Routes {
  /** Signs a browser in with the admin token or an API key: the answer sets the cookie */
  'POST /v1/sessions': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly token: string };
    readonly answer: Session;
  };
  /** The session of the cookie, as a page that was loaded again needs it */
  'GET /v1/sessions/current': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Session;
  };
  /** Signs out: the cookie opens nothing from now on, its event streams end */
  'DELETE /v1/sessions/current': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Lists workspaces; a key sees its own only */
  'GET /v1/workspaces': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly limit?: number; readonly cursor?: string };
    readonly body: undefined;
    readonly answer: { readonly items: readonly Workspace[]; readonly nextCursor: string | null };
  };
  /** Creates a workspace */
  'POST /v1/workspaces': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly name: string;
      readonly billingMode?: 'prepaid' | 'postpaid';
      readonly limits?: {
        readonly concurrentCalls?: number | null;
        readonly callsPerSecond?: number | null;
        readonly spendPerHour?: string | null;
        readonly spendPerDay?: string | null;
      };
    };
    readonly answer: Workspace;
  };
  /** One workspace with its balance */
  'GET /v1/workspaces/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Workspace;
  };
  /** Changes name, billing mode or limits */
  'PATCH /v1/workspaces/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly name?: string;
      readonly billingMode?: 'prepaid' | 'postpaid';
      readonly limits?: {
        readonly concurrentCalls?: number | null;
        readonly callsPerSecond?: number | null;
        readonly spendPerHour?: string | null;
        readonly spendPerDay?: string | null;
      };
    };
    readonly answer: Workspace;
  };
  /** Says over which trunk calls leave whose caller id has none of its own */
  'PUT /v1/workspaces/{id}/default-trunk': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly trunkId: string | null };
    readonly answer: Workspace;
  };
  /** Adds money to the balance */
  'POST /v1/workspaces/{id}/topups': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly amount: string; readonly note?: string };
    readonly answer: Posting;
  };
  /** Lists API keys (never their tokens) */
  'GET /v1/workspaces/{id}/keys': {
    readonly params: { readonly id: string };
    readonly query: { readonly limit?: number; readonly cursor?: string };
    readonly body: undefined;
    readonly answer: { readonly items: readonly ApiKey[]; readonly nextCursor: string | null };
  };
  /** Creates an API key; the token is shown this once */
  'POST /v1/workspaces/{id}/keys': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly label: string; readonly role?: 'read_only' | 'member' | 'admin' };
    readonly answer: CreatedApiKey;
  };
  /** Revokes an API key at once, with the sessions that were opened with it */
  'DELETE /v1/workspaces/{id}/keys/{keyId}': {
    readonly params: { readonly id: string; readonly keyId: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Lists agents */
  'GET /v1/agents': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly workspaceId?: string };
    readonly body: undefined;
    readonly answer: { readonly items: readonly Agent[]; readonly nextCursor: string | null };
  };
  /** Creates an agent */
  'POST /v1/agents': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly workspaceId?: string;
      readonly name: string;
      readonly stream: {
        readonly url: string;
        readonly protocol: 'twilio';
        readonly codec?: 'PCMU' | 'PCMA';
        readonly headers?: Readonly<Record<string, string>>;
        readonly authToken?: string | null;
        readonly customParameters?: Readonly<Record<string, string>>;
        readonly extensionEvents?: boolean;
      };
      readonly fallbackAgentId?: string | null;
      readonly readyTimeoutMs?: number;
    };
    readonly answer: Agent;
  };
  /** One agent */
  'GET /v1/agents/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Agent;
  };
  /** Changes an agent; live calls keep what they started with */
  'PATCH /v1/agents/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly name?: string;
      readonly stream?: {
        readonly url?: string;
        readonly protocol?: 'twilio';
        readonly codec?: 'PCMU' | 'PCMA';
        readonly headers?: Readonly<Record<string, string>>;
        readonly customParameters?: Readonly<Record<string, string>>;
        readonly extensionEvents?: boolean;
        readonly authToken?: string | null;
      };
      readonly fallbackAgentId?: string | null;
      readonly readyTimeoutMs?: number;
    };
    readonly answer: Agent;
  };
  /** Deletes an agent that no number and no other agent points at */
  'DELETE /v1/agents/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Lists trunks */
  'GET /v1/trunks': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly workspaceId?: string };
    readonly body: undefined;
    readonly answer: { readonly items: readonly Trunk[]; readonly nextCursor: string | null };
  };
  /** Creates a trunk with its numbers and checks it; managed ones are the operator’s and belong to no workspace */
  'POST /v1/trunks': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly check?: 'run' | 'only' | 'none' };
    readonly body: {
      readonly workspaceId?: string | null;
      readonly kind?: 'managed' | 'telnyx' | 'byoc';
      readonly label: string;
      readonly numbers?: readonly {
        readonly e164: string;
        readonly supportsInbound?: boolean;
        readonly supportsOutbound?: boolean;
        readonly agentId?: string | null;
      }[];
      readonly inbound?: {
        readonly enabled?: boolean;
        readonly addresses?: readonly string[];
        readonly transport?: 'udp' | 'tcp' | 'tls' | null;
        readonly calledNumberFrom?: 'request_uri' | 'to' | 'p_called_party_id' | 'diversion';
        readonly callerNumberFrom?: 'from' | 'asserted';
        readonly country?: string | null;
        readonly stripPrefix?: string | null;
        readonly mediaEncryption?: 'off' | 'optional' | 'required';
        readonly earlyMedia?: 'off' | 'ringback';
        readonly reliableProvisionals?: boolean;
        readonly sessionExpiresSec?: number | null;
        readonly auth?: { readonly username: string; readonly password: string } | null;
      };
      readonly outbound?: {
        readonly enabled?: boolean;
        readonly transport?: 'udp' | 'tcp' | 'tls' | null;
        readonly mediaEncryption?: 'off' | 'optional' | 'required';
        readonly username?: string | null;
        readonly register?: boolean;
        readonly failoverStatuses?: readonly number[];
        readonly attemptTimeoutMs?: number;
        readonly allowedCountries?: 'worldwide' | readonly string[];
        readonly callerIdMode?: 'from_and_pai' | 'from' | 'pai';
        readonly techPrefix?: string | null;
        readonly numberFormat?: 'e164' | 'digits' | '00' | 'national';
        readonly callerNumberFormat?: 'e164' | 'digits' | '00' | 'national' | null;
        readonly country?: string | null;
        readonly fromDomain?: string | null;
        readonly fromUser?: string | null;
        readonly displayName?: string | null;
        readonly earlyMedia?: 'off' | 'agent';
        readonly sessionExpiresSec?: number | null;
        readonly identityHeader?: 'p_asserted_identity' | 'p_preferred_identity' | 'remote_party_id';
        readonly privacy?: 'off' | 'id';
        readonly diversion?: string | null;
        readonly userPhone?: boolean;
        readonly authRealm?: string | null;
        readonly registration?: {
          readonly user?: string | null;
          readonly domain?: string | null;
          readonly expiresSec?: number;
          readonly calledNumber?: string | null;
        };
        readonly gateways?: readonly {
          readonly host: string;
          readonly port?: number | null;
          readonly priority?: number;
          readonly weight?: number;
        }[];
        readonly password?: string | null;
      };
      readonly codecs?: readonly ('PCMU' | 'PCMA')[];
      readonly limits?: { readonly concurrentCalls?: number | null; readonly callsPerSecond?: number | null };
      readonly natAllowed?: boolean;
      readonly srtp?: {
        readonly suites?: readonly (
          | 'AEAD_AES_256_GCM'
          | 'AEAD_AES_128_GCM'
          | 'AES_CM_128_HMAC_SHA1_80'
          | 'AES_CM_128_HMAC_SHA1_32'
        )[];
        readonly keysInClear?: boolean;
      };
      readonly transfer?: 'refer' | 'off';
      readonly carrierTransfer?: 'follow' | 'off';
      readonly redirects?: 'follow' | 'off';
      readonly agentHeaders?: readonly string[];
      readonly attestation?: 'trusted' | 'ignored';
      readonly dtmf?: 'auto' | 'rfc4733' | 'info' | 'inband';
      readonly mediaTimeouts?: {
        readonly firstPacketMs?: number | null;
        readonly silenceMs?: number | null;
        readonly heldMs?: number | null;
        readonly agentSilentMs?: number | null;
      };
    };
    readonly answer: TrunkChecks;
  };
  /** One trunk */
  'GET /v1/trunks/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Trunk;
  };
  /** Changes a trunk for calls to come and checks it */
  'PATCH /v1/trunks/{id}': {
    readonly params: { readonly id: string };
    readonly query: { readonly check?: 'run' | 'only' | 'none' };
    readonly body: {
      readonly label?: string;
      readonly inbound?: {
        readonly enabled?: boolean;
        readonly addresses?: readonly string[];
        readonly transport?: 'udp' | 'tcp' | 'tls' | null;
        readonly calledNumberFrom?: 'request_uri' | 'to' | 'p_called_party_id' | 'diversion';
        readonly callerNumberFrom?: 'from' | 'asserted';
        readonly country?: string | null;
        readonly stripPrefix?: string | null;
        readonly mediaEncryption?: 'off' | 'optional' | 'required';
        readonly earlyMedia?: 'off' | 'ringback';
        readonly reliableProvisionals?: boolean;
        readonly sessionExpiresSec?: number | null;
        readonly auth?: { readonly username: string; readonly password: string } | null;
      };
      readonly outbound?: {
        readonly enabled?: boolean;
        readonly transport?: 'udp' | 'tcp' | 'tls' | null;
        readonly mediaEncryption?: 'off' | 'optional' | 'required';
        readonly username?: string | null;
        readonly register?: boolean;
        readonly failoverStatuses?: readonly number[];
        readonly attemptTimeoutMs?: number;
        readonly allowedCountries?: 'worldwide' | readonly string[];
        readonly callerIdMode?: 'from_and_pai' | 'from' | 'pai';
        readonly techPrefix?: string | null;
        readonly numberFormat?: 'e164' | 'digits' | '00' | 'national';
        readonly callerNumberFormat?: 'e164' | 'digits' | '00' | 'national' | null;
        readonly country?: string | null;
        readonly fromDomain?: string | null;
        readonly fromUser?: string | null;
        readonly displayName?: string | null;
        readonly earlyMedia?: 'off' | 'agent';
        readonly sessionExpiresSec?: number | null;
        readonly identityHeader?: 'p_asserted_identity' | 'p_preferred_identity' | 'remote_party_id';
        readonly privacy?: 'off' | 'id';
        readonly diversion?: string | null;
        readonly userPhone?: boolean;
        readonly authRealm?: string | null;
        readonly registration?: {
          readonly user?: string | null;
          readonly domain?: string | null;
          readonly expiresSec?: number;
          readonly calledNumber?: string | null;
        };
        readonly gateways?: readonly {
          readonly host: string;
          readonly port?: number | null;
          readonly priority?: number;
          readonly weight?: number;
        }[];
        readonly password?: string | null;
      };
      readonly codecs?: readonly ('PCMU' | 'PCMA')[];
      readonly limits?: { readonly concurrentCalls?: number | null; readonly callsPerSecond?: number | null };
      readonly natAllowed?: boolean;
      readonly srtp?: {
        readonly suites?: readonly (
          | 'AEAD_AES_256_GCM'
          | 'AEAD_AES_128_GCM'
          | 'AES_CM_128_HMAC_SHA1_80'
          | 'AES_CM_128_HMAC_SHA1_32'
        )[];
        readonly keysInClear?: boolean;
      };
      readonly transfer?: 'refer' | 'off';
      readonly carrierTransfer?: 'follow' | 'off';
      readonly redirects?: 'follow' | 'off';
      readonly agentHeaders?: readonly string[];
      readonly attestation?: 'trusted' | 'ignored';
      readonly dtmf?: 'auto' | 'rfc4733' | 'info' | 'inband';
      readonly mediaTimeouts?: {
        readonly firstPacketMs?: number | null;
        readonly silenceMs?: number | null;
        readonly heldMs?: number | null;
        readonly agentSilentMs?: number | null;
      };
    };
    readonly answer: SavedTrunk;
  };
  /** Deletes a trunk that has no numbers */
  'DELETE /v1/trunks/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Checks a trunk against the network; places no call */
  'POST /v1/trunks/{id}/check': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: TrunkChecks;
  };
  /** Runs the checklist for a number, a trunk, or with neither for the workspace; changes nothing, places no call */
  'POST /v1/diagnoses': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly workspaceId?: string; readonly numberE164?: string; readonly trunkId?: string };
    readonly answer: Diagnosis;
  };
  /** One diagnosis; kept for an hour, on the node that ran it */
  'GET /v1/diagnoses/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Diagnosis;
  };
  /** Lists numbers, filtered by provider, status, country, assignment or digits */
  'GET /v1/numbers': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: {
      readonly limit?: number;
      readonly cursor?: string;
      readonly workspaceId?: string;
      readonly provider?: 'managed' | 'twilio' | 'telnyx' | 'byoc' | 'personal';
      readonly status?: 'active' | 'pending' | 'released';
      readonly country?: string;
      readonly assigned?: boolean;
      readonly q?: string;
    };
    readonly body: undefined;
    readonly answer: { readonly items: readonly PhoneNumber[]; readonly nextCursor: string | null };
  };
  /** Adds a number of an own carrier (BYOC); other kinds: operator only */
  'POST /v1/numbers': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly workspaceId?: string;
      readonly e164: string;
      readonly provider?: 'managed' | 'twilio' | 'telnyx' | 'byoc' | 'personal';
      readonly trunkId?: string | null;
      readonly agentId?: string | null;
      readonly supportsInbound?: boolean;
      readonly supportsOutbound?: boolean;
      readonly limits?: { readonly concurrentCalls?: number | null; readonly callsPerSecond?: number | null };
    };
    readonly answer: PhoneNumber;
  };
  /** One number */
  'GET /v1/numbers/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: PhoneNumber;
  };
  /** Assigns the number to an agent (or to none) for calls to come; changes directions and limits */
  'PATCH /v1/numbers/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly agentId?: string | null;
      readonly supportsInbound?: boolean;
      readonly supportsOutbound?: boolean;
      readonly limits?: { readonly concurrentCalls?: number | null; readonly callsPerSecond?: number | null };
    };
    readonly answer: PhoneNumber;
  };
  /** Releases a purchased number, detaches any other one */
  'DELETE /v1/numbers/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Numbers that can be bought at once (US and Canada); an offer holds for half an hour */
  'GET /v1/available-numbers': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: {
      readonly workspaceId?: string;
      readonly country?: string;
      readonly type?: 'local' | 'tollfree' | 'mobile';
      readonly areaCode?: string;
      readonly limit?: number;
    };
    readonly body: undefined;
    readonly answer: { readonly items: readonly AvailableNumber[] };
  };
  /** Buys numbers of a search just before; each stands for itself. A problem where none was bought: then nothing was charged */
  'POST /v1/number-orders': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly workspaceId?: string;
      readonly numbers: readonly string[];
      readonly agentId?: string | null;
    };
    readonly answer: NumberOrder;
  };
  /** Lists orders of numbers, newest first */
  'GET /v1/number-orders': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly workspaceId?: string };
    readonly body: undefined;
    readonly answer: { readonly items: readonly NumberOrder[]; readonly nextCursor: string | null };
  };
  /** One order, with what became of each number */
  'GET /v1/number-orders/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: NumberOrder;
  };
  /** What each country asks for, by type of number and of request: fields, documents, fees, time of review */
  'GET /v1/number-requirements': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly country?: string; readonly type?: 'local' | 'mobile' | 'national' | 'tollfree' };
    readonly body: undefined;
    readonly answer: { readonly items: readonly NumberRequirement[] };
  };
  /** Lists requests, newest first, filtered by status, country, type or request type */
  'GET /v1/number-requests': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: {
      readonly limit?: number;
      readonly cursor?: string;
      readonly workspaceId?: string;
      readonly status?:
        | 'draft'
        | 'awaiting_documents'
        | 'awaiting_payment'
        | 'in_review'
        | 'approved'
        | 'rejected'
        | 'cancelled';
      readonly country?: string;
      readonly type?: 'local' | 'mobile' | 'national' | 'tollfree';
      readonly requestType?: 'new' | 'porting';
    };
    readonly body: undefined;
    readonly answer: { readonly items: readonly NumberRequest[]; readonly nextCursor: string | null };
  };
  /** Begins a request; its fields, documents and payment follow one by one */
  'POST /v1/number-requests': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly workspaceId?: string;
      readonly country: string;
      readonly type: 'local' | 'mobile' | 'national' | 'tollfree';
      readonly requestType: 'new' | 'porting';
      readonly quantity?: number;
      readonly numbers?: readonly string[];
    };
    readonly answer: NumberRequest;
  };
  /** One request: what is saved, what is missing, what it costs, where it is */
  'GET /v1/number-requests/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: NumberRequest;
  };
  /** Saves one field; a value that does not do is refused and changes nothing */
  'PUT /v1/number-requests/{id}/fields/{name}': {
    readonly params: { readonly id: string; readonly name: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly value: string | null };
    readonly answer: NumberRequest;
  };
  /** Uploads a document: a PDF, JPEG or PNG of at most 5 MB, known by its content */
  'POST /v1/number-requests/{id}/documents': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: Blob | FormData | ArrayBuffer;
    readonly answer: NumberRequest;
  };
  /** Downloads a document, as an attachment; not with a key that may only look: it is somebody’s passport */
  'GET /v1/number-requests/{id}/documents/{documentId}': {
    readonly params: { readonly id: string; readonly documentId: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: string;
  };
  /** Erases a document */
  'DELETE /v1/number-requests/{id}/documents/{documentId}': {
    readonly params: { readonly id: string; readonly documentId: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Hands the request in: it waits for its documents, its payment or its review, whichever is missing first */
  'POST /v1/number-requests/{id}/submit': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: NumberRequest;
  };
  /** Pays activation and first month from the balance, once */
  'POST /v1/number-requests/{id}/pay': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: NumberRequest;
  };
  /** Withdraws the request: what was paid is given back, what was typed and uploaded is erased */
  'POST /v1/number-requests/{id}/cancel': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: NumberRequest;
  };
  /** Approves the request with these numbers, which are in the workspace from then on */
  'POST /v1/number-requests/{id}/approve': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly numbers: readonly string[]; readonly trunkId?: string | null };
    readonly answer: NumberRequest;
  };
  /** Sends the request back with what is to be corrected; what was paid stays for the next try */
  'POST /v1/number-requests/{id}/reject': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly reason: string };
    readonly answer: NumberRequest;
  };
  /** Lists connected accounts */
  'GET /v1/provider-accounts': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly workspaceId?: string };
    readonly body: undefined;
    readonly answer: { readonly items: readonly ProviderAccount[]; readonly nextCursor: string | null };
  };
  /** Connects an account: the key is checked, then stored encrypted. Nothing is changed at the provider */
  'POST /v1/provider-accounts': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly workspaceId?: string;
      readonly provider: 'twilio' | 'telnyx';
      readonly accountSid?: string;
      readonly authToken?: string;
      readonly apiKey?: string;
      readonly label?: string | null;
    };
    readonly answer: ProviderAccount;
  };
  /** One account, with the steps of its set-up as they stand now */
  'GET /v1/provider-accounts/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: ProviderAccount;
  };
  /** Forgets account and key. Refused while a trunk or numbers of it are in use, unless they are to stay as they are (keepTrunk) */
  'DELETE /v1/provider-accounts/{id}': {
    readonly params: { readonly id: string };
    readonly query: { readonly keepTrunk?: boolean };
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Replaces the key by another one of the same account */
  'POST /v1/provider-accounts/{id}/key': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly authToken?: string; readonly apiKey?: string; readonly acceptGone?: boolean };
    readonly answer: ProviderAccount;
  };
  /** Numbers of the account, as they can be imported, or why not; asked of the provider now */
  'GET /v1/provider-accounts/{id}/numbers': {
    readonly params: { readonly id: string };
    readonly query: { readonly cursor?: string };
    readonly body: undefined;
    readonly answer: {
      readonly items: readonly AccountNumber[];
      readonly nextCursor: string | null;
      readonly notices: readonly Notice[];
    };
  };
  /** Imports numbers: each is connected to the trunk, which is set up where there is none. Repeating it goes on */
  'POST /v1/provider-accounts/{id}/import': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly numbers: readonly string[];
      readonly agentId?: string | null;
      readonly takeOver?: boolean;
    };
    readonly answer: { readonly items: readonly ImportedNumber[] };
  };
  /** Sets up the trunk both ways, or goes on from where that stopped; to be watched in the account */
  'POST /v1/provider-accounts/{id}/provision': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly allowedCountries?: 'worldwide' | readonly string[]; readonly acceptGone?: boolean };
    readonly answer: ProviderAccount;
  };
  /** Puts the numbers back as they were and deletes what was set up at the provider; may be repeated */
  'POST /v1/provider-accounts/{id}/undo': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly acceptGone?: boolean };
    readonly answer: ProviderAccount;
  };
  /** Lists personal numbers, verified and on their way */
  'GET /v1/personal-numbers': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly workspaceId?: string };
    readonly body: undefined;
    readonly answer: { readonly items: readonly PersonalNumber[]; readonly nextCursor: string | null };
  };
  /** Calls a number and speaks a code: the first step to show it as caller id */
  'POST /v1/personal-numbers': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly workspaceId?: string;
      readonly e164: string;
      readonly language?: 'de' | 'en' | 'es' | 'fr' | 'it' | 'pt';
    };
    readonly answer: PersonalNumber;
  };
  /** One personal number, and what became of its call */
  'GET /v1/personal-numbers/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: PersonalNumber;
  };
  /** Ends a verification, or takes a verified number out of the workspace */
  'DELETE /v1/personal-numbers/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Enters the code: the number may be shown as caller id from then on */
  'POST /v1/personal-numbers/{id}/verify': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly code: string };
    readonly answer: PersonalNumber;
  };
  /** Calls again with another code; the one before is void */
  'POST /v1/personal-numbers/{id}/resend': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: PersonalNumber;
  };
  /** Lists live and past calls, newest first */
  'GET /v1/calls': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: {
      readonly limit?: number;
      readonly cursor?: string;
      readonly workspaceId?: string;
      readonly state?: 'queued' | 'ringing' | 'answered' | 'ended';
      readonly direction?: 'inbound' | 'outbound';
    };
    readonly body: undefined;
    readonly answer: { readonly items: readonly Call[]; readonly nextCursor: string | null };
  };
  /** Places a call and connects it to the agent */
  'POST /v1/calls': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly workspaceId?: string;
      readonly from: string;
      readonly to: string;
      readonly agentId?: string;
      readonly customParameters?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly byeHeaders?: Readonly<Record<string, string>>;
      readonly hideCallerId?: boolean;
      readonly ringTimeoutMs?: number;
      readonly maxDurationMs?: number;
    };
    readonly answer: Call;
  };
  /** One call with timeline, quality and bill */
  'GET /v1/calls/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Call;
  };
  /** Presses keys in an answered call; with an Idempotency-Key a repeat presses none */
  'POST /v1/calls/{id}/dtmf': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly digits: string; readonly toneMs?: number; readonly gapMs?: number };
    readonly answer: { readonly keys: number };
  };
  /** Ends a call; repeating it does no harm */
  'POST /v1/calls/{id}/hangup': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: { readonly state: 'ending' | 'already_ended' };
  };
  /** Has the carrier of an answered call connect it with somebody else */
  'POST /v1/calls/{id}/transfer': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly to?: string;
      readonly toCallId?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly timeoutMs?: number;
    };
    readonly answer: { readonly state: 'accepted' | 'pending' };
  };
  /** The SIP messages of a call, both ways, for some hours after it */
  'GET /v1/calls/{id}/ladder': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Ladder;
  };
  /** Prepares a test call from a browser to an agent: credentials for one call, good for two minutes */
  'POST /v1/test-calls': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: { readonly workspaceId?: string; readonly agentId: string };
    readonly answer: TestCall;
  };
  /** Lists postings, newest first; CSV with Accept: text/csv */
  'GET /v1/ledger': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: {
      readonly limit?: number;
      readonly cursor?: string;
      readonly workspaceId?: string;
      readonly callId?: string;
      readonly meter?: 'telephony' | 'compute' | 'topup' | 'fee' | 'adjustment';
      readonly from?: string;
      readonly to?: string;
    };
    readonly body: undefined;
    readonly answer: { readonly items: readonly Posting[]; readonly nextCursor: string | null };
  };
  /** Lists webhooks (never their secrets) */
  'GET /v1/webhooks': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly workspaceId?: string };
    readonly body: undefined;
    readonly answer: { readonly items: readonly Webhook[]; readonly nextCursor: string | null };
  };
  /** Creates a webhook; the secret is shown this once */
  'POST /v1/webhooks': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly workspaceId?: string;
      readonly url: string;
      readonly events?: 'all' | readonly ('call.ended' | 'call.billed' | 'balance.low' | 'balance.exhausted')[];
      readonly enabled?: boolean;
      readonly description?: string;
    };
    readonly answer: CreatedWebhook;
  };
  /** One webhook */
  'GET /v1/webhooks/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Webhook;
  };
  /** Changes a webhook; what waits goes to the new URL, and a disabled one keeps what waits */
  'PATCH /v1/webhooks/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly url?: string;
      readonly events?: 'all' | readonly ('call.ended' | 'call.billed' | 'balance.low' | 'balance.exhausted')[];
      readonly enabled?: boolean;
      readonly description?: string;
    };
    readonly answer: Webhook;
  };
  /** Deletes a webhook with everything that waits for it */
  'DELETE /v1/webhooks/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
  /** Makes a new secret, shown this once; the one before signs too for 24 hours */
  'POST /v1/webhooks/{id}/secret': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: CreatedWebhook;
  };
  /** Sends a webhook.test event, once */
  'POST /v1/webhooks/{id}/test': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: WebhookDelivery;
  };
  /** Lists what was sent and what waits, newest first */
  'GET /v1/webhooks/{id}/deliveries': {
    readonly params: { readonly id: string };
    readonly query: {
      readonly limit?: number;
      readonly cursor?: string;
      readonly status?: 'waiting' | 'pending' | 'delivered' | 'failed';
    };
    readonly body: undefined;
    readonly answer: { readonly items: readonly WebhookDelivery[]; readonly nextCursor: string | null };
  };
  /** Sends one delivery again, or now; the receiver tells a repeat by its id */
  'POST /v1/webhooks/{id}/deliveries/{deliveryId}/retry': {
    readonly params: { readonly id: string; readonly deliveryId: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: WebhookDelivery;
  };
  /** The bill of a call in words; for the operator with what it costs us */
  'GET /v1/calls/{id}/bill': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: ExplainedBill;
  };
  /** The statement of a month such as 2026-01 (UTC); CSV with Accept: text/csv */
  'GET /v1/workspaces/{id}/statements/{month}': {
    readonly params: { readonly id: string; readonly month: string };
    readonly query: { readonly detail?: 'calls' };
    readonly body: undefined;
    readonly answer: Statement;
  };
  /** Calls, time and money of a workspace by number, agent or day; CSV with Accept: text/csv */
  'GET /v1/usage': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: {
      readonly workspaceId?: string;
      readonly groupBy?: 'number' | 'agent' | 'day';
      readonly from?: string;
      readonly to?: string;
    };
    readonly body: undefined;
    readonly answer: Usage;
  };
  /** What customers paid for telephony and what carriers charge us, per trunk; CSV with Accept: text/csv */
  'GET /v1/margins': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: {
      readonly trunkId?: string;
      readonly per?: 'day' | 'month';
      readonly from?: string;
      readonly to?: string;
    };
    readonly body: undefined;
    readonly answer: Margins;
  };
  /** Imports a carrier's export (CSV) and reconciles it with our calls; the same file again answers with the first report */
  'POST /v1/reconciliations': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: {
      readonly carrier: string;
      readonly trunk: string;
      readonly file?: string;
      readonly from?: string;
      readonly to?: string;
      readonly strict?: boolean;
      readonly dryRun?: boolean;
    };
    readonly body: Blob | FormData | ArrayBuffer;
    readonly answer: Reconciliation;
  };
  /** Lists imports with their reports, newest first */
  'GET /v1/reconciliations': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly limit?: number; readonly cursor?: string };
    readonly body: undefined;
    readonly answer: { readonly items: readonly Reconciliation[]; readonly nextCursor: string | null };
  };
  /** One import with its report */
  'GET /v1/reconciliations/{id}': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Reconciliation;
  };
  /** Looks for calls that no carrier has a record of, and tries unmatched records again; the node does so each hour */
  'POST /v1/reconciliations/sweep': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: {
      readonly items: readonly {
        readonly carrier: string;
        readonly trunkId: string;
        readonly report: ReconciliationReport | null;
        readonly problem: string | null;
      }[];
    };
  };
  /** Lists differences, newest first by the instant of the call */
  'GET /v1/reconciliation-exceptions': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: {
      readonly limit?: number;
      readonly cursor?: string;
      readonly status?: 'open' | 'resolved';
      readonly kind?:
        | 'duration_differs'
        | 'missing_here'
        | 'missing_there'
        | 'not_answered_here'
        | 'ambiguous'
        | 'cost_differs';
      readonly carrier?: string;
      readonly trunk?: string;
      readonly from?: string;
      readonly to?: string;
    };
    readonly body: undefined;
    readonly answer: { readonly items: readonly ReconciliationException[]; readonly nextCursor: string | null };
  };
  /** Resolves an exception with a note, and where asked for with an adjustment of the workspace's balance */
  'POST /v1/reconciliation-exceptions/{id}/resolve': {
    readonly params: { readonly id: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly note: string;
      readonly by?: string;
      readonly adjustment?: { readonly amount: string; readonly workspaceId?: string };
    };
    readonly answer: ReconciliationException;
  };
  /** What happens now: calls, numbers, trunks, balance; server-sent events that Last-Event-ID resumes */
  'GET /v1/events': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: { readonly workspaceId?: string; readonly lastEventId?: string };
    readonly body: undefined;
    readonly answer: string;
  };
  /** This node: version, engines, ports, state */
  'GET /v1/node': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: Node;
  };
  /** Which trunk, number and agent a call from a carrier would reach, or over which a call of a workspace would leave, and why */
  'POST /v1/route-explanations': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: {
      readonly direction?: 'inbound' | 'outbound';
      readonly sourceIp?: string;
      readonly workspaceId?: string;
      readonly from: string;
      readonly to: string;
    };
    readonly answer: RouteExplanation;
  };
  /** The process answers */
  'GET /healthz': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: { readonly status: 'ok' };
  };
  /** The node takes calls; which check fails is told to trusted addresses only */
  'GET /readyz': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: { readonly ready: true; readonly checks?: Readonly<Record<string, boolean>> };
  };
  /** Prometheus metrics */
  'GET /metrics': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: string;
  };
  /** Sources of SIP that this node does not listen to now, the youngest 500 */
  'GET /v1/sip-bans': {
    readonly params: Readonly<Record<never, never>>;
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: { readonly items: readonly SipBan[] };
  };
  /** Lifts a ban, and forgets the earlier ones of that source */
  'DELETE /v1/sip-bans/{network}': {
    readonly params: { readonly network: string };
    readonly query: Readonly<Record<never, never>>;
    readonly body: undefined;
    readonly answer: undefined;
  };
}
