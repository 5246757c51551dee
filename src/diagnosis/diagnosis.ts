// "I can't make calls": the checklist, run against the real configuration and the real network. What it is asked about decides where it looks:
//
//   a number      number ─ agent ─ its trunks in both directions ─ countries ─ price, balance, limits ─ its last calls ─ account at the provider
//   a trunk       trunk ─ its addresses and gateways ─ countries ─ its numbers ─ its last calls
//   a workspace   all numbers ─ the trunks they use ─ their agents ─ balance, limits ─ last calls ─ accounts at providers
//
// Invariants
//   DI1. It only looks: nothing is stored in the directory, no call is placed, nothing is charged. Run twice, it changes nothing in between.
//   DI2. What belongs to another workspace is as unknown as what does not exist.
//   DI3. All of it within `DIAGNOSIS_MS`, `PER_WORKSPACE` at once; what could not be done by then says so.
//   DI4. Diagnoses are kept for those who come back for them, a bounded number in memory: they are old news after an hour.

import type { Directory } from '../directory/directory.ts';
import type { PhoneNumber, Trunk, Workspace } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import type { Ids } from '../domain/ids.ts';
import { trunkForOutbound } from '../routing/index.ts';
import { Deadline } from './deadline.ts';
import { ChecksBusyError, SubjectUnknownError } from './errors.ts';
import { type Finding, failed, ok, skipped, worstOf } from './finding.ts';
import { type LookDeps, Looks, TRUNKS_ASKED_MAX } from './looks.ts';
import { currentOf, existsFinding, numberFindings, workspaceNumberFindings } from './number-steps.ts';
import { Places } from './places.ts';
import { countriesFinding, inboundTrunkFinding, outboundTrunkFinding } from './trunk-steps.ts';

export interface DiagnosisDeps extends LookDeps {
  readonly ids: Ids;
  readonly directory: LookDeps['directory'] & Pick<Directory, 'workspaces' | 'trunks' | 'numbers' | 'allTrunks'>;
  readonly node: () => {
    readonly sip: boolean;
    readonly accepting: boolean;
    /** Why the books take no writes; null: they do. */
    readonly storeTrouble: string | null;
  };
}

export interface DiagnosisQuestion {
  readonly numberE164?: E164 | undefined;
  readonly trunkId?: string | undefined;
  /** Whose; undefined = the operator asks, and what is asked about says whose. */
  readonly workspaceId?: string | undefined;
}

export interface Diagnosis {
  readonly id: string;
  /** Wall-clock ms. */
  readonly createdAt: number;
  readonly durationMs: number;
  readonly workspaceId: string | null;
  readonly numberE164: string | null;
  readonly trunkId: string | null;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly steps: readonly Finding[];
}

export const DIAGNOSIS_MS = 12_000;
const PER_WORKSPACE = 2;
const IN_ALL = 16;
const KEPT_MAX = 1_000;
const KEPT_MS = 3_600_000;
const NUMBERS_MAX = 200;
const RELEASED_MAX = 50;

export class Diagnoses {
  readonly #deps: DiagnosisDeps;
  readonly #looks: Looks;
  readonly #places = new Places(PER_WORKSPACE, IN_ALL);
  readonly #kept = new Map<string, Diagnosis>();

  constructor(deps: DiagnosisDeps) {
    this.#deps = deps;
    this.#looks = new Looks(deps);
  }

  /** Rejects with `ChecksBusyError` and `SubjectUnknownError`. */
  async run(question: DiagnosisQuestion): Promise<Diagnosis> {
    const subject = await this.#subjectOf(question);
    const giveBack = this.#places.take(subject.workspace?.id ?? null);
    if (giveBack === undefined) throw new ChecksBusyError('diagnoses of this workspace are under way');
    try {
      return this.#keep(await this.#look(subject));
    } finally {
      giveBack();
    }
  }

  get(id: string, workspaceId?: string): Diagnosis | undefined {
    const known = this.#kept.get(id);
    const isOld = known !== undefined && this.#deps.clock.wallMs() - known.createdAt > KEPT_MS;
    if (known === undefined || isOld) return undefined;
    return workspaceId === undefined || known.workspaceId === workspaceId ? known : undefined;
  }

