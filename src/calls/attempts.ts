// The attempts of a call: each gateway of its route, server by server, in the order in which they are tried (signalling.md item 4); and what follows
// from the end of one.
//
// Invariants
//   AT1. A server that asked to be left alone (503 with Retry-After) is not asked before that time is over, also where there is no other.
//   AT2. The next attempt is made for failures of the gateway only: no answer, no connection, and the statuses that the trunk names. What the called
//        party says (486, 600, 603, …) is said once.
//   AT3. There is no next attempt once the called party's side was heard: it rang, or early media was relayed. Nobody's phone rings twice for a call.
//   AT4. Attempts of one call are bounded.
//   AT5. Where encryption is required, no attempt is made over a transport on which its keys could be read.

import { keysWouldBeRead, type Trunk } from '../domain/directory.ts';
import type { Reason } from '../domain/reasons.ts';
import type { OutboundAttempt } from '../routing/index.ts';
import type { Call } from './call.ts';
import type { CarrierGateways, CarrierServer } from './deps.ts';

export interface PlannedAttempt extends OutboundAttempt {
  readonly server: CarrierServer;
}

const ATTEMPTS_MAX = 6;
/** How long a server may be silent where its trunk does not say. */
export const ATTEMPT_TIMEOUT_MS = 6_000;
/** Another gateway may do better. */
const FAILOVER_STATUS: readonly number[] = [408, 500, 502, 503, 504];

export async function planAttempts(
  gateways: Pick<CarrierGateways, 'servers'>,
  call: Pick<Call, 'note'>,
  attempts: readonly OutboundAttempt[],
): Promise<readonly PlannedAttempt[]> {
  const planned = await Promise.all(
    attempts.map(async (attempt) => {
      const servers = await gateways.servers(attempt.trunk, attempt.gateway);
      return servers.map((server) => ({ ...attempt, server }));
    }),
  );
  const all = planned.flat();
  for (const { trunk, server } of all.filter((attempt) => attempt.server.restMs > 0).slice(0, ATTEMPTS_MAX)) {
    call.note('gateway_rests', { trunkId: trunk.id, server: server.shown, restMs: Math.ceil(server.restMs) });
  }
  const inClear = all.filter(({ trunk, server }) => keysWouldBeRead(trunk, server.transport));
  for (const { trunk, server } of inClear.slice(0, ATTEMPTS_MAX)) {
    call.note('keys_in_clear', { trunkId: trunk.id, server: server.shown });
  }
  return all.filter((attempt) => attempt.server.restMs === 0 && !inClear.includes(attempt)).slice(0, ATTEMPTS_MAX);
}

export interface AttemptEnd {
  readonly status: number;
  /** 180 came before; 181 to 183 without audio say nothing of the called party. */
  readonly rang: boolean;
  /** Audio from the called party's side was passed on. */
  readonly earlyMedia: boolean;
}

/** Why the next gateway is to be tried; null: the call ends here (AT2, AT3). */
export function whyNext(trunk: Trunk, { status, rang, earlyMedia }: AttemptEnd): string | null {
  const { failoverStatuses = FAILOVER_STATUS } = trunk.outbound;
  if (earlyMedia || rang) return null;
  if (!failoverStatuses.includes(status)) return null;
  return status === 408 ? 'no answer' : `answered ${status}`;
}

/** How a final answer other than 2xx ends the call; the status itself is kept in the record. */
export function reasonOfStatus(status: number): Reason {
  if (status === 486 || status === 600) return 'busy';
  if (status === 408 || status === 480) return 'no_answer';
  if (status === 487) return 'cancelled';
  return status >= 500 && status < 600 ? 'carrier_failed' : 'rejected';
}
