// The attributes of ICE (RFC 8839) and DTLS (RFC 8842) in a description. Values that cannot be used are skipped, as if they were not
// there: what is then missing is the reader's to say.

import type { DtlsFingerprint } from '../domain/webrtc-parameters.ts';
import type { SecureTransport } from './session.ts';

/** Fingerprints of a section; one is the rule. */
const FINGERPRINTS_MAX = 8;
/** Bytes of the hashes that may vouch for a certificate; SHA-1 and MD5 may not (RFC 8122 section 5). */
const FINGERPRINT_BYTES: Readonly<Record<DtlsFingerprint['algorithm'], number>> = {
  'sha-256': 32,
  'sha-384': 48,
  'sha-512': 64,
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };
export type DraftTransport = Writable<Omit<SecureTransport, 'fingerprints'>> & { fingerprints: DtlsFingerprint[] };

export function emptyTransport(): DraftTransport {
  return { iceUfrag: null, icePwd: null, iceLite: false, fingerprints: [], setup: null };
}

/** What applies to a section: its own, else what stands above all sections. */
export function inherited(own: SecureTransport, above: SecureTransport): SecureTransport {
  return {
    iceUfrag: own.iceUfrag ?? above.iceUfrag,
    icePwd: own.icePwd ?? above.icePwd,
    iceLite: above.iceLite,
    fingerprints: own.fingerprints.length > 0 ? own.fingerprints : above.fingerprints,
    setup: own.setup ?? above.setup,
  };
}

/** True if the attribute is one of the transport's. */
export function addTransportAttribute(transport: DraftTransport, name: string, value: string): boolean {
  switch (name) {
    case 'ice-ufrag':
      if (/^[A-Za-z0-9+/]{4,256}$/.test(value)) transport.iceUfrag = value;
      return true;
    case 'ice-pwd':
      if (/^[A-Za-z0-9+/]{22,256}$/.test(value)) transport.icePwd = value;
      return true;
    case 'ice-lite':
      transport.iceLite = true;
      return true;
    case 'setup':
      if (value === 'active' || value === 'passive' || value === 'actpass' || value === 'holdconn') {
        transport.setup = value;
      }
      return true;
    case 'fingerprint': {
      const fingerprint = parseFingerprint(value);
      if (fingerprint !== null && transport.fingerprints.length < FINGERPRINTS_MAX) {
        transport.fingerprints.push(fingerprint);
      }
      return true;
    }
    default:
      return false;
  }
}

/** `<hash> <hex>:<hex>:…` */
function parseFingerprint(text: string): DtlsFingerprint | null {
  const match = /^(sha-256|sha-384|sha-512) +([0-9a-f]{2}(?::[0-9a-f]{2}){0,63})$/i.exec(text);
  if (match === null) return null;
  const algorithm = match[1]!.toLowerCase() as DtlsFingerprint['algorithm'];
  const value = match[2]!.toUpperCase();
  return value.length === FINGERPRINT_BYTES[algorithm] * 3 - 1 ? { algorithm, value } : null;
}
