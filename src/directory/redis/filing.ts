// What a record is filed under, derived from the record alone: where it is listed, what it is filtered by there, which values nobody else
// may have, and what it points at. The scripts know no more of a record than this.
//
// Invariants
//   F1. A filing is made from the stored document as well as from the item: it uses nothing that is sealed (layout.ts files all again).
//   F2. The rules are those of migrations.ts: what SQLite refuses by a key, an index or a trigger is refused here by name.

import type { Agent, ApiKey, PhoneNumber, Trunk, Workspace } from '../../domain/directory.ts';
import { countryOf } from '../../routing/countries.ts';
import type { StoredRecord } from '../records.ts';
import { join, part, recordKey, SEPARATOR, timeText } from './keys.ts';

export type TakenCode = 'number_taken' | 'key_taken' | 'record_taken';
type Pair = readonly [name: string, value: string];

export interface Filing {
  readonly table: string;
  readonly id: string;
  /** Whose it is; null = the operator's. It never changes. */
  readonly scope: string | null;
  readonly createdAt: number;
  /** `createdAt` never changes either. */
  readonly keepsTime: boolean;
  readonly places: readonly Pair[];
  readonly facts: readonly Pair[];
  /** At most one record of the table has the value. */
  readonly once: readonly { readonly rule: string; readonly value: string; readonly code: TakenCode }[];
  /** All records at that place are of one workspace. */
  readonly oneOwnerAt: { readonly place: Pair; readonly code: TakenCode } | null;
  /** Must be there, and belong to one of `scopes`. */
  readonly pointsAt: readonly { readonly key: string; readonly scopes: readonly (string | null)[] }[];
}

/** The place where all records of a table are. */
export const ALL: Pair = ['@all', ''];
export const WORKSPACE_PLACE = '@workspace';
export const ofWorkspace = (workspaceId: string): Pair => [WORKSPACE_PLACE, workspaceId];

export function placeText(table: string, [name, value]: Pair): string {
  return join(table, factText([name, value]));
}

export function factText([name, value]: Pair): string {
  return `${name}=${part(value)}`;
}

/** As a filter looks for it among the facts of a record. */
export function factNeedle(pair: Pair): string {
  return `${SEPARATOR}${factText(pair)}${SEPARATOR}`;
}

/** A filing as the scripts take it and keep it. */
export function filedAs(filing: Filing): string {
  const { table, id, scope, createdAt, keepsTime, places, facts, once, oneOwnerAt, pointsAt } = filing;
  const key = recordKey(table, id);
  const tail = `${[timeText(createdAt), part(id), ...facts.map(factText)].join(SEPARATOR)}${SEPARATOR}`;
  return JSON.stringify({
    key,
    scope: scope ?? '',
    time: keepsTime ? timeText(createdAt) : '',
    at: places.map((place) => placeText(table, place)),
    tail,
    once: once.map(({ rule, value, code }) => [join(table, rule, part(value)), code]),
    owner:
      oneOwnerAt === null
        ? []
        : [`${placeText(table, oneOwnerAt.place)}${SEPARATOR}`, factNeedle(ofWorkspace(scope ?? '')), oneOwnerAt.code],
    refs: pointsAt.map((target) => [target.key, ...target.scopes.map((each) => each ?? '')]),
    ...(table.startsWith(RECORDS) ? { fields: facts.slice(1), unique: once.map(({ rule }) => rule) } : {}),
  });
}

type Filed = Pick<Filing, 'table' | 'places' | 'facts'> &
  Partial<Pick<Filing, 'once' | 'oneOwnerAt' | 'pointsAt' | 'keepsTime'>>;

function filed(item: { readonly id: string; readonly createdAt: number }, scope: string | null, more: Filed): Filing {
  const { id, createdAt } = item;
  const facts: Pair[] = scope === null ? [ofWorkspace('')] : [ofWorkspace(scope)];
  const listed = scope === null ? [ALL] : [ALL, ofWorkspace(scope)];
  return {
    id,
    createdAt,
    scope,
    keepsTime: false,
    once: [],
    oneOwnerAt: null,
    ...more,
    places: [...listed, ...more.places],
    facts: [...facts, ...more.facts],
    pointsAt: [...(more.pointsAt ?? [])],
  };
}

const workspaceRef = (workspaceId: string) => ({ key: recordKey('workspaces', workspaceId), scopes: [workspaceId] });

