// The SIP core in one piece: messages from the transactions go up to applications, what applications ask goes down.
// Assembles the user agent parts; holds no rules of its own.
import { makeResponse } from '../message/builders.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { serialise } from '../message/serialise.ts';
import type { ServerTransaction } from '../transaction/layer.ts';
import type { ConnectionId, Source } from '../transport/flow.ts';
import type { Application, Outcome, Refusal } from './application.ts';
import { DialogEnder } from './dialog-ender.ts';
import { EarlySubscriptions } from './early-subscriptions.ts';
import type { Environment } from './environment.ts';
import { InviteOutcomes } from './invite-outcomes.ts';
import { KeptConnections } from './kept-connections.ts';
import { LostConnections } from './lost-connections.ts';
import { ProxiedCalls } from './proxied-calls.ts';
import type { ProxyOrder, ProxyReply } from './proxied-request.ts';
import { RequestProxy } from './proxy.ts';
import { RequestSender } from './request-sender.ts';
import { ServerRequests } from './server-requests.ts';
import { SessionTimers } from './session-timers.ts';
import { UserAgentClient } from './uac.ts';
import { UserAgentServer } from './uas.ts';

/** Read by applications that tell the end of a connection from other ends. */
const LOST = 'Connection lost';

export class SipCore {
  readonly #environment: Environment;
  readonly #client: UserAgentClient;
  readonly #server: UserAgentServer;
  readonly #serverRequests: ServerRequests;
  readonly #ender: DialogEnder;
  readonly #kept: KeptConnections;
  readonly #subscriptions: EarlySubscriptions;
  readonly #proxied: ProxiedCalls;
  readonly #proxy: RequestProxy;
  readonly #lost: LostConnections;

  constructor(environment: Environment) {
    const sender = new RequestSender(environment);
    this.#environment = environment;
    this.#ender = new DialogEnder(environment, sender);
    this.#lost = new LostConnections(environment, sender, this.#ender);
    const sessionTimers = new SessionTimers(environment, sender, this.#ender);
    const outcomes = new InviteOutcomes(environment, sender, this.#ender, sessionTimers);
    this.#kept = new KeptConnections(environment.clock);
    this.#subscriptions = new EarlySubscriptions(environment);
    const ways = { kept: this.#kept, subscriptions: this.#subscriptions };
    this.#client = new UserAgentClient(environment, sender, outcomes, sessionTimers, ways);
    this.#serverRequests = new ServerRequests(environment, this.#ender, sessionTimers, this.#kept);
    this.#proxied = new ProxiedCalls(environment, sender);
    this.#proxy = new RequestProxy(environment, sender, this.#serverRequests, this.#proxied);
    const others = { subscriptions: this.#subscriptions, proxied: this.#proxied };
    this.#server = new UserAgentServer(environment, this.#serverRequests, sessionTimers, others);
  }

  get openRequests(): number {
    return this.#serverRequests.waiting.size;
  }

  request(request: SipRequest, source: Source, transaction: ServerTransaction): void {
    try {
      this.#server.request(request, source, transaction);
    } catch (error) {
      // A mistake of ours: the peer must not wait for ever, and the transaction must not stay. The transport reports it.
      if (transaction.open) transaction.respond(500, serialise(makeResponse(request, 500)));
      throw error;
    }
  }

  ack(request: SipRequest, source: Source): void {
    this.#server.ack(request, source);
  }

  strayResponse(_response: SipResponse, _source: Source): void {
    this.#environment.statistics.dropped('stray response');
  }

  requestOutside(application: Application, request: SipRequest, nextHop: string | undefined): Outcome {
    return this.#client.requestOutside(application, request, nextHop);
  }

  requestInside(application: Application, dialogId: string, request: SipRequest): Outcome {
    return this.#client.requestInside(application, dialogId, request);
  }

  cancel(txnId: string, request: SipRequest): Outcome {
    return this.#client.cancel(txnId, request);
  }

  respond(txnId: string, response: SipResponse): Outcome {
    return this.#serverRequests.respond(txnId, response);
  }

  proxy(order: ProxyOrder, message: SipRequest, reply: ProxyReply): { readonly ok: true } | Refusal {
    return this.#proxy.start(order, message, reply);
  }

  /** An application is gone: what it had open is answered, what it had established is ended, since nobody else can. */
  applicationLost(application: Application): void {
    this.#serverRequests.applicationLost(application);
    this.#client.applicationLost(application);
    for (const dialog of [...this.#environment.dialogs.all()]) {
      const isOrphan = dialog.application === application && dialog.state === 'confirmed';
      if (isOrphan && dialog.method === 'INVITE') this.#ender.endWithBye(dialog, 'Application lost');
    }
  }

  /** A connection is gone. @param canBeMade false for one that nobody can make again: what lived on it is over. */
  connectionLost(connection: ConnectionId, canBeMade: boolean): void {
    this.#kept.lost(connection);
    if (canBeMade) return this.#lost.lost(connection);
    this.#serverRequests.connectionLost(connection, { name: 'Reason', value: `SIP;cause=500;text="${LOST}"` });
    this.#proxy.connectionLost(connection);
    for (const dialog of [...this.#environment.dialogs.all()]) {
      if (dialog.flow.connection === connection) this.#ender.endUnheard(dialog, LOST);
    }
  }

  close(): void {
    this.#client.close();
    this.#serverRequests.close();
    this.#proxy.close();
    this.#proxied.close();
    this.#kept.close();
    this.#subscriptions.close();
    for (const dialog of [...this.#environment.dialogs.all()]) dialog.end();
  }
}
