// What a proxy changes in the messages it passes on (RFC 3261 sections 16.4, 16.6, 16.7).

import { cloneFields, header, isNamed, splitValues } from '../message/headers.ts';
import type { HeaderField, SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import { bareHost, parseUri } from '../message/uri.ts';
import { SIP_PORT, SIPS_PORT } from '../message/via.ts';
import type { LocalAddress, LocalAddresses } from './local-addresses.ts';

const MAX_FORWARDS = 70;

export interface Forwarding {
  readonly uri: string;
  readonly via: string;
  /** Record-Route of ours, where we stay in the dialog. */
  readonly recordRoute: string | undefined;
  readonly extra: readonly HeaderField[];
}

/** The request as it goes on; what was for us in its Route is gone already (see `withoutOwnRoute`). */
export function forwarded(request: SipRequest, { uri, via, recordRoute, extra }: Forwarding): SipRequest {
  const hops = Number(header(request, 'max-forwards') ?? MAX_FORWARDS + 1) - 1;
  const rest = cloneFields(request.headers.filter(({ name }) => !isNamed(name, 'max-forwards')));
  const own: HeaderField[] = [
    { name: 'Via', value: via },
    ...(recordRoute === undefined ? [] : [{ name: 'Record-Route', value: recordRoute }]),
    { name: 'Max-Forwards', value: String(hops) },
  ];
  return { ...request, uri, headers: [...own, ...rest, ...cloneFields(extra)] };
}

/** The response as it goes back: without our Via. Undefined where nothing is left to send it by. */
export function returned(response: SipResponse): SipResponse | undefined {
  const headers = withoutFirst(response, 'via');
  return headers.some(({ name }) => isNamed(name, 'via')) ? { ...response, headers } : undefined;
}

/** Routes at the top that name us have brought the request here, and are done with. */
export function withoutOwnRoute(request: SipRequest, locals: LocalAddresses): SipRequest {
  let left = request;
  for (let route = firstRoute(left); route !== undefined && namesUs(route, locals); route = firstRoute(left)) {
    left = { ...left, headers: withoutFirst(left, 'route') };
  }
  return left;
}

/** URI of the topmost Route. */
export function firstRoute(request: SipRequest): string | undefined {
  const value = header(request, 'route');
  const first = value === undefined ? undefined : splitValues(value)[0];
  return first === undefined ? undefined : (parseNameAddr(first)?.uri ?? first);
}

export function recordRouteOf({ host, port, protocol }: LocalAddress): string {
  return `<sip:${host}:${port}${protocol === 'udp' ? '' : `;transport=${protocol}`};lr>`;
}

function namesUs(text: string, locals: LocalAddresses): boolean {
  const uri = parseUri(text);
  if (uri === undefined || uri.opaque !== undefined || uri.user !== undefined) return false;
  const protocol = uri.scheme === 'sips' ? 'tls' : (uri.params.get('transport')?.toLowerCase() ?? 'udp');
  return locals.isOwn(bareHost(uri.host), uri.port ?? (protocol === 'tls' ? SIPS_PORT : SIP_PORT), protocol);
}

/** Header fields without the first value of that name. */
function withoutFirst(message: SipMessage, name: 'via' | 'route'): HeaderField[] {
  const at = message.headers.findIndex((field) => isNamed(field.name, name));
  const field = message.headers[at];
  if (field === undefined) return message.headers;
  const [, ...others] = splitValues(field.value);
  const left = others.length === 0 ? [] : [{ name: field.name, value: others.join(', ') }];
  return [...message.headers.slice(0, at), ...left, ...message.headers.slice(at + 1)];
}
