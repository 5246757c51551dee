// An answer that is a refusal (RFC 9457), and what is said where there was no answer at all.

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

export interface ProblemDetails {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly advice?: string;
  readonly errors?: readonly FieldError[];
}

export class ProblemError extends Error {
  readonly status: number;
  /** Stable; `no_answer_from_gateway` and `unreadable_answer` are ours. */
  readonly code: string;
  readonly title: string;
  readonly detail: string | null;
  /** What to do about it. */
  readonly advice: string | null;
  readonly fields: readonly FieldError[];
  /** What the support needs to find the request. */
  readonly requestId: string | null;
  readonly retryAfterSec: number | null;

  constructor(problem: ProblemDetails, { requestId = null, retryAfterSec = null }: Partial<ProblemHeaders> = {}) {
    super(problem.detail ?? problem.title);
    this.name = 'ProblemError';
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail ?? null;
    this.advice = problem.advice ?? null;
    this.fields = problem.errors ?? [];
    this.requestId = requestId;
    this.retryAfterSec = retryAfterSec;
  }

  /** One sentence for a toast; fields are shown where they are. */
  get sentence(): string {
    const parts = [this.detail ?? this.title, this.advice ?? ''].filter((part) => part !== '');
    const text = parts.map((part) => (/[.!?]$/.test(part) ? part : `${part}.`)).join(' ');
    return this.retryAfterSec === null ? text : `${text} Try again in ${this.retryAfterSec} s.`;
  }
}

interface ProblemHeaders {
  readonly requestId: string | null;
  readonly retryAfterSec: number | null;
}

export async function problemOf(response: Response): Promise<ProblemError> {
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  const headers = {
    requestId: response.headers.get('x-request-id'),
    retryAfterSec: Number.isFinite(after) ? after : null,
  };
  const body: unknown = await response.json().catch(() => null);
  if (isProblem(body)) return new ProblemError(body, headers);
  const title = `The gateway answered with status ${response.status} and no explanation`;
  return new ProblemError({ status: response.status, code: 'unreadable_answer', title }, headers);
}

export function noAnswer(): ProblemError {
  return new ProblemError({
    status: 0,
    code: 'no_answer_from_gateway',
    title: 'The gateway cannot be reached',
    advice: 'Check your connection; the page goes on by itself when it is back.',
  });
}

/** Whatever was thrown, as a problem that can be shown. */
export function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const title = error instanceof Error ? error.message : 'Something went wrong in this page';
  return new ProblemError({ status: 0, code: 'page_fault', title });
}

function isProblem(body: unknown): body is ProblemDetails {
  return typeof body === 'object' && body !== null && typeof (body as Record<string, unknown>)['code'] === 'string';
}
