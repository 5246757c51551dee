// What a diagnosis looks at beyond records: the network, the books, the last calls, the providers. Each look has a bound, and a word for what it
// could not do.

import type { AgentProbeOutcome } from '../agents/probe.ts';
import type { Directory } from '../directory/directory.ts';
import type { CallClass, CallRecord } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Agent, PhoneNumber, Trunk, Workspace } from '../domain/directory.ts';
import type { E164 } from '../domain/e164.ts';
import type { Nano } from '../domain/money.ts';
import type { Books } from '../ledger/books.ts';
import { callClass } from '../routing/index.ts';
import type { TrunkHealthView, TrunkRegistrationView } from '../signalling/index.ts';
import { agentFinding } from './agent-step.ts';
import { Deadline } from './deadline.ts';
import { type Finding, failed, skipped } from './finding.ts';
import { balanceFinding, limitsFinding } from './money-steps.ts';
import { type ProviderProbe, providerFindings } from './providers.ts';
import { recentCallsFinding } from './recent-calls.ts';
import type { TrunkChecks } from './trunk-checks.ts';
import { healthFinding, nameOf, registrationFinding } from './trunk-steps.ts';

export interface LookDeps {
  readonly clock: Clock;
  readonly directory: Pick<Directory, 'agents' | 'calls'>;
  readonly books: Pick<Books, 'balance'>;
  readonly currency: string;
  readonly trunkChecks: Pick<TrunkChecks, 'run'>;
  readonly health: (trunkId: string) => TrunkHealthView | undefined;
  readonly registration?: (trunkId: string) => TrunkRegistrationView | undefined;
  readonly probeAgent: (agent: Agent, timeoutMs: number) => Promise<AgentProbeOutcome>;
  /** What the first minute of a call costs; a word where the price list has none. */
  readonly minuteCost: (callClass: CallClass, number: E164) => Nano | 'no_rate' | 'rejected';
  readonly providers: ProviderProbe;
}

const TRUNK_MS = 6_000;
const AGENT_MS = 4_000;
const PROVIDER_MS = 8_000;
const CALLS_MAX = 100;
/** Of a whole workspace: more are named, not asked. */
export const TRUNKS_ASKED_MAX = 8;
const AGENTS_ASKED_MAX = 8;

export class Looks {
  readonly #deps: LookDeps;

  constructor(deps: LookDeps) {
    this.#deps = deps;
  }

  /** Of trunks of the operator only their health is told: their addresses are the operator's. */
  async trunks(trunks: readonly Trunk[], workspaceId: string | null, deadline: Deadline): Promise<readonly Finding[]> {
    const { clock, trunkChecks, health, registration } = this.#deps;
    const asked = trunks.slice(0, TRUNKS_ASKED_MAX);
    const rows = await Promise.all(
      asked.map(async (trunk) => {
        const watched = [
          ...(trunk.outbound.enabled ? [healthFinding(trunk, health(trunk.id))] : []),
          ...(trunk.outbound.register === true ? [registrationFinding(trunk, registration?.(trunk.id))] : []),
        ];
        if (trunk.workspaceId !== workspaceId) return watched.map(withoutDetails);
        const within = new Deadline(clock, deadline.atMost(TRUNK_MS));
        const late = [skipped('gateway_options', 'There was no time left for this trunk.', { subject: trunk.label })];
        const checks = await deadline.within(trunkChecks.run(trunk, within), late);
        return [...checks.map((check) => ({ ...check, subject: check.subject ?? nameOf(trunk) })), ...watched];
      }),
    );
    const more = trunks.length - asked.length;
    const rest =
      more > 0 ? [skipped('gateway_options', `${more} more trunks were not asked: diagnose them one by one.`)] : [];
    return [...rows.flat(), ...rest];
  }

  async agents(agentIds: readonly string[], workspaceId: string, deadline: Deadline): Promise<readonly Finding[]> {
    const { directory, probeAgent } = this.#deps;
    const asked = agentIds.slice(0, AGENTS_ASKED_MAX);
    const rows = await Promise.all(
      asked.map(async (id) => {
        const agent = await directory.agents.get(id, workspaceId);
        if (agent === undefined) {
          return failed('agent_reachable', 'The agent does not exist any more.', 'Assign the number to another agent.');
        }
        return agentFinding(agent, await probeAgent(agent, deadline.atMost(AGENT_MS)));
      }),
    );
    const more = agentIds.length - asked.length;
    return more > 0 ? [...rows, skipped('agent_reachable', `${more} more agents were not dialled.`)] : rows;
  }

  async money(
    workspace: Workspace,
    route: { readonly trunk: Trunk; readonly number: PhoneNumber } | null,
  ): Promise<readonly Finding[]> {
    const { books, clock, currency, minuteCost } = this.#deps;
    const balance = await books.balance(workspace.id, clock.wallMs());
    const cost = route === null ? 0n : minuteCost(callClass(route.trunk, route.number), route.number.e164);
    const rate =
      typeof cost === 'string'
        ? [
            failed(
              'rate',
              cost === 'no_rate'
                ? 'The price list has no price for calls like these.'
                : 'The price list refuses calls like these.',
              'Ask the operator of this gateway.',
            ),
          ]
        : [];
    const minute = typeof cost === 'string' ? 0n : cost;
    return [...rate, balanceFinding(workspace, balance, minute, currency), limitsFinding(workspace, balance, currency)];
  }

  async recentCalls(
    workspaceId: string,
    isAbout: (call: CallRecord) => boolean,
    subject: string | null,
  ): Promise<Finding> {
    const { items } = await this.#deps.directory.calls.list({ workspaceId, limit: CALLS_MAX });
    return recentCallsFinding(items, isAbout, subject);
  }

  async providers(
    workspaceId: string,
    e164: string | null,
    needed: boolean,
    deadline: Deadline,
  ): Promise<readonly Finding[]> {
    const { clock, providers } = this.#deps;
    const within = new Deadline(clock, deadline.atMost(PROVIDER_MS));
    const accounts = await within.within(providers.accounts(workspaceId, e164), null);
    if (accounts === null) return [skipped('provider_account', 'The provider did not answer in time.')];
    return providerFindings(accounts, e164, needed);
  }
}

/** The operator's gateways are named to nobody else. */
function withoutDetails(finding: Finding): Finding {
  const seen =
    finding.state === 'failed'
      ? 'The carrier does not answer.'
      : finding.state === 'ok'
        ? 'The carrier answers.'
        : finding.seen;
  const advice = finding.state === 'failed' ? 'Tell the operator of this gateway.' : finding.advice;
  return { ...finding, seen, advice };
}
