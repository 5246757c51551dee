// Whether an application wrote a known header so that the peer can read it (wire protocol 2.7: bad header syntax). Headers not named
// here are the application's own affair.
import { canonicalName, splitValues } from '../message/headers.ts';
import type { HeaderField } from '../message/message.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import { isToken, parseUint, topLevelIndexOf } from '../message/scan.ts';
import { parseUri } from '../message/uri.ts';

/** Delta-seconds are 32 bits (RFC 3261 20.19). */
const DELTA_SECONDS_MAX = 2 ** 32 - 1;
const MAX_FORWARDS_MAX = 255;

type Grammar = (value: string) => boolean;

const GRAMMARS: ReadonlyMap<string, Grammar> = new Map<string, Grammar>([
  ['contact', (value) => value === '*' || isParties(value)],
  ['content-type', isMediaType],
  ['expires', isSeconds],
  ['max-forwards', (value) => parseUint(value, MAX_FORWARDS_MAX) !== undefined],
  ['min-se', isSecondsWithParams],
  ['p-asserted-identity', isParties],
  ['refer-to', isParties],
  ['referred-by', isParties],
  ['require', isTokens],
  // A comment may follow, as may parameters (RFC 3261 20.33).
  ['retry-after', (value) => isSeconds(value.split(/[(;]/, 1)[0]!.trim())],
  ['session-expires', isSecondsWithParams],
  ['supported', isTokens],
]);

export function isReadable(field: HeaderField): boolean {
  return GRAMMARS.get(canonicalName(field.name))?.(field.value) ?? true;
}

function isParties(value: string): boolean {
  if (topLevelIndexOf(value, 0x2c) === -1) return false;
  const parties = splitValues(value);
  return parties.length > 0 && parties.every((party) => parseUri(parseNameAddr(party)?.uri ?? '') !== undefined);
}

/** An empty list means none (RFC 3261 20.32, 20.37). */
function isTokens(value: string): boolean {
  return splitValues(value).every(isToken);
}

function isMediaType(value: string): boolean {
  const [type, subtype, ...more] = value.split(';', 1)[0]!.trim().split('/');
  return more.length === 0 && isToken((type ?? '').trim()) && isToken((subtype ?? '').trim());
}

function isSeconds(value: string): boolean {
  return parseUint(value, DELTA_SECONDS_MAX) !== undefined;
}

function isSecondsWithParams(value: string): boolean {
  return isSeconds(value.split(';', 1)[0]!.trim());
}
