// A personal number on its way from "call me" to a number of the workspace that can be shown as caller id. One record per workspace and number.
//
//   state       code right          5 codes wrong   called again (pause, limits)
//   pending     confirmed           failed          pending, new code; after expiry attempts and calls count anew
//   confirmed   -                   -               -        the number is being written; finished at the next start at the latest
//   verified    -                   -               pending, if the number has been removed since
//   taken       -                   -               pending  (right code, but the number is another workspace's)
//   failed      -                   -               pending, attempts and calls count anew
//
// Invariants
//   PN1. A code is right at most once: what makes a record `confirmed` or `failed`, or replaces the code, drops the hash in the same step.
//   PN2. A number exists only after `confirmed`, and under an id that is made of the record's: writing it twice is writing it once.

import type { CodeLanguage } from '../../agents/bundled/languages.ts';
import type { RecordKind } from '../../directory/records.ts';
import type { E164 } from '../../domain/e164.ts';

export type PersonalState = 'pending' | 'confirmed' | 'verified' | 'taken' | 'failed';

export interface PersonalNumber {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  readonly e164: E164;
  readonly language: CodeLanguage;
  readonly state: PersonalState;
  /** null: no code is out. */
  readonly codeHash: string | null;
  /** Wall-clock ms. */
  readonly codeExpiresAt: number;
  readonly attempts: number;
  /** Calls since the verification began (anew). */
  readonly calls: number;
  /** Calls of the record's whole life: names the code that a hash is of. */
  readonly callSeq: number;
  readonly lastCallAt: number | null;
  /** The last call; null while it is being placed, or where it could not be. */
  readonly callId: string | null;
  /** Keys of the latest requests that made a call: a repeat is answered, not called for. */
  readonly requestKeys: readonly string[];
  readonly verifiedAt: number | null;
}

export const PERSONAL_NUMBERS: RecordKind<PersonalNumber> = {
  name: 'personal_numbers',
  fields: ({ workspaceId, e164, state }) => ({ place: placeOf(workspaceId, e164), state }),
  unique: ['place'],
};

export function placeOf(workspaceId: string, e164: E164): string {
  return `${workspaceId} ${e164}`;
}

/** PN2 */
export function numberIdOf({ id }: PersonalNumber): string {
  return id.replace(/^[a-z]+_/, 'num_');
}
