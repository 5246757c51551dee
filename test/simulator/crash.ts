import type { EndedRecord } from '../../src/metering/records.ts';
import { carrierFindings } from './carrier.ts';
import { recoverUntil } from './dying.ts';
import { judge } from './properties.ts';
import { attachedPeriods, type Facts, reference } from './reference.ts';
import { type CallRecords, factsAtEnd, type Judged, judged, type Scene } from './scene.ts';
import type { Script } from './script.ts';
import type { Image, Operation } from './simulated-store.ts';
import { agentProvenTo, factsOf, type Told } from './told.ts';
import type { Beat, Finding } from './watch.ts';
import { lastRtpMs, World, type WorldOptions } from './world.ts';

// The process dies after each operation of the store, before the next one. What it leaves behind is the image of that moment: nothing that
// a dead process would have done later can reach it, so one run gives the images of all its crashes. Each is recovered, once in peace
// and once with a crash in recovery itself, and must then stand as the facts that had become durable say.
//
// In steps, a file that tears in the middle of an append is tried as well. SQLite does not: it would drop the whole append.

export interface Death {
  readonly image: Image;
  readonly given: readonly bigint[];
  readonly beats: ReadonlyMap<string, Beat>;
  /** After the operation, and before the next one. */
  readonly fromMs: number;
  toMs: number;
  readonly text: string;
}

export interface CrashReport {
  readonly world: World;
  readonly points: number;
  readonly findings: readonly (Finding & { readonly where: string })[];
}

const HEARTBEAT_MS = 1_000;
/** Holds of the dead have expired. */
const LONG_AFTER_MS = 100 * 86_400_000;
/** After so many deaths a carrier's record is tried as well. */
const CARRIER_EVERY = 5;

/** Plays the script, and everything that can become of it. */
export async function crashEverywhere(script: Script, options: Omit<WorldOptions, 'watcher'>): Promise<CrashReport> {
  const deaths: Death[] = [];
  const world = new World(script, { ...options, watcher: (played) => deathWatch(played, deaths) });
  await world.play();
  const findings: CrashReport['findings'][number][] = [];
  for (const [index, death] of deaths.entries()) {
    const where = `died ${death.text} (operation ${index + 1}, ${death.fromMs} to ${death.toMs} ms)`;
    for (const dieAgainAt of [Number.POSITIVE_INFINITY, 1 + (index % 7)]) {
      const again = dieAgainAt === Number.POSITIVE_INFINITY ? '' : `, and in recovery at its operation ${dieAgainAt}`;
      const found = await findingsAfter(world, death, dieAgainAt, index);
      findings.push(...found.map((finding) => ({ ...finding, where: where + again })));
    }
  }
  return { world, points: deaths.length, findings };
}

function deathWatch(
  world: World,
  deaths: Death[],
): { before(operation: Operation): void; after(operation: Operation): void } {
  let before: Image | null = null;
  /** The first of those whose next operation has not come. */
  let waiting = 0;
  const keep = (image: Image, text: string) => {
    const nowMs = world.clock.monotonicMs();
    const { beats } = world.watch;
    deaths.push({ image, given: [...world.given], beats, fromMs: nowMs, toMs: nowMs, text });
  };
  return {
    before({ name, records = [] }) {
      const nowMs = world.clock.monotonicMs();
      for (; waiting < deaths.length; waiting += 1) deaths[waiting]!.toMs = nowMs;
      if (world.mode === 'together' || name !== 'append' || records.length < 2) return;
      for (let written = 1; written < records.length; written += 1) {
        before ??= imageOf(world);
        const torn = { books: before.books, journal: before.journal.clone() };
        torn.journal.append(records.slice(0, written));
        keep(torn, `in an append after ${written} of ${records.length} records`);
      }
    },
    after({ name, records }) {
      before = null;
      keep(imageOf(world), `after ${name} ${records?.map(({ kind }) => kind) ?? ''}`);
    },
  };
}

function imageOf({ image: { books, journal } }: World): Image {
  return { books: books.clone(), journal: journal.clone() };
}

async function findingsAfter(world: World, death: Death, dieAgainAt: number, turn: number): Promise<Finding[]> {
  const image: Image = { books: death.image.books.clone(), journal: death.image.journal.clone() };
  if (dieAgainAt !== Number.POSITIVE_INFINITY) await recoverUntil(image, dieAgainAt);
  const failure = await recoverUntil(image, Number.POSITIVE_INFINITY);
  if (failure !== null) return [{ property: 2, what: `recovery failed: ${failure}` }];
  const findings: Finding[] = [];
  // A request that arrives late may hold money again, until it expires.
  for (const id of world.faults === null ? death.image.journal.callIds : [])
    if (image.books.holdAmount(`lease:${id}`) !== undefined) findings.push({ property: 3, what: `${id} still holds` });
  const before = fingerprint(image);
  await recoverUntil(image, Number.POSITIVE_INFINITY);
  if (fingerprint(image) !== before) findings.push({ property: 1, what: 'a second recovery changed something' });
  for (const id of image.books.workspaceIds) image.books.balance(id, world.clock.wallMs() + LONG_AFTER_MS);
  const scene = sceneAfter(world, death, image);
  findings.push(...judge(scene));
  if (world.faults === null) for (const call of scene.calls) findings.push(...notDurable(call, death));
  const call = turn % CARRIER_EVERY === 0 ? scene.calls[(turn / CARRIER_EVERY) % scene.calls.length] : undefined;
  if (call !== undefined) findings.push(...(await carrierFindings(image, call, turn)));
  return findings;
}

function fingerprint({ books, journal }: Image): string {
  const rows = journal.callIds.map((id) => journal.history(id).length);
  const balances = books.workspaceIds.map((id) => `${books.account(id).balance}/${books.account(id).reserved}`);
  return `${rows} ${books.allPostings.length} ${books.allCosts.length} ${balances}`;
}

