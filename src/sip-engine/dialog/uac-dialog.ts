// The dialog a response to our request makes (RFC 3261 section 12.1.2), and the NAT rule for where its requests are sent
// (wire protocol 4.9).
import { cseqOf } from '../message/cseq.ts';
import { header, headerValues } from '../message/headers.ts';
import type { SipResponse } from '../message/message.ts';
import { getTag, parseNameAddr } from '../message/name-addr.ts';
import { bareHost, parseUri } from '../message/uri.ts';
import { type Flow, isConnectionBound, type Source, wayTo } from '../transport/flow.ts';
import type { ClientRequest } from './client-request.ts';
import { contactUri, Dialog } from './dialog.ts';
import { contactOf, speaksSips } from './local-addresses.ts';
import { isPrivateAddress } from './next-hop.ts';

export function dialogOfResponse(call: ClientRequest, response: SipResponse, source: Source | undefined): Dialog {
  const { request, destination } = call;
  const routeSet = headerValues(response, 'record-route').reverse();
  const contact = contactUri(response);
  const flow: Flow = source ?? {
    protocol: destination.hop.local.protocol,
    address: destination.hop.host,
    port: destination.hop.port,
  };
  const dialog = new Dialog({
    role: 'uac',
    method: request.method,
    callId: header(request, 'call-id') ?? '',
    localTag: getTag(header(request, 'from') ?? '') ?? '',
    remoteTag: getTag(header(response, 'to') ?? '') ?? '',
    localParty: header(request, 'from') ?? '',
    remoteParty: header(response, 'to') ?? header(request, 'to') ?? '',
    routeSet,
    remoteTarget: contact ?? request.uri,
    localSequence: cseqOf(request)?.number ?? 0,
    remoteSequence: undefined,
    localContact: header(request, 'contact') ?? contactOf(destination.hop.local, speaksSips(request)),
    flow: wayTo(flow),
    sendTo: source === undefined ? undefined : wayBack(routeSet, contact, source),
    application: call.application,
  });
  dialog.learnMethods(response);
  return dialog;
}

function wayBack(routeSet: readonly string[], contact: string | undefined, source: Source): Flow | undefined {
  return isConnectionBound(source.protocol) ? wayTo(source) : natRoute(routeSet, contact, source);
}

/** A first route nobody outside can reach, or a Contact that is not where the answer came from: send where it came from. */
function natRoute(routeSet: readonly string[], contact: string | undefined, source: Source): Flow | undefined {
  if (source.protocol !== 'udp') return undefined;
  const back = wayTo(source);
  const first = routeSet[0];
  if (first !== undefined) {
    const host = parseUri(parseNameAddr(first)?.uri ?? first)?.host;
    return host !== undefined && isPrivateAddress(host) && host !== source.address ? back : undefined;
  }
  const uri = contact === undefined ? undefined : parseUri(contact);
  return uri !== undefined && bareHost(uri.host) === source.address ? undefined : back;
}
