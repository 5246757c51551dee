// One request an application sent, until its final response: what the core remembers, and the gate that keeps the first
// response apart from the echo.
//
// Invariants
//   Q1. The application gets exactly one final response per request (wire protocol section 3, rule 4).
//   Q2. No response reaches it earlier than `echoGapMs` after the echo, and never in the same turn of the event loop; order is
//       kept (rule 2).
import type { SipRequest, SipResponse } from '../message/message.ts';
import { TimerSlot } from '../transaction/timers.ts';
import type { Application, Peer } from './application.ts';
import type { Dialog } from './dialog.ts';
import type { Environment } from './environment.ts';
import type { Destination, Way } from './request-sender.ts';

export class ClientRequest {
  readonly txnId: string;
  readonly application: Application;
  #request: SipRequest;
  #destination: Destination;
  readonly branch: string;
  /** Empty when the application expects none in the response frame. */
  readonly dialogId: string;
  /** The dialog it was sent in; undefined outside. */
  readonly dialog: Dialog | undefined;
  /** Early dialogs its provisional responses made, by remote tag. */
  readonly early = new Map<string, Dialog>();
  /** The dialog its first 2xx confirmed. */
  confirmed: Dialog | undefined;
  /** Dialogs of 2xx nobody wanted, ended at once, by remote tag. */
  readonly unwanted = new Map<string, Dialog>();
  sawProvisional = false;
  cancel: { readonly request: SipRequest; sent: boolean } | undefined;
  /** Limits a ringing INVITE (RFC 3261 timer C) and a cancelled one. */
  readonly patience: TimerSlot;
  #final = false;
  readonly #environment: Pick<Environment, 'clock' | 'echoGapMs'>;
  readonly #openAtMs: number;
  #held: (() => void)[] = [];
  #gateSet = false;

  constructor(
    environment: Pick<Environment, 'clock' | 'echoGapMs'>,
    fields: Pick<ClientRequest, 'txnId' | 'application' | 'request' | 'branch' | 'destination' | 'dialogId' | 'dialog'>,
  ) {
    this.txnId = fields.txnId;
    this.application = fields.application;
    this.#request = fields.request;
    this.branch = fields.branch;
    this.#destination = fields.destination;
    this.dialogId = fields.dialogId;
    this.dialog = fields.dialog;
    this.patience = new TimerSlot(environment.clock);
    this.#environment = environment;
    this.#openAtMs = environment.clock.now() + environment.echoGapMs;
  }

  /** As it is sent. */
  get request(): SipRequest {
    return this.#request;
  }

  get destination(): Destination {
    return this.#destination;
  }

  /** The same request over another transport; nothing of it has been heard of yet. */
  travelBy({ request, destination }: Way): void {
    this.#request = request;
    this.#destination = destination;
  }

  get method(): string {
    return this.request.method;
  }

  get final(): boolean {
    return this.#final;
  }

  /** Hands a response to the application, unless a final one went before (Q1). */
  deliver(response: SipResponse, peer: Peer | undefined): void {
    if (this.#final) return;
    if (response.status >= 200) {
      this.#final = true;
      this.patience.stop();
    }
    const write = (): void => this.application.response(this.txnId, this.dialogId, response, peer);
    const waitMs = this.#openAtMs - this.#environment.clock.now();
    if (!this.#gateSet && waitMs <= 0 && peer !== undefined) {
      write();
      return;
    }
    this.#held.push(write);
    if (this.#gateSet) return;
    this.#gateSet = true;
    if (waitMs > 0) this.#environment.clock.setTimer(() => this.#openGate(), waitMs);
    else setImmediate(() => this.#openGate());
  }

  #openGate(): void {
    this.#gateSet = false;
    for (const write of this.#held.splice(0)) write();
  }
}
