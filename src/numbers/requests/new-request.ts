// A request is begun.

import { RecordMoved, UnknownReference } from '../../directory/errors.ts';
import type { E164 } from '../../domain/e164.ts';
import { countryOf } from '../../routing/index.ts';
import { type Mistake, RequestFieldsInvalid, RequestLimit, RequestNotOffered } from './errors.ts';
import { LIMITS } from './limits.ts';
import type { RequestParts } from './parts.ts';
import type { Actor, NumberRequest } from './request.ts';
import { newRequestId } from './request-id.ts';
import type { Requirement, Requirements } from './requirement.ts';

export interface NewRequest {
  readonly workspaceId: string;
  readonly by: Actor;
  readonly country: string;
  readonly type: string;
  readonly requestType: string;
  /** Default: 1, or as many as are ported. */
  readonly quantity: number | undefined;
  /** To be ported. */
  readonly numbers: readonly E164[];
}

/** 35 random bits: a second draw is needed once in a lifetime. */
const DRAWS_MAX = 5;
/** What is bought at once and needs no request. */
const BOUGHT_AT_ONCE = new Set(['US', 'CA']);

/** Throws RequestNotOffered, RequestFieldsInvalid, RequestLimit; UnknownReference for a workspace that does not exist. */
export async function newRequest(parts: RequestParts, asked: NewRequest): Promise<NumberRequest> {
  const requirement = offered(parts.requirements, asked);
  const mistakes = mistakesOf(requirement, asked);
  if (mistakes.length > 0) throw new RequestFieldsInvalid(mistakes);
  const { requests, clock, directory } = parts;
  const { workspaceId, by } = asked;
  if ((await directory.workspaces.get(workspaceId)) === undefined) throw new UnknownReference('no such workspace');
  const open = await requests.find({ workspaceId, where: { open: 'yes' }, limit: LIMITS.openRequestsMax });
  if (open.items.length >= LIMITS.openRequestsMax)
    throw new RequestLimit(`a workspace has at most ${LIMITS.openRequestsMax} open requests`);
  const at = clock.wallMs();
  return withNewId(parts, {
    createdAt: at,
    workspaceId,
    country: requirement.country,
    type: requirement.type,
    requestType: requirement.requestType,
    quantity: requirement.requestType === 'porting' ? asked.numbers.length : (asked.quantity ?? 1),
    portedNumbers: asked.numbers,
    status: 'draft',
    touchedAt: at,
    fields: {},
    documents: [],
    fees: { ...requirement.fees, currency: requirement.currency },
    payment: { state: 'none' },
    approval: null,
    decision: null,
    erasedAt: null,
    history: [{ at, status: 'draft', by }],
  });
}

/** Says which of the three is wrong. */
function offered(requirements: Requirements, { country, type, requestType }: NewRequest): Requirement {
  const requirement = requirements.get(country, type, requestType);
  if (requirement !== undefined) return requirement;
  if (BOUGHT_AT_ONCE.has(country))
    throw new RequestNotOffered('country', 'needs no request: its numbers are bought with POST /v1/number-orders');
  if (requirements.find({ country }).length === 0) throw new RequestNotOffered('country', 'is not on offer');
  if (requirements.find({ country, type }).length === 0)
    throw new RequestNotOffered('type', 'is not on offer in this country');
  throw new RequestNotOffered('requestType', 'is not on offer for this type');
}

function mistakesOf({ country, requestType }: Requirement, { numbers, quantity }: NewRequest): Mistake[] {
  if (requestType === 'new') {
    return numbers.length > 0
      ? [{ field: 'numbers', message: 'are for porting; new ones are chosen with the review' }]
      : [];
  }
  if (numbers.length === 0)
    return [{ field: 'numbers', message: 'is required for porting: the numbers to bring along' }];
  const mistakes = numbers.flatMap((e164, index) =>
    countryOf(e164) === country ? [] : [{ field: `numbers.${index}`, message: `must be a number of ${country}` }],
  );
  if (new Set(numbers).size !== numbers.length) mistakes.push({ field: 'numbers', message: 'names one twice' });
  if (quantity !== undefined && quantity !== numbers.length)
    mistakes.push({ field: 'quantity', message: 'must be how many numbers are ported, or be left out' });
  return mistakes;
}

async function withNewId(
  { requests, randomBytes }: RequestParts,
  fresh: Omit<NumberRequest, 'id'>,
): Promise<NumberRequest> {
  for (let draw = 1; ; draw += 1) {
    const request = { ...fresh, id: newRequestId(randomBytes) };
    if ((await requests.get(request.id)) !== undefined && draw < DRAWS_MAX) continue;
    try {
      await requests.put(request);
      return request;
    } catch (error) {
      // Taken in this instant by another node.
      if (!(error instanceof RecordMoved) || draw >= DRAWS_MAX) throw error;
    }
  }
}
