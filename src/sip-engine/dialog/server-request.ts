// One request from the network that waits for an application's answer.
import { cseqOf } from '../message/cseq.ts';
import { cloneFields, header, isNamed } from '../message/headers.ts';
import type { HeaderField, SipRequest } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import type { ServerTransaction } from '../transaction/layer.ts';
import { TimerSlot } from '../transaction/timers.ts';
import type { Source } from '../transport/flow.ts';
import type { Application } from './application.ts';
import { type Dialog, dialogIdOf } from './dialog.ts';
import type { Environment } from './environment.ts';
import type { ReliableProvisionals } from './reliable-provisionals.ts';

export class ServerRequest {
  readonly txnId: string;
  readonly request: SipRequest;
  readonly source: Source;
  readonly transaction: ServerTransaction;
  readonly application: Application;
  /** The dialog it came in, or the one our responses to it make. */
  dialog: Dialog | undefined;
  /** True for the INVITE or SUBSCRIBE that makes a dialog. */
  readonly creates: boolean;
  /** Our To tag once a response above 100 went out; the peer's words when the request has one. */
  toTag: string | undefined;
  /** Bytes of our final response. */
  final: Buffer | undefined;
  reliable: ReliableProvisionals | undefined;
  /** Set while it is passed on: whoever does that is told of the caller's CANCEL. */
  onCancel: (() => void) | undefined;
  readonly patience: TimerSlot;

  constructor(
    environment: Environment,
    fields: Pick<ServerRequest, 'request' | 'source' | 'transaction' | 'application' | 'dialog'>,
  ) {
    this.txnId = environment.names.uuid();
    this.request = fields.request;
    this.source = fields.source;
    this.transaction = fields.transaction;
    this.application = fields.application;
    this.dialog = fields.dialog;
    this.toTag = getTag(header(fields.request, 'to') ?? '');
    this.creates =
      this.toTag === undefined && (fields.request.method === 'INVITE' || fields.request.method === 'SUBSCRIBE');
    this.patience = new TimerSlot(environment.clock);
  }

  get method(): string {
    return this.request.method;
  }

  get sequence(): number {
    return cseqOf(this.request)?.number ?? 0;
  }

  get fromTag(): string {
    return getTag(header(this.request, 'from') ?? '') ?? '';
  }

  /** Shown to the application with each response of ours; empty for requests that have nothing to do with a dialog. */
  get dialogId(): string {
    if (this.dialog !== undefined) return this.dialog.id;
    return this.creates ? dialogIdOf(header(this.request, 'call-id') ?? '', this.fromTag) : '';
  }
}

/** The CANCEL that the caller would have sent: what identifies the INVITE, and why. */
export function cancelInPlace(invite: SipRequest, reason: HeaderField): SipRequest {
  const kept = ['via', 'max-forwards', 'from', 'to', 'call-id'];
  const headers = cloneFields(invite.headers.filter((field) => kept.some((name) => isNamed(field.name, name))));
  headers.push({ name: 'CSeq', value: `${cseqOf(invite)?.number ?? 0} CANCEL` }, reason);
  return { kind: 'request', method: 'CANCEL', uri: invite.uri, headers, body: Buffer.alloc(0) };
}
