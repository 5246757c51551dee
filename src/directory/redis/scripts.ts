// The scripts of the directory, as commands of its connection.

import { readFileSync } from 'node:fs';
import type { RedisRoom, ScriptCall } from '../../storage/redis/client.ts';
import type { RedisConnection } from '../../storage/redis/connection.ts';

/** Keys first; everything is text. */
export interface DirectoryScripts {
  readonly directoryOpen: ScriptCall<[layout: string, sealed: string]>;
  readonly directoryLayout: ScriptCall<number>;
  readonly directoryMove: ScriptCall<number>;
  readonly directoryWrite: ScriptCall<[outcome: string, code?: string]>;
  readonly directoryDelete: ScriptCall<string>;
  readonly directoryFind: ScriptCall<[isEnd: number, upper: string, ...documents: (string | null)[]]>;
  readonly directoryRefile: ScriptCall<string>;
  readonly directoryClaim: ScriptCall<[isFirst: number, value: string]>;
  readonly callsSave: ScriptCall<string>;
  readonly callsList: ScriptCall<[isEnd: number, upper: string, ...entries: string[]]>;
  readonly callsEnded: ScriptCall<[last: string, ...facts: string[]]>;
}

export type DirectoryConnection = RedisConnection<DirectoryScripts>;

/** How many keys a script takes stands in its first lines; those that write share a part. */
export function directoryRoom(): RedisRoom<DirectoryScripts> {
  const read = (name: string) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
  const script = (name: string, numberOfKeys: number) => ({ lua: read(name), numberOfKeys });
  const filing = read('filing');
  const writing = (name: string, numberOfKeys: number) => ({ lua: filing + read(name), numberOfKeys });
  return {
    connectionName: 'callin-directory',
    scripts: {
      directoryOpen: script('open', 2),
      directoryLayout: script('layout', 1),
      directoryMove: script('move', 2),
      directoryWrite: writing('write', 5),
      directoryDelete: writing('delete', 5),
      directoryFind: script('find', 2),
      directoryRefile: writing('refile', 5),
      directoryClaim: script('claim', 1),
      callsSave: script('calls-save', 3),
      callsList: script('calls-list', 2),
      callsEnded: script('calls-ended', 2),
    },
  };
}