  /** DI2 */
  async #subjectOf({ numberE164, trunkId, workspaceId }: DiagnosisQuestion): Promise<Subject> {
    const { directory } = this.#deps;
    const trunk = trunkId === undefined ? undefined : await directory.trunks.get(trunkId, workspaceId);
    if (trunkId !== undefined && trunk === undefined) throw new SubjectUnknownError('there is no such trunk');
    const records = numberE164 === undefined ? [] : await this.#recordsOf(numberE164, workspaceId);
    const number = currentOf(records);
    const owner = workspaceId ?? number?.workspaceId ?? trunk?.workspaceId ?? undefined;
    const workspace = owner === undefined ? undefined : await directory.workspaces.get(owner);
    if (owner !== undefined && workspace === undefined) throw new SubjectUnknownError('there is no such workspace');
    return { e164: numberE164 ?? null, records, number, trunk, workspace };
  }

  /** Those that are in use; where there are none, those that were. */
  async #recordsOf(e164: E164, workspaceId: string | undefined): Promise<readonly PhoneNumber[]> {
    const { numbers } = this.#deps.directory;
    const used = await numbers.byE164(e164);
    const mine = used.filter((number) => workspaceId === undefined || number.workspaceId === workspaceId);
    if (mine.length > 0) return mine;
    const scope = workspaceId === undefined ? {} : { workspaceId };
    const { items } = await numbers.find({ ...scope, status: 'released', q: e164, limit: RELEASED_MAX });
    return items.filter((number) => number.e164 === e164);
  }

  async #look(subject: Subject): Promise<Diagnosis> {
    const { clock, ids } = this.#deps;
    const startedMs = clock.monotonicMs();
    const createdAt = clock.wallMs();
    const deadline = new Deadline(clock, DIAGNOSIS_MS);
    const about =
      subject.trunk !== undefined
        ? await this.#trunk(subject.trunk, subject.workspace, deadline)
        : subject.e164 !== null
          ? await this.#number(subject.e164, subject, deadline)
          : await this.#workspace(subject.workspace, deadline);
    const steps = [this.#node(), ...about];
    return {
      id: ids.next('diag'),
      createdAt,
      durationMs: Math.round(clock.monotonicMs() - startedMs),
      workspaceId: subject.workspace?.id ?? null,
      numberE164: subject.e164,
      trunkId: subject.trunk?.id ?? null,
      state: worstOf(steps),
      steps,
    };
  }

  #node(): Finding {
    const { sip, accepting, storeTrouble } = this.#deps.node();
    if (!sip)
      return failed('node', 'The SIP engine of this gateway is not connected.', 'Tell the operator of this gateway.');
    if (!accepting) return failed('node', 'This gateway is stopping and takes no new calls.', 'Try again in a minute.');
    // What the store said is the operator's to read; a customer is told that it is not his fault.
    if (storeTrouble !== null)
      return failed(
        'node',
        'The books of this gateway take no writes, so it refuses calls.',
        'Tell the operator of this gateway: /readyz and its log say why.',
      );
    return ok('node', 'This gateway takes calls.');
  }

  async #number(e164: string, subject: Subject, deadline: Deadline): Promise<readonly Finding[]> {
    const { number, workspace, records } = subject;
    const exists = existsFinding(e164, records);
    if (number === undefined || workspace === undefined) {
      const provider = workspace === undefined ? [] : await this.#looks.providers(workspace.id, e164, true, deadline);
      return [exists, ...provider];
    }
    const trunks = await this.#deps.directory.allTrunks();
    const outbound = number.supportsOutbound
      ? trunkForOutbound(
          { workspaceId: workspace.id, trunks, defaultTrunkId: workspace.defaultTrunkId ?? null },
          number,
        )
      : undefined;
    const inbound = number.provider === 'personal' || !number.supportsInbound ? null : inboundTrunkOf(number, trunks);
    const used = [...new Set([inbound ?? undefined, outbound])].filter((trunk) => trunk !== undefined);
    const isImported = number.provider === 'twilio' || number.provider === 'telnyx';
    const [agent, checks, money, calls, provider] = await Promise.all([
      this.#looks.agents(number.agentId === null ? [] : [number.agentId], workspace.id, deadline),
      this.#looks.trunks(used, workspace.id, deadline),
      this.#looks.money(workspace, outbound === undefined ? null : { trunk: outbound, number }),
      this.#looks.recentCalls(workspace.id, (call) => call.from === e164 || call.to === e164, e164),
      isImported ? this.#looks.providers(workspace.id, e164, true, deadline) : [],
    ]);
    return [
      exists,
      ...numberFindings(number),
      ...agent,
      ...(inbound === null ? [] : [inboundTrunkFinding(inbound, e164)]),
      ...(number.supportsOutbound ? [outboundTrunkFinding(outbound, e164)] : []),
      ...checks,
      ...(outbound === undefined ? [] : [countriesFinding(outbound, number)]),
      ...money,
      calls,
      ...provider,
    ];
  }

  async #trunk(trunk: Trunk, workspace: Workspace | undefined, deadline: Deadline): Promise<readonly Finding[]> {
    const { directory } = this.#deps;
    const { items: numbers } = await directory.numbers.find({ trunkId: trunk.id, limit: NUMBERS_MAX });
    const [checks, money, calls] = await Promise.all([
      this.#looks.trunks([trunk], trunk.workspaceId, deadline),
      workspace === undefined ? [] : this.#looks.money(workspace, null),
      workspace === undefined
        ? skipped('recent_calls', 'Calls are looked at per workspace.')
        : this.#looks.recentCalls(workspace.id, (call) => call.trunkId === trunk.id, trunk.label),
    ]);
    return [
      inboundTrunkFinding(trunk, trunk.label),
      outboundTrunkFinding(trunk, trunk.label),
      ...checks,
      ...(trunk.outbound.enabled ? [countriesFinding(trunk, null)] : []),
      ...(trunk.workspaceId === null ? [] : workspaceNumberFindings(numbers)),
      ...money,
      calls,
    ];
  }

  async #workspace(workspace: Workspace | undefined, deadline: Deadline): Promise<readonly Finding[]> {
    if (workspace === undefined) throw new SubjectUnknownError('there is no such workspace');
    const { directory } = this.#deps;
    const { items: numbers } = await directory.numbers.find({ workspaceId: workspace.id, limit: NUMBERS_MAX });
    const active = numbers.filter(({ status }) => status === 'active');
    const trunks = await directory.allTrunks();
    const outbound = active
      .filter(({ supportsOutbound }) => supportsOutbound)
      .map((number) => ({
        number,
        trunk: trunkForOutbound(
          { workspaceId: workspace.id, trunks, defaultTrunkId: workspace.defaultTrunkId ?? null },
          number,
        ),
      }));
    const inbound = active
      .filter(({ supportsInbound, provider }) => supportsInbound && provider !== 'personal')
      .map((number) => inboundTrunkOf(number, trunks));
    const own = trunks.filter(({ workspaceId }) => workspaceId === workspace.id);
    const used = new Set(
      [...outbound.map(({ trunk }) => trunk), ...inbound, ...own].filter((trunk) => trunk !== undefined),
    );
    const agentIds = [...new Set(active.map(({ agentId }) => agentId).filter((id) => id !== null))];
    const first = outbound.find(({ trunk }) => trunk !== undefined);
    const [agents, checks, money, calls, providers] = await Promise.all([
      this.#looks.agents(agentIds, workspace.id, deadline),
      this.#looks.trunks([...used], workspace.id, deadline),
      this.#looks.money(workspace, first?.trunk === undefined ? null : { trunk: first.trunk, number: first.number }),
      this.#looks.recentCalls(workspace.id, () => true, null),
      this.#looks.providers(workspace.id, null, false, deadline),
    ]);
    return [
      ...workspaceNumberFindings(numbers),
      ...agents,
      ...(outbound.length > 0 ? [outboundTrunkFinding(first?.trunk)] : []),
      ...checks,
      ...[...new Set(outbound.map(({ trunk }) => trunk))]
        .filter((trunk) => trunk !== undefined)
        .slice(0, TRUNKS_ASKED_MAX)
        .map((trunk) => countriesFinding(trunk, null)),
      ...money,
      calls,
      ...providers,
    ];
  }

  /** DI4 */
  #keep(diagnosis: Diagnosis): Diagnosis {
    this.#kept.set(diagnosis.id, diagnosis);
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
    return diagnosis;
  }
}

interface Subject {
  readonly e164: string | null;
  readonly records: readonly PhoneNumber[];
  readonly number: PhoneNumber | undefined;
  readonly trunk: Trunk | undefined;
  readonly workspace: Workspace | undefined;
}

/** As calls find it (routing/inbound.ts RI1, RI2). */
function inboundTrunkOf(number: PhoneNumber, trunks: readonly Trunk[]): Trunk | undefined {
  if (number.trunkId !== null) return trunks.find(({ id }) => id === number.trunkId);
  return trunks.find(({ kind, inbound }) => kind === 'managed' && inbound.enabled);
}
