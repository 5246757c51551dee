// Everything about a trunk that can be found out by asking: at its saving, on demand, and as a part of a diagnosis. The trunk need not be stored.
//
// Invariants
//   TC1. All of it within `CHECK_MS`; what was not done by then says so.
//   TC2. At most `PER_WORKSPACE` at once for a workspace and `IN_ALL` together; gateways of one trunk are asked side by side.
//   TC3. Nothing is stored, no call is placed.

import type { Trunk } from '../domain/directory.ts';
import { parsePrefix } from '../routing/address.ts';
import { hostPort, type ResolvedHosts } from '../routing/index.ts';
import type { GatewayHosts } from '../signalling/index.ts';
import { ADVICE, advise, DOCS } from './advice.ts';
import { Deadline } from './deadline.ts';
import { ChecksBusyError } from './errors.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';
import { checkGateway, type GatewayCheckParts } from './gateway-checks.ts';
import { overlapFinding } from './overlaps.ts';
import { Places } from './places.ts';

export interface TrunkChecksOptions extends GatewayCheckParts {
  readonly hosts: Pick<GatewayHosts, 'locate'>;
  readonly allTrunks: () => Promise<readonly Trunk[]>;
  /** What is known now of the host names among the trunks' addresses. */
  readonly resolvedHosts: (trunks: readonly Trunk[]) => ResolvedHosts;
}

/** A gateway that a customer's trunk may not have. */
export interface RefusedGateway {
  readonly index: number;
  readonly detail: string;
}

export const CHECK_MS = 5_000;
const PER_WORKSPACE = 2;
const IN_ALL = 16;

export class TrunkChecks {
  readonly #options: TrunkChecksOptions;
  readonly #places = new Places(PER_WORKSPACE, IN_ALL);

  constructor(options: TrunkChecksOptions) {
    this.#options = options;
  }

  /** Before saving: the first gateway whose host leads where calls must not go. A name that leads nowhere is no reason to refuse it. */
  async refusedGateway({ workspaceId, outbound }: Trunk): Promise<RefusedGateway | undefined> {
    const located = await Promise.all(
      outbound.gateways.map(({ host, port }) =>
        this.#options.servers.locate({ host, port, transport: outbound.transport, judged: workspaceId !== null }),
      ),
    );
    const index = located.findIndex((each) => !each.ok && each.code === 'not_allowed');
    const refused = located[index];
    return refused === undefined || refused.ok ? undefined : { index, detail: refused.detail };
  }

  /** Rejects with `ChecksBusyError`. */
  async check(trunk: Trunk): Promise<readonly Finding[]> {
    const giveBack = this.#places.take(trunk.workspaceId);
    if (giveBack === undefined) throw new ChecksBusyError('checks of this workspace are under way');
    try {
      return await this.run(trunk, new Deadline(this.#options.clock, CHECK_MS));
    } finally {
      giveBack();
    }
  }

  /** For whoever holds a place of its own. */
  async run(trunk: Trunk, deadline: Deadline): Promise<readonly Finding[]> {
    const [inbound, outbound] = await Promise.all([this.#inbound(trunk, deadline), this.#outbound(trunk, deadline)]);
    return [...inbound, ...outbound];
  }

  async #inbound(trunk: Trunk, deadline: Deadline): Promise<readonly Finding[]> {
    if (!trunk.inbound.enabled) return [skipped('inbound_address', 'Inbound calls are switched off on this trunk.')];
    const names = trunk.inbound.addresses.filter((address) => parsePrefix(address) === undefined);
    const looked = await Promise.all(names.map((name) => this.#sourceName(name, deadline)));
    const resolved = new Map(looked.map(({ name, addresses }) => [name.toLowerCase(), addresses] as const));
    const trunks = await this.#options.allTrunks();
    const known: ResolvedHosts = new Map([...this.#options.resolvedHosts(trunks), ...resolved]);
    return [...looked.map(({ finding }) => finding), overlapFinding(trunk, trunks, known)];
  }

  /** A carrier's host name among the sources: it is only compared with, nothing is sent there. */
  async #sourceName(
    name: string,
    deadline: Deadline,
  ): Promise<{ name: string; addresses: readonly string[]; finding: Finding }> {
    const late = { ok: false, code: 'timeout', detail: `no answer about ${name} from the DNS` } as const;
    const located = await deadline.within(this.#options.hosts.locate(name, false), late);
    if (located.ok) {
      const finding = ok('inbound_address', `It stands for ${located.addresses.join(', ')}.`, { subject: name });
      return { name, addresses: located.addresses, finding };
    }
    const advice = advise(
      ADVICE.trunkSettings,
      'While the name leads nowhere, calls of your carrier are refused: correct it, or enter the addresses themselves.',
    );
    const finding = failed('inbound_address', 'It leads to no address.', advice, {
      subject: name,
      docs: DOCS.inbound,
    });
    return { name, addresses: [], finding };
  }

  async #outbound(trunk: Trunk, deadline: Deadline): Promise<readonly Finding[]> {
    if (!trunk.outbound.enabled) return [skipped('gateway_address', 'Outbound calls are switched off on this trunk.')];
    const rows = await Promise.all(
      trunk.outbound.gateways.map((gateway) => {
        const late = [
          skipped('gateway_options', 'There was no time left for this gateway.', { subject: hostPort(gateway) }),
        ];
        return deadline.within(checkGateway(trunk, gateway, deadline, this.#options), late);
      }),
    );
    return rows.flat();
  }
}
