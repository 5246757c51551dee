// What must hold among the settings of a trunk that say how audio is encrypted (trunk-settings.ts TS1, TS2): keys travel in SIP messages, so these
// have to be encrypted themselves.

import { type SipTransport, srtpOf, type Trunk, type TrunkSrtp } from '../domain/directory.ts';
import { invalidField } from './problems.ts';

type Partly<T> = { readonly [K in keyof T]?: T[K] | undefined };

export interface EncryptionChange {
  readonly inbound?: Partly<Pick<Trunk['inbound'], 'mediaEncryption' | 'transport'>> | undefined;
  readonly outbound?: Partly<Pick<Trunk['outbound'], 'mediaEncryption' | 'transport'>> | undefined;
  readonly srtp?: Partly<TrunkSrtp> | undefined;
}

/** The stored settings with the given ones over them. */
export function mergeSrtp(stored: Pick<Trunk, 'srtp'>, { suites, keysInClear }: Partly<TrunkSrtp> = {}): TrunkSrtp {
  const before = srtpOf(stored);
  return { suites: suites ?? before.suites, keysInClear: keysInClear ?? before.keysInClear };
}

/** `transports`: those that this gateway has switched on. What a change does not touch stays as it was stored. */
export function checkEncryption(
  { inbound, outbound, srtp }: Pick<Trunk, 'inbound' | 'outbound' | 'srtp'>,
  change: EncryptionChange,
  transports: readonly SipTransport[],
): void {
  const { keysInClear } = srtpOf(srtp === undefined ? {} : { srtp });
  if (keysInClear) return;
  const isTouched = (side: EncryptionChange['outbound'] | EncryptionChange['inbound']) =>
    side?.mediaEncryption !== undefined || side?.transport !== undefined || change.srtp?.keysInClear !== undefined;
  if (isTouched(change.inbound)) checkSide('inbound', inbound, transports);
  if (isTouched(change.outbound)) checkSide('outbound', outbound, transports);
}

function checkSide(
  side: 'inbound' | 'outbound',
  { mediaEncryption, transport = null }: Pick<Trunk['inbound'], 'mediaEncryption' | 'transport'>,
  transports: readonly SipTransport[],
): void {
  if (mediaEncryption === 'off') return;
  const field = `${side}.mediaEncryption`;
  if (transport !== null && transport !== 'tls') {
    throw invalidField(
      field,
      `${mediaEncryption} needs ${side}.transport tls: over ${transport} anybody on the way could read the keys (srtp.keysInClear allows it)`,
    );
  }
  if (!transports.includes('tls')) {
    throw invalidField(
      field,
      `${mediaEncryption} needs TLS, which is not switched on at this gateway: without it anybody on the way could read the keys (srtp.keysInClear allows it)`,
    );
  }
  // Left to the DNS, a call could turn out to have no way at all.
  if (side === 'outbound' && mediaEncryption === 'required' && transport === null) {
    throw invalidField(field, 'required needs outbound.transport tls, not one that the DNS names');
  }
}
