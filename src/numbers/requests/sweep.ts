// What happens to requests by itself: acts that a process did not finish, documents that were half uploaded or removed, requests that nobody goes on
// with, and personal data whose time is over.
//
// Invariants
//   SW1. Documents and fields are erased `keptMs` after the decision; of a cancelled request at once.
//   SW2. A request that waits for its customer for `abandonedMs`, or is rejected and not taken up again for `keptMs`, is cancelled, and what was paid
//        goes back. One in review is the operator's: it waits.

import type { NumberLog } from '../log.ts';
import { forgetPersonalData } from './acts.ts';
import { LIMITS } from './limits.ts';
import type { NumberRequests } from './number-requests.ts';
import type { RequestParts } from './parts.ts';
import type { NumberRequest } from './request.ts';
import { known } from './settler.ts';

export interface SweepTimes {
  readonly keptMs: number;
  readonly abandonedMs: number;
}

export interface SweepReport {
  readonly settled: number;
  readonly expired: number;
  readonly erased: number;
  readonly failed: number;
}

type Result = keyof SweepReport;

export async function sweepRequests(
  service: Pick<NumberRequests, 'inTurn' | 'close'>,
  parts: Pick<RequestParts, 'requests' | 'settler' | 'clock'>,
  { keptMs, abandonedMs }: SweepTimes,
  log: NumberLog,
): Promise<SweepReport> {
  const { requests, settler, clock } = parts;
  const results: Result[] = [];

  const each = async (
    where: Readonly<Record<string, string>>,
    isDue: (request: NumberRequest) => boolean,
    work: Work,
    result: Result,
  ) => {
    let cursor: string | null = null;
    do {
      const page = await requests.find({ where, limit: LIMITS.sweepPage, ...(cursor === null ? {} : { cursor }) });
      for (const { id } of page.items.filter(isDue)) results.push(await tried(id, isDue, work, result));
      cursor = page.nextCursor;
    } while (cursor !== null);
  };
  const tried = async (
    id: string,
    isDue: (request: NumberRequest) => boolean,
    work: Work,
    result: Result,
  ): Promise<Result> => {
    try {
      await service.inTurn(id, async (request, at) => (isDue(request) ? work(request, at) : request));
      return result;
    } catch (error) {
      log.error({ err: error, requestId: id }, 'a number request could not be brought on; it is tried again');
      return 'failed';
    }
  };

  // In its turn each request is settled first: there is nothing more to do.
  await each(
    { unsettled: 'yes' },
    () => true,
    async (request) => request,
    'settled',
  );
  await each(
    { kept: 'open' },
    (request) => isAbandoned(request, clock.wallMs(), { keptMs, abandonedMs }),
    (request, at) => service.close(request, 'expire', at, 'system'),
    'expired',
  );
  await each(
    { kept: 'decided' },
    (request) => isDecidedBefore(request, clock.wallMs() - keptMs),
    async (request, at) =>
      settler.tidy(await known(requests.update(request.id, (item) => forgetPersonalData(item, at)))),
    'erased',
  );
  const count = (wanted: Result): number => results.filter((result) => result === wanted).length;
  return { settled: count('settled'), expired: count('expired'), erased: count('erased'), failed: count('failed') };
}

type Work = (request: NumberRequest, at: number) => Promise<NumberRequest>;

/** SW2. */
function isAbandoned(
  { status, touchedAt, decision }: NumberRequest,
  nowMs: number,
  { keptMs, abandonedMs }: SweepTimes,
): boolean {
  if (status === 'in_review') return false;
  if (status === 'rejected') return Math.max(touchedAt, decision?.at ?? 0) + keptMs <= nowMs;
  return touchedAt + abandonedMs <= nowMs;
}

/** SW1. */
function isDecidedBefore({ status, decision }: NumberRequest, beforeMs: number): boolean {
  return status === 'approved' && decision !== null && decision.at <= beforeMs;
}
