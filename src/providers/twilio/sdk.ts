// Twilio's own package, which makes and sends all requests to Twilio. It is loaded with the first one: a gateway without an account at Twilio
// does without its 0.1 s and 25 MB.
//
// Each request of ours has a client of the package for itself, whose HTTP client is a passage (api/passage.ts): what it may send is decided there.
//
// Invariant TC1. Requests go to the configured hosts only. The package has no base URL and takes absolute ones from answers: every origin is
//                looked up, and one that is not ours to ask is refused before anything is sent.

import type twilio from 'twilio';
import { type Passage, PassageRefused } from '../api/passage.ts';
import type { TwilioSettings } from '../settings.ts';

export type Twilio = ReturnType<typeof twilio>;

export interface TwilioCredentials {
  readonly accountSid: string;
  readonly authToken: string;
}

export interface TwilioAccess extends TwilioCredentials {
  readonly settings: TwilioSettings;
}

type PackageRequest<T> = Parameters<typeof twilio.RequestClient.prototype.request<T>>[0];
type PackageAnswer<T> = ReturnType<typeof twilio.RequestClient.prototype.request<T>>;

let loaded: typeof twilio | null = null;

export async function twilioOver(passage: Passage, { accountSid, authToken, settings }: TwilioAccess): Promise<Twilio> {
  loaded ??= (await import('twilio')).default;
  class Transport extends loaded.RequestClient {
    override async request<T>(request: PackageRequest<T>): PackageAnswer<T> {
      const { status, body } = await passage.send(requestOf(request, settings));
      return { statusCode: status, body: body as T, headers: {} };
    }
  }
  return loaded(accountSid, authToken, {
    httpClient: new Transport({ timeout: passage.timeoutMs }),
    // Whatever the environment says: these change the host.
    edge: '',
    region: '',
  });
}

/** The package puts ids into paths as they are: so that one names nothing else than itself. */
export function pathPart(id: string): string {
  if (/^\.{0,2}$/.test(id)) throw new PassageRefused('a request without an id');
  return encodeURIComponent(id);
}

function requestOf<T>(request: PackageRequest<T>, settings: TwilioSettings) {
  const { method, uri, username = '', password = '', headers = {}, params, data } = request;
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  return {
    method: method.toUpperCase(),
    url: urlOf(uri, queryOf(params), settings),
    headers: { ...(headers as Record<string, string>), authorization: `Basic ${basic}` },
    body: data === undefined ? null : queryOf(data),
  };
}

/** TC1 */
function urlOf(uri: string, query: string, { apiUrl, trunkingUrl }: TwilioSettings): URL {
  const { hostname, pathname, search } = new URL(uri);
  const bases = new Map([
    ['api.twilio.com', apiUrl],
    ['trunking.twilio.com', trunkingUrl],
  ]);
  const base = bases.get(hostname);
  if (base === undefined) throw new PassageRefused(`a request to ${hostname}`);
  return new URL(`${base}${pathname}${query === '' ? search : `?${query}`}`);
}

/** Names and values, for a query as for a form. */
function queryOf(values: unknown): string {
  const entries = Object.entries(values ?? {}).map(([name, value]) => [name, String(value)]);
  return new URLSearchParams(entries).toString();
}
