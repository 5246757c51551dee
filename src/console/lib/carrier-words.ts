// What a carrier says of a call beside its numbers, in words.

import type { Call } from '../api/resources.ts';

const LEVELS = {
  A: 'A: may use this number',
  B: 'B: known customer, number not checked',
  C: 'C: came from elsewhere',
} as const;
const VERDICTS = { passed: 'signature good', failed: 'signature bad', not_validated: 'not checked' } as const;

/** Null where the carrier says nothing. Always the carrier's word: this gateway checks no signatures. */
export function attestationText({ attestation }: Pick<Call, 'attestation'>): string | null {
  if (attestation === null) return null;
  const { level, carrierVerdict } = attestation;
  const verdict = carrierVerdict === null ? '' : `, says the carrier: ${VERDICTS[carrierVerdict]}`;
  return `${level === null ? 'nobody vouches for the number' : LEVELS[level]}${verdict}`;
}

export function carrierReasonText({ carrierReason }: Pick<Call, 'carrierReason'>): string | null {
  if (carrierReason === null) return null;
  const { sip, q850, text } = carrierReason;
  const causes = [q850 === null ? null : `Q.850 ${q850}`, sip === null ? null : `SIP ${sip}`, text];
  return causes.filter((cause) => cause !== null).join(', ');
}
