// One request on its way to its targets (RFC 3261 section 16; wire protocol 2.8): one after the other, or all at once.
//
//   target ─ branch ── 1xx ─────────────▶ upstream (100 is not)
//                   ── 2xx ─────────────▶ upstream, at once; the other branches are cancelled
//                   ── 3xx-6xx, none ───▶ kept; the best of them goes upstream when no branch and no target is left
//                   ── each final ──────▶ told to the application, and at last `done`
//
// Invariants
//   PX1. Upstream gets one final response, or several 2xx (section 16.7, step 5).
//   PX2. A branch that is given up is cancelled as soon as it can be; what it still says but a 2xx interests nobody.
//   PX3. Targets of one request are bounded, those that redirects add included. None is added to a request that is answered, cancelled or refused
//        for all.
//   PX4. A redirect leads nowhere nearer to us than where it comes from (reach.ts).

import { SipSerialiseError } from '../message/errors.ts';
import { header, headerValues } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { getTag, parseNameAddr } from '../message/name-addr.ts';
import { serialise } from '../message/serialise.ts';
import { topBranch } from '../message/via.ts';
import type { ConnectionId, Source } from '../transport/flow.ts';
import { type Peer, peerOf } from './application.ts';
import { sortClientHeaders } from './client-headers.ts';
import type { Environment } from './environment.ts';
import { failureResponse } from './failure-response.ts';
import { viaOf } from './local-addresses.ts';
import { hopOf } from './next-hop.ts';
import type { ProxiedCalls } from './proxied-calls.ts';
import { ProxyBranch, RINGING_MAX_MS } from './proxy-branch.ts';
import { forwarded, recordRouteOf, returned, withoutOwnRoute } from './proxy-forwarding.ts';
import { mayName } from './reach.ts';
import type { RequestSender } from './request-sender.ts';
import type { ServerRequest } from './server-request.ts';

export interface ProxyOrder {
  readonly txnId: string;
  readonly targets: readonly string[];
  readonly remainsInDialog: boolean;
  readonly followsRedirects: boolean;
  readonly isSimultaneous: boolean;
  /** Without a provisional response for so long, the next target is tried. */
  readonly provisionalMs: number | undefined;
  readonly finalMs: number | undefined;
}

/** What the application hears. */
export interface ProxyReply {
  final(response: SipResponse, peer: Peer): void;
  done(): void;
}

const TARGETS_MAX = 20;

interface Parts {
  readonly server: ServerRequest;
  readonly order: ProxyOrder;
  readonly message: SipRequest;
  readonly reply: ProxyReply;
  readonly calls: ProxiedCalls;
}

interface Target {
  readonly uri: string;
  /** Of a redirect: who said so. */
  readonly namedBy: Source | undefined;
}

export class ProxiedRequest {
  readonly #environment: Environment;
  readonly #sender: RequestSender;
  readonly #parts: Parts;
  readonly #targets: Target[];
  readonly #branches = new Set<ProxyBranch>();
  #targetsSeen: number;
  #best: SipResponse | undefined;
  #isAnswered = false;
  #isGivenUp = false;
  /** No target is added any more. */
  #isSettled = false;
  #isOver = false;
  onOver: (() => void) | undefined;

  constructor(environment: Environment, sender: RequestSender, parts: Parts) {
    this.#environment = environment;
    this.#sender = sender;
    this.#parts = parts;
    this.#targets = parts.order.targets.slice(0, TARGETS_MAX).map((uri) => ({ uri, namedBy: undefined }));
    this.#targetsSeen = this.#targets.length;
  }

  /** Of who asks. */
  get connection(): ConnectionId | undefined {
    return this.#parts.server.source.connection;
  }

