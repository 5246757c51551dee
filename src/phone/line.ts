// What a call needs from its phone.

import type { Random } from './random.ts';
import type { SipMessage, SipRequest, SipResponse } from './sip.ts';
import type { ClientTransaction, SipTimers } from './transaction.ts';
import type { TransportKind } from './transport.ts';

export interface Line {
  readonly host: string;
  readonly kind: TransportKind;
  readonly timers: SipTimers;
  /** Seeds what a call does to its audio. */
  readonly random: Random;
  /** `<sip:phone@host:port>`. */
  readonly contact: string;
  /** For tags, branches and Call-IDs. */
  token(length: number): string;
  /** A fresh Via value with its own branch. */
  via(): string;
  send(message: SipMessage, address: string, port: number): void;
  transact(
    request: SipRequest,
    hop: { address: string; port: number },
    onResponse: (response: SipResponse) => void,
  ): ClientTransaction;
}
