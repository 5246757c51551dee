// SIP header values that this room reads or writes itself: addresses, reasons, option tags. Strict: what does not parse is refused
// before anything is routed, because the client library lets nearly everything through (RFC 3261 sections 19.1, 20, 25.1).

export type HeaderMap = Readonly<Record<string, string>>;

export interface SipAddress {
  readonly display: string | null;
  readonly uri: SipUri;
  /** Header parameters, lower-case names; '' for a flag. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface SipUri {
  readonly scheme: 'sip' | 'sips' | 'tel';
  /** Decoded, without password and parameters; the number of a tel: URI; '' where there is none. */
  readonly user: string;
  /** '' for tel: */
  readonly host: string;
}

const SIP_URI =
  /^(sips?):(?:([A-Za-z0-9\-_.!~*'()&=+$,;?/%]*)(?::[^\s@<>"]*)?@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?(?:;[^\s<>"?]*)?(?:\?[^\s<>"]*)?$/;
const TEL_URI = /^tel:(\+?[0-9A-Fa-f*#().-]+)(?:;[^\s<>"]*)?$/;
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;

export function parseSipUri(text: string): SipUri | undefined {
  const tel = TEL_URI.exec(text);
  if (tel) return { scheme: 'tel', user: tel[1] ?? '', host: '' };
  const sip = SIP_URI.exec(text);
  if (!sip || BAD_ESCAPE.test(text)) return undefined;
  const [, scheme, user = '', host = ''] = sip;
  return { scheme: scheme === 'sips' ? 'sips' : 'sip', user: decodeUser(user), host };
}

/** `%2B1202;npdi` -> `+1202`. An escape that is not UTF-8 stays as written. */
function decodeUser(user: string): string {
  const bare = user.split(';', 1)[0] ?? '';
  return bare.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escaped) => {
    const text = Buffer.from(escaped.replaceAll('%', ''), 'hex').toString('utf8');
    return text.includes('\ufffd') || /[\p{Cc}]/u.test(text) ? escaped : text;
  });
}

/** Longer ones are none: nobody writes them, and strangers' text is not to cost more than its length. */
const ADDRESS_CHARACTERS_MAX = 4096;
/** Of trimmed text. No two parts of either can both take the same blank, so that reading is linear in the length. */
const NAME_ADDRESS = /^(?:"((?:[^"\\]|\\.)*)"\s*|([^"<>,;]*))<([^<>\s]+)>\s*(;.*)?$/s;
const BARE_ADDRESS = /^([^<>\s;,?"]+)\s*(;.*)?$/s;
const PARAMETER = /\s*;\s*([A-Za-z0-9\-.!%*_+`'~]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[A-Za-z0-9\-.!%*_+`'~[\]:]+))?\s*/y;

/** One name-addr or addr-spec with its parameters; undefined for a list of several, or anything else. */
export function parseSipAddress(given: string): SipAddress | undefined {
  if (given.length > ADDRESS_CHARACTERS_MAX) return undefined;
  const text = given.trim();
  const named = NAME_ADDRESS.exec(text);
  const bare = named ? null : BARE_ADDRESS.exec(text);
  const uri = parseSipUri(named?.[3] ?? bare?.[1] ?? '');
  const parameters = parseParameters(named?.[4] ?? bare?.[2] ?? '');
  if (uri === undefined || parameters === undefined) return undefined;
  const display = named?.[1]?.replace(/\\(.)/gs, '$1') ?? named?.[2] ?? '';
  return { display: display.trim() === '' ? null : display.trim(), uri, parameters };
}

function parseParameters(text: string): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = 0;
  while (PARAMETER.lastIndex < text.length) {
    const match = PARAMETER.exec(text);
    if (!match) return undefined;
    parameters.set((match[1] ?? '').toLowerCase(), match[2] ?? '');
  }
  return parameters;
}

const CONTACTS_MAX = 8;
// Below, a quote that is not closed takes all that follows: looked for again from each of its characters, it would cost the square of its length.

/** The Contact header of a redirect, best first (RFC 3261 section 20.10: `q`, 1 where it is not said); unreadable entries are skipped. */
export function parseContacts(value: string): readonly SipAddress[] {
  const entries = value.match(/(?:"(?:[^"\\]|\\.)*\\?(?:"|$)|<[^<>]*>|[^,"<>])+/gs)?.slice(0, CONTACTS_MAX) ?? [];
  const contacts = entries.map(parseSipAddress).filter((contact) => contact !== undefined);
  return contacts.toSorted((a, b) => preference(b) - preference(a));
}

function preference({ parameters }: SipAddress): number {
  const q = parameters.get('q') ?? '1';
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(q) ? Number(q) : 0;
}

export interface CallReason {
  /** `SIP`, `Q.850`, … */
  readonly protocol: string;
  readonly cause: number | null;
  readonly text: string | null;
}

const REASONS_MAX = 8;

/** The Reason header (RFC 3326), one entry per protocol; unreadable entries are skipped. */
export function parseReasonHeader(value: string): readonly CallReason[] {
  const reasons: CallReason[] = [];
  for (const entry of value.match(/(?:"(?:[^"\\]|\\.)*\\?(?:"|$)|[^,"])+/gs)?.slice(0, REASONS_MAX) ?? []) {
    const match = /^\s*([A-Za-z0-9\-.]+)\s*(;.*)?$/s.exec(entry);
    const parameters = parseParameters((match?.[2] ?? '').trim());
    if (!match || parameters === undefined) continue;
    const cause = parameters.get('cause');
    const text = parameters.get('text');
    reasons.push({
      protocol: match[1] ?? '',
      cause: cause !== undefined && /^\d{1,3}$/.test(cause) ? Number(cause) : null,
      text: text === undefined ? null : text.replace(/^"|"$/g, '').replace(/\\(.)/gs, '$1'),
    });
  }
  return reasons;
}

/** Comma-separated tokens, lower case: Require, Supported, … */
export function optionTags(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((tag) => tag.trim().toLowerCase())
    .filter((tag) => tag !== '');
}

/** User part for a URI of ours: everything that is not allowed there is escaped. */
export function escapeUser(user: string): string {
  return encodeURIComponent(user).replace(/%(?:2B|26|3D|24|2C|2F)/g, decodeURIComponent);
}

/** `"Display" <sip:user@host>`; control characters never reach the wire. */
export function printAddress(display: string | null, user: string, host: string): string {
  return `${printDisplay(display)}<sip:${escapeUser(user)}@${host}>`;
}

/** `"Display" `, or nothing where there is none. */
export function printDisplay(display: string | null): string {
  if (display === null) return '';
  return `"${display.replace(/\p{Cc}/gu, ' ').replace(/["\\]/g, '\\$&')}" `;
}
