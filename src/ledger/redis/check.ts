// The books in Redis checked against themselves: what is derived (balance, reserved, calls, hours, indexes) is made again from what is not
// (postings, holds). Each workspace is looked at as of one instant: its state is read by one script, and the lines up to that state's last
// number never change.

import type { Difference } from '../audit.ts';
import { CALL_HOLD_PREFIX, differingHours, hourOf, spentByHour } from '../spent.ts';
import { accountKeys, keyOf, type LineKind, lineKeys } from './keys.ts';
import { type StoredLine, toPosting } from './line.ts';
import { type FoundLine, inGroups, type RedisLines, readRanges } from './lines.ts';
import type { LedgerConnection } from './scripts.ts';

const LINES_PER_READ = 500;

interface Snapshot {
  readonly workspaceId: string;
  readonly account: ReadonlyMap<string, string>;
  readonly holds: ReadonlyMap<string, string>;
  readonly expiries: ReadonlySet<string>;
  readonly calls: ReadonlySet<string>;
  readonly spent: ReadonlyMap<string, string>;
}

type Report = (what: string) => unknown;

export async function checkBooks(connection: LedgerConnection, lines: RedisLines): Promise<Difference[]> {
  const differences: Difference[] = [];
  await inGroups(await lines.workspaceIds(), (workspaceId) =>
    checkWorkspace(connection, lines, workspaceId, (what) => differences.push({ subject: workspaceId, what })),
  );
  return differences;
}

async function checkWorkspace(
  connection: LedgerConnection,
  lines: RedisLines,
  workspaceId: string,
  report: Report,
): Promise<void> {
  const snapshot = await readSnapshot(connection, workspaceId);
  checkHolds(snapshot, report);
  const spent = new Map<number, bigint>();
  let balance = 0n;
  for await (const line of linesOf(connection, lines, 'postings', snapshot, report)) {
    const posting = toPosting(line);
    balance += posting.amount;
    if (posting.balanceAfter !== balance)
      report(`${posting.id}: balance after it is ${posting.balanceAfter}, the sum is ${balance}`);
    for (const [hour, amount] of spentByHour([posting])) spent.set(hour, (spent.get(hour) ?? 0n) + amount);
  }
  const known = snapshot.account.get('balance') ?? '0';
  if (known !== String(balance)) report(`balance ${known}, sum of postings ${balance}`);
  checkSpent(snapshot, spent, report);
  // Nothing is derived from costs but the indexes.
  for await (const _cost of linesOf(connection, lines, 'costs', snapshot, report));
}

async function readSnapshot(connection: LedgerConnection, workspaceId: string): Promise<Snapshot> {
  const keys = [...accountKeys(workspaceId), keyOf(workspaceId, 'spent')];
  const [account = [], holds = [], expiries = [], calls = [], spent = []] = await connection.run((client) =>
    client.ledgerSnapshot(...keys),
  );
  return {
    workspaceId,
    account: pairs(account),
    holds: pairs(holds),
    expiries: new Set(expiries),
    calls: new Set(calls),
    spent: pairs(spent),
  };
}

/** All lines up to the snapshot, oldest first; gaps are reported, and lines that an index does not lead to. */
async function* linesOf(
  connection: LedgerConnection,
  lines: RedisLines,
  kind: LineKind,
  { workspaceId, account }: Snapshot,
  report: Report,
): AsyncGenerator<StoredLine> {
  const last = Number(account.get(kind) ?? 0);
  for (let first = 1; first <= last; first += LINES_PER_READ) {
    const seqs = Array.from({ length: Math.min(LINES_PER_READ, last - first + 1) }, (_, index) => first + index);
    const read = await lines.read(workspaceId, kind, seqs);
    const found = read.filter((line) => line !== undefined);
    for (const [index, line] of read.entries())
      if (line === undefined) report(`${kind} number ${seqs[index]} is missing`);
    await checkIndexes(connection, workspaceId, kind, found, report);
    yield* found.map((line) => line.json);
  }
}

async function checkIndexes(
  connection: LedgerConnection,
  workspaceId: string,
  kind: LineKind,
  found: readonly FoundLine[],
  report: Report,
): Promise<void> {
  const [, ids, byCall, byHour] = lineKeys(workspaceId, kind);
  const ask = async (key: string, fields: readonly (string | null)[]) => {
    const names = [...new Set(fields.filter((field) => field !== null))];
    const texts = names.length === 0 ? [] : await connection.run((client) => client.hmget(key, ...names));
    return new Map(names.map((name, index) => [name, texts[index] ?? '']));
  };
  const [numbers, calls, hours] = await Promise.all([
    ask(
      ids,
      found.map(({ json }) => json.id),
    ),
    ask(
      byCall,
      found.map(({ json }) => json.callId),
    ),
    ask(
      byHour,
      found.map(({ json }) => String(hourOf(json.at))),
    ),
  ]);
  for (const { seq, json } of found) {
    const number = numbers.get(json.id);
    if (number !== String(seq)) report(`${json.id} is number ${seq}, its index says ${number || 'nothing'}`);
    if (json.callId !== null && !(calls.get(json.callId) ?? '').split(',').includes(String(seq)))
      report(`${json.id} is not found by its call`);
    const ranges = readRanges(hours.get(String(hourOf(json.at))) ?? '');
    if (!ranges.some(([first, last]) => first <= seq && seq <= last)) report(`${json.id} is not found by its hour`);
  }
}

function checkHolds({ account, holds, expiries, calls }: Snapshot, report: Report): void {
  const reserved = account.get('reserved') ?? '0';
  let sum = 0n;
  for (const [id, amount] of holds) {
    sum += BigInt(amount);
    if (!expiries.has(id)) report(`hold ${id} never expires`);
    if (id.startsWith(CALL_HOLD_PREFIX) !== calls.has(id)) report(`hold ${id} is not counted as the call it is`);
  }
  if (reserved !== String(sum)) report(`reserved ${reserved}, sum of holds ${sum}`);
  for (const id of expiries) if (!holds.has(id)) report(`an expiry without a hold: ${id}`);
  for (const id of calls) if (!holds.has(id)) report(`a call in progress without a hold: ${id}`);
}

function checkSpent({ spent }: Snapshot, recomputed: ReadonlyMap<number, bigint>, report: Report): void {
  const rows = new Map([...spent].map(([hour, amount]) => [Number(hour), BigInt(amount)]));
  for (const { hour, stands, made } of differingHours(rows, recomputed))
    report(`spent in hour ${hour}: ${stands ?? 'nothing'}, recomputed ${made ?? 'nothing'}`);
}

function pairs(flat: readonly string[]): Map<string, string> {
  const result = new Map<string, string>();
  for (let index = 0; index < flat.length; index += 2) result.set(flat[index] ?? '', flat[index + 1] ?? '');
  return result;
}
