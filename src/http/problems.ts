// The error catalogue of the API: every code that an answer can carry, with its status and title (RFC 9457).
//
// Invariants
//   P1. A code means one thing, for ever. Refusals of calls use the word of domain/reasons.ts.
//   P2. A problem never repeats what the client sent (it may be a secret) and never tells about the inside.

import { REASONS, type Reason, verdictOf } from '../domain/reasons.ts';
import { PROVIDER_PROBLEM_CODES, PROVIDER_PROBLEMS, type ProviderProblemCode } from './provider-problems.ts';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

const kind = (status: number, title: string): ProblemKind => ({ status, title });

export const GENERAL_PROBLEMS = {
  malformed_json: kind(400, 'The body is not valid JSON'),
  malformed_form: kind(400, 'The body is not a form (multipart/form-data) that can be read'),
  malformed_request: kind(400, 'The request is not valid HTTP'),
  idempotency_key_required: kind(
    400,
    'This request costs money and needs an Idempotency-Key header of 1 to 128 characters',
  ),
  unauthorized: kind(401, 'A valid token is needed: Authorization: Bearer <token>'),
  forbidden: kind(403, 'The token does not allow this'),
  missing_scope: kind(403, 'The role of the key does not allow this'),
  csrf_failed: kind(
    403,
    'A change with the console’s cookie needs its X-CSRF-Token header, and must come from the console’s own pages',
  ),
  not_found: kind(404, 'There is no such thing here'),
  route_not_found: kind(404, 'There is no such route'),
  request_timeout: kind(408, 'The request did not arrive in time'),
  method_not_allowed: kind(405, 'The route does not take this method'),
  balance_too_low: kind(402, 'The balance does not cover the set-up fee and the first month'),
  number_taken: kind(409, 'The number exists already'),
  inventory_off: kind(409, 'Numbers are not sold here'),
  provider_account_exists: kind(409, 'This account is connected to the workspace already'),
  provider_account_in_use: kind(409, 'Numbers or a trunk of this account are in use'),
  trunk_ambiguous: kind(409, 'A call could belong to two trunks, or to two numbers, alike'),
  record_in_use: kind(
    409,
    'Something still points at this, such as a number at its trunk or agent, or an agent at its fallback: change that first',
  ),
  request_state: kind(409, 'The request does not take this in the status that it has'),
  request_limit: kind(409, 'The workspace has as many open requests as it may have'),
  document_limit: kind(409, 'The request has as many documents as it may have'),
  approval_conflict: kind(409, 'The request was approved, or is being approved, with other numbers'),
  record_limit: kind(409, 'The workspace has as many of these as it may have'),
  webhook_limit: kind(409, 'The workspace has as many webhooks as it may have'),
  webhook_disabled: kind(409, 'The webhook is disabled'),
  dtmf_queue_full: kind(409, 'As many keys as may wait in a call wait already'),
  dtmf_unavailable: kind(409, 'The trunk sends keys as telephone events only, and this call has none'),
  call_not_answered: kind(409, 'The call is not answered, or has ended'),
  transfer_unsupported: kind(409, 'Calls of this trunk cannot be transferred'),
  transfer_in_progress: kind(409, 'The call is being transferred already'),
  transfer_refused: kind(409, 'The carrier of the call does not transfer it'),
  test_calls_off: kind(409, 'This node takes no calls from browsers'),
  verification_failed: kind(409, 'Too many wrong codes: this verification is dead, another one may be started'),
  already_verified: kind(409, 'The code was used already'),
  verified_elsewhere: kind(409, 'The number belongs to another workspace; it has to be removed there first'),
  resend_limit: kind(
    409,
    'As many calls were made as one verification may have; start again when its code has expired',
  ),
  idempotency_key_reused: kind(409, 'The Idempotency-Key was used before for another request'),
  resolution_conflict: kind(409, 'The exception was resolved otherwise, or that resolution is under way'),
  code_expired: kind(410, 'The code has expired, or another call has replaced it; ask for another call'),
  body_too_large: kind(413, 'The body is too large'),
  unsupported_media_type: kind(415, 'The body is of a type that the route does not take'),
  invalid_fields: kind(422, 'Some fields are not valid'),
  request_incomplete: kind(422, 'Required fields are missing or not valid'),
  document_refused: kind(422, 'The file is none that a document may be'),
  code_wrong: kind(422, 'The code is not the one that was spoken'),
  transfer_target_invalid: kind(422, 'This is nobody whom the call could be transferred to'),
  unknown_reference: kind(422, 'A field points at something that does not exist'),
  range_too_large: kind(422, 'The range holds more than one answer may; ask for a shorter one, or for less detail'),
  trunk_not_reconcilable: kind(422, 'The trunk is a customer’s own, and the mapping of the carrier does not name it'),
  mapping_invalid: kind(422, 'The mapping file of the carrier cannot be used'),
  cdr_file_invalid: kind(422, 'The file cannot be read with the mapping of the carrier'),
  cdr_rows_invalid: kind(422, 'Rows of the file cannot be read, and the import is strict: nothing was imported'),
  headers_too_large: kind(431, 'The headers are too large'),
  rate_limited: kind(429, 'Too many requests'),
  test_call_limit: kind(429, 'Too many test calls are prepared and have not been made'),
  verification_pause: kind(429, 'The number was called a moment ago'),
  verification_limit: kind(429, 'As many verification calls were made today as there may be'),
  stream_limit: kind(429, 'Too many event streams are open for this token'),
  checks_busy: kind(429, 'As many checks as may run at once are under way'),
  internal_error: kind(500, 'Something went wrong on our side'),
  uploads_busy: kind(503, 'Other files are being uploaded just now'),
  verifications_unavailable: kind(503, 'Verification calls cannot be made now'),
  reconciliation_busy: kind(503, 'Imports are waiting already'),
  not_ready: kind(503, 'The node is not ready'),
} as const satisfies Record<string, ProblemKind>;

