// What a fake Twilio account holds.

import type { Json } from '../openapi-document.ts';

export interface TwilioTrunk {
  readonly sid: string;
  domainName: string;
  friendlyName: string;
  secure: boolean;
  readonly originationUrls: Map<string, Json>;
  readonly credentialLists: Set<string>;
  readonly addressLists: Set<string>;
}

export interface TwilioState {
  readonly accountSid: string;
  readonly authToken: string;
  status: 'active' | 'suspended' | 'closed';
  type: 'Trial' | 'Full';
  ownerSid: string;
  balance: string;
  readonly numbers: Map<string, Json>;
  readonly trunks: Map<string, TwilioTrunk>;
  /** Sid -> name and credentials by sid. */
  readonly credentialLists: Map<
    string,
    { name: string; credentials: Map<string, { username: string; password: string }> }
  >;
  readonly addressLists: Map<
    string,
    { name: string; addresses: Map<string, { ip: string; prefix: number; name: string }> }
  >;
  /** Domain names that other customers have. */
  readonly takenDomains: Set<string>;
  /** How a name that is taken is answered: not documented. */
  domainTakenAnswer: { status: number; code: number; message: string };
  /** New things are missing from so many listings. */
  listLag: number;
  /** Attaching a number loses its voice URL. */
  attachClearsVoice: boolean;
  /** A trunk of this sid accepts no numbers any more. */
  readonly brokenTrunks: Set<string>;
}

export function newTwilioState(accountSid: string, authToken: string): TwilioState {
  return {
    accountSid,
    authToken,
    status: 'active',
    type: 'Full',
    ownerSid: accountSid,
    balance: '12.34',
    numbers: new Map(),
    trunks: new Map(),
    credentialLists: new Map(),
    addressLists: new Map(),
    takenDomains: new Set(),
    domainTakenAnswer: { status: 400, code: 21245, message: 'The domain name is not available' },
    listLag: 0,
    attachClearsVoice: false,
    brokenTrunks: new Set(),
  };
}

/** Sids of a kind, in order of their making. */
export class Sids {
  #count = 0;

  next(prefix: string): string {
    this.#count += 1;
    return `${prefix}${this.#count.toString(16).padStart(32, '0')}`;
  }
}
