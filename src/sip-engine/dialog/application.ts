// What the SIP core and the applications above it say to one another. The wire protocol implements this; the core knows
// neither tokens nor sockets of applications.
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import type { Flow } from '../transport/flow.ts';

/** The far end of a message, as shown to applications. */
export interface Peer {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

/** One connected application. */
export interface Application {
  /** False once its connection is gone: nothing can be asked of it any more. */
  readonly open: boolean;
  newRequest(txnId: string, request: SipRequest, peer: Peer, local: { host: string; port: number }): void;
  /** A request inside a dialog, or the CANCEL of an INVITE; dialogId may be empty for a CANCEL. */
  requestInContext(txnId: string, dialogId: string, request: SipRequest, peer: Peer): void;
  /** @param peer undefined for a response the engine made itself. */
  response(txnId: string, dialogId: string, response: SipResponse, peer: Peer | undefined): void;
  /** A BYE the engine has sent on its own. */
  unsolicited(dialogId: string, bye: Buffer, peer: Peer): void;
  /** A notice of a call, to one who asked for that event. @param detail role or reason. */
  callRecord(event: string, source: 'network' | 'application', detail: string | undefined, message: SipMessage): void;
}

/** Chooses the application for a new request or a call record; undefined when none asked for that verb. */
export interface ApplicationPool {
  pick(method: string): Application | undefined;
}

/** Outcome of what an application asked for: what was sent, or why not. */
export type Outcome =
  | {
      readonly ok: true;
      readonly txnId: string;
      readonly dialogId: string;
      readonly peer: Peer;
      readonly bytes: Buffer;
    }
  | Refusal;

export interface Refusal {
  readonly ok: false;
  readonly reason: string;
}

export function refused(reason: string): Refusal {
  return { ok: false, reason };
}

export function peerOf(flow: Flow): Peer {
  return { protocol: flow.protocol, address: flow.address, port: flow.port };
}
