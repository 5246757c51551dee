import { isDeepStrictEqual } from 'node:util';
import type { Posting } from '../../src/ledger/books.ts';
import { isUnconfirmed } from '../../src/metering/bill.ts';
import { settlementOf } from '../../src/metering/poster.ts';
import { type CallJournalRecord, foldCall } from '../../src/metering/records.ts';
import { MemoryBooks } from './memory-books.ts';
import { dividedUp, type Expected, reference, rowOf, tariffOf } from './reference.ts';
import type { Judged, Scene } from './scene.ts';
import { historyOf } from './scene.ts';
import { workspaceId } from './script.ts';
import { RATE_TABLES, TARIFFS } from './tariffs.ts';
import type { Finding } from './watch.ts';

// The properties that must hold at all times, one check each, by their numbers in the specification of the meter. A check says what is
// wrong; silence is good.

export interface Property {
  readonly number: number;
  readonly name: string;
  readonly check: (scene: Scene, say: (what: string) => void) => void;
}

export const PROPERTIES: readonly Property[] = [
  { number: 1, name: 'at most once', check: atMostOnce },
  { number: 2, name: 'at least once', check: atLeastOnce },
  { number: 3, name: 'conservation', check: conservation },
  { number: 4, name: 'no overdraft', check: noOverdraft },
  { number: 5, name: 'segment independence', check: segmentIndependence },
  { number: 6, name: 'monotone', check: monotone },
  { number: 7, name: 'never beyond proof', check: neverBeyondProof },
  { number: 8, name: 'order independence', check: orderIndependence },
  { number: 9, name: 'clock independence', check: clockIndependence },
  { number: 10, name: 'snapshot', check: snapshot },
  { number: 11, name: 'bounded loss', check: boundedLoss },
  { number: 12, name: 'bounded cost', check: boundedCost },
  { number: 13, name: 'fail visible', check: failVisible },
  { number: 14, name: 'auditable', check: auditable },
];

export function judge(scene: Scene): Finding[] {
  const findings: Finding[] = [];
  for (const { number, check } of PROPERTIES) check(scene, (what) => void findings.push({ property: number, what }));
  return findings;
}

/** Ids follow from the call, each stands once, and whatever is sent again changes nothing; an empty ledger gets the same from the journal. */
function atMostOnce({ calls, image }: Scene, say: (what: string) => void): void {
  const ids = image.books.allPostings.map(({ id }) => id);
  if (new Set(ids).size < ids.length) say(`an id stands twice: ${ids}`);
  const again = image.books.clone();
  for (const call of calls) {
    for (const { id, meter } of call.postings)
      if (id !== `${call.told.callId}:${meter}:1`) say(`${id} does not follow from its call`);
    const { intent, ended, rated } = historyOf(call);
    if (ended === null || rated === null) continue;
    const settlement = settlementOf(intent, ended, rated);
    const outcome = again.settle(settlement);
    if (settlement.postings.length > 0 && outcome !== 'exists') say(`${call.told.callId} could be posted again`);
  }
  checkReplay(calls, say);
  if (again.allPostings.length !== ids.length) say('a repeat added a posting');
  for (const id of image.books.workspaceIds)
    if (again.account(id).balance !== image.books.account(id).balance) say(`a repeat changed the balance of ${id}`);
}

function checkReplay(calls: readonly Judged[], say: (what: string) => void): void {
  const empty = new MemoryBooks();
  const text = (lines: readonly Posting[]) =>
    lines.map(({ id, amount, quantityMs }) => `${id} ${amount} ${quantityMs}`);
  for (const call of [...calls, ...calls]) {
    const { intent, ended, rated } = historyOf(call);
    if (ended !== null && rated !== null) empty.settle(settlementOf(intent, ended, rated));
  }
  const stand = text(calls.flatMap(({ postings }) => postings)).toSorted();
  if (!isDeepStrictEqual(text(empty.allPostings).toSorted(), stand)) say('the journal replayed gives another ledger');
}

/** Each admitted call has one end, one rating, one mark that it is posted; none is open. */
function atLeastOnce({ calls, crash, image }: Scene, say: (what: string) => void): void {
  for (const { told, records } of calls) {
    for (const kind of ['intent', 'ended', 'rated', 'posted'] as const) {
      const count = records.filter((record) => record.kind === kind).length;
      if (count !== 1) say(`${told.callId} has ${count} records "${kind}"`);
    }
    if (crash !== null) continue;
    if (told.bill === null) say(`${told.callId} ended without a bill`);
    if (told.records !== 1) say(`the record of ${told.callId} was stored ${told.records} times`);
  }
  const open = image.journal.openCalls();
  if (open.length > 0) say(`open: ${open}`);
}

