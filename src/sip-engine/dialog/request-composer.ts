// Completes the requests of an application: headers it leaves out, places it may not touch (wire protocol 2.3, 2.4, 4.3).
import { parseCSeq } from '../message/cseq.ts';
import type { HeaderField, SipRequest } from '../message/message.ts';
import { getTag, parseNameAddr, withTag } from '../message/name-addr.ts';
import { type ClientHeaders, contentTypeOf, sortClientHeaders } from './client-headers.ts';
import { type Dialog, dialogFields } from './dialog.ts';
import type { Names } from './environment.ts';
import { contactOf, type LocalAddress, speaksSips, viaOf } from './local-addresses.ts';

export type Composed = { readonly request: SipRequest } | { readonly refused: string };

/** Methods whose Contact is where later requests of the dialog go. */
const NEEDS_CONTACT_OUTSIDE = new Set(['INVITE', 'SUBSCRIBE']);
const NEEDS_CONTACT_INSIDE = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE', 'NOTIFY']);

/** @returns the request ready to send, or the text of the refusal. */
/** @param routes URIs of a route set that is there before the dialog. */
export function composeOutside(
  client: SipRequest,
  local: LocalAddress,
  branch: string,
  names: Names,
  routes: readonly string[] = [],
): Composed {
  const sorted = sortClientHeaders(client, local);
  const contentType = contentTypeOf(sorted, client.body);
  if (contentType === undefined) return { refused: 'missing content-type' };
  const fromText = sorted.from ?? contactOf(local);
  if (parseNameAddr(fromText) === undefined) {
    const wantedLocalhost = fromText.includes('localhost');
    return { refused: wantedLocalhost ? `invalid from value provided by client: ${fromText}` : 'Error creating leg' };
  }
  const to = sorted.to ?? `<${client.uri}>`;
  if (parseNameAddr(to) === undefined) return { refused: 'Error creating leg' };
  const sequence =
    sorted.cseq === undefined ? undefined : parseCSeq(`${sorted.cseq.split(' ')[0]} ${client.method}`)?.number;
  const headers: HeaderField[] = [
    { name: 'Via', value: viaOf(local, branch) },
    ...routes.map((uri) => ({ name: 'Route', value: `<${uri}>` })),
    { name: 'Max-Forwards', value: sorted.maxForwards ?? '70' },
    { name: 'From', value: getTag(fromText) === undefined ? withTag(fromText, names.tag()) : fromText },
    { name: 'To', value: to },
    { name: 'Call-ID', value: sorted.callId ?? names.uuid() },
    { name: 'CSeq', value: `${sequence ?? names.sequence()} ${client.method}` },
  ];
  const contact =
    sorted.contact ?? (NEEDS_CONTACT_OUTSIDE.has(client.method) ? contactOf(local, speaksSips(client)) : undefined);
  return { request: finish(client, headers, contact, sorted, contentType.value) };
}

export function composeInside(
  client: SipRequest,
  dialog: Dialog,
  local: LocalAddress,
  { branch, own }: { branch: string; own: readonly HeaderField[] },
): Composed {
  const sorted = sortClientHeaders(client, local);
  const contentType = contentTypeOf(sorted, client.body);
  if (contentType === undefined) return { refused: 'Server error: missing content-type' };
  const line = dialog.requestLine();
  const replaced = client.uri.includes('placeholder') || client.method === 'ACK' || line.uri !== dialog.remoteTarget;
  const headers = dialogFields(dialog, {
    method: client.method,
    sequence: dialog.nextSequence(),
    via: viaOf(local, branch),
    routes: line.routes,
  });
  const contact = sorted.contact ?? (NEEDS_CONTACT_INSIDE.has(client.method) ? dialog.localContact : undefined);
  sorted.rest.push(...own);
  const completed: SipRequest = { ...client, uri: replaced ? line.uri : client.uri };
  return { request: finish(completed, headers, contact, sorted, contentType.value) };
}

/** ACK to a 2xx: number of its INVITE, target of the dialog, maybe the answer to a late offer. */
export function composeAck(
  client: SipRequest | undefined,
  dialog: Dialog,
  local: LocalAddress,
  names: { branch: string; inviteSequence: number },
): Composed {
  const blank: SipRequest = { kind: 'request', method: 'ACK', uri: '', headers: [], body: Buffer.alloc(0) };
  const source = client ?? blank;
  const sorted = sortClientHeaders(source, local);
  const contentType = contentTypeOf(sorted, source.body);
  if (contentType === undefined) return { refused: 'Server error: missing content-type' };
  const line = dialog.requestLine();
  const headers = dialogFields(dialog, {
    method: 'ACK',
    sequence: names.inviteSequence,
    via: viaOf(local, names.branch),
    routes: line.routes,
  });
  return { request: finish({ ...source, uri: line.uri }, headers, sorted.contact, sorted, contentType.value) };
}

/** A request the engine makes itself in a dialog: BYE, session refresh. */
export function composeOwn(
  dialog: Dialog,
  local: LocalAddress,
  own: { method: string; branch: string; extra: readonly HeaderField[]; body?: Buffer },
): SipRequest {
  const line = dialog.requestLine();
  const headers = dialogFields(dialog, {
    method: own.method,
    sequence: dialog.nextSequence(),
    via: viaOf(local, own.branch),
    routes: line.routes,
  });
  headers.push(...own.extra);
  return { kind: 'request', method: own.method, uri: line.uri, headers, body: own.body ?? Buffer.alloc(0) };
}

function finish(
  client: SipRequest,
  headers: HeaderField[],
  contact: string | undefined,
  sorted: ClientHeaders,
  contentType: string | undefined,
): SipRequest {
  if (contact !== undefined) headers.push({ name: 'Contact', value: contact });
  headers.push(...sorted.rest);
  if (contentType !== undefined) headers.push({ name: 'Content-Type', value: contentType });
  return { kind: 'request', method: client.method, uri: client.uri, headers, body: client.body };
}
