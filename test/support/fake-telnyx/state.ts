// What a fake Telnyx account holds.

import type { Json } from '../openapi-document.ts';

export type TelnyxArea = 'account' | 'numbers' | 'connections' | 'voice_profiles' | 'ordering';

export interface TelnyxState {
  apiKey: string;
  balance: { balance: string; available: string; credit: string };
  readonly numbers: Map<string, Json>;
  readonly voice: Map<string, Json>;
  readonly profiles: Map<string, Json>;
  readonly fqdnConnections: Map<string, Json>;
  readonly credentialConnections: Map<string, Json>;
  readonly fqdns: Map<string, Json>;
  /** For sale, by number. */
  readonly stock: Map<string, Json>;
  readonly orders: Map<string, Json>;
  /** Numbers that a search has shown: only they can be ordered. */
  readonly searched: Set<string>;
  /** New things are missing from so many listings. */
  listLag: number;
  /** A changed number shows its old connection so many times. */
  numberLag: number;
  /** User name and password of an FQDN connection take effect, which their document does not promise. */
  fqdnCredentials: boolean;
  /** SRTP together with TLS, which their document and the guides see differently. */
  encryptionWithTls: boolean;
  /** How a number is taken off its connection; the document does not say. */
  unassignBy: '' | null;
  /** An order is pending for so many polls, */
  orderPolls: number;
  /** and then this. */
  orderResult: 'success' | 'failure';
  /** The order waits for documents. */
  documentsMissing: boolean;
  /** What was bought has its connection, too. */
  orderConnects: boolean;
}

export function newTelnyxState(apiKey: string): TelnyxState {
  return {
    apiKey,
    balance: { balance: '300.00', available: '400.00', credit: '100.00' },
    numbers: new Map(),
    voice: new Map(),
    profiles: new Map(),
    fqdnConnections: new Map(),
    credentialConnections: new Map(),
    fqdns: new Map(),
    stock: new Map(),
    orders: new Map(),
    searched: new Set(),
    listLag: 0,
    numberLag: 0,
    fqdnCredentials: true,
    encryptionWithTls: true,
    unassignBy: '',
    orderPolls: 0,
    orderResult: 'success',
    documentsMissing: false,
    orderConnects: true,
  };
}

/** Decimal ids beyond 2^53, which no number holds. */
export class DecimalIds {
  #next = 1_293_384_261_075_731_499n;

  next(): string {
    this.#next += 1n;
    return String(this.#next);
  }

  uuid(): string {
    return `00000000-0000-4000-8000-${this.next().slice(-12)}`;
  }
}
