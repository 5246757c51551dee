// Telnyx's own package, which makes and sends all requests to Telnyx. It is loaded with the first one: a gateway without an account at Telnyx
// does without its 0.1 s and 20 MB.
//
// Each request of ours has a client of the package for itself, whose `fetch` is a passage (api/passage.ts): what it may send is decided there.

import type Telnyx from 'telnyx';
import type { Passage } from '../api/passage.ts';

export interface TelnyxAccess {
  readonly apiUrl: string;
  readonly apiKey: string;
}

let loaded: typeof Telnyx | null = null;

export async function telnyxOver(passage: Passage, { apiUrl, apiKey }: TelnyxAccess): Promise<Telnyx> {
  loaded ??= (await import('telnyx')).default;
  return new loaded({
    apiKey,
    baseURL: apiUrl,
    // By default it repeats twice, also what makes something: a failing order would be sent three times.
    maxRetries: 0,
    timeout: passage.timeoutMs,
    fetch: fetchOver(passage),
    // Whatever the environment says: it would log bodies, and fetch a token elsewhere.
    logLevel: 'off',
    clientID: null,
    clientSecret: null,
    publicKey: null,
  });
}

/** Of HTTP: answers with these have no body. */
const WITHOUT_BODY = new Set([204, 205, 304]);

function fetchOver(passage: Passage): typeof fetch {
  return async (input, { method = 'GET', headers, body = null } = {}) => {
    if (body !== null && typeof body !== 'string') throw new TypeError('the body is not a text');
    const url = new URL(String(input));
    const answer = await passage.send({ method, url, headers: Object.fromEntries(new Headers(headers)), body });
    return new Response(WITHOUT_BODY.has(answer.status) ? null : answer.body, {
      status: answer.status,
      headers: { 'content-type': 'application/json' },
    });
  };
}
