// Requests within calls that were passed on and in whose route set we are (RFC 3261 section 16.4, 16.12).
//
// Invariants
//   PC1. Only requests of such calls are passed on, known by Call-ID and both tags: this is no open relay.
//   PC2. They go where their Route or Request-URI says, but never nearer to us than where they come from (reach.ts).
//   PC3. Calls are bounded; one that is silent for `SILENT_MAX_MS` is forgotten, since its BYE may have gone another way.
//   PC4. A re-INVITE is cancelled where its sender cancels it, and after timer C; it ends whatever its target does.

import { header } from '../message/headers.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import { serialise } from '../message/serialise.ts';
import type { ServerTransaction } from '../transaction/layer.ts';
import type { Source } from '../transport/flow.ts';
import type { Environment } from './environment.ts';
import { failureResponse } from './failure-response.ts';
import { viaOf } from './local-addresses.ts';
import { hopOf } from './next-hop.ts';
import { firstRoute, forwarded, returned, withoutOwnRoute } from './proxy-forwarding.ts';
import { mayName } from './reach.ts';
import { ProxyBranch, RINGING_MAX_MS } from './proxy-branch.ts';
import type { Destination, RequestSender } from './request-sender.ts';

const CALLS_MAX = 10_000;
const SILENT_MAX_MS = 12 * 3_600_000;

interface Way {
  readonly request: SipRequest;
  readonly branch: string;
  readonly destination: Destination;
}

export class ProxiedCalls {
  readonly #environment: Environment;
  readonly #sender: RequestSender;
  /** When each was last heard of; the longest silent first. */
  readonly #heardMs = new Map<string, number>();
  /** Under way. */
  readonly #branches = new Map<ServerTransaction, ProxyBranch>();

  constructor(environment: Environment, sender: RequestSender) {
    this.#environment = environment;
    this.#sender = sender;
  }

  get size(): number {
    return this.#heardMs.size;
  }

  /** By a response to an INVITE that has us in its route set. */
  made(response: SipResponse): void {
    this.#hear(keyOf(response));
    const oldestMs = this.#environment.clock.now() - SILENT_MAX_MS;
    for (const [key, heardMs] of this.#heardMs) {
      if (heardMs > oldestMs && this.#heardMs.size <= CALLS_MAX) break;
      this.#heardMs.delete(key);
    }
  }

  /** @returns false for a request of no such call (PC1). */
  request(request: SipRequest, source: Source, transaction: ServerTransaction): boolean {
    const key = keyOf(request);
    if (!this.#heardMs.has(key)) return false;
    this.#hear(key);
    const way = this.#wayOf(request, source);
    const answer = (response: SipResponse): void => {
      this.#environment.statistics.response('out', request.method, response.status);
      transaction.respond(response.status, serialise(response));
      if (request.method === 'BYE' && response.status >= 200) this.#heardMs.delete(key);
    };
    const fail = (status: number): void => answer(failureResponse(request, status, this.#environment.names.tag()));
    if (way === undefined) {
      fail(404);
      return true;
    }
    if (request.method === 'BYE') this.#environment.records.passedOn('cdr:stop', 'normal-release', request);
    const branch = new ProxyBranch(this.#environment, this.#sender, way.branch, way.request, way.destination);
    this.#branches.set(transaction, branch);
    branch.start({
      response: (response) => {
        if (response.status >= 200) this.#over(transaction);
        else if (!this.#rings(branch)) return;
        const back = response.status === 100 ? undefined : returned(response);
        if (back !== undefined) answer(back);
      },
      failed: (cause) => {
        this.#over(transaction);
        fail(cause === 'timeout' ? 408 : 503);
      },
      terminated: () => undefined,
    });
    return true;
  }

  /** The INVITE of that transaction is wanted no more. */
  cancel(transaction: ServerTransaction): void {
    this.#branches.get(transaction)?.cancel();
  }

  /** An ACK to a 2xx is a transaction of its own, which nobody answers. */
  ack(ack: SipRequest, source: Source): boolean {
    if (!this.#heardMs.has(keyOf(ack))) return false;
    const way = this.#wayOf(ack, source);
    if (way !== undefined) this.#sender.sendAck(way.request, way.destination, () => undefined);
    return true;
  }

  close(): void {
    for (const branch of this.#branches.values()) branch.settle();
    this.#branches.clear();
    this.#heardMs.clear();
  }

  /** @returns false where nobody wants to know. */
  #rings(branch: ProxyBranch): boolean {
    const isWanted = branch.provisional();
    if (isWanted && branch.request.method === 'INVITE') branch.waitAtMost(RINGING_MAX_MS, () => branch.cancel());
    return isWanted;
  }

  #over(transaction: ServerTransaction): void {
    this.#branches.get(transaction)?.settle();
    this.#branches.delete(transaction);
  }

  #hear(key: string): void {
    this.#heardMs.delete(key);
    this.#heardMs.set(key, this.#environment.clock.now());
  }

  /** PC2 */
  #wayOf(request: SipRequest, source: Source): Way | undefined {
    const { locals, names } = this.#environment;
    const left = withoutOwnRoute(request, locals);
    const hop = hopOf(firstRoute(left) ?? left.uri, locals, source.protocol);
    if (typeof hop === 'string' || locals.isOwn(hop.host, hop.port, hop.local.protocol)) return undefined;
    if (hop.literal && !mayName(source.address, hop.host)) return undefined;
    if (Number(header(request, 'max-forwards') ?? '70') === 0) return undefined;
    const branch = names.branch();
    const on = forwarded(left, { uri: left.uri, via: viaOf(hop.local, branch), recordRoute: undefined, extra: [] });
    return { request: on, branch, destination: { hop, connection: undefined, peer: source } };
  }
}

/** The same in both directions. */
function keyOf(message: SipMessage): string {
  const tags = [getTag(header(message, 'from') ?? '') ?? '', getTag(header(message, 'to') ?? '') ?? ''].sort();
  return [header(message, 'call-id'), ...tags].join('|');
}
