// What a verification refuses, each with a stable code (the API's problem codes). Nothing was changed when one of these is thrown, except that
// a wrong code has used up an attempt.

export type PersonalNumberErrorCode =
  /** Ours, or not set up: nobody is called now. */
  | 'verifications_unavailable'
  | 'destination_not_allowed'
  | 'no_rate'
  /** A number of this workspace already. */
  | 'number_taken'
  | 'verification_pause'
  | 'verification_limit'
  | 'resend_limit'
  | 'code_wrong'
  | 'code_expired'
  | 'verification_failed'
  | 'already_verified'
  /** Told to who has shown that the telephone is theirs, and to nobody else. */
  | 'verified_elsewhere';

export class PersonalNumberError extends Error {
  readonly code: PersonalNumberErrorCode;
  /** When it may work again, in seconds from now. */
  readonly retryAfterSec: number | undefined;

  constructor(code: PersonalNumberErrorCode, message: string, retryAfterSec?: number) {
    super(message);
    this.code = code;
    this.retryAfterSec = retryAfterSec;
  }

  override get name(): string {
    return this.constructor.name;
  }
}
