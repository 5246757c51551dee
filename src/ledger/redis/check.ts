// The books in Redis checked against themselves: what is derived (balance, reserved, calls, hours, indexes) is made again from what is not
// (postings, holds). Each workspace is looked at as of one instant: its state is read by one script, and the lines up to that state's last
// number never change.

import type { Difference } from '../audit.ts';
import { keptHours, spentByHour } from '../spent.ts';
import type { Posting } from '../books.ts';
import { CALL_HOLD_PREFIX } from '../spent.ts';
import type { RedisConnection } from './connection.ts';
import { accountKeys, keyOf, lineKeys } from './keys.ts';
import { inGroups, type RedisLines, toPosting } from './lines.ts';

const LINES_PER_READ = 500;

interface Snapshot {
  readonly account: ReadonlyMap<string, string>;
  readonly holds: ReadonlyMap<string, string>;
  readonly expiries: ReadonlySet<string>;
  readonly calls: ReadonlySet<string>;
  readonly spent: ReadonlyMap<string, string>;
}

type Report = (what: string) => unknown;

export async function checkBooks(connection: RedisConnection, lines: RedisLines): Promise<Difference[]> {
  const differences: Difference[] = [];
  await inGroups(await lines.workspaceIds(), (workspaceId) =>
    checkWorkspace(connection, lines, workspaceId, (what) => differences.push({ subject: workspaceId, what })),
  );
  return differences;
}

async function checkWorkspace(
  connection: RedisConnection,
  lines: RedisLines,
  workspaceId: string,
  report: Report,
): Promise<void> {
  const snapshot = await readSnapshot(connection, workspaceId);
  checkHolds(snapshot, report);
  const spent = new Map<number, bigint>();
  let balance = 0n;
  for await (const posting of postingsOf(connection, lines, workspaceId, snapshot, report)) {
    balance += posting.amount;
    if (posting.balanceAfter !== balance)
      report(`${posting.id}: balance after it is ${posting.balanceAfter}, the sum is ${balance}`);
    for (const [hour, amount] of spentByHour([posting])) spent.set(hour, (spent.get(hour) ?? 0n) + amount);
  }
  const known = snapshot.account.get('balance') ?? '0';
  if (known !== String(balance)) report(`balance ${known}, sum of postings ${balance}`);
  checkSpent(snapshot, spent, report);
}

async function readSnapshot(connection: RedisConnection, workspaceId: string): Promise<Snapshot> {
  const keys = [...accountKeys(workspaceId), keyOf(workspaceId, 'spent')];
  const [account = [], holds = [], expiries = [], calls = [], spent = []] = await connection.run((client) =>
    client.ledgerSnapshot(...keys),
  );
  return {
    account: pairs(account),
    holds: pairs(holds),
    expiries: new Set(expiries),
    calls: new Set(calls),
    spent: pairs(spent),
  };
}

/** All postings up to the snapshot, oldest first; gaps and a wrong index are reported. */
async function* postingsOf(
  connection: RedisConnection,
  lines: RedisLines,
  workspaceId: string,
  { account }: Snapshot,
  report: Report,
): AsyncGenerator<Posting> {
  const last = Number(account.get('postings') ?? 0);
  const [, ids] = lineKeys(workspaceId, 'postings');
  for (let first = 1; first <= last; first += LINES_PER_READ) {
    const seqs = Array.from({ length: Math.min(LINES_PER_READ, last - first + 1) }, (_, index) => first + index);
    const found = await lines.read(workspaceId, 'postings', seqs);
    const names = found.map((line) => line?.json.id ?? '');
    const indexed = await connection.run((client) => client.hmget(ids, ...names));
    for (const [index, line] of found.entries()) {
      if (line === undefined) {
        report(`posting number ${seqs[index]} is missing`);
        continue;
      }
      if (indexed[index] !== String(line.seq))
        report(`${line.json.id} is number ${line.seq}, its index says ${indexed[index]}`);
      yield toPosting(line.json);
    }
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
  const made = new Map([...keptHours(recomputed)].map(([hour, amount]) => [String(hour), String(amount)]));
  for (const hour of new Set([...spent.keys(), ...made.keys()])) {
    if (spent.get(hour) !== made.get(hour))
      report(`spent in hour ${hour}: ${spent.get(hour) ?? 'nothing'}, recomputed ${made.get(hour) ?? 'nothing'}`);
  }
}

function pairs(flat: readonly string[]): Map<string, string> {
  const result = new Map<string, string>();
  for (let index = 0; index < flat.length; index += 2) result.set(flat[index] ?? '', flat[index + 1] ?? '');
  return result;
}
