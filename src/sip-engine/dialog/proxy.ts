// Passes requests on for an application (RFC 3261 section 16; wire protocol 2.8): to one target after the other, or to all at once.
//
//   order ── branch per target ── 1xx ─────────────▶ upstream (100 is not)
//                              ── 2xx ─────────────▶ upstream, at once; the other branches are cancelled
//                              ── 3xx-6xx, none ───▶ kept; the best of them goes upstream when no branch and no target is left
//                              ── each final ──────▶ told to the application, and at last `done`
//
// Invariants
//   PX1. Upstream gets one final response, or several 2xx (section 16.7, step 5).
//   PX2. A branch that is given up is cancelled as soon as it can be; what it still says but a 2xx interests nobody.
//   PX3. Targets of one request are bounded, those that redirects add included.

import { header, headerValues } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { getTag, parseNameAddr } from '../message/name-addr.ts';
import { serialise } from '../message/serialise.ts';
import { TimerSlot } from '../transaction/timers.ts';
import { topBranch } from '../message/via.ts';
import type { Source } from '../transport/flow.ts';
import { type Peer, peerOf, refused, type Refusal } from './application.ts';
import { sortClientHeaders } from './client-headers.ts';
import type { Environment } from './environment.ts';
import { failureResponse } from './failure-response.ts';
import { viaOf } from './local-addresses.ts';
import { hopOf } from './next-hop.ts';
import type { ProxiedCalls } from './proxied-calls.ts';
import { forwarded, recordRouteOf, returned, withoutOwnRoute } from './proxy-forwarding.ts';
import { cancelOf, type Destination, type RequestSender } from './request-sender.ts';
import type { ServerRequest } from './server-request.ts';
import type { ServerRequests } from './server-requests.ts';

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
/** Timer C (section 16.6, step 11). */
const RINGING_MAX_MS = 185_000;
const TOO_MANY_HOPS = 'Rejected with 483 Too Many Hops due to Max-Forwards value of 0';

interface Branch {
  readonly id: string;
  readonly request: SipRequest;
  readonly destination: Destination;
  readonly patience: TimerSlot;
  sawProvisional: boolean;
  isCancelled: boolean;
  isCancelSent: boolean;
}

export class RequestProxy {
  readonly #environment: Environment;
  readonly #sender: RequestSender;
  readonly #requests: ServerRequests;
  readonly #calls: ProxiedCalls;
  readonly #open = new Set<ProxiedRequest>();

  constructor(environment: Environment, sender: RequestSender, requests: ServerRequests, calls: ProxiedCalls) {
    this.#environment = environment;
    this.#sender = sender;
    this.#requests = requests;
    this.#calls = calls;
  }

  /** @param message start line and headers of the application: the headers are added. */
  start(order: ProxyOrder, message: SipRequest, reply: ProxyReply): { readonly ok: true } | Refusal {
    const server = this.#requests.find(order.txnId);
    if (server === undefined || !server.transaction.open) return refused(`Unknown transaction id: ${order.txnId}`);
    if (Number(header(server.request, 'max-forwards') ?? '70') === 0) {
      this.#requests.refuse(server, 483);
      return refused(TOO_MANY_HOPS);
    }
    this.#requests.handOver(server);
    const proxied = new ProxiedRequest(this.#environment, this.#sender, {
      server,
      order,
      message,
      reply,
      calls: this.#calls,
    });
    this.#open.add(proxied);
    proxied.onOver = () => {
      this.#open.delete(proxied);
      this.#requests.handedBack(server);
    };
    server.onCancel = () => proxied.cancel();
    proxied.start();
    return { ok: true };
  }

  close(): void {
    for (const proxied of this.#open) proxied.abandon();
    this.#open.clear();
  }
}

interface Parts {
  readonly server: ServerRequest;
  readonly order: ProxyOrder;
  readonly message: SipRequest;
  readonly reply: ProxyReply;
  readonly calls: ProxiedCalls;
}

/** One request on its way to its targets. */
class ProxiedRequest {
  readonly #environment: Environment;
  readonly #sender: RequestSender;
  readonly #parts: Parts;
  readonly #targets: string[];
  readonly #branches = new Set<Branch>();
  #targetsSeen: number;
  #best: SipResponse | undefined;
  #isAnswered = false;
  #isOver = false;
  onOver: (() => void) | undefined;

  constructor(environment: Environment, sender: RequestSender, parts: Parts) {
    this.#environment = environment;
    this.#sender = sender;
    this.#parts = parts;
    this.#targets = parts.order.targets.slice(0, TARGETS_MAX);
    this.#targetsSeen = this.#targets.length;
  }

