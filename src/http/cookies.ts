// The one cookie of ours: reading it from a request, writing and clearing it.

export const SESSION_COOKIE = 'callin_session';
/** 256 bits as base64url. */
const VALUE = /^[\w-]{43}$/;

/**
 * Undefined where there is none, or more than one: a neighbour's subdomain may have planted the other, and which of them is ours
 * cannot be told.
 */
export function sessionCookie(header: string | undefined): string | undefined {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${SESSION_COOKIE}=`))
    .map((pair) => pair.slice(SESSION_COOKIE.length + 1));
  const [value] = values;
  return values.length === 1 && value !== undefined && VALUE.test(value) ? value : undefined;
}

export interface CookieOptions {
  /** Only over TLS. */
  readonly secure: boolean;
  readonly maxAgeSec: number;
}

export function writeSessionCookie(value: string, { secure, maxAgeSec }: CookieOptions): string {
  return `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSec}${secure ? '; Secure' : ''}`;
}

export function clearSessionCookie(secure: boolean): string {
  return writeSessionCookie('', { secure, maxAgeSec: 0 });
}
