// The dialog our response to a request makes (RFC 3261 section 12.1.1), and the NAT rule for where its requests are sent
// (wire protocol 4.9).
import { header, headerValues } from '../message/headers.ts';
import type { SipResponse } from '../message/message.ts';
import { bareHost, parseUri } from '../message/uri.ts';
import { type Flow, isConnectionBound, type Source, wayTo } from '../transport/flow.ts';
import { contactUri, Dialog } from './dialog.ts';
import { mayName } from './reach.ts';
import type { ServerRequest } from './server-request.ts';

export function dialogOfRequest(server: ServerRequest, response: SipResponse): Dialog {
  const { request, source } = server;
  const routeSet = headerValues(request, 'record-route');
  const contact = contactUri(request);
  const flow = wayTo(source);
  const behindNat = routeSet.length === 0 ? natRoute(contact, source) : undefined;
  const dialog = new Dialog({
    role: 'uas',
    method: request.method,
    callId: header(request, 'call-id') ?? '',
    localTag: server.toTag ?? '',
    remoteTag: server.fromTag,
    localParty: header(response, 'to') ?? '',
    remoteParty: header(request, 'from') ?? '',
    routeSet,
    remoteTarget: contact ?? `sip:${source.address}:${source.port}`,
    localSequence: server.sequence,
    remoteSequence: server.sequence,
    localContact: header(response, 'contact') ?? '',
    flow,
    // The Contact of a browser is a name of no meaning (`.invalid`): everything goes back the way it came (RFC 7118 section 5).
    sendTo: isConnectionBound(source.protocol) ? flow : behindNat,
    application: server.application,
  });
  dialog.learnMethods(request);
  return dialog;
}

/**
 * The peer has sent an offer or refresh that we took. Behind a NAT the way it came by is the one that is open now; but no peer gets us to send to
 * what is nearer to us than itself (reach.ts).
 */
export function followPeer(dialog: Dialog, { request, source }: ServerRequest): void {
  if (dialog.sendTo === undefined || source.protocol !== 'udp' || dialog.flow.protocol !== 'udp') return;
  if (!mayName(dialog.flow.address, source.address)) return;
  const isNamed = dialog.routeSet.length === 0 && natRoute(contactUri(request), source) === undefined;
  dialog.sendTo = isNamed ? undefined : wayTo(source);
}

/**
 * A Contact that is not where the request came from cannot be reached by UDP through the NAT in between. One that names no port
 * says nothing about the port: it means 5060, whichever port its owner sends from.
 */
function natRoute(contact: string | undefined, source: Source): Flow | undefined {
  if (source.protocol !== 'udp') return undefined;
  const uri = contact === undefined ? undefined : parseUri(contact);
  const isSource =
    uri !== undefined && bareHost(uri.host) === source.address && (uri.port === undefined || uri.port === source.port);
  return isSource ? undefined : wayTo(source);
}
