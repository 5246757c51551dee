// Where the books stand in Redis. All of a workspace is under one hash tag, so that it is in one slot of a Cluster (B9).
//
//   callin:{ws:<workspace>}:account            hash    balance, reserved; how many postings and costs; when the last line was written
//                          :holds              hash    hold id -> amount
//                          :expiries           zset    hold id by its expiry, ms
//                          :calls              set     the holds that are calls in progress
//                          :spent              hash    hour since 1970 -> what was spent (ledger/spent.ts)
//                          :starts             zset    calls started in this second, by the end of it
//                          :postings           hash    number -> the line as JSON, written once
//                          :postings:ids       hash    posting id -> number
//                          :postings:by-call   hash    call -> numbers, `3,4`
//                          :postings:by-hour   hash    hour since 1970 of `at` -> ranges of numbers that hold all its lines, `4-9,30-31`
//                          :costs…             the same four for supplier costs
//   callin:workspaces                          set     every workspace that may have anything above; named before anything is written

export type LineKind = 'postings' | 'costs';

export const WORKSPACES_KEY = 'callin:workspaces';

export function keyOf(workspaceId: string, name: string): string {
  return `callin:{ws:${workspaceId}}:${name}`;
}

/** Account, holds, expiries, calls: the keys that every script begins with (scripts/account.lua). */
export function accountKeys(workspaceId: string): string[] {
  return ['account', 'holds', 'expiries', 'calls'].map((name) => keyOf(workspaceId, name));
}

/** Lines, ids, by call, by hour. */
export function lineKeys(workspaceId: string, kind: LineKind): [string, string, string, string] {
  return [
    keyOf(workspaceId, kind),
    keyOf(workspaceId, `${kind}:ids`),
    keyOf(workspaceId, `${kind}:by-call`),
    keyOf(workspaceId, `${kind}:by-hour`),
  ];
}
