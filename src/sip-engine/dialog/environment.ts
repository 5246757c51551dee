// What every part of the core shares: time, names, addresses, tables, counters.
import type { EngineClock } from '../clock.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { BaseTimers } from '../transaction/timers.ts';
import type { Flow } from '../transport/flow.ts';
import type { ApplicationPool } from './application.ts';
import type { CallRecords } from './call-records.ts';
import type { DialogTable } from './dialog-table.ts';
import type { LocalAddresses } from './local-addresses.ts';
import type { Statistics } from './statistics.ts';

/** Names nobody outside may guess or collide with. */
export interface Names {
  uuid(): string;
  branch(): string;
  /** Of a branch that was made here. */
  isOwnBranch(branch: string): boolean;
  tag(): string;
  /** First CSeq of a Call-ID of ours; also the first RSeq. */
  sequence(): number;
}

export interface Environment {
  readonly clock: EngineClock;
  readonly timers: BaseTimers;
  readonly names: Names;
  readonly locals: LocalAddresses;
  readonly dialogs: DialogTable;
  readonly transactions: TransactionLayer;
  readonly applications: ApplicationPool;
  readonly records: CallRecords;
  readonly statistics: Statistics;
  /** Address of a host name; undefined when there is none. Literal addresses never come here. */
  readonly resolve: (host: string) => Promise<string | undefined>;
  /** Bytes outside any transaction: ACK to a 2xx and retransmitted 2xx. */
  readonly send: (flow: Flow, bytes: Buffer) => Promise<boolean>;
  /** Shortest time between the echo of a request and a response to it, milliseconds (wire protocol section 3, rule 2). */
  readonly echoGapMs: number;
  /** Values of Reason for BYEs of our own making, by the text that they have otherwise. */
  readonly reasons: Readonly<Record<string, string>>;
}
