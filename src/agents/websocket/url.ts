// The address of a runtime. What is sent in the request line and Host is the configured text byte for byte, because runtimes rebuild the
// URL from them and check its signature; only the host to connect to is normalised (case, decimal addresses, IPv6 brackets).

export interface WebSocketUrl {
  readonly secure: boolean;
  /** For the connection: without brackets, lower case, IPv4 tricks resolved. */
  readonly host: string;
  readonly port: number;
  /** For the Host header: as configured, port included where it was written. */
  readonly authority: string;
  /** Request target: path and query as configured, `/` where empty. */
  readonly target: string;
}

export type UrlOutcome =
  | { readonly ok: true; readonly url: WebSocketUrl }
  | { readonly ok: false; readonly detail: string };

export const URL_CHARACTERS_MAX = 2048;

/** Printable ASCII without blanks; anything else must be percent-encoded by whoever configures it. */
const PRINTABLE = /^[\x21-\x7e]+$/;
const PARTS = /^(wss?):\/\/([^/?#\\]+)([^#\\]*)$/i;

/** Checks the text of a runtime's address (RFC 6455 3). Never throws. */
export function parseWebSocketUrl(text: string): UrlOutcome {
  if (text.length > URL_CHARACTERS_MAX) return refused(`longer than ${URL_CHARACTERS_MAX} characters`);
  if (!PRINTABLE.test(text)) return refused('blank, control or non-ASCII characters must be percent-encoded');
  if (text.includes('#')) return refused('a WebSocket URL has no fragment');
  const parts = PARTS.exec(text);
  if (!parts) return refused('not a ws: or wss: URL');
  const [, scheme = '', authority = '', rest = ''] = parts;
  if (authority.includes('@')) return refused('user information is not allowed');
  if (!URL.canParse(text)) return refused('malformed host or port');
  const { hostname, port } = new URL(text);
  const secure = scheme.toLowerCase() === 'wss';
  if (port === '0') return refused('port 0 cannot be dialled');
  return {
    ok: true,
    url: {
      secure,
      host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
      port: port === '' ? (secure ? 443 : 80) : Number(port),
      authority,
      target: rest.startsWith('/') ? rest : `/${rest}`,
    },
  };
}

function refused(detail: string): UrlOutcome {
  return { ok: false, detail };
}
