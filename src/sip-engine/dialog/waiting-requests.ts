// Requests from the network that are not over, by each of the names somebody knows them by.
//
// Invariants
//   WR1. An entry ends with its transaction at the latest; that of a 2xx which awaits its ACK with the ACK, or when it is given up.
//   WR2. One INVITE without final response per dialog.

import { header } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import type { ServerTransaction } from '../transaction/layer.ts';
import type { Dialog } from './dialog.ts';
import type { ServerRequest } from './server-request.ts';

export class WaitingRequests {
  readonly #byTxn = new Map<string, ServerRequest>();
  readonly #byTransaction = new Map<ServerTransaction, ServerRequest>();
  /** INVITEs without final response, by dialog id. */
  readonly #openInvites = new Map<string, ServerRequest>();
  /** Requests outside dialogs in progress, to find one that arrives by two ways (section 8.2.2.2). */
  readonly #merged = new Map<string, ServerTransaction>();

  get size(): number {
    return this.#byTxn.size;
  }

  /** @returns false for a request that already came by another way. */
  admit(request: SipRequest, transaction: ServerTransaction): boolean {
    const key = mergeKey(request);
    if (this.#merged.has(key)) return false;
    this.#merged.set(key, transaction);
    transaction.onTerminated = () => {
      this.#merged.delete(key);
      this.#transactionOver(transaction);
    };
    return true;
  }

  /** It has come by another way, and its transaction is not over. */
  isMerged(request: SipRequest): boolean {
    return this.#merged.has(mergeKey(request));
  }

  add(server: ServerRequest): void {
    this.#byTxn.set(server.txnId, server);
    this.#byTransaction.set(server.transaction, server);
    if (server.method === 'INVITE') this.#openInvites.set(server.dialogId, server);
    server.transaction.onTerminated ??= () => this.#transactionOver(server.transaction);
  }

  ofTransaction(transaction: ServerTransaction): ServerRequest | undefined {
    return this.#byTransaction.get(transaction);
  }

  /** As long as its application may answer it. */
  find(txnId: string): ServerRequest | undefined {
    return this.#byTxn.get(txnId);
  }

  /** Those that applications may answer. */
  all(): readonly ServerRequest[] {
    return [...this.#byTxn.values()];
  }

  hasOpenInvite(dialogId: string): boolean {
    return this.#openInvites.has(dialogId);
  }

  /** The INVITE we still owe a final response in this dialog, or that is about to make it. */
  openInviteOf(dialog: Dialog, sequence?: number): ServerRequest | undefined {
    const server = this.#openInvites.get(dialog.id);
    return server?.dialog === dialog && (sequence === undefined || sequence === server.sequence) ? server : undefined;
  }

  /** An INVITE has its final response. */
  inviteOver(server: ServerRequest): void {
    if (this.#openInvites.get(server.dialogId) === server) this.#openInvites.delete(server.dialogId);
  }

  /** No application answers it any more. */
  forget(server: ServerRequest): void {
    server.patience.stop();
    this.#byTxn.delete(server.txnId);
  }

  clear(): void {
    this.#byTxn.clear();
    this.#byTransaction.clear();
    this.#openInvites.clear();
    this.#merged.clear();
  }

  #transactionOver(transaction: ServerTransaction): void {
    const server = this.#byTransaction.get(transaction);
    this.#byTransaction.delete(transaction);
    if (server === undefined) return;
    this.inviteOver(server);
    if (server.dialog?.unacknowledged.get(server.sequence)?.txnId !== server.txnId) this.forget(server);
  }
}

function mergeKey(request: SipRequest): string {
  return `${header(request, 'call-id')}|${getTag(header(request, 'from') ?? '')}|${header(request, 'cseq')}`;
}
