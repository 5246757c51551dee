// One row of an export -> one record of the carrier, by the mapping. Pure; a row that cannot be read says which field is wrong, never
// what stands in it.

import { createHash } from 'node:crypto';
import type { CallDirection } from '../domain/call.ts';
import type { Nano } from '../domain/money.ts';
import { CdrFileError } from './errors.ts';
import { readDuration, readMoney, readNumber } from './fields.ts';
import type { CarrierMapping, Column, ColumnName } from './mapping.ts';
import { compileTime } from './time.ts';

export interface CarrierRecord {
  /** The carrier's own id of the record; without one a hash of what it says. Known by carrier and trunk. */
  readonly key: string;
  readonly direction: CallDirection | null;
  /** E.164 where it is a number, else lower-case text (`anonymous`), or empty. */
  readonly from: string;
  readonly to: string;
  /** Wall clock: start or answer of the call, as the mapping says. */
  readonly at: number;
  readonly durationMs: number;
  readonly answered: boolean;
  /** What the carrier charges us, in the mapping's currency; null = not told. */
  readonly cost: Nano | null;
  readonly sipCallId: string | null;
  /** Hash of all of it: the same record again, or one that the carrier has changed. */
  readonly content: string;
}

export type RowOutcome =
  | { readonly kind: 'record'; readonly record: CarrierRecord }
  | { readonly kind: 'bad'; readonly reason: string }
  /** Another kind of record, or a call that is not over. */
  | { readonly kind: 'skipped' };

export type RowReader = (cells: readonly string[]) => RowOutcome;

const KEY_LENGTH_MAX = 128;

/** `header`: the cells of the header row, null where the file has none. Throws CdrFileError where a column is missing. */
export function compileRowReader(mapping: CarrierMapping, header: readonly string[] | null): RowReader {
  const columns = locateColumns(mapping, header);
  const only = locateFilters(mapping, header);
  const readTime = compileTime(mapping.time);
  const width = header?.length;

  return (cells) => {
    if (width !== undefined && cells.length !== width) return bad(`${cells.length} fields, the header has ${width}`);
    if (only.some(({ index, words }) => !isOneOf(cells[index] ?? '', words))) return { kind: 'skipped' };
    const text = (name: ColumnName): string => {
      const index = columns[name];
      return index === undefined ? '' : (cells[index] ?? '').trim();
    };
    const answer = readDisposition(mapping, text('disposition'));
    if (answer === 'skip') return { kind: 'skipped' };
    if (answer === 'unknown') return bad('disposition: is a word that the mapping does not know');

    const at = readTime(text('time'));
    if (!at.ok) return bad(`time: ${at.reason}`);
    const duration = readDuration(text('duration'), mapping.duration.unit);
    if (!duration.ok) return bad(`duration: ${duration.reason}`);
    const direction = readDirection(mapping, text('direction'));
    if (direction === 'unknown') return bad('direction: is a word that the mapping does not know');
    const from = readNumber(text('from'), mapping.numbers);
    if (!from.ok) return bad(`from: ${from.reason}`);
    const to = readNumber(text('to'), mapping.numbers);
    if (!to.ok) return bad(`to: ${to.reason}`);
    if (to.value === '') return bad('to: is empty');
    const cost = readCost(mapping, text('cost'), text('currency'));
    if (!cost.ok) return bad(`cost: ${cost.reason}`);
    const key = text('recordId');
    if (columns.recordId !== undefined && (key === '' || key.length > KEY_LENGTH_MAX))
      return bad(`recordId: must have 1 to ${KEY_LENGTH_MAX} characters`);
    const sipCallId = text('sipCallId');
    const answered = answer ?? duration.value > 0;
    const said = {
      direction,
      from: from.value,
      to: to.value,
      at: at.value,
      // Some carriers count the ringing of calls that nobody took.
      durationMs: answered ? duration.value : 0,
      answered,
      cost: cost.value,
      sipCallId: sipCallId === '' ? null : sipCallId,
    };
    const content = hashOf(said);
    return { kind: 'record', record: { key: key === '' ? content : key, ...said, content } };
  };
}

function bad(reason: string): RowOutcome {
  return { kind: 'bad', reason };
}

function hashOf(said: object): string {
  const text = JSON.stringify(said, (_name, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Whether the call was answered; null = the mapping has no words for it, so the duration tells. */
function readDisposition({ disposition }: CarrierMapping, text: string): boolean | 'skip' | 'unknown' | null {
  if (disposition === null) return null;
  if (isOneOf(text, disposition.answered)) return true;
  if (isOneOf(text, disposition.notAnswered)) return false;
  return isOneOf(text, disposition.skip) ? 'skip' : 'unknown';
}

function readDirection({ direction }: CarrierMapping, text: string): CallDirection | null | 'unknown' {
  if (direction === null || direction === undefined) return null;
  if ('always' in direction) return direction.always as CallDirection;
  if (isOneOf(text, direction.inbound)) return 'inbound';
  return isOneOf(text, direction.outbound) ? 'outbound' : 'unknown';
}

function readCost({ cost }: CarrierMapping, text: string, currency: string): ReturnType<typeof readMoney> {
  if (cost === null) return { ok: true, value: null };
  if (currency !== '' && currency.toUpperCase() !== cost.currency)
    return { ok: false, reason: `is in another currency than the mapping's ${cost.currency}` };
  return readMoney(text, cost);
}

function isOneOf(text: string, words: readonly string[]): boolean {
  const lower = text.trim().toLowerCase();
  return words.some((word) => word.toLowerCase() === lower);
}

type Located = Partial<Record<ColumnName, number>>;

function locateColumns({ columns }: CarrierMapping, header: readonly string[] | null): Located {
  const located: Located = {};
  const missing: string[] = [];
  for (const [name, where] of Object.entries(columns) as [ColumnName, Column][]) {
    const index = locate(where, header);
    if (index === undefined) missing.push(`${name} (${Array.isArray(where) ? where.join(' or ') : where})`);
    else located[name] = index;
  }
  if (missing.length > 0) throw new CdrFileError(`the file lacks columns of the mapping: ${missing.join(', ')}`);
  return located;
}

function locateFilters({ only }: CarrierMapping, header: readonly string[] | null) {
  return Object.entries(only).map(([name, words]) => {
    const index = locate(name, header);
    if (index === undefined) throw new CdrFileError(`the file lacks columns of the mapping: only.${name}`);
    return { index, words };
  });
}

/** From 0; undefined where the header has no such name. */
function locate(where: Column, header: readonly string[] | null): number | undefined {
  if (typeof where === 'number') return header !== null && where > header.length ? undefined : where - 1;
  const names = (header ?? []).map(plainName);
  for (const name of [where].flat()) {
    const index = names.indexOf(plainName(name));
    if (index !== -1) return index;
  }
  return undefined;
}

/** `Start Time`, `start_time` and `StartTime` are one name. */
function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}