export function fileWorkspace({ id, createdAt }: Workspace): Filing {
  return filed({ id, createdAt }, id, { table: 'workspaces', places: [], facts: [] });
}

export function fileAgent(agent: Agent): Filing {
  const { workspaceId, fallbackAgentId } = agent;
  const fallback =
    fallbackAgentId === null ? [] : [{ key: recordKey('agents', fallbackAgentId), scopes: [workspaceId] }];
  const pointsAt = [workspaceRef(workspaceId), ...fallback];
  return filed(agent, workspaceId, { table: 'agents', places: [], facts: [], pointsAt });
}

export function fileTrunk(trunk: Trunk): Filing {
  const { workspaceId } = trunk;
  const pointsAt = workspaceId === null ? [] : [workspaceRef(workspaceId)];
  return filed(trunk, workspaceId, { table: 'trunks', places: [], facts: [], pointsAt });
}

export const TOKEN_PLACE = 'token';

export function fileKey(key: ApiKey): Filing {
  const { workspaceId, tokenHash } = key;
  return filed(key, workspaceId, {
    table: 'keys',
    places: [[TOKEN_PLACE, tokenHash]],
    facts: [],
    once: [{ rule: 'token', value: tokenHash, code: 'key_taken' }],
    pointsAt: [workspaceRef(workspaceId)],
  });
}

/** Where a number stands that is not released. */
export const DIALLED_PLACE = 'dialled';

export function fileNumber(number: PhoneNumber): Filing {
  const { workspaceId, e164, provider, status, trunkId, agentId } = number;
  const isHeld = status !== 'released';
  const dialled: Pair = [DIALLED_PLACE, e164];
  const agent = agentId === null ? [] : [['agent', agentId] as const];
  const trunk = trunkId === null ? [] : [['trunk', trunkId] as const];
  return filed(number, workspaceId, {
    table: 'numbers',
    places: [...agent, ...trunk, ...(isHeld ? [dialled] : [])],
    facts: [
      ['e164', e164],
      ['country', countryOf(e164) ?? ''],
      ['provider', provider],
      ['status', status],
      ['assigned', agentId === null ? 'no' : 'yes'],
      ...agent,
      ...trunk,
    ],
    once: isHeld ? [{ rule: 'trunk', value: JSON.stringify([e164, trunkId]), code: 'number_taken' }] : [],
    oneOwnerAt: isHeld ? { place: dialled, code: 'number_taken' } : null,
    pointsAt: [
      workspaceRef(workspaceId),
      ...(agentId === null ? [] : [{ key: recordKey('agents', agentId), scopes: [workspaceId] }]),
      ...(trunkId === null ? [] : [{ key: recordKey('trunks', trunkId), scopes: [workspaceId, null] }]),
    ],
  });
}

/** Before the name of a kind: the table of its records. */
export const RECORDS = 'records:';

export function fileRecord(
  kind: string,
  item: StoredRecord,
  fields: readonly Pair[],
  unique: readonly string[],
): Filing {
  const { workspaceId } = item;
  return filed(item, workspaceId, {
    table: `${RECORDS}${kind}`,
    keepsTime: true,
    places: fields,
    facts: fields,
    once: fields
      .filter(([name]) => unique.includes(name))
      .map(([rule, value]) => ({ rule, value, code: 'record_taken' as const })),
    pointsAt: workspaceId === null ? [] : [workspaceRef(workspaceId)],
  });
}

/** F1. Undefined: not a table of ours. */
export function fileDocument(
  table: string,
  document: string,
  fields: readonly Pair[],
  unique: readonly string[],
): Filing | undefined {
  const item: unknown = JSON.parse(document);
  const make = FILED[table];
  if (make !== undefined) return make(item);
  return table.startsWith(RECORDS)
    ? fileRecord(table.slice(RECORDS.length), item as StoredRecord, fields, unique)
    : undefined;
}

const FILED: Readonly<Record<string, (item: unknown) => Filing>> = {
  workspaces: (item) => fileWorkspace(item as Workspace),
  agents: (item) => fileAgent(item as Agent),
  trunks: (item) => fileTrunk(item as Trunk),
  keys: (item) => fileKey(item as ApiKey),
  numbers: (item) => fileNumber(item as PhoneNumber),
};
