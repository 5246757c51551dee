// Session timers (RFC 4028): not yet; sessions are neither refreshed nor expired.
import type { HeaderField, SipRequest, SipResponse } from '../message/message.ts';
import type { Dialog } from './dialog.ts';
import type { DialogEnder } from './dialog-ender.ts';
import type { Environment } from './environment.ts';
import type { RequestSender } from './request-sender.ts';

export class SessionTimers {
  readonly #ender: DialogEnder;

  constructor(_environment: Environment, _sender: RequestSender, ender: DialogEnder) {
    this.#ender = ender;
  }

  answeredByPeer(_dialog: Dialog, _response: SipResponse, _request: SipRequest): void {
    void this.#ender;
  }

  answeredByUs(_dialog: Dialog, _request: SipRequest, _response: SipResponse): void {
    void this.#ender;
  }

  fieldsForAnswer(_request: SipRequest, _client: SipResponse): HeaderField[] {
    return [];
  }

  tooSmall(_request: SipRequest): HeaderField | undefined {
    return undefined;
  }

  refreshedByPeer(_dialog: Dialog): void {
    void this.#ender;
  }
}
