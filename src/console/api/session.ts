// Who is signed in. The token is sent once and kept nowhere; the cookie it is exchanged for cannot be read by pages.

import type { Session } from './resources.ts';
import { closeEvents } from './events.ts';
import { request, setCsrfToken } from './request.ts';
import { forgetAll } from './store.ts';

export async function signIn(token: string): Promise<Session> {
  const session = await request<Session>('POST', '/v1/sessions', { body: { token } });
  setCsrfToken(session.csrfToken);
  remember(true);
  return session;
}

/** After a reload of the page; null = nobody is signed in. */
export async function currentSession(): Promise<Session | null> {
  if (!mayBeSignedIn()) return null;
  try {
    const session = await request<Session>('GET', '/v1/sessions/current');
    setCsrfToken(session.csrfToken);
    return session;
  } catch (error) {
    if ((error as { readonly status?: number }).status === 401) return null;
    throw error;
  }
}

export async function signOut(): Promise<void> {
  await request('DELETE', '/v1/sessions/current');
  forgetSession();
}

export function forgetSession(): void {
  remember(false);
  setCsrfToken(null);
  closeEvents();
  forgetAll();
}

/** Whether this browser has a cookie at all is not for pages to see: that somebody signed in here is noted, so that strangers cause no refusals. */
const MARK = 'callin.signed-in';

function remember(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(MARK, 'yes');
    else localStorage.removeItem(MARK);
  } catch {
    // Storage is off: the gateway is asked at each load.
  }
}

function mayBeSignedIn(): boolean {
  try {
    return localStorage.getItem(MARK) === 'yes';
  } catch {
    return true;
  }
}
