// The routing decision for a call from a carrier, with what it needs looked up: trunks, the addresses of their host names, the
// number. One function for real INVITEs and for `/v1/route-explanations`, so that the explanation cannot differ from what happens.

import type { Directory } from '../directory/directory.ts';
import {
  type CalledParty,
  calledNumbers,
  type ExplanationStep,
  matchTrunks,
  type ResolvedHosts,
  type RouteVerdict,
  routeInbound,
} from '../routing/index.ts';
import type { Trunk } from '../domain/directory.ts';
import type { RegisteredCall } from '../signalling/index.ts';

export type InboundRouter = (question: {
  readonly sourceIp: string;
  readonly called: CalledParty;
  /** Of the INVITE; undefined where it is not asked about. */
  readonly transport?: string;
}) => Promise<RouteVerdict>;

export interface InboundRouterDeps {
  readonly directory: Pick<Directory, 'allTrunks' | 'numbers'>;
  /** What is known now of the host names among the trunks' addresses (signalling's TrunkHosts). */
  readonly resolvedHosts: (trunks: readonly Trunk[]) => ResolvedHosts;
  /** Which trunk's registration a call to this user came over (signalling's Registrations); absent: none registers. */
  readonly registeredCall?: (requestUser: string, sourceIp: string) => RegisteredCall | undefined;
}

export function createInboundRouter({
  directory,
  resolvedHosts,
  registeredCall = () => undefined,
}: InboundRouterDeps): InboundRouter {
  return async ({ sourceIp, called: asWritten, transport }) => {
    const all = await directory.allTrunks();
    // A call to our Contact is that trunk's alone, and the Contact says nothing of the number that was dialled.
    const over = registeredCall(asWritten.requestUser, sourceIp);
    const trunks = over === undefined ? all : all.filter(({ id }) => id === over.trunkId);
    const called = over === undefined ? asWritten : calledOver(over, asWritten);
    const question = { sourceIp, called, transport, trunks, resolvedHosts: resolvedHosts(all) };
    // Of a stranger's call nothing is looked up: it is refused in the same time whether its number exists or not.
    const isStranger = over === undefined && matchTrunks(sourceIp, trunks, question.resolvedHosts).trunks.length === 0;
    const asked = isStranger ? [] : calledNumbers(question);
    const found = await Promise.all(asked.map((number) => directory.numbers.byE164(number)));
    const numbers = found.flat();
    const lookup = (e164: string) => numbers.filter((number) => number.e164 === e164);
    const verdict = routeInbound({ ...question, lookup });
    const isUnsaid = over !== undefined && over.calledNumber === null;
    if (!isUnsaid || verdict.ok || verdict.reason !== 'unknown_number') return verdict;
    return { ...verdict, steps: [...verdict.steps, unsaidNumber(trunks)] };
  };
}

/** What an operator can do about a carrier that sends all calls to the Contact, and writes there and in To whom it has registered. */
function unsaidNumber([trunk]: readonly Trunk[]): ExplanationStep {
  const seen =
    `the call came to the Contact of the registration of trunk "${trunk?.label ?? ''}", and its To names no number of it: ` +
    'outbound.registration.calledNumber can say which number such calls are for';
  return { check: 'called_number', result: 'failed', seen };
}

function calledOver({ calledNumber }: RegisteredCall, called: CalledParty): CalledParty {
  if (calledNumber !== null) return { requestUser: calledNumber };
  return { ...called, requestUser: called.to ?? called.requestUser };
}
