// A dialog: what two user agents agreed on when a request created it (RFC 3261 section 12).
//
// Invariants
//   D1. The local CSeq only grows, and only here (12.2.1.1). ACK reuses the number of its INVITE.
//   D2. The route set is fixed when the dialog is made; the remote target changes with accepted target refreshes (12.2).
//   D3. `id` is `<Call-ID>;from-tag=<From tag of the request that made the dialog>`: applications compute it themselves.
import { header, headerValues } from '../message/headers.ts';
import type { HeaderField, SipMessage } from '../message/message.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import { parseUri } from '../message/uri.ts';
import type { Flow } from '../transport/flow.ts';
import type { Application } from './application.ts';

export type DialogState = 'early' | 'confirmed' | 'ended';

/** A 2xx to an INVITE of ours: the ACK is stored to be sent again for each retransmission of the 2xx (13.2.2.4). */
export interface AnsweredInvite {
  readonly txnId: string;
  /** Set once the application has acknowledged. */
  ack: { readonly bytes: Buffer; readonly flow: Flow } | undefined;
  /** The application had given up: end the dialog as soon as the ACK is out. */
  readonly cancelled: boolean;
}

export interface DialogOptions {
  readonly role: 'uac' | 'uas';
  /** Method that made it: INVITE or SUBSCRIBE (REFER makes a SUBSCRIBE dialog of its own, which applications do not use). */
  readonly method: string;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From (or To) value of our side, tag included. */
  readonly localParty: string;
  readonly remoteParty: string;
  readonly routeSet: readonly string[];
  readonly remoteTarget: string;
  readonly localSequence: number;
  readonly remoteSequence: number | undefined;
  /** Contact header value we gave. */
  readonly localContact: string;
  /** How the first message travelled; in-dialog requests stay on this transport. */
  readonly flow: Flow;
  /** Send here instead of to the target or route (NAT rule); the Request-URI stays. */
  readonly sendTo: Flow | undefined;
  readonly application: Application;
}

export class Dialog {
  readonly id: string;
  readonly role: 'uac' | 'uas';
  readonly method: string;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly localParty: string;
  readonly remoteParty: string;
  routeSet: readonly string[];
  remoteTarget: string;
  localContact: string;
  flow: Flow;
  sendTo: Flow | undefined;
  application: Application;
  state: DialogState = 'early';
  /** SDP that we last sent and that is in force, for a refresh of our own making. */
  localSdp: Buffer | undefined;
  /** Our INVITE (or UPDATE) without final response. */
  invitePending = false;
  /** The peer's INVITE without final response from us: its transaction id. */
  peerInvitePending: string | undefined;
  peerUpdatePending: string | undefined;
  /** Our INVITEs that got a 2xx, by CSeq number, until no retransmission of that 2xx can come any more. */
  readonly answered = new Map<number, AnsweredInvite>();
  /** Our 2xx without ACK, by CSeq number of their INVITEs; nobody waits for an ACK in a dialog that has ended. */
  readonly unacknowledged = new Map<number, { readonly txnId: string; stop(): void }>();
  /** Its last Allow names UPDATE (RFC 3311 section 4). */
  peerAllowsUpdate = false;
  /** RSeq of the last reliable provisional seen. */
  lastRemoteRSeq: number | undefined;
  /** RSeq of the last reliable provisional that our PRACK was for. */
  acknowledgedRSeq: number | undefined;
  /** Our 2xx waits for the peer's ACK: a BYE of ours must wait as well (section 15). */
  awaitsAck = false;
  heldBye: (() => void) | undefined;
  /** Our BYE is on its way: whatever still comes in this dialog but a BYE came too late (RFC 5407 section 3.2). */
  isMortal = false;
  /** Told once when the dialog ends, whoever ends it. */
  readonly onEnded: (() => void)[] = [];
  #localSequence: number;
  #remoteSequence: number | undefined;

