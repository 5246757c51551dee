// What an application may say about a message, sorted from what the engine alone decides (wire protocol 4.3, 4.4).
import { canonicalName } from '../message/headers.ts';
import type { HeaderField, SipMessage } from '../message/message.ts';
import { formatNameAddr, parseNameAddr } from '../message/name-addr.ts';
import { formatUri, parseUri } from '../message/uri.ts';
import { isReadable } from './header-syntax.ts';
import type { LocalAddress } from './local-addresses.ts';

/** Header fields of an application's message. The named ones have their own place; of several the last counts. */
export interface ClientHeaders {
  from: string | undefined;
  to: string | undefined;
  callId: string | undefined;
  cseq: string | undefined;
  contact: string | undefined;
  maxForwards: string | undefined;
  contentType: string | undefined;
  /** Name of a field no peer could read; such fields are left out. */
  unreadable: string | undefined;
  readonly rest: HeaderField[];
}

export function sortClientHeaders(message: SipMessage, local: LocalAddress): ClientHeaders {
  const sorted: ClientHeaders = {
    from: undefined,
    to: undefined,
    callId: undefined,
    cseq: undefined,
    contact: undefined,
    maxForwards: undefined,
    contentType: undefined,
    unreadable: undefined,
    rest: [],
  };
  for (const field of message.headers) {
    if (!isReadable(field)) {
      sorted.unreadable = field.name;
      continue;
    }
    switch (canonicalName(field.name)) {
      // Always the engine's own, whatever the application writes.
      case 'via':
      case 'route':
      case 'record-route':
      case 'rseq':
      case 'content-length':
        break;
      case 'from':
        sorted.from = replaceLocalhost(field.value, local, 'even without user');
        break;
      case 'to':
        sorted.to = replaceLocalhost(field.value, local, 'with user only');
        break;
      case 'contact':
        sorted.contact = replaceLocalhost(field.value, local, 'with user only');
        break;
      case 'p-asserted-identity':
        sorted.rest.push({ name: field.name, value: replaceLocalhost(field.value, local, 'with user only') });
        break;
      case 'call-id':
        sorted.callId = field.value;
        break;
      case 'cseq':
        sorted.cseq = field.value;
        break;
      case 'max-forwards':
        sorted.maxForwards = field.value;
        break;
      case 'content-type':
        sorted.contentType = field.value;
        break;
      default:
        sorted.rest.push(field);
    }
  }
  return sorted;
}

/** `@localhost` stands for the transport's address: the application need not know it. Anything else comes back in brackets. */
function replaceLocalhost(value: string, local: LocalAddress, scope: 'even without user' | 'with user only'): string {
  const hasBrackets = value.includes('<');
  if (hasBrackets && !value.includes('localhost')) return value;
  const party = parseNameAddr(value);
  if (party === undefined) return value;
  const uri = parseUri(party.uri);
  if (uri?.host !== 'localhost' || (uri.user === undefined && scope === 'with user only')) {
    return hasBrackets || party.uri === '*' ? value : formatNameAddr(party);
  }
  uri.host = local.host;
  uri.port = local.port;
  party.uri = formatUri(uri);
  return formatNameAddr(party);
}

/** Content-Type for a body: what the application says, SDP when it looks like SDP; undefined when there is no telling. */
export function contentTypeOf(sorted: ClientHeaders, body: Buffer): { value: string | undefined } | undefined {
  if (sorted.contentType !== undefined) return { value: sorted.contentType };
  if (body.length === 0) return { value: undefined };
  return body.toString('latin1', 0, 3) === 'v=0' ? { value: 'application/sdp' } : undefined;
}
