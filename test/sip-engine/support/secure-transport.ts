import { test } from 'vitest';
import type { Certificate } from '../../../src/sip-engine/transport/certificate.ts';
import { selfSigned } from '../../agents/certificate.ts';

const found = selfSigned();

/** For localhost and 127.0.0.1; its own authority. */
export const CERTIFICATE: Certificate = found ?? { cert: '', key: '' };
/** Tests that need a certificate say what they lack where none can be made. */
export const securely = test.skipIf(found === undefined);
export const LACK = found === undefined ? ' [needs openssl on this machine]' : '';

export function anotherCertificate(): Certificate {
  return selfSigned() ?? CERTIFICATE;
}