  start(): void {
    if (this.#parts.order.isSimultaneous) for (const target of this.#targets.splice(0)) this.#fork(target);
    this.#goOn();
  }

  /** The caller has given up. */
  cancel(): void {
    this.#isGivenUp = true;
    this.#settle();
  }

  abandon(): void {
    for (const branch of this.#branches) branch.settle();
    this.#branches.clear();
  }

  #settle(): void {
    this.#isSettled = true;
    this.#targets.length = 0;
    for (const branch of this.#branches) branch.cancel();
  }

  /** The next target, if nothing is under way; without one it is over. */
  #goOn(): void {
    while (this.#branches.size === 0) {
      const next = this.#targets.shift();
      if (next === undefined) return this.#finish();
      this.#fork(next);
    }
  }

  #fork({ uri, namedBy }: Target): void {
    const { locals, names } = this.#environment;
    const { server, order, message } = this.#parts;
    const hop = hopOf(uri, locals);
    if (typeof hop === 'string') return this.#unsent();
    const id = names.branch();
    const recordsRoute = order.remainsInDialog && server.method === 'INVITE';
    const request = forwarded(withoutOwnRoute(server.request, locals), {
      uri,
      via: viaOf(hop.local, id),
      recordRoute: recordsRoute ? recordRouteOf(hop.local) : undefined,
      extra: sortClientHeaders(message, hop.local).rest,
    });
    const destination = { hop, connection: undefined, ...(namedBy && { peer: namedBy }) };
    const branch = new ProxyBranch(this.#environment, this.#sender, id, request, destination);
    this.#branches.add(branch);
    const patienceMs = order.provisionalMs ?? order.finalMs;
    if (patienceMs !== undefined) branch.waitAtMost(patienceMs, () => this.#giveUp(branch));
    try {
      branch.start({
        response: (response, source) => this.#receive(branch, response, source),
        failed: (cause) => this.#failed(branch, cause === 'timeout' ? 408 : 503),
        terminated: () => undefined,
      });
    } catch (error) {
      if (!(error instanceof SipSerialiseError)) throw error;
      this.#branches.delete(branch);
      branch.settle();
      this.#unsent();
    }
  }

  /** There is no way to that target, or no request that could be made for it. */
  #unsent(): void {
    const { server, reply } = this.#parts;
    const response = failureResponse(server.request, 503, this.#environment.names.tag());
    this.#keep(response);
    reply.final(response, peerOf(server.source));
  }

  #receive(branch: ProxyBranch, response: SipResponse, source: Source): void {
    this.#environment.statistics.response('in', branch.request.method, response.status);
    if (response.status < 200) return this.#provisional(branch, response);
    if (response.status < 300) return this.#success(branch, response, source);
    if (!this.#branches.delete(branch)) return;
    branch.settle();
    this.#tell(response, peerOf(source));
    const leadsOn = this.#parts.order.followsRedirects && response.status < 400 && this.#redirect(response, source);
    if (!leadsOn) this.#keep(response);
    if (response.status >= 600) this.#settle();
    this.#goOn();
  }

  #provisional(branch: ProxyBranch, response: SipResponse): void {
    if (!branch.provisional() || !this.#branches.has(branch)) return;
    const ringingMs = this.#parts.order.finalMs ?? RINGING_MAX_MS;
    if (branch.request.method === 'INVITE') branch.waitAtMost(ringingMs, () => this.#giveUp(branch));
    if (response.status === 100) return;
    this.#joins(branch, response);
    this.#sendBack(response);
  }

  /** Goes upstream whatever came before, also a second and a repeated one (PX1). */
  #success(branch: ProxyBranch, response: SipResponse, source: Source): void {
    const isFirst = !this.#isAnswered && !this.#isOver;
    this.#branches.delete(branch);
    branch.settle();
    this.#isAnswered = true;
    this.#joins(branch, response);
    this.#sendBack(response);
    if (!isFirst) return;
    if (branch.request.method === 'INVITE') this.#environment.records.passedOn('cdr:start', 'proxy-uac', response);
    this.#parts.reply.final(response, peerOf(source));
    this.#settle();
    this.#goOn();
  }

  /** From here on requests of that dialog come by us. */
  #joins({ request }: ProxyBranch, response: SipResponse): void {
    const isDialog = request.method === 'INVITE' && getTag(header(response, 'to') ?? '') !== undefined;
    if (isDialog && this.#parts.order.remainsInDialog) this.#parts.calls.made(response);
  }

  #failed(branch: ProxyBranch, status: number): void {
    if (!this.#branches.delete(branch)) return;
    branch.settle();
    const { request } = this.#parts.server;
    const response = failureResponse(request, this.#isGivenUp ? 487 : status, this.#environment.names.tag());
    this.#keep(response);
    const { local, host, port } = branch.destination.hop;
    this.#tell(response, { protocol: local.protocol, address: host, port });
    this.#goOn();
  }

  /** What a branch still says after the call was answered interests no application: it would take it for the outcome. */
  #tell(response: SipResponse, peer: Peer): void {
    if (!this.#isAnswered) this.#parts.reply.final(response, peer);
  }

  /** It has taken too long; what it may still say is not waited for, but a 2xx (PX2). */
  #giveUp(branch: ProxyBranch): void {
    branch.cancel();
    this.#failed(branch, 408);
  }

  /** False: it names nobody new, or nobody who may be named (PX3, PX4). */
  #redirect(response: SipResponse, source: Source): boolean {
    const before = this.#targetsSeen;
    for (const contact of headerValues(response, 'contact')) {
      const uri = parseNameAddr(contact)?.uri;
      if (uri === undefined || this.#targetsSeen >= TARGETS_MAX || this.#isSettled) continue;
      const hop = hopOf(uri, this.#environment.locals);
      if (typeof hop !== 'string' && hop.literal && !mayName(source.address, hop.host)) continue;
      this.#targetsSeen += 1;
      this.#targets.push({ uri, namedBy: source });
    }
    return this.#targetsSeen > before;
  }

  /** The best of all refusals: a 6xx, else of the lowest class; of equals the first (section 16.7, step 6). */
  #keep(response: SipResponse): void {
    if (this.#best === undefined || rank(response.status) < rank(this.#best.status)) this.#best = response;
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isAnswered) {
      const { server } = this.#parts;
      const refusal = this.#best ?? failureResponse(server.request, 408, this.#environment.names.tag());
      if (server.method === 'INVITE') this.#environment.records.refused('network', refusal);
      this.#sendBack(refusal);
    }
    this.#parts.reply.done();
    this.onOver?.();
  }

  /** Without our Via, which one that we made ourselves does not have. */
  #sendBack(response: SipResponse): void {
    const { server } = this.#parts;
    const isPassedOn = this.#environment.names.isOwnBranch(topBranch(response) ?? '');
    const back = isPassedOn ? returned(response) : response;
    if (back === undefined) return;
    this.#environment.statistics.response('out', server.method, back.status);
    server.transaction.respond(back.status, serialise(back));
  }
}

/** Of its class, one that says nothing of the called party comes last. */
function rank(status: number): number {
  if (status >= 600) return 0;
  return Math.floor(status / 100) + (status === 408 || status === 503 ? 0.5 : 0);
}
