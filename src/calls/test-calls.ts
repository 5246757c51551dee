// Credentials for one test call from a browser: made for whoever may use the workspace, good for two minutes and one call to one agent.
//
//   prepared ──INVITE with the right answer to a challenge──▶ used (forgotten)
//       └───── 2 minutes ───────────────────────────────────▶ expired (forgotten)
//
// Invariants
//   TC1. Nothing of them is stored: another node, and this one after a restart, knows none.
//   TC2. The table is bounded, for each workspace and in all.
//   TC3. Who knows no credential, an old one or a wrong password meets the same answers after the same work.
//   TC4. An address that answers wrongly too often is not judged at all for a while.

import type { Clock } from '../domain/clock.ts';
import type { Ids, RandomBytes } from '../domain/ids.ts';
import { DigestServer, digestUser } from '../signalling/index.ts';
import { FailureLimit } from './failure-limit.ts';

/** Stands in From, To and the Request-URI; no host has this name. */
export const TEST_CALL_REALM = 'callin-edge';
const LIFE_MS = 120_000;
const PASSWORD_BYTES = 24;
const USER_BYTES = 12;

export interface TestCallsOptions {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly randomBytes: RandomBytes;
  /** Secret of this node, for nonces. */
  readonly key: string;
  readonly limits?: Partial<TestCallLimits>;
}

export interface TestCallLimits {
  readonly preparedMax: number;
  /** Of these, of one workspace: a person clicks once, a page that loops is stopped. */
  readonly preparedPerWorkspaceMax: number;
}

const DEFAULT_LIMITS: TestCallLimits = { preparedMax: 10_000, preparedPerWorkspaceMax: 20 };

/** What a call that came with a credential may do. */
export interface TestCall {
  readonly id: string;
  readonly workspaceId: string;
  readonly agentId: string;
}

export interface PreparedTestCall extends TestCall {
  readonly username: string;
  readonly password: string;
  readonly realm: string;
  /** Wall clock. */
  readonly expiresAt: number;
}

export type TestCallVerdict =
  | { readonly kind: 'accepted'; readonly testCall: TestCall }
  | { readonly kind: 'challenged'; readonly challenges: readonly string[] }
  /** TC4 */
  | { readonly kind: 'refused' };

export class TestCalls {
  readonly #options: TestCallsOptions;
  readonly #limits: TestCallLimits;
  readonly #digest: DigestServer;
  readonly #failures: FailureLimit;
  /** By user name; the oldest first, so that what is expired stands in front. */
  readonly #prepared = new Map<string, PreparedTestCall & { readonly untilMs: number }>();
  /** Of nobody: what a user that does not exist is compared with. */
  readonly #nobody: { readonly username: string; readonly password: string };

  constructor(options: TestCallsOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { clock, key, randomBytes } = options;
    this.#digest = new DigestServer({ clock, key, realm: TEST_CALL_REALM, randomBytes });
    this.#failures = new FailureLimit(clock);
    this.#nobody = { username: this.#random(USER_BYTES), password: this.#random(PASSWORD_BYTES) };
  }

  /** Prepared and not expired. */
  get size(): number {
    this.#expire();
    return this.#prepared.size;
  }

  /** Undefined: there are as many as there may be (TC2). */
  prepare({ workspaceId, agentId }: Omit<TestCall, 'id'>): PreparedTestCall | undefined {
    this.#expire();
    const { clock, ids } = this.#options;
    const ofWorkspace = [...this.#prepared.values()].filter((known) => known.workspaceId === workspaceId).length;
    if (this.#prepared.size >= this.#limits.preparedMax || ofWorkspace >= this.#limits.preparedPerWorkspaceMax) {
      return undefined;
    }
    const prepared: PreparedTestCall = {
      id: ids.next('test'),
      workspaceId,
      agentId,
      username: this.#random(USER_BYTES),
      password: this.#random(PASSWORD_BYTES),
      realm: TEST_CALL_REALM,
      expiresAt: clock.wallMs() + LIFE_MS,
    };
    this.#prepared.set(prepared.username, { ...prepared, untilMs: clock.monotonicMs() + LIFE_MS });
    return prepared;
  }

  /** Judges an INVITE; one that is accepted uses its credential up. */
  judge(invite: { readonly address: string; readonly authorization: string | undefined }): TestCallVerdict {
    this.#expire();
    const { address, authorization } = invite;
    if (this.#failures.isBlocked(address)) return { kind: 'refused' };
    const known = this.#prepared.get(digestUser(authorization) ?? '');
    const credentials = known ?? this.#nobody;
    const verdict = this.#digest.judge({ method: 'INVITE', authorization, credentials });
    if (verdict === 'proved' && known !== undefined) {
      this.#prepared.delete(known.username);
      const { id, workspaceId, agentId } = known;
      return { kind: 'accepted', testCall: { id, workspaceId, agentId } };
    }
    if (verdict === 'wrong') this.#failures.count(address);
    // SHA-256, and MD5 as the last: sip.js keeps the last of several and knows nothing else. A password that is random and good once is
    // none to guess.
    return { kind: 'challenged', challenges: this.#digest.challenges(verdict === 'stale') };
  }

  #expire(): void {
    const now = this.#options.clock.monotonicMs();
    for (const [username, { untilMs }] of this.#prepared) {
      if (untilMs > now) return;
      this.#prepared.delete(username);
    }
  }

  #random(bytes: number): string {
    return Buffer.from(this.#options.randomBytes(bytes)).toString('base64url');
  }
}
