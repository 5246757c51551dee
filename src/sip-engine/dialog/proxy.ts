// Takes orders of applications to pass requests on (RFC 3261 section 16; wire protocol 2.8), and knows those that are under way.

import { header } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import type { ConnectionId } from '../transport/flow.ts';
import { refused, type Refusal } from './application.ts';
import type { Environment } from './environment.ts';
import type { ProxiedCalls } from './proxied-calls.ts';
import { ProxiedRequest, type ProxyOrder, type ProxyReply } from './proxied-request.ts';
import type { RequestSender } from './request-sender.ts';
import type { ServerRequests } from './server-requests.ts';

const TOO_MANY_HOPS = 'Rejected with 483 Too Many Hops due to Max-Forwards value of 0';

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
    const server = this.#requests.waiting.find(order.txnId);
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
      this.#requests.waiting.inviteOver(server);
    };
    server.onCancel = () => proxied.cancel();
    proxied.start();
    return { ok: true };
  }

  /** Callers that can be answered no more: what they asked for is cancelled in their place. */
  connectionLost(connection: ConnectionId): void {
    for (const proxied of [...this.#open]) if (proxied.connection === connection) proxied.cancel();
  }

  close(): void {
    for (const proxied of this.#open) proxied.abandon();
    this.#open.clear();
  }
}
