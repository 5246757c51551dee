// Where a call from a carrier goes: source address -> trunks -> called number -> agent, or the reason why nowhere.
//
// Invariants
//   RI1. The routing key is (trunk, called number). A number on some other trunk than the one that sent the call is unknown here;
//        there is no falling through.
//   RI2. A trunk of a workspace reaches numbers of that workspace only, whatever the numbers' records say.
//   RI3. Refusals are decided in this order: source, number, transport, direction, agent; a stranger learns nothing about numbers.
//   RI4. A trunk that is set to one transport takes no call over another: TLS never falls back.

import type { CallClass } from '../domain/call.ts';
import type { PhoneNumber, Trunk } from '../domain/directory.ts';
import { type E164, normaliseE164 } from '../domain/e164.ts';
import type { Reason } from '../domain/reasons.ts';
import { callClass } from './call-class.ts';
import { Explanation, type ExplanationStep } from './explanation.ts';
import { matchTrunks, type ResolvedHosts } from './trunk-match.ts';

export interface InboundQuestion {
  readonly sourceIp: string;
  /** User part of the Request-URI as it came. */
  readonly calledUser: string;
  /** `udp`, `tcp`, `tls`, …; undefined where it is not asked about. */
  readonly transport?: string | undefined;
  readonly trunks: readonly Trunk[];
  readonly resolvedHosts?: ResolvedHosts;
  readonly lookup: (e164: E164) => readonly PhoneNumber[];
}

export type RouteVerdict =
  | {
      readonly ok: true;
      readonly trunk: Trunk;
      readonly number: PhoneNumber;
      readonly agentId: string;
      readonly class: CallClass;
      readonly steps: readonly ExplanationStep[];
    }
  | {
      readonly ok: false;
      readonly reason: Reason;
      /** As far as the decision got. */
      readonly trunk?: Trunk;
      readonly number?: PhoneNumber;
      readonly steps: readonly ExplanationStep[];
    };

export function routeInbound(question: InboundQuestion): RouteVerdict {
  const explanation = new Explanation();
  const { steps } = explanation;
  const trunks = candidateTrunks(question, explanation);
  if (trunks === null) return { ok: false, reason: 'unknown_source', steps };
  const found = findNumber(question, trunks, explanation);
  if (found === null) {
    // One trunk under the address: the call is certainly its; with several nobody can say.
    const only = trunks.length === 1 ? trunks[0] : undefined;
    return { ok: false, reason: 'unknown_number', steps, ...(only === undefined ? {} : { trunk: only }) };
  }
  const { trunk, number } = found;
  const { transport: wanted = null } = trunk.inbound;
  const came = question.transport?.toLowerCase();
  if (wanted !== null && came !== undefined && came !== wanted) {
    explanation.failed('transport', `trunk "${trunk.label}" takes calls over ${wanted}, this one came over ${came}`);
    return { ok: false, reason: 'transport_mismatch', trunk, number, steps };
  }
  if (number.provider === 'personal' || !number.supportsInbound) {
    explanation.failed('number', `${number.e164} can be shown as caller id only, it takes no calls`);
    return { ok: false, reason: 'outbound_only', trunk, number, steps };
  }
  if (number.agentId === null) {
    explanation.failed('agent', `${number.e164} is not assigned to an agent`);
    return { ok: false, reason: 'number_unassigned', trunk, number, steps };
  }
  explanation.ok('agent', `assigned to agent ${number.agentId}`);
  return { ok: true, trunk, number, agentId: number.agentId, class: callClass(trunk, number), steps };
}

function candidateTrunks(question: InboundQuestion, explanation: Explanation): readonly Trunk[] | null {
  const { sourceIp } = question;
  const match = matchTrunks(sourceIp, question.trunks, question.resolvedHosts);
  if (match.disabled.length > 0) {
    explanation.note('source', `inbound calls are switched off on ${namesOf(match.disabled)}`);
  }
  if (match.trunks.length === 0) {
    explanation.failed('source', `no trunk accepts calls from ${sourceIp}`);
    return null;
  }
  explanation.ok('source', `${sourceIp} is in ${match.prefix} of ${namesOf(match.trunks)}`);
  return match.trunks;
}

function findNumber(
  question: InboundQuestion,
  trunks: readonly Trunk[],
  explanation: Explanation,
): { trunk: Trunk; number: PhoneNumber } | null {
  const called = normaliseCalledUser(question.calledUser);
  if (called === undefined) {
    explanation.failed('called_number', 'the called user is not a telephone number in international form');
    return null;
  }
  explanation.ok('called_number', `the called number is ${called}`);
  const numbers = question.lookup(called);
  for (const number of numbers) {
    if (number.status !== 'active') {
      explanation.note('number', `a record of ${called} is ${number.status}`);
      continue;
    }
    const trunk = trunks.find((candidate) => carries(candidate, number));
    if (trunk === undefined) {
      explanation.note('number', `a record of ${called} belongs to another trunk`);
      continue;
    }
    explanation.ok('number', `${called} is a number of trunk "${trunk.label}"`);
    return { trunk, number };
  }
  explanation.failed('number', `${called} is not a number of ${namesOf(trunks)}`);
  return null;
}

/** RI1, RI2. What a workspace says of its own carrier's numbers (BYOC) holds on its own trunks. Managed and personal numbers may stand without a trunk: they are then reached over any managed carrier, personal ones over the workspace's trunks too. */
function carries(trunk: Trunk, number: PhoneNumber): boolean {
  if (trunk.workspaceId !== null && trunk.workspaceId !== number.workspaceId) return false;
  if (trunk.workspaceId === null && number.provider === 'byoc') return false;
  if (number.trunkId !== null) return number.trunkId === trunk.id;
  if (number.provider === 'personal') return true;
  return number.provider === 'managed' && trunk.kind === 'managed';
}

/** `%2B1202…;npdi` -> `+1202…`. Undefined where it is no telephone number. */
export function normaliseCalledUser(user: string): E164 | undefined {
  const bare = user.split(';', 1)[0] ?? '';
  return normaliseE164(bare.replace(/%2b/i, '+'));
}

function namesOf(trunks: readonly Trunk[]): string {
  return trunks.map((trunk) => `trunk "${trunk.label}"`).join(', ');
}
