// Records as the JSON documents that are stored: money as text, secrets sealed. One codec per kind of record.

import type { Bill, BillLine, BillRate, CallRecord } from '../domain/call.ts';
import type { Agent, ApiKey, PhoneNumber, Trunk, Workspace } from '../domain/directory.ts';
import type { SealedPlace, Sealer } from './seal.ts';

export interface Codec<T> {
  encode(item: T): string;
  decode(document: string): T;
}

/** For records without money and secrets. */
function plainCodec<T>(): Codec<T> {
  return { encode: (item) => JSON.stringify(item), decode: (document) => JSON.parse(document) as T };
}

export const numberCodec: Codec<PhoneNumber> = plainCodec();
export const keyCodec: Codec<ApiKey> = plainCodec();

export const workspaceCodec: Codec<Workspace> = {
  encode: (item) =>
    JSON.stringify({
      ...item,
      limits: {
        ...item.limits,
        spendPerHour: item.limits.spendPerHour?.toString() ?? null,
        spendPerDay: item.limits.spendPerDay?.toString() ?? null,
      },
    }),
  decode(document) {
    const stored = JSON.parse(document) as Stored<Workspace, 'limits'>;
    // Workspaces that were stored before there was a limit per hour have none.
    const { spendPerHour = null, spendPerDay, ...limits } = stored.limits;
    return {
      ...stored,
      limits: {
        ...limits,
        spendPerHour: spendPerHour === null ? null : BigInt(spendPerHour as string),
        spendPerDay: spendPerDay === null ? null : BigInt(spendPerDay as string),
      },
    } as Workspace;
  },
};

export const callCodec: Codec<CallRecord> = {
  encode: (item) => JSON.stringify({ ...item, bill: item.bill === null ? null : storedBill(item.bill) }),
  decode(document) {
    const stored = JSON.parse(document) as Omit<CallRecord, 'bill'> & { bill: StoredBill | null };
    return { ...stored, bill: stored.bill === null ? null : readBill(stored.bill) };
  },
};

/** Sealed: the passwords of both sides. */
export function trunkCodec(sealer: Sealer): Codec<Trunk> {
  const withPasswords = (trunk: Trunk, convert: Convert): Trunk => {
    const { auth } = trunk.inbound;
    return {
      ...trunk,
      // Trunks that were stored before there was a digest for inbound calls have none.
      ...(auth ? { inbound: { ...trunk.inbound, auth: withPassword(trunk, auth, convert) } } : {}),
      outbound: {
        ...trunk.outbound,
        password: optional(trunk.outbound.password, convert, place(trunk, 'outbound.password')),
      },
    };
  };
  return {
    encode: (item) => JSON.stringify(withPasswords(item, sealer.seal)),
    decode: (document) => withPasswords(JSON.parse(document) as Trunk, sealer.unseal),
  };
}

type InboundAuth = NonNullable<Trunk['inbound']['auth']>;

function withPassword(trunk: Trunk, auth: InboundAuth, convert: Convert): InboundAuth {
  return { ...auth, password: convert(auth.password, place(trunk, 'inbound.auth.password')) };
}

/** Sealed: the token, and the value of every header, because keys travel in headers too. */
export function agentCodec(sealer: Sealer): Codec<Agent> {
  const withSecrets = (agent: Agent, convert: Convert): Agent => ({
    ...agent,
    stream: {
      ...agent.stream,
      authToken: optional(agent.stream.authToken, convert, place(agent, 'stream.authToken')),
      headers: Object.fromEntries(
        Object.entries(agent.stream.headers).map(([name, value]) => [
          name,
          convert(value, place(agent, `stream.headers.${name}`)),
        ]),
      ),
    },
  });
  return {
    encode: (item) => JSON.stringify(withSecrets(item, sealer.seal)),
    decode: (document) => withSecrets(JSON.parse(document) as Agent, sealer.unseal),
  };
}

type Convert = (text: string, place: SealedPlace) => string;
type Stored<T, K extends keyof T> = Omit<T, K> & { readonly [P in K]: Readonly<Record<string, unknown>> };

function place(record: { readonly workspaceId: string | null; readonly id: string }, field: string): SealedPlace {
  return { workspaceId: record.workspaceId, record: record.id, field };
}

function optional(text: string | null, convert: Convert, where: SealedPlace): string | null {
  return text === null ? null : convert(text, where);
}

type StoredLine = Omit<BillLine, 'ratePerMinute' | 'amount'> & {
  readonly ratePerMinute: string;
  readonly amount: string;
};
type StoredRate = Omit<BillRate, 'connectFee'> & { readonly connectFee: string | null };
type StoredBill = Omit<Bill, 'telephony' | 'compute' | 'total' | 'rate'> & {
  readonly telephony: StoredLine;
  readonly compute: StoredLine;
  readonly total: string;
  /** Bills of earlier versions have none. */
  readonly rate?: StoredRate;
};

function storedBill({ rate, ...bill }: Bill): StoredBill {
  const line = (each: BillLine): StoredLine => ({
    ...each,
    ratePerMinute: each.ratePerMinute.toString(),
    amount: each.amount.toString(),
  });
  return {
    ...bill,
    telephony: line(bill.telephony),
    compute: line(bill.compute),
    total: bill.total.toString(),
    ...(rate === undefined ? {} : { rate: { ...rate, connectFee: rate.connectFee?.toString() ?? null } }),
  };
}

function readBill({ rate, ...stored }: StoredBill): Bill {
  const line = (each: StoredLine): BillLine => ({
    ...each,
    ratePerMinute: BigInt(each.ratePerMinute),
    amount: BigInt(each.amount),
  });
  const connectFee = rate?.connectFee ?? null;
  return {
    ...stored,
    telephony: line(stored.telephony),
    compute: line(stored.compute),
    total: BigInt(stored.total),
    ...(rate === undefined ? {} : { rate: { ...rate, connectFee: connectFee === null ? null : BigInt(connectFee) } }),
  };
}
