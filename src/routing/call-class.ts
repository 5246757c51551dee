// The class of a call, which decides the telephony rule (metering.md): by the carrier that carries it, not by who is charged least.

import type { CallClass } from '../domain/call.ts';
import type { PhoneNumber, Trunk } from '../domain/directory.ts';

/** A managed carrier is always `managed`. A customer's own Twilio or Telnyx number over the customer's trunk is `imported`, else `byoc`. */
export function callClass(trunk: Trunk, number: PhoneNumber): CallClass {
  if (trunk.kind === 'managed') return 'managed';
  if (trunk.kind === 'telnyx' || number.provider === 'telnyx' || number.provider === 'twilio') return 'imported';
  return 'byoc';
}