/** Postings, balances and holds add up, and each call moved what the reference says. */
function conservation(scene: Scene, say: (what: string) => void): void {
  const { image, calls, given, world } = scene;
  for (const { told, postings, expected } of calls) {
    for (const meter of ['telephony', 'compute'] as const) {
      const amount = -postings.filter((line) => line.meter === meter).reduce((sum, line) => sum + line.amount, 0n);
      const ms = postings.filter((line) => line.meter === meter).reduce((sum, line) => sum + line.quantityMs, 0);
      const right = { ms: meter === 'telephony' ? expected.T : expected.C, amount: expected[meter] };
      if (ms !== right.ms || amount !== right.amount)
        say(`${told.callId} ${meter}: ${ms} ms for ${amount}, expected ${right.ms} ms for ${right.amount}`);
    }
    if (scene.crash === null && told.bill !== null && told.bill.total !== expected.total)
      say(`the bill of ${told.callId} says ${told.bill.total}, expected ${expected.total}`);
  }
  for (const [index] of world.script.workspaces.entries()) {
    const id = workspaceId(index);
    const { balance, reserved } = image.books.account(id);
    const lines = image.books.allPostings.filter((line) => line.workspaceId === id);
    const sum = lines.reduce((total, line) => total + line.amount, 0n);
    const charged = calls
      .filter(({ told }) => told.workspaceId === id)
      .reduce((all, one) => all + one.expected.total, 0n);
    if (balance !== sum || (lines.at(-1)?.balanceAfter ?? 0n) !== sum) say(`${id} has ${balance}, its postings ${sum}`);
    if (balance !== given[index]! - charged) say(`${id} has ${balance} of ${given[index]}, charged ${charged}`);
    if (reserved !== 0n) say(`${id} still holds ${reserved}`);
  }
  checkCosts(scene, say);
}

/** Our own cost stands beside the money, for the leg as long as it lasted. */
function checkCosts({ calls, image }: Scene, say: (what: string) => void): void {
  for (const { told, expected, facts } of calls) {
    const found = image.books.allCosts.filter(({ callId }) => callId === told.callId);
    const right = expected.cost === null || facts.unconfirmed ? null : expected.cost;
    if (found.length !== (right === null ? 0 : 1) || (right !== null && found[0]?.amount !== right))
      say(`${told.callId} costs ${found.map(({ amount }) => amount)}, expected ${right}`);
  }
}

/** No call is charged more than it held, no workspace more than it was given. Each step of the store is watched besides (watch.ts). */
function noOverdraft({ calls, world, image, given }: Scene, say: (what: string) => void): void {
  for (const { told, expected, facts } of calls)
    if (facts.held !== null && expected.total > facts.held)
      say(`${told.callId} held ${facts.held}, costs ${expected.total}`);
  for (const [index, { prepaid }] of world.script.workspaces.entries()) {
    const id = workspaceId(index);
    const { balance } = image.books.account(id);
    if (!prepaid || world.watch.isLate(index) || balance >= 0n) continue;
    const late = calls.filter(({ told }) => told.workspaceId === id).map((call) => lateCost(call));
    if (-balance > late.reduce((sum, cost) => sum + cost, 0n)) say(`${id} has ${balance} of ${given[index]}`);
  }
}

function lateCost({ lateMs = 0, facts }: Judged): bigint {
  return lateMs === 0 ? 0n : dividedUp(tariffOf(facts).computePerMinute * BigInt(Math.ceil(lateMs)), 60_000n);
}

/** The cumulative price at each instant that was looked at is that of the reference, so slices add up whatever their number. */
function segmentIndependence({ calls }: Scene, say: (what: string) => void): void {
  for (const { told } of calls)
    for (const { atMs, total, expected } of told.samples)
      if (total !== expected) say(`${told.callId} at ${atMs}: ${total} so far, expected ${expected}`);
}

