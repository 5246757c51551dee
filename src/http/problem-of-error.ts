// Which problem an error is, for everything that can be thrown below the API. What is not known here is `internal_error`.

import { DiagnosisError } from '../diagnosis/errors.ts';
import { DirectoryError, type DirectoryErrorCode } from '../directory/errors.ts';
import { TooManyLinesError } from '../ledger/errors.ts';
import { NumbersError } from '../numbers/failure.ts';
import { PersonalNumberError } from '../numbers/personal/errors.ts';
import { CdrRowsError, ReconciliationError } from '../reconciliation/errors.ts';
import { problemOfNumbers } from './number-problems.ts';
import { problemOfNumberRequest } from './number-request-problems.ts';
import { invalidField, Problem, type ProblemCode, problemOfReason } from './problems.ts';

export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DiagnosisError) return problemOfDiagnosis(error);
  if (error instanceof DirectoryError) return problemOfDirectory(error.code);
  if (error instanceof NumbersError) return problemOfNumbers(error.failure);
  if (error instanceof TooManyLinesError) return new Problem('range_too_large');
  if (error instanceof ReconciliationError) return problemOfReconciliation(error);
  if (error instanceof PersonalNumberError) return problemOfPersonal(error);
  const { code = '', statusCode = 500 } = error as { readonly code?: string; readonly statusCode?: number };
  return (
    problemOfNumberRequest(error) ??
    problemOfBooks(code) ??
    problemOfWebhooks(error, code) ??
    problemOfFastify(error, code, statusCode) ??
    new Problem('internal_error')
  );
}

function problemOfDiagnosis({ code, message }: DiagnosisError): Problem {
  if (code === 'checks_busy') return new Problem(code, { headers: { 'retry-after': '5' } });
  return new Problem('unknown_reference', { detail: message });
}

const CODE_OF_DIRECTORY: Readonly<Record<DirectoryErrorCode, ProblemCode>> = {
  number_taken: 'number_taken',
  unknown_reference: 'unknown_reference',
  record_in_use: 'record_in_use',
  invalid_cursor: 'invalid_fields',
  key_taken: 'internal_error',
  record_moved: 'internal_error',
  // Rooms turn it into what it means there; one that gets here is a mistake of ours.
  record_taken: 'internal_error',
  unseal_failed: 'internal_error',
};

function problemOfDirectory(code: DirectoryErrorCode): Problem {
  if (code === 'invalid_cursor') return invalidField('cursor', 'must be the nextCursor of a page');
  return new Problem(CODE_OF_DIRECTORY[code]);
}

/** The message is for the log, but for how many attempts are left. */
function problemOfPersonal({ code, message, retryAfterSec }: PersonalNumberError): Problem {
  return new Problem(code, {
    ...(code === 'code_wrong' ? { detail: message } : {}),
    ...(retryAfterSec === undefined ? {} : { headers: { 'retry-after': String(retryAfterSec) } }),
  });
}

/** Messages of this room name lines, columns and keys of the mapping, never what stands in a row. */
function problemOfReconciliation(error: ReconciliationError): Problem {
  const { code, message } = error;
  if (code === 'carrier_unknown' || code === 'trunk_unknown') {
    const field = code === 'carrier_unknown' ? 'carrier' : 'trunk';
    return new Problem('unknown_reference', { fields: [{ field, message }] });
  }
  if (error instanceof CdrRowsError) {
    const fields = error.badRows.map(({ line, reason }) => ({ field: `line ${line}`, message: reason }));
    return new Problem(code, { detail: message, fields });
  }
  if (code === 'reconciliation_busy') return new Problem(code, { headers: { 'retry-after': '30' } });
  return new Problem(code, { detail: message });
}

/** The books may live in another thread: their errors arrive with their codes, not with their classes. */
function problemOfBooks(code: string): Problem | undefined {
  if (code === 'amount_out_of_range')
    return invalidField('amount', 'would make the balance larger than the books can hold');
  const isStore = /^(?:books|store)_/.test(code) || code === 'ERR_SQLITE_ERROR';
  return isStore ? storeUnavailable() : undefined;
}

/** Whether a write that was not answered took place is not known. */
function storeUnavailable(): Problem {
  const { code, options } = problemOfReason('store_unavailable');
  return new Problem(code, {
    ...options,
    detail:
      'What this gateway keeps did not answer in time. Send the same request again after Retry-After: where it has an Idempotency-Key, with the same one, nothing is done twice.',
  });
}

/** Webhooks live in another thread, too. */
function problemOfWebhooks(error: unknown, code: string): Problem | undefined {
  if (code === 'webhook_url_refused') return invalidField('url', (error as Error).message);
  if (code === 'webhook_limit' || code === 'webhook_disabled') return new Problem(code);
  if (code === 'invalid_cursor') return problemOfDirectory(code);
  return code.startsWith('webhooks_') ? storeUnavailable() : undefined;
}

/** What Fastify refuses before a handler runs. */
function problemOfFastify(error: unknown, code: string, statusCode: number): Problem | undefined {
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Problem('body_too_large');
  // The client went away before its body was there.
  if (code === 'ECONNRESET' && statusCode === 400) return new Problem('malformed_request');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new Problem('unsupported_media_type');
  if (error instanceof SyntaxError || code === 'FST_ERR_CTP_INVALID_JSON_BODY') return new Problem('malformed_json');
  return code.startsWith('FST_ERR_') && statusCode < 500 ? new Problem('malformed_request') : undefined;
}
