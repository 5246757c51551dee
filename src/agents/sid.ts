// Identifiers as Twilio's runtimes expect them: two letters and 32 hex digits, derived from ours so that either can be found from the other.

import { createHash } from 'node:crypto';

export type SidPrefix = 'AC' | 'CA' | 'MZ';

export function sidOf(prefix: SidPrefix, id: string): string {
  return prefix + createHash('sha256').update(`${prefix}:${id}`).digest('hex').slice(0, 32);
}
