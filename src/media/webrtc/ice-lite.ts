// The lite side of ICE (RFC 8445 section 2.5): who may speak to this port, and where we send. The browser does the checking.
//
//   state      input                                      effect
//   waiting    check with our credentials                 answered; its source may speak, and we send there meanwhile
//   any        such a check that nominates                answered; we send to its source from now on (the browser chose, or moved)
//   any        error in a check                           answered with it; nothing changes
//   any        a stranger's packet                        counted; no answer
//
// Invariants
//   I1. DTLS and SRTP are taken only from sources whose check was authentic, and sent only to one of them: an offer cannot aim us at
//       anybody, and strangers reach neither the handshake nor the cipher.
//   I2. Sources are bounded; only the browser itself can push one of its own out.
//   I3. Each authentic check renews the consent to send (RFC 7675 section 5.1).

import { bindingError, bindingSuccess, type IceCredentials, readBindingRequest } from './stun.ts';

export interface IcePeer {
  readonly address: string;
  readonly port: number;
}

const SOURCES_MAX = 8;

export class IceLite {
  /** Where we send; null before the first authentic check. */
  target: IcePeer | null = null;
  /** Monotonic ms of the last authentic check, 0 = none. */
  lastCheckMs = 0;

  readonly #credentials: IceCredentials;
  readonly #sources: IcePeer[] = [];

  constructor(credentials: IceCredentials) {
    this.#credentials = credentials;
  }

  /** The answer to a STUN packet; null = none, a stranger's. */
  stun(bytes: Buffer, address: string, port: number, nowMs: number): Buffer | null {
    const reading = readBindingRequest(bytes, this.#credentials);
    const { password } = this.#credentials;
    switch (reading.kind) {
      case 'ignored':
        return null;
      case 'error':
        return bindingError(bytes, reading.code, reading.unknown, password);
      case 'check': {
        this.lastCheckMs = nowMs;
        const source = this.#remember(address, port);
        if (reading.nominates || this.target === null) this.target = source;
        return bindingSuccess(bytes, address, port, password);
      }
    }
  }

  accepts(address: string, port: number): boolean {
    const target = this.target;
    if (target !== null && target.port === port && target.address === address) return true;
    return this.#find(address, port) !== undefined;
  }

  #find(address: string, port: number): IcePeer | undefined {
    return this.#sources.find((source) => source.port === port && source.address === address);
  }

  #remember(address: string, port: number): IcePeer {
    const known = this.#find(address, port);
    if (known !== undefined) return known;
    const source = { address, port };
    if (this.#sources.length === SOURCES_MAX) this.#sources.shift();
    this.#sources.push(source);
    return source;
  }
}