function sceneAfter(world: World, death: Death, image: Image): Scene {
  const known = new Set(death.image.journal.callIds);
  const calls = world.told
    .filter(({ callId }) => known.has(callId))
    .map((told) => judgedAfter(world, told, death, image));
  return { world, image, given: death.given, calls, crash: death };
}

function judgedAfter(world: World, told: Told, death: Death, image: Image): Judged {
  const records = death.image.journal.history(told.callId);
  const kinds = new Set(records.map(({ kind }) => kind));
  const unanswered = factsOf({ ...told, answer: null }, { proofMs: 0, toldMs: 0, unconfirmed: false }, null);
  // The store was so late with its intent that it had been refused.
  if (kinds.has('ended') && told.end === null)
    return judged(image, told, unanswered, { reason: 'store_unavailable', evidence: 'command', lastProofMs: 0 });
  if (kinds.has('ended')) {
    const { reason, evidence, proofMs, toldMs } = told.end!;
    const lastProofMs = Math.min(proofMs, toldMs);
    return judged(image, told, factsAtEnd(told, world), { reason, evidence, lastProofMs });
  }
  if (!kinds.has('answered'))
    return judged(image, told, unanswered, { reason: 'crashed_before_answer', evidence: 'command', lastProofMs: 0 });
  const beat = death.beats.get(told.callId);
  const written = agentRecords(records);
  const facts = factsAtBeat(world, told, beat, written);
  const known = { lastProofMs: death.fromMs, lateMs: lateMs(told, beat, written) };
  const died = { reason: 'node_crash', evidence: 'heartbeat', ...known } as const;
  return judged(image, told, foretold(world, told, image, facts), died);
}

/** The last heartbeat fitted into what was held; what was told after it of the time before, and the crash then came, may not. */
function lateMs({ agents }: Told, beat: Beat | undefined, written: number): number {
  if (beat === undefined) return 0;
  const late = agents.slice(0, written).filter(({ toldMs, atMs }) => toldMs >= beat.atMs && atMs < beat.atMs);
  return late.reduce((sum, { atMs }) => sum + beat.atMs - atMs, 0);
}

/** Where the store failed, the meter knew less of its holds than stands in them; then it says itself how far the money went. */
function foretold({ faults }: World, told: Told, image: Image, facts: Facts): Facts {
  if (faults === null || !told.setUp.terms!.limited) return facts;
  const ended = image.journal.history(told.callId).find(({ kind }) => kind === 'ended') as EndedRecord | undefined;
  const paidToMs = ended?.billToMs ?? facts.provenMs;
  const provenMs = Math.min(facts.provenMs, paidToMs);
  return { ...facts, provenMs, agentProvenMs: Math.min(facts.agentProvenMs, provenMs), paidToMs };
}

/** All that was told before the instant of the crash is durable, and so is a heartbeat no older than a second. */
function notDurable({ told, reason, records }: Judged, death: Death): Finding[] {
  if (reason !== 'node_crash') return [];
  const findings: Finding[] = [];
  const due = told.agents.filter(({ toldMs }) => toldMs < death.fromMs).length;
  const written = agentRecords(records);
  if (written < due)
    findings.push({ property: 11, what: `${told.callId}: ${written} of ${due} agent events are durable` });
  const provenMs = Math.max(told.answer!.atMs, death.beats.get(told.callId)?.atMs ?? 0);
  if (death.toMs - provenMs > HEARTBEAT_MS)
    findings.push({ property: 11, what: `${told.callId} is proved to ${provenMs}` });
  return findings;
}

function agentRecords(records: CallRecords): number {
  return records.filter(({ kind }) => kind === 'agent').length;
}

/** Telephones are heard from every two seconds, or not at all. */
const RTP_MAX_MS = 2_000;

/** What the last heartbeat proved: up to the last packet where RTP had stopped, and not beyond the money that was held. */
function factsAtBeat(world: World, told: Told, beat: Beat | undefined, written: number): Facts {
  const answerMs = told.answer!.atMs;
  const durable: Told = { ...told, agents: told.agents.slice(0, written) };
  if (beat === undefined) {
    const facts = factsOf(durable, { proofMs: answerMs, toldMs: answerMs, unconfirmed: false }, null);
    return { ...facts, agentProvenMs: answerMs };
  }
  const { media } = told.plan;
  const packetMs = Math.max(answerMs, lastRtpMs(media, beat.atMs));
  const heardMs = media !== null && beat.atMs - packetMs > RTP_MAX_MS ? packetMs : beat.atMs;
  const seen = told.agents.filter(({ toldMs }) => toldMs < beat.atMs);
  const held = told.setUp.terms!.limited && world.faults === null ? beat.held : null;
  const then = factsOf({ ...told, agents: seen }, { proofMs: heardMs, toldMs: beat.atMs, unconfirmed: false }, held);
  const provenMs = reference(then).billToMs;
  const facts = factsOf(durable, { proofMs: provenMs, toldMs: beat.atMs, unconfirmed: false }, null);
  return { ...facts, agentProvenMs: Math.min(provenMs, seenAgentTo(told, seen, then, beat.atMs)) };
}

/** What a heartbeat says of agents: of those that are there, else of who went last. */
function seenAgentTo(told: Told, seen: Told['agents'], then: Facts, beatMs: number): number {
  const last = attachedPeriods({ ...then, agentProvenMs: Infinity }).at(-1);
  if (last?.[1] === Infinity) return agentProvenTo(told, seen, beatMs, beatMs);
  const gone = then.agents.filter(({ on }) => !on).map(({ atMs }) => atMs);
  return gone.length === 0 ? beatMs : Math.max(...gone);
}
