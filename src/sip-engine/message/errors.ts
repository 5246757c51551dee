// What can be wrong with a SIP message. A parse error is a value (bad input never throws past the parser) and carries the
// verdict: which status a request that can still be answered gets (RFC 3261 sections 16.3, 18.3 and 21.4.1).

export type SipParseErrorCode =
  | 'empty'
  | 'bad_start_line'
  | 'unsupported_version'
  | 'bad_status_code'
  | 'bad_request_uri'
  | 'bad_line_ending'
  | 'unterminated_headers'
  | 'bad_header_line'
  | 'too_many_headers'
  | 'headers_too_large'
  | 'bad_content_length'
  | 'conflicting_content_length'
  | 'missing_content_length'
  | 'truncated_body'
  | 'body_too_large'
  | 'stray_bytes'
  | 'invalid_message';

export class SipParseError extends Error {
  override readonly name = 'SipParseError';
  readonly code: SipParseErrorCode;
  /** Status for a request that is answered at all; without meaning for a response. */
  readonly status: number;
  /** Reason phrase for the answer: names the header, never repeats the peer's bytes. */
  readonly reason: string;

  constructor(code: SipParseErrorCode, reason: string, status = 400) {
    super(`${code}: ${reason}`);
    this.code = code;
    this.reason = reason;
    this.status = status;
  }
}

export type SipSerialiseErrorCode = 'bad_method' | 'bad_uri' | 'bad_status' | 'bad_reason' | 'bad_name' | 'bad_value';

/** Thrown when our own side tries to send what would not be one SIP message: CR or LF in a value, a name that is no token. */
export class SipSerialiseError extends Error {
  override readonly name = 'SipSerialiseError';
  readonly code: SipSerialiseErrorCode;

  constructor(code: SipSerialiseErrorCode, what: string) {
    super(`${code}: ${what}`);
    this.code = code;
  }
}
