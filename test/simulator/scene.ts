import type { Evidence } from '../../src/domain/call.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import type { Posting } from '../../src/ledger/books.ts';
import { type CallHistory, type EndedRecord, foldCall } from '../../src/metering/records.ts';
import { type Expected, type Facts, reference } from './reference.ts';
import { isRich } from './script.ts';
import type { Image } from './simulated-store.ts';
import { factsOf, type Told } from './told.ts';
import type { World } from './world.ts';

// What is judged: what stands in journal and ledger when all is over, beside what was told and what the reference makes of it.

export interface Scene {
  readonly world: World;
  readonly image: Image;
  /** Top-ups that had arrived, per workspace. */
  readonly given: readonly bigint[];
  readonly calls: readonly Judged[];
  /** The process died and the calls were recovered; null: it lived. */
  readonly crash: CrashPoint | null;
}

export interface CrashPoint {
  /** The state is that after the operation at `fromMs`; the process died before the next one, at `toMs`. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly text: string;
}

/** A call that the meter had admitted, and how it must stand in the books. */
export interface Judged {
  readonly told: Told;
  readonly facts: Facts;
  readonly expected: Expected;
  readonly reason: Reason;
  readonly evidence: Evidence;
  /** No service is proved after this, whatever else is said. Monotonic ms. */
  readonly lastProofMs: number;
  /** Agent time before the last heartbeat that became known after it. */
  readonly lateMs?: number;
  readonly records: CallRecords;
  readonly postings: readonly Posting[];
}

export type CallRecords = ReturnType<Image['journal']['history']>;

/** The scene after a run that was not disturbed. */
export function sceneOf(world: World): Scene {
  const calls = world.told.flatMap((told) => {
    if (told.outcome !== 'open' || told.end === null) return [];
    const { reason, evidence, proofMs, toldMs } = told.end;
    return [
      judged(world.image, told, factsAtEnd(told, world), { reason, evidence, lastProofMs: Math.min(proofMs, toldMs) }),
    ];
  });
  return { world, image: world.image, given: world.given, calls, crash: null };
}

export function judged(
  { journal, books }: Image,
  told: Told,
  facts: Facts,
  end: Pick<Judged, 'reason' | 'evidence' | 'lastProofMs' | 'lateMs'>,
): Judged {
  const postings = books.allPostings.filter(({ callId }) => callId === told.callId);
  return { told, facts, expected: reference(facts), ...end, records: journal.history(told.callId), postings };
}

/** The facts of a call that ended while its process lived. */
export function factsAtEnd(told: Told, { faults, image, script }: World): Facts {
  const end = told.end!;
  const unconfirmed = end.reason === 'answer_unconfirmed';
  const isLimited = told.setUp.terms!.limited && !isRich(script.workspaces[told.plan.workspace]!);
  if (faults === null || !isLimited)
    return factsOf(told, { ...end, unconfirmed }, isLimited ? (told.held ?? 0n) : null);
  // What a store that fails has granted and what the meter heard of it may differ: the meter says itself how far the money went.
  const ended = image.journal.history(told.callId).find(({ kind }) => kind === 'ended') as EndedRecord | undefined;
  return { ...factsOf(told, { ...end, unconfirmed }, null), paidToMs: ended?.billToMs ?? null };
}

export function historyOf({ told, records }: Judged): CallHistory {
  return foldCall(told.callId, records);
}
