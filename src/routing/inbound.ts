// Where a call from a carrier goes: source address -> trunks -> called number -> agent, or the reason why nowhere.
//
// Invariants
//   RI1. The routing key is (trunk, called number). A number on some other trunk than the one that sent the call is unknown here;
//        there is no falling through.
//   RI2. A trunk of a workspace reaches numbers of that workspace only, whatever the numbers' records say.
//   RI3. Refusals are decided in this order: source, number, transport, direction, agent; a stranger learns nothing about numbers.
//   RI5. Trunks of several owners at one address may look for the called number in different places; no number is taken from a place that its own
//        trunk does not look at. Trunks of one owner are kept from that when they are saved (ambiguity.ts).
//   RI4. A trunk that is set to one transport takes no call over another: TLS never falls back.

import type { CallClass } from '../domain/call.ts';
import type { PhoneNumber, Trunk } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import type { Reason } from '../domain/reasons.ts';
import { callClass } from './call-class.ts';
import { calledNumber, type CalledParty, calledSource, SOURCE_NAMES, SOURCE_ORDER } from './called-number.ts';
import { Explanation, type ExplanationStep } from './explanation.ts';
import { matchTrunks, type ResolvedHosts } from './trunk-match.ts';

export interface InboundQuestion {
  readonly sourceIp: string;
  readonly called: CalledParty;
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

/** Every number that the call may be for: one where the trunks at the address are set alike. */
export function calledNumbers(question: Omit<InboundQuestion, 'lookup'>): readonly E164[] {
  const { trunks } = matchTrunks(question.sourceIp, question.trunks, question.resolvedHosts);
  return [...byCalledNumber(trunks, question.called).keys()].filter((number) => number !== undefined);
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
  for (const [called, group] of byCalledNumber(trunks, question.called)) {
    const where = SOURCE_NAMES[calledSource(group[0] as Trunk)];
    if (called === undefined) {
      explanation.note('called_number', `there is no telephone number in the ${where}`);
      continue;
    }
    explanation.ok('called_number', `the called number is ${called}${where === 'Request-URI' ? '' : ` (${where})`}`);
    const found = numberOf(called, question.lookup(called), group, explanation);
    if (found !== null) return found;
    explanation.note('number', `${called} is not a number of ${namesOf(group)}`);
  }
  explanation.failed('number', `the call is for no number of ${namesOf(trunks)}`);
  return null;
}

function numberOf(
  called: E164,
  records: readonly PhoneNumber[],
  trunks: readonly Trunk[],
  explanation: Explanation,
): { trunk: Trunk; number: PhoneNumber } | null {
  for (const number of records) {
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
  return null;
}

/** RI5. The trunks by the number that each of them takes the call to be for. */
function byCalledNumber(
  trunks: readonly Trunk[],
  called: CalledParty,
): ReadonlyMap<E164 | undefined, readonly Trunk[]> {
  const order = trunks.toSorted(
    (a, b) => SOURCE_ORDER.indexOf(calledSource(a)) - SOURCE_ORDER.indexOf(calledSource(b)),
  );
  return Map.groupBy(order, (trunk) => calledNumber(trunk, called));
}

/** RI1, RI2. What a workspace says of its own carrier's numbers (BYOC) holds on its own trunks. Managed and personal numbers may stand without a trunk: they are then reached over any managed carrier, personal ones over the workspace's trunks too. */
function carries(trunk: Trunk, number: PhoneNumber): boolean {
  if (trunk.workspaceId !== null && trunk.workspaceId !== number.workspaceId) return false;
  if (trunk.workspaceId === null && number.provider === 'byoc') return false;
  if (number.trunkId !== null) return number.trunkId === trunk.id;
  if (number.provider === 'personal') return true;
  return number.provider === 'managed' && trunk.kind === 'managed';
}

function namesOf(trunks: readonly Trunk[]): string {
  return trunks.map((trunk) => `trunk "${trunk.label}"`).join(', ');
}
