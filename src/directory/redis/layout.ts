// How records are filed has a number. It stands in the store; a version that files otherwise files everything again, once.
//
//   standing     what an opening gateway of layout N does
//   N            nothing
//   M < N        writes `M>N`, files every document again under the keys of N, writes `N`
//   `M>N`        the same: somebody began, or died doing it
//   M > N        does not start (`store_layout`)
//   `moving`     the same: it is being filled (../moving.ts)
//   none         the same where there are records: nobody knows how they were filed
//
// Invariants
//   LA1. Documents are the truth; what they are filed under is made of them (filing.ts F1) and stands under keys of its layout.
//   LA2. From `M>N` on gateways of layout M go on reading what they had filed, and their writes are refused; nothing is lost between.
//   LA3. Filing again is refused once the layout is `N`: a late one of two who upgrade at once overwrites nothing.

import { UnsealFailed } from '../errors.ts';
import type { Sealer } from '../seal.ts';
import { DirectoryKeyError, DirectoryLayoutError } from './errors.ts';
import { fileDocument, filedAs } from './filing.ts';
import { DOCUMENTS_KEY, keysOf, SEPARATOR, STATE_KEY } from './keys.ts';
import type { DirectoryConnection } from './scripts.ts';

/** Raise it with every change to what filing.ts makes or the scripts expect of it. */
export const LAYOUT = 1;

const FILED_AT_ONCE = 200;
const LAYOUTS = /^\d+(?:>\d+)?$/;
const CHECK = { text: 'callin directory', place: { workspaceId: null, record: 'directory', field: 'check' } };

/** Throws `DirectoryKeyError`, `DirectoryLayoutError`. */
export async function prepareStore(connection: DirectoryConnection, sealer: Sealer, layout = LAYOUT): Promise<void> {
  const ours = sealer.seal(CHECK.text, CHECK.place);
  const [standing, sealed] = await connection.run((client) =>
    client.directoryOpen(DOCUMENTS_KEY, STATE_KEY, String(layout), ours),
  );
  checkKey(sealer, sealed);
  // The key was changed, and a former one opened it: from now on it takes the new one.
  if (keyIdOf(sealed) !== keyIdOf(ours)) await connection.run((client) => client.hset(STATE_KEY, 'sealed', ours));
  if (standing === String(layout)) return;
  const [from = '', to] = standing.split('>');
  if (!LAYOUTS.test(standing) || Number(to ?? from) > layout) throw new DirectoryLayoutError(standing, layout);
  await upgrade(connection, Number(from), standing, layout);
}

function checkKey(sealer: Sealer, sealed: string): void {
  try {
    sealer.unseal(sealed, CHECK.place);
  } catch (cause) {
    if (cause instanceof UnsealFailed) throw new DirectoryKeyError({ cause });
    throw cause;
  }
}

function keyIdOf(sealed: string): string | undefined {
  return sealed.split('.')[1];
}

async function upgrade(connection: DirectoryConnection, from: number, standing: string, layout: number): Promise<void> {
  const between = `${from}>${layout}`;
  const step = (before: string, after: string) =>
    connection.run((client) => client.directoryLayout(STATE_KEY, before, after));
  await step(standing, between);
  const { meta, index, once } = keysOf(layout);
  const keys = [DOCUMENTS_KEY, meta, index, once, STATE_KEY];
  let cursor = '0';
  do {
    const [next, pairs] = await connection.run((client) => client.hscan(DOCUMENTS_KEY, cursor, 'COUNT', FILED_AT_ONCE));
    const args = await filings(connection, from, pairs);
    if (args.length > 0) {
      const outcome = await connection.run((client) => client.directoryRefile(...keys, between, ...args));
      if (outcome === 'changed') throw new DirectoryLayoutError(`${between}, and somebody writes beside it`, layout);
      if (outcome === 'layout') break;
    }
    cursor = next;
  } while (cursor !== '0');
  await step(between, String(layout));
  const [reached] = await connection.run((client) => client.hmget(STATE_KEY, 'layout'));
  if (reached !== String(layout)) throw new DirectoryLayoutError(reached ?? 'none', layout);
}

/** Filing and document of each; what fields a record of another room is found by only its former filing knows. */
async function filings(connection: DirectoryConnection, from: number, pairs: readonly string[]): Promise<string[]> {
  const keys = pairs.filter((_, index) => index % 2 === 0);
  if (keys.length === 0) return [];
  const former = await connection.run((client) => client.hmget(keysOf(from).meta, ...keys));
  return keys.flatMap((key, index) => {
    const document = pairs[2 * index + 1] ?? '';
    const [table = ''] = key.split(SEPARATOR);
    const { fields = [], unique = [] } = JSON.parse(former[index] ?? '{}') as FormerFields;
    const filing = fileDocument(table, document, fields, unique);
    return filing === undefined ? [] : [filedAs(filing), document];
  });
}

interface FormerFields {
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly unique?: readonly string[];
}
