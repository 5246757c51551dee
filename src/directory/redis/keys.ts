// Where the directory stands in Redis, and how texts are made into keys there.
//
//   callin:{dir}:documents      hash   `<table>␟<id>` -> the record as JSON, secrets sealed (documents.ts, records.ts)
//   callin:{dir}:meta:<layout>  hash   the same -> what the record is filed under (filing.ts)
//   callin:{dir}:index:<layout> zset   ordered by text, all scores 0:
//                                      `<table>␟<place>␟<created>␟<id>␟<name>=<value>␟…`   a record at one of its places, with its facts
//                                      `ref␟<table>␟<id>␟<table>␟<id>`                     what is pointed at, and by whom
//   callin:{dir}:once:<layout>  hash   `<table>␟<rule>␟<value>` -> id of the one record that has it
//   callin:{dir}:state          hash   layout; changed:<table> -> a token that is another one after each write; what the sealing key opens
//
//   callin:call:<id>            string the record of a call; expires
//   callin:{calls:<ws>}:list    zset   `<created>␟<id>` of a workspace's calls;  callin:{calls}:… the same three for all calls
//                      :ended   zset   `<ended>␟<id>`
//                      :facts   hash   id -> what is filtered by and counted (call-facts.ts)
//   callin:claim:<hash>         string what an idempotency key was claimed for; expires
//
// ␟ is the control character 0x1f, which no part contains: it is below every other, so that texts sort as their parts do. Configuration is
// in one slot of a Cluster, so that a script sees all of it; the calls of each workspace are in one of their own.

export const SEPARATOR = '\u001f';
/** The next character: above all that begins with a text and the separator. */
const AFTER = '\u0020';
const TIME_DIGITS = 16;

export const STATE_KEY = 'callin:{dir}:state';
export const DOCUMENTS_KEY = 'callin:{dir}:documents';

/** Of one layout; `documents` and `state` are the same in all. */
export interface LayoutKeys {
  readonly meta: string;
  readonly index: string;
  readonly once: string;
}

export function keysOf(layout: number): LayoutKeys {
  const key = (name: string) => `callin:{dir}:${name}:${layout}`;
  return { meta: key('meta'), index: key('index'), once: key('once') };
}

export const callKey = (id: string): string => `callin:call:${id}`;

export interface CallKeys {
  readonly list: string;
  readonly ended: string;
  readonly facts: string;
}

/** Undefined: of all workspaces. */
export function callKeysOf(workspaceId: string | undefined): CallKeys {
  const tag = workspaceId === undefined ? 'callin:{calls}' : `callin:{calls:${workspaceId}}`;
  return { list: `${tag}:list`, ended: `${tag}:ended`, facts: `${tag}:facts` };
}

/** A text as a part of a key: without control characters, and such that two texts are never one part. */
export function part(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in it
  return text.toWellFormed().replace(/[\u0000-\u001f%]/g, (character) => encodeURIComponent(character));
}

export function unpart(text: string): string {
  return text.replace(/%[01][0-9A-F]|%25/g, (escaped) => decodeURIComponent(escaped));
}

export const join = (...parts: readonly string[]): string => parts.join(SEPARATOR);

export const recordKey = (table: string, id: string): string => join(table, part(id));

/** Wall-clock ms such that texts sort as times do. */
export function timeText(ms: number): string {
  return String(Math.min(Math.max(0, Math.floor(ms)), Number.MAX_SAFE_INTEGER)).padStart(TIME_DIGITS, '0');
}

/** Everything that begins with `prefix` and the separator, as the two ends of a range by text. */
export function within(prefix: string): { readonly min: string; readonly max: string } {
  return { min: `[${prefix}${SEPARATOR}`, max: `(${prefix}${AFTER}` };
}
