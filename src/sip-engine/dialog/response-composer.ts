// Completes the responses of an application (wire protocol 2.7, 4.3).
import { SipSerialiseError } from '../message/errors.ts';
import { makeResponse, reasonPhrase } from '../message/builders.ts';
import type { HeaderField, SipResponse } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import { contentTypeOf, sortClientHeaders } from './client-headers.ts';
import { contactOf, type LocalAddress, speaksSips } from './local-addresses.ts';
import type { ServerRequest } from './server-request.ts';

/** Methods whose 2xx tells the peer where later requests of the dialog go. */
const CONTACT_IN_SUCCESS = new Set(['INVITE', 'SUBSCRIBE', 'UPDATE']);

/**
 * @param own header fields of the engine: RSeq, Session-Expires.
 * @returns undefined when the body has no type.
 * @throws SipSerialiseError when a field cannot be read by the peer: half an answer would mean something else than was said.
 */
export function composeResponse(
  server: ServerRequest,
  client: SipResponse,
  local: LocalAddress,
  own: readonly HeaderField[],
): SipResponse | undefined {
  const sorted = sortClientHeaders(client, local);
  if (sorted.unreadable !== undefined) throw new SipSerialiseError('bad_value', `syntax of ${sorted.unreadable}`);
  const contentType = contentTypeOf(sorted, client.body);
  if (contentType === undefined) return undefined;
  const { status } = client;
  const response = makeResponse(
    server.request,
    status,
    client.reason === '' ? reasonPhrase(status) : client.reason,
    status > 100 && server.toTag !== undefined ? { toTag: server.toTag } : {},
  );
  const makesDialog = server.method === 'INVITE' && status > 100 && status < 300;
  const needsContact = makesDialog || (CONTACT_IN_SUCCESS.has(server.method) && status >= 200 && status < 300);
  const contact =
    sorted.contact ??
    (needsContact ? (server.dialog?.localContact ?? contactOf(local, speaksSips(server.request))) : undefined);
  if (contact !== undefined) response.headers.push({ name: 'Contact', value: contact });
  // Require is a list: the application's and ours stand side by side.
  const ownNames = new Set(own.map((field) => field.name.toLowerCase()).filter((name) => name !== 'require'));
  for (const field of sorted.rest) if (!ownNames.has(field.name.toLowerCase())) response.headers.push(field);
  response.headers.push(...own);
  if (contentType.value !== undefined) response.headers.push({ name: 'Content-Type', value: contentType.value });
  response.body = client.body;
  return response;
}

/** Tag an application put into To of its first response, if it is one that may stand in a dialog id. */
export function chosenTag(client: SipResponse): string | undefined {
  const to = client.headers.findLast((field) => field.name.toLowerCase() === 'to')?.value;
  const tag = to === undefined ? undefined : getTag(to);
  return tag === undefined || /[^\w.!%*+`'~-]/.test(tag) ? undefined : tag;
}
