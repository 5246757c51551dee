// What an application wants sent, as the request that would go out and where to; or why that cannot be (wire protocol 2.3, 2.4). Nothing is sent here.

import { header } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import { type Application, type Refusal, refused } from './application.ts';
import { ClientRequest } from './client-request.ts';
import { type Dialog, dialogIdOf } from './dialog.ts';
import type { Environment } from './environment.ts';
import type { KeptConnections } from './kept-connections.ts';
import { hopOf, nextHopUri } from './next-hop.ts';
import { composeInside, composeOutside } from './request-composer.ts';
import type { Destination, RequestSender } from './request-sender.ts';
import type { SessionTimers } from './session-timers.ts';

export class RequestDrafts {
  readonly #environment: Environment;
  readonly #sender: RequestSender;
  readonly #sessionTimers: SessionTimers;
  readonly #kept: KeptConnections;

  constructor(environment: Environment, sender: RequestSender, sessionTimers: SessionTimers, kept: KeptConnections) {
    this.#environment = environment;
    this.#sender = sender;
    this.#sessionTimers = sessionTimers;
    this.#kept = kept;
  }

  /** @param nextHop where to send it instead of to its Request-URI; nothing else changes. */
  outside(application: Application, client: SipRequest, nextHop: string | undefined): ClientRequest | Refusal {
    const { dialogs, locals, names, transactions } = this.#environment;
    const kept = nextHop === undefined ? this.#keptWay(client.uri) : undefined;
    const target = kept?.hop ?? hopOf(client.uri, locals);
    if (target === 'not a sip uri' && nextHop === undefined) {
      return refused(
        /^[a-z][a-z0-9+.-]*:/i.test(client.uri) && !/^sips?:/i.test(client.uri)
          ? 'Error creating sip transaction for uac request'
          : `invalid request-uri: ${client.method} ${client.uri} SIP/2.0`,
      );
    }
    const hop = nextHop === undefined ? target : hopOf(nextHopUri(nextHop), locals);
    if (hop === 'no such transport') return refused('requested protocol/transport not available');
    if (hop === 'not a sip uri') return refused('Error creating sip transaction for uac request');
    if (locals.isOwn(hop.host, hop.port, hop.local.protocol)) return refused('can not send request to myself');
    if (transactions.full || dialogs.full) return refused('Error creating leg');
    const branch = names.branch();
    const composed = composeOutside(client, hop.local, branch, names, hop.routes);
    if ('refused' in composed) return refused(composed.refused);
    const { request } = composed;
    const callId = header(request, 'call-id') ?? '';
    const tag = getTag(header(request, 'from') ?? '') ?? '';
    if (/[|\s]/.test(callId + tag)) return refused('Error creating leg');
    const makesDialog = request.method === 'INVITE' || request.method === 'SUBSCRIBE';
    return new ClientRequest(this.#environment, {
      txnId: names.uuid(),
      application,
      request,
      branch,
      destination: kept ?? { hop, connection: undefined },
      dialogId: makesDialog ? dialogIdOf(callId, tag) : '',
      dialog: undefined,
    });
  }

  inside(application: Application, client: SipRequest, dialog: Dialog): ClientRequest | Refusal {
    const destination = this.#sender.destinationOf(dialog);
    if (destination === undefined) return refused('requested protocol/transport not available');
    const { names } = this.#environment;
    const branch = names.branch();
    const composed = composeInside(client, dialog, destination.hop.local, {
      branch,
      own: this.#sessionTimers.fieldsForRequest(dialog, client),
    });
    if ('refused' in composed) return refused(composed.refused);
    return new ClientRequest(this.#environment, {
      txnId: names.uuid(),
      application,
      request: composed.request,
      branch,
      destination,
      dialogId: dialog.id,
      dialog,
    });
  }

  /** The connection over which the owner of that Contact registered or subscribed. */
  #keptWay(uri: string): Destination | undefined {
    const flow = this.#kept.find(uri);
    return flow === undefined ? undefined : this.#sender.backOver(flow);
  }
}