/** What a running call has cost never falls, unless something is told of the time before. Postings are never changed: checkSame in B1. */
function monotone({ calls }: Scene, say: (what: string) => void): void {
  for (const { told } of calls) {
    for (const [index, { atMs, total }] of told.samples.entries()) {
      const before = told.samples[index - 1];
      if (before === undefined || total >= before.total || told.plan.media?.agentSilentFromMs != null) continue;
      const rewritten = told.agents.some(
        (event) => event.toldMs >= before.atMs && event.toldMs <= atMs && event.atMs < atMs,
      );
      if (!rewritten) say(`${told.callId} fell from ${before.total} to ${total} at ${atMs}`);
    }
  }
}

function neverBeyondProof({ calls }: Scene, say: (what: string) => void): void {
  for (const call of calls) {
    const { told, facts, lastProofMs, postings } = call;
    const { ended } = historyOf(call);
    if (ended === null) continue;
    const limitMs = Math.max(lastProofMs, told.answer?.atMs ?? lastProofMs);
    const stamps = { at: ended.atMs, billTo: ended.billToMs, agent: ended.agentProvenToMs };
    for (const [name, atMs] of Object.entries(stamps))
      if (ended.answer !== null && atMs > limitMs) say(`${told.callId}: ${name} ${atMs}, last proof ${limitMs}`);
    const compute = postings.find(({ meter }) => meter === 'compute');
    if (facts.answer !== null && (compute?.quantityMs ?? 0) > limitMs - facts.answer.atMs)
      say(`${told.callId}: more compute than call`);
  }
}

/** The records say the same in whatever order they are read, and written twice. */
function orderIndependence({ calls, crash }: Scene, say: (what: string) => void): void {
  if (crash !== null) return;
  for (const { told, records } of calls) {
    const forwards = foldCall(told.callId, records);
    const backwards = foldCall(told.callId, [...records, ...records].toReversed());
    if (!isDeepStrictEqual(forwards, backwards)) say(`${told.callId} depends on the order of its records`);
  }
}

/** Stamps on a bill are whole milliseconds. */
const ROUNDED_MS = 1;

/** A bill's wall-clock stamps are those of the answer and, from there, the monotonic duration. */
function clockIndependence({ calls }: Scene, say: (what: string) => void): void {
  for (const call of calls) {
    const { ended } = historyOf(call);
    const { told, facts } = call;
    if (ended === null || facts.answer === null || told.answer === null) continue;
    if (ended.answer?.wallMs !== told.answer.wallMs) say(`${told.callId} starts at ${ended.answer?.wallMs}`);
    const endsAtMs = told.answer.wallMs + (ended.atMs - told.answer.atMs);
    if (Math.abs(ended.endedWallMs - endsAtMs) > ROUNDED_MS) say(`${told.callId} ends at ${ended.endedWallMs}`);
  }
}

/** Workspace as at set-up; class, trunk and prices as at answer. */
function snapshot({ calls }: Scene, say: (what: string) => void): void {
  for (const call of calls) {
    const { intent, ended } = historyOf(call);
    const { told, postings } = call;
    if (intent.workspaceId !== told.workspaceId || postings.some((line) => line.workspaceId !== told.workspaceId))
      say(`${told.callId} is charged to another workspace than ${told.workspaceId}`);
    const answer = ended?.answer;
    if (answer === null || answer === undefined || told.answer === null) continue;
    if (answer.class !== told.answer.class || answer.trunkId !== told.answer.trunkId)
      say(`${told.callId} has class ${answer.class} over ${answer.trunkId}`);
    if (answer.rates.version !== RATE_TABLES[TARIFFS.indexOf(tariffOf(call.facts))]?.version)
      say(`${told.callId} has prices ${answer.rates.version}`);
  }
}

/** Undisturbed, everything up to the proof or to the end of the money is charged; a crash loses a heartbeat at most. */
function boundedLoss({ calls }: Scene, say: (what: string) => void): void {
  for (const call of calls) {
    const { ended } = historyOf(call);
    if (ended === null || ended.answer === null || isUnconfirmed(ended)) continue;
    if (ended.billToMs !== call.expected.billToMs)
      say(`${call.told.callId} is billed to ${ended.billToMs}, expected ${call.expected.billToMs}`);
  }
}

