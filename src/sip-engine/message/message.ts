// A SIP message as data (RFC 3261 section 7). The parser makes it, the serialiser prints it, everything between reads and
// edits it through the functions in `headers.ts`.
//
// Invariants
//   M1. What we do not understand is kept: header order, header names as the peer wrote them, unknown headers, body bytes.
//   M2. One `HeaderField` is one header line (after unfolding). A comma-joined Via or Route stays one field until asked for.

/** One header line: name as on the wire (any case, maybe compact), value unfolded and trimmed. */
export interface HeaderField {
  name: string;
  value: string;
}

export interface SipRequest {
  readonly kind: 'request';
  method: string;
  /** Request-URI exactly as written. */
  uri: string;
  headers: HeaderField[];
  body: Buffer;
}

export interface SipResponse {
  readonly kind: 'response';
  status: number;
  reason: string;
  headers: HeaderField[];
  body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;