  constructor(options: DialogOptions) {
    this.role = options.role;
    this.method = options.method;
    this.callId = options.callId;
    this.localTag = options.localTag;
    this.remoteTag = options.remoteTag;
    this.localParty = options.localParty;
    this.remoteParty = options.remoteParty;
    this.routeSet = options.routeSet;
    this.remoteTarget = options.remoteTarget;
    this.localContact = options.localContact;
    this.flow = options.flow;
    this.sendTo = options.sendTo;
    this.application = options.application;
    this.#localSequence = options.localSequence;
    this.#remoteSequence = options.remoteSequence;
    this.id = dialogIdOf(options.callId, options.role === 'uac' ? options.localTag : options.remoteTag);
  }

  nextSequence(): number {
    this.#localSequence += 1;
    return this.#localSequence;
  }

  /** False when the number is lower than one seen before (12.2.2): the request must be refused. */
  acceptSequence(number: number): boolean {
    if (this.#remoteSequence !== undefined && number < this.#remoteSequence) return false;
    this.#remoteSequence = number;
    return true;
  }

  /** Start line URI and Route fields of a request in this dialog, loose or strict (12.2.1.1). */
  requestLine(): { uri: string; routes: readonly string[] } {
    const first = this.routeSet[0];
    if (first === undefined) return { uri: this.remoteTarget, routes: [] };
    const firstUri = parseNameAddr(first)?.uri ?? first;
    if (parseUri(firstUri)?.params.has('lr') === true) return { uri: this.remoteTarget, routes: this.routeSet };
    return { uri: firstUri, routes: [...this.routeSet.slice(1), `<${this.remoteTarget}>`] };
  }

  /** URI the next request is sent to. */
  nextHop(): string {
    const first = this.routeSet[0];
    return first === undefined ? this.remoteTarget : (parseNameAddr(first)?.uri ?? first);
  }

  refreshTarget(message: SipMessage): void {
    const target = contactUri(message);
    if (target !== undefined) this.remoteTarget = target;
    this.learnMethods(message);
  }

  learnMethods(message: SipMessage): void {
    if (header(message, 'allow') === undefined) return;
    this.peerAllowsUpdate = headerValues(message, 'allow').includes('UPDATE');
  }

  confirm(): void {
    if (this.state === 'early') this.state = 'confirmed';
  }

  /** The one way a dialog ends; idempotent. */
  end(): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    for (const success of this.unacknowledged.values()) success.stop();
    this.unacknowledged.clear();
    this.awaitsAck = false;
    for (const tell of this.onEnded.splice(0)) tell();
  }
}

export function dialogIdOf(callId: string, creatorTag: string): string {
  return `${callId};from-tag=${creatorTag}`;
}

/** URI of the first Contact, if there is one that names a SIP address. */
export function contactUri(message: SipMessage): string | undefined {
  const value = headerValues(message, 'contact')[0];
  if (value === undefined || value === '*') return undefined;
  const uri = parseNameAddr(value)?.uri;
  const scheme = uri === undefined ? undefined : parseUri(uri)?.scheme;
  return scheme === 'sip' || scheme === 'sips' ? uri : undefined;
}

/** Fields every request in a dialog starts with, in the order in which they go out. */
export function dialogFields(
  dialog: Dialog,
  request: { method: string; sequence: number; via: string; routes: readonly string[] },
): HeaderField[] {
  const fields: HeaderField[] = [
    { name: 'Via', value: request.via },
    { name: 'Max-Forwards', value: '70' },
  ];
  for (const value of request.routes) fields.push({ name: 'Route', value });
  fields.push(
    { name: 'From', value: dialog.localParty },
    { name: 'To', value: dialog.remoteParty },
    { name: 'Call-ID', value: dialog.callId },
    { name: 'CSeq', value: `${request.sequence} ${request.method}` },
  );
  return fields;
}

export function hasOption(message: SipMessage, name: 'require' | 'supported', option: string): boolean {
  if (header(message, name) === undefined) return false;
  return headerValues(message, name).some((value) => value.toLowerCase() === option);
}

/** A NOTIFY that ends its subscription (RFC 6665 section 4.1.3). */
export function isTerminated(notify: SipMessage): boolean {
  return headerValues(notify, 'subscription-state')[0]?.toLowerCase().startsWith('terminated') === true;
}