/** The store is asked for what happens and for each sweep, the counters once per sweep and event: never per packet. */
function boundedCost({ world, calls, crash }: Scene, say: (what: string) => void): void {
  if (crash !== null || world.faults !== null) return;
  const sweeps = Math.ceil(world.clock.monotonicMs() / 1_000);
  const events = calls.reduce((sum, { told }) => sum + told.agents.length + told.samples.length + 16, 0);
  const asked = events + world.script.steps.length + sweeps * (1 + 5 * world.told.length);
  if (world.watch.operations > asked) say(`${world.watch.operations} operations of the store, at most ${asked}`);
  if (world.counterReads > 2 * asked) say(`${world.counterReads} readings of counters, at most ${2 * asked}`);
}

/** What was refused costs nothing and leaves nothing, and it is refused for what is true. */
function failVisible({ world, image }: Scene, say: (what: string) => void): void {
  for (const told of world.told) {
    const { callId, outcome, setUp, plan } = told;
    if (outcome === 'open' || outcome === null) continue;
    const lines = image.books.allPostings.filter((line) => line.callId === callId);
    if (lines.length > 0) say(`${callId} was refused and charged`);
    const kinds = image.journal.history(callId).map(({ kind }) => kind);
    const left = outcome === 'store_unavailable' ? world.watch.leftOver(told) : null;
    if (left !== null) say(`${callId} was refused and left ${left}`);
    if (world.faults === null && kinds.length > 0) say(`${callId} was refused and has records ${kinds}`);
    const unknown = plan.class === 'managed' && rowOf(setUp.tariff, plan.number) === null;
    const right = unknown ? 'no_rate' : setUp.terms === null ? 'store_unavailable' : null;
    if ((right ?? outcome) !== outcome) say(`${callId} was refused as ${outcome}, not ${right}`);
    if (right === null && world.faults === null && (outcome === 'no_rate' || outcome === 'store_unavailable'))
      say(`${callId} was refused as ${outcome} for no reason`);
  }
  for (const { callId, outcome, setUp, plan } of world.told) {
    const unknown = plan.class === 'managed' && rowOf(setUp.tariff, plan.number) === null;
    if (outcome === 'open' && (unknown || setUp.terms === null)) say(`${callId} was let through`);
  }
}

/** The record of the end alone gives the amounts again, and says by what it ended and why it costs that. */
function auditable({ calls }: Scene, say: (what: string) => void): void {
  for (const call of calls) {
    const { ended, rated } = historyOf(call);
    const { told, reason, evidence } = call;
    if (ended === null || rated === null) continue;
    if (ended.reason !== reason || ended.evidence !== evidence)
      say(`${told.callId} ended by ${ended.reason}, ${ended.evidence}; told ${reason}, ${evidence}`);
    const again = fromRecord(call, ended);
    for (const meter of ['telephony', 'compute'] as const)
      if (again[meter] !== rated[meter].amount || rated[meter].rule.length < 10)
        say(`${told.callId} ${meter}: its own record gives ${again[meter]}, rated ${rated[meter].amount}`);
    if (again.total !== rated.total || rated.final === isUnconfirmed(ended))
      say(`${told.callId} is rated ${rated.total}`);
    checkFlags(call, ended.flags, say);
  }
}

function fromRecord({ facts }: Judged, ended: Extract<CallJournalRecord, { kind: 'ended' }>): Expected {
  const agents = ended.agentEvents;
  const { billToMs: provenMs, agentProvenToMs: agentProvenMs } = ended;
  const answer = facts.answer === null ? null : { ...facts.answer, tariff: tariffOf(facts) };
  return reference({ ...facts, answer, agents, provenMs, agentProvenMs, held: null });
}

function checkFlags({ told, facts, reason }: Judged, flags: readonly string[], say: (what: string) => void): void {
  const expect = (flag: string, due: boolean) => {
    if (flags.includes(flag) !== due) say(`${told.callId} is ${due ? 'not ' : ''}flagged ${flag}`);
  };
  const died = reason === 'node_crash' || reason === 'crashed_before_answer';
  expect('answer_unconfirmed', facts.unconfirmed && facts.answer !== null && facts.provenMs - facts.answer.atMs >= 1);
  if (reason === 'crashed_before_answer') expect('needs_reconciliation', true);
  if (died || facts.answer === null) return;
  const served = facts.provenMs - facts.answer.atMs >= 1;
  expect('no_media', served && (told.plan.media?.never ?? false));
  const attached = facts.agents.some(({ on, atMs }) => on && atMs <= facts.provenMs);
  expect('credit_ticket', served && facts.answer.class === 'managed' && !attached);
}
