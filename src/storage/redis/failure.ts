// What the client or Redis says went wrong -> our named errors. The originals are not passed on: they carry the command with its
// arguments, AUTH and its password among them.

import { StoreRefusedError, StoreUnreachableError } from './errors.ts';

/** Codes that Redis puts first in an error: OOM, WRONGTYPE, MOVED … */
const REDIS_CODE = /^-?([A-Z][A-Z0-9]{2,}) /;
/** Redis 6 wraps what a script met. */
const IN_SCRIPT = /^ERR Error (?:running|compiling) script.*?-([A-Z][A-Z0-9]{2,}) (.*)$/s;
/** A Cluster that gave up: what counts is its last reason. */
const REDIRECTED = /^Too many Cluster redirections\. Last error: (?:[A-Za-z]*Error: )?(.*)$/s;
/** Redis repeats what it did not understand. */
const ARGUMENTS = /, with args beginning with:.*$/s;

/** The client's own words, for people. */
const IN_OTHER_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^Command timed out/, 'no answer in time'],
  [/^Stream isn't writeable|^Cluster isn't ready/, 'there is no connection'],
  [/^Reached the max retries|^Connection is closed|^Command aborted/, 'the connection was lost before an answer came'],
];

export function failureOf(given: unknown, password: string | null): StoreRefusedError | StoreUnreachableError {
  const error = causeOf(given);
  const said = clean(REDIRECTED.exec(error.message)?.[1] ?? error.message, password);
  const [, scriptCode, scriptText] = IN_SCRIPT.exec(said) ?? [];
  if (scriptCode !== undefined) return new StoreRefusedError(scriptCode, `Redis: ${scriptCode} ${scriptText}`);
  const redisCode = isReply(error, said) ? REDIS_CODE.exec(said)?.[1] : undefined;
  return redisCode === undefined
    ? new StoreUnreachableError(`Redis: ${IN_OTHER_WORDS.find(([words]) => words.test(said))?.[1] ?? said}`)
    : new StoreRefusedError(redisCode, `Redis: ${said}`);
}

/** A Cluster that found no node to ask says no more than that; what the last of them said tells more. */
function causeOf(given: unknown): Error {
  if (!(given instanceof Error)) return new Error(String(given));
  const { lastNodeError } = given as { lastNodeError?: unknown };
  return lastNodeError instanceof Error ? lastNodeError : given;
}

/** An answer of Redis, not a failure of the way there. Within a Cluster's last reason only the text is left. */
function isReply(error: Error, said: string): boolean {
  return error.name === 'ReplyError' || /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN|READONLY|LOADING) /.test(said);
}

function clean(text: string, password: string | null): string {
  const cut = text.replace(ARGUMENTS, '');
  return password === null ? cut : cut.replaceAll(password, '***');
}
