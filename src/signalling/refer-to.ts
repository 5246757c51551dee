// Refer-To and Replaces (RFC 3515, 3891): whom a transfer is to reach. Strict: what is read here is dialled, and a URI can carry headers of a
// request that somebody else would then send in our name (RFC 3261 section 19.1.5).
//
// Invariants
//   RT1. One URI of the schemes sip, sips and tel. Its only header may be Replaces, its only method INVITE; everything else is refused, not dropped.
//   RT2. What is read is bounded, and printed again from its parts, never copied.

import { escapeUser, parseSipAddress } from './sip-text.ts';

/** A dialog as somebody who is part of it names it: `toTag` is that of whoever gets the INVITE with Replaces. */
export interface Replaces {
  readonly callId: string;
  readonly toTag: string;
  readonly fromTag: string;
  /** Only while it has not been answered. */
  readonly earlyOnly: boolean;
}

export interface ReferTarget {
  /** Decoded; the number of a tel: URI. */
  readonly user: string;
  /** Lower case; '' for tel:. */
  readonly host: string;
  readonly replaces: Replaces | null;
}

const CHARACTERS_MAX = 1024;
const PARTS = /^(sips?|tel):([^?]*)(?:\?(.*))?$/is;
/** Of the URI: none of them leads elsewhere or asks for something else. */
const HARMLESS_PARAMETERS = new Set(['user', 'transport', 'phone-context', 'npdi', 'rn', 'lr', 'ob']);
const CALL_ID = /^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}@]{1,256}$/;
const TAG = /^[A-Za-z0-9\-.!%*_+`'~]{1,128}$/;

/** Undefined for what is not, or not only, an address to call. */
export function parseReferTo(value: string | undefined): ReferTarget | undefined {
  if (value === undefined || value.length > CHARACTERS_MAX || /\p{Cc}/u.test(value)) return undefined;
  const address = parseSipAddress(value);
  const text = /<([^>]*)>/.exec(value)?.[1] ?? value.trim();
  const parts = PARTS.exec(text);
  if (address === undefined || parts === null || !hasHarmlessParameters(parts[2] ?? '')) return undefined;
  const { user, host } = address.uri;
  if (user === '') return undefined;
  const replaces = parts[3] === undefined ? null : replacesOf(parts[3]);
  return replaces === undefined ? undefined : { user, host: host.toLowerCase(), replaces };
}

function hasHarmlessParameters(uri: string): boolean {
  const [, ...parameters] = (uri.split('@').at(-1) ?? '').split(';');
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.toLowerCase().split('=', 2);
    return HARMLESS_PARAMETERS.has(name) || (name === 'method' && value === 'invite');
  });
}

/** RT1. Headers of the URI: exactly one Replaces. */
function replacesOf(headers: string): Replaces | undefined {
  const match = /^replaces=([^&]+)$/i.exec(headers);
  if (match === null) return undefined;
  try {
    return parseReplaces(decodeURIComponent(match[1] ?? ''));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** The Replaces header; undefined where it is none that can be used. */
export function parseReplaces(value: string): Replaces | undefined {
  const [callId = '', ...parameters] = value.split(';').map((part) => part.trim());
  const named = new Map<string, string>();
  for (const parameter of parameters) {
    const [name = '', text = ''] = parameter.split('=', 2).map((part) => part.trim());
    if (named.has(name.toLowerCase())) return undefined;
    named.set(name.toLowerCase(), text);
  }
  const toTag = named.get('to-tag') ?? '';
  const fromTag = named.get('from-tag') ?? '';
  if (!CALL_ID.test(callId) || !TAG.test(toTag) || !TAG.test(fromTag)) return undefined;
  return { callId, toTag, fromTag, earlyOnly: named.has('early-only') };
}

export function printReplaces({ callId, toTag, fromTag, earlyOnly }: Replaces): string {
  return `${callId};to-tag=${toTag};from-tag=${fromTag}${earlyOnly ? ';early-only' : ''}`;
}

/** `host`: with its port where it has one, IPv6 in brackets. */
export function printReferTo(user: string, host: string, replaces: Replaces | null): string {
  const headers = replaces === null ? '' : `?Replaces=${encodeURIComponent(printReplaces(replaces))}`;
  return `<sip:${escapeUser(user)}@${host}${headers}>`;
}
