// Requests that go in circles (RFC 3261 sections 8.2.2, 16.3, 16.6).
//
// Invariants
//   O1. A request is a loop only where a Via of it holds a branch that we made: addresses prove nothing, since networks behind NATs use the same.
//   O2. What belongs to a call that is up is never refused for its hops: it has arrived.

import { createHmac, randomBytes } from 'node:crypto';
import { header, headerValues } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import { parseVia } from '../message/via.ts';
import { BRANCH_COOKIE } from '../transaction/keys.ts';

/** Vias looked at: a request makes so many hops, and then none (Max-Forwards). */
const VIAS_MAX = 70;
const RANDOM_BYTES = 10;
const MARK_BYTES = 6;
const BRANCH = new RegExp(`^${BRANCH_COOKIE}([0-9a-f]{${RANDOM_BYTES * 2}})([0-9a-f]{${MARK_BYTES * 2}})$`);

/** Branches nobody can guess, and that we know again. */
export class Branches {
  readonly #key = randomBytes(32);

  /** 80 random bits (RFC 3261 section 19.3) and what marks them as ours. */
  make(): string {
    const random = randomBytes(RANDOM_BYTES).toString('hex');
    return BRANCH_COOKIE + random + this.#markOf(random);
  }

  isOwn(branch: string): boolean {
    const [, random, mark] = BRANCH.exec(branch) ?? [];
    return random !== undefined && mark === this.#markOf(random);
  }

  #markOf(random: string): string {
    return createHmac('sha256', this.#key)
      .update(random)
      .digest('hex')
      .slice(0, MARK_BYTES * 2);
  }
}

/**
 * The refusal of a request outside dialogs that has gone in a circle (482) or may go no further (483); undefined where nothing is wrong. OPTIONS
 * that may go no further is answered by whoever it has reached (section 11); a request without Max-Forwards comes from the days before it.
 */
export function loopRefusal(request: SipRequest, isOwnBranch: (branch: string) => boolean): 482 | 483 | undefined {
  const vias = headerValues(request, 'via').slice(0, VIAS_MAX);
  const hasLooped = vias.some((text) => {
    const branch = parseVia(text)?.params.get('branch');
    return branch !== undefined && isOwnBranch(branch);
  });
  if (hasLooped) return 482;
  const mayGoNoFurther = Number(header(request, 'max-forwards') ?? '70') === 0;
  return mayGoNoFurther && request.method !== 'OPTIONS' ? 483 : undefined;
}