  start(): void {
    if (this.#parts.order.isSimultaneous) for (const target of this.#targets.splice(0)) this.#fork(target);
    this.#goOn();
  }

  /** The caller has given up. */
  cancel(): void {
    this.#targets.length = 0;
    for (const branch of this.#branches) this.#cancelBranch(branch);
  }

  abandon(): void {
    for (const { patience } of this.#branches) patience.stop();
    this.#branches.clear();
  }

  /** The next target, if nothing is under way; without one it is over. */
  #goOn(): void {
    while (this.#branches.size === 0 && this.#targets.length > 0) this.#fork(this.#targets.shift() ?? '');
    if (this.#branches.size === 0) this.#finish();
  }

  #fork(target: string): void {
    const { locals, names, clock } = this.#environment;
    const { server, order, message, reply } = this.#parts;
    const hop = hopOf(target, locals);
    if (typeof hop === 'string') {
      const unsent = failureResponse(server.request, 503, names.tag());
      this.#keep(unsent);
      return reply.final(unsent, peerOf(server.source));
    }
    const id = names.branch();
    const recordsRoute = order.remainsInDialog && server.method === 'INVITE';
    const request = forwarded(withoutOwnRoute(server.request, locals), {
      uri: target,
      via: viaOf(hop.local, id),
      recordRoute: recordsRoute ? recordRouteOf(hop.local) : undefined,
      extra: sortClientHeaders(message, hop.local).rest,
    });
    const branch: Branch = {
      id,
      request,
      destination: { hop, connection: undefined },
      patience: new TimerSlot(clock),
      sawProvisional: false,
      isCancelled: false,
      isCancelSent: false,
    };
    this.#branches.add(branch);
    const patienceMs = order.provisionalMs ?? order.finalMs;
    if (patienceMs !== undefined) branch.patience.start(() => this.#giveUp(branch), patienceMs);
    this.#sender.start(request, id, branch.destination, {
      response: (response, source) => this.#receive(branch, response, source),
      failed: (cause) => this.#failed(branch, cause === 'timeout' ? 408 : 503),
      terminated: () => undefined,
    });
  }

  #receive(branch: Branch, response: SipResponse, source: Source): void {
    this.#environment.statistics.response('in', branch.request.method, response.status);
    if (response.status < 200) return this.#provisional(branch, response);
    if (response.status < 300) return this.#success(branch, response, source);
    if (!this.#branches.delete(branch)) return;
    branch.patience.stop();
    this.#tell(response, peerOf(source));
    const leadsOn = this.#parts.order.followsRedirects && response.status < 400 && this.#redirect(response);
    if (!leadsOn) this.#keep(response);
    if (response.status >= 600) this.cancel();
    this.#goOn();
  }

  #provisional(branch: Branch, response: SipResponse): void {
    branch.sawProvisional = true;
    if (branch.isCancelled) return this.#cancelBranch(branch);
    const { finalMs } = this.#parts.order;
    if (branch.request.method === 'INVITE')
      branch.patience.start(() => this.#giveUp(branch), finalMs ?? RINGING_MAX_MS);
    if (response.status === 100 || !this.#branches.has(branch)) return;
    this.#joins(branch, response);
    this.#sendBack(response);
  }

  /** Goes upstream whatever came before, also a second and a repeated one (PX1). */
  #success(branch: Branch, response: SipResponse, source: Source): void {
    const isFirst = this.#branches.delete(branch);
    branch.patience.stop();
    this.#isAnswered = true;
    this.#joins(branch, response);
    this.#sendBack(response);
    if (!isFirst) return;
    if (branch.request.method === 'INVITE') this.#environment.records.passedOn('cdr:start', 'proxy-uac', response);
    this.#parts.reply.final(response, peerOf(source));
    this.cancel();
    this.#goOn();
  }

  /** From here on requests of that dialog come by us. */
  #joins({ request }: Branch, response: SipResponse): void {
    const isDialog = request.method === 'INVITE' && getTag(header(response, 'to') ?? '') !== undefined;
    if (isDialog && this.#parts.order.remainsInDialog) this.#parts.calls.made(response);
  }

  #failed(branch: Branch, status: number): void {
    if (!this.#branches.delete(branch)) return;
    branch.patience.stop();
    const response = failureResponse(this.#parts.server.request, status, this.#environment.names.tag());
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
  #giveUp(branch: Branch): void {
    this.#cancelBranch(branch);
    this.#failed(branch, 408);
  }

  #cancelBranch(branch: Branch): void {
    branch.isCancelled = true;
    if (branch.isCancelSent || !branch.sawProvisional || branch.request.method !== 'INVITE') return;
    branch.isCancelSent = true;
    this.#sender.start(cancelOf(branch.request, []), branch.id, branch.destination, NOBODY);
  }

  /** False: it names nobody new. */
  #redirect(response: SipResponse): boolean {
    const before = this.#targetsSeen;
    for (const contact of headerValues(response, 'contact')) {
      const uri = parseNameAddr(contact)?.uri;
      if (uri === undefined || this.#targetsSeen >= TARGETS_MAX || this.#isAnswered) continue;
      this.#targetsSeen += 1;
      this.#targets.push(uri);
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

const NOBODY = { response: () => undefined, failed: () => undefined, terminated: () => undefined };
