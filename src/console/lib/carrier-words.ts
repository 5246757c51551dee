// What a carrier says of a call beside its numbers, in words.

import type { Call } from '../api/resources.ts';

type CarrierReason = NonNullable<Call['carrierReason']>;

const LEVELS: Readonly<Record<string, string>> = {
  A: 'A: the caller may use this number',
  B: 'B: a known customer, the number was not checked',
  C: 'C: the call came from elsewhere, nobody knows the caller',
};
const VERDICTS: Readonly<Record<string, string>> = {
  passed: 'signature good, says the carrier',
  failed: 'signature bad, says the carrier',
  not_validated: 'signature not checked by the carrier',
};

/** Why an Identity header attests nothing. */
const PROBLEMS: Readonly<Record<string, string>> = {
  malformed: 'its token cannot be read',
  unsupported: 'its token is of an unknown kind',
  stale: 'its token is too old',
  other_caller: 'its token is for another caller',
  other_called: 'its token is for another called number',
};

/** Causes of the telephone network (ITU-T Q.850) that carriers really send. */
const Q850: Readonly<Record<number, string>> = {
  1: 'no such number',
  2: 'no route to the network',
  3: 'no route to the destination',
  16: 'normal hang-up',
  17: 'busy',
  18: 'nobody responds',
  19: 'rang, nobody answered',
  20: 'subscriber absent',
  21: 'call rejected',
  22: 'number changed',
  26: 'answered elsewhere',
  27: 'destination out of order',
  28: 'number incomplete or malformed',
  29: 'facility rejected',
  31: 'normal, unspecified',
  34: 'no line free',
  38: 'network out of order',
  41: 'temporary failure',
  42: 'switching equipment congested',
  44: 'the requested line is not available',
  47: 'no resource available',
  50: 'not subscribed to this service',
  55: 'calls in are barred',
  57: 'not authorised',
  58: 'not available now',
  63: 'service not available',
  65: 'not implemented',
  79: 'service not implemented',
  88: 'incompatible destination',
  102: 'a timer ran out',
  111: 'protocol error',
  127: 'interworking, unspecified',
};

export function levelText(level: unknown): string {
  return typeof level === 'string' ? (LEVELS[level] ?? level) : 'nobody vouches for the number';
}

/** Empty where the carrier says nothing of a check. */
export function verdictText(verdict: unknown): string {
  return typeof verdict === 'string' ? (VERDICTS[verdict] ?? verdict) : '';
}

/** Empty where there is none. */
export function problemText(problem: unknown): string {
  return typeof problem === 'string' ? (PROBLEMS[problem] ?? problem) : '';
}

/** `Q.850 17: busy, “User busy”`; the text is left out where it says the same. Empty where the header said nothing that could be read. */
export function carrierReasonText({ sip, q850, text }: CarrierReason): string {
  const meaning = q850 === null ? undefined : Q850[q850];
  const causes = [
    q850 === null ? null : `Q.850 ${q850}${meaning === undefined ? '' : `: ${meaning}`}`,
    sip === null ? null : `SIP ${sip}`,
    text === null || text.toLowerCase() === meaning ? null : `“${text}”`,
  ];
  return causes.filter((cause) => cause !== null).join(', ');
}