/** 502: the call was tried and failed elsewhere. */
const CALL_FAILED_STATUS = 502;
const STATUS_OF_REASON: Partial<Record<Reason, number>> = {
  bad_request: 400,
  insufficient_balance: 402,
  unknown_source: 403,
  outbound_only: 403,
  destination_not_allowed: 403,
  no_rate: 403,
  caller_id_not_owned: 403,
  unknown_number: 404,
  number_unassigned: 409,
  no_route: 409,
  workspace_limit: 429,
  spend_limit: 429,
  trunk_limit: 503,
  number_limit: 429,
  node_limit: 503,
  draining: 503,
  store_unavailable: 503,
};

export type GeneralProblemCode = keyof typeof GENERAL_PROBLEMS;
export type ProblemCode = GeneralProblemCode | ProviderProblemCode | Reason;

export const PROBLEM_CODES: readonly ProblemCode[] = [
  ...(Object.keys(GENERAL_PROBLEMS) as GeneralProblemCode[]),
  ...PROVIDER_PROBLEM_CODES,
  ...(Object.keys(REASONS) as Reason[]),
];

export function problemKind(code: ProblemCode): ProblemKind {
  if (code in GENERAL_PROBLEMS) return GENERAL_PROBLEMS[code as GeneralProblemCode];
  if (code in PROVIDER_PROBLEMS) return PROVIDER_PROBLEMS[code as ProviderProblemCode];
  const reason = code as Reason;
  return { status: STATUS_OF_REASON[reason] ?? CALL_FAILED_STATUS, title: verdictOf(reason).text };
}

export interface FieldError {
  /** Dotted path, empty for the body as a whole. */
  readonly field: string;
  readonly message: string;
}

export interface ProblemOptions {
  /** What is special about this case; a sentence. */
  readonly detail?: string;
  /** Path of what this case left behind, such as the call that was refused. */
  readonly instance?: string;
  /** What to do about it; a sentence. */
  readonly advice?: string;
  readonly fields?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by handlers; the server turns it into the answer. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly options: ProblemOptions;

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(code);
    this.code = code;
    this.status = problemKind(code).status;
    this.options = options;
  }
}

/** The refusal of a call, with Retry-After where the reason has one. */
export function problemOfReason(reason: Reason): Problem {
  const { retryAfterSec } = verdictOf(reason);
  return new Problem(reason, retryAfterSec === undefined ? {} : { headers: { 'retry-after': String(retryAfterSec) } });
}

export function invalidField(field: string, message: string): Problem {
  return new Problem('invalid_fields', { fields: [{ field, message }] });
}

export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly instance?: string;
  readonly advice?: string;
  readonly errors?: readonly FieldError[];
}

export function detailsOf({ code, options }: Problem): ProblemDetails {
  const { status, title } = problemKind(code);
  return {
    type: `/docs#problem-${code}`,
    title,
    status,
    code,
    ...(options.detail === undefined ? {} : { detail: options.detail }),
    ...(options.instance === undefined ? {} : { instance: options.instance }),
    ...(options.advice === undefined ? {} : { advice: options.advice }),
    ...(options.fields === undefined ? {} : { errors: options.fields }),
  };
}
