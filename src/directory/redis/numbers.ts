// Numbers in Redis: looked up by what was dialled, and found by filters along the narrowest place that a filter names.

import type { PhoneNumber } from '../../domain/directory.ts';
import type { NumberFilter, NumberStore } from '../directory.ts';
import { numberCodec } from '../documents.ts';
import type { FiledQuery, FiledStore } from './filed-store.ts';
import { ALL, DIALLED_PLACE, factNeedle, fileNumber, WORKSPACE_PLACE } from './filing.ts';
import { redisTable } from './redis-table.ts';

/** On one trunk there is at most one; so many trunks carry no number. */
const SAME_MAX = 1_000;

export function redisNumbers(store: FiledStore): NumberStore {
  const table = redisTable<PhoneNumber>(store, {
    table: 'numbers',
    codec: numberCodec,
    file: fileNumber,
    scopeOf: (number) => number.workspaceId,
  });
  return {
    ...table,
    byE164: async (e164) => (await table.page({ place: [DIALLED_PLACE, e164] }, { limit: SAME_MAX })).items,
    find: ({ limit, cursor, ...filter }) =>
      table.page(queryOf(filter), cursor === undefined ? { limit } : { limit, cursor }),
  };
}

function queryOf({ workspaceId, q, assigned, ...filter }: NumberFilter): Omit<FiledQuery, 'table'> {
  const { agentId, trunkId, country, provider, status } = filter;
  const facts: [name: string, value: string | undefined][] = [
    ['agent', agentId],
    ['trunk', trunkId],
    [WORKSPACE_PLACE, workspaceId],
    ['country', country],
    ['provider', provider],
    ['status', status],
    ['assigned', assigned === undefined ? undefined : assigned ? 'yes' : 'no'],
  ];
  const given = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  // Agent, trunk and workspace are places of their own; the first of them is the narrowest.
  const places = given.filter(([name]) => ['agent', 'trunk', WORKSPACE_PLACE].includes(name));
  const place = places[0] ?? ALL;
  return {
    place,
    needles: given.filter((fact) => fact !== place).map(factNeedle),
    ...(q === undefined || q === '' ? {} : { sought: { name: 'e164', text: q } }),
  };
}
