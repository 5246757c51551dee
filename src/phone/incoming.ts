// The phone as the called side, which is also how it plays a carrier: ring, early media, answer, refuse, redirect,
// challenge, or do nothing at all.

import { type AudioOptions, PhoneCall } from './call.ts';
import { calledDialog } from './dialog.ts';
import { type Challenge, type Credentials, printChallenge, verifyAnswer } from './digest.ts';
import type { Line } from './line.ts';
import { parseSdp } from './sdp.ts';
import { header, type Header, parseUri, type SipRequest, type SipResponse } from './sip.ts';
import { responseTo, type ServerTransaction } from './transaction.ts';

export interface AnswerOptions extends AudioOptions {
  readonly headers?: readonly Header[];
}

export class IncomingCall extends PhoneCall {
  readonly invite: SipRequest;
  /** Headers of our responses to the INVITE, such as Record-Route of proxies in between. */
  responseHeaders: readonly Header[] = [];
  readonly #transaction: ServerTransaction;
  readonly #tag: string;

  constructor(line: Line, transaction: ServerTransaction, options: AudioOptions) {
    super(line, options);
    this.#transaction = transaction;
    this.invite = transaction.request;
    this.#tag = line.token(10);
  }

  /** User part of the Request-URI. */
  get calledUser(): string {
    return parseUri(this.invite.uri).user;
  }

  get inviteCopies(): number {
    return this.#transaction.retransmissions;
  }

  trying(): void {
    this.#respond(100);
  }

  ring(): void {
    this.#respond(180);
    this.enter('ringing');
  }

  /** 183 with SDP; audio may be sent to the caller from here on through `rtp.start()`. */
  async progress(): Promise<void> {
    const body = await this.#answerSdp();
    if (this.state === 'ended') return;
    this.#respond(183, { body });
    this.enter('ringing');
  }

  /** 200, repeated until the ACK. */
  async answer(options: { readonly headers?: readonly Header[] } = {}): Promise<void> {
    const body = await this.#answerSdp();
    if (this.state === 'ended') return;
    this.dialog = calledDialog(this.invite, this.#tag);
    this.confirm(this.#transaction, this.#response(200, { body, headers: options.headers ?? [] }));
    this.final = this.#transaction.last;
    this.enter('answered');
  }

  reject(status: number, headers: readonly Header[] = []): void {
    this.#respond(status, { headers });
    this.final = this.#transaction.last;
    this.finish({ by: 'local', how: 'rejected', request: null });
  }

  redirect(contact: string): void {
    this.reject(302, [['Contact', `<${contact}>`]]);
  }

  /** True when the INVITE proves the credentials; otherwise it has been answered with the challenge. */
  authenticate(challenge: Challenge, credentials: Credentials, status: 401 | 407 = 401): boolean {
    const answer = header(this.invite, status === 401 ? 'authorization' : 'proxy-authorization');
    if (answer && verifyAnswer(answer, challenge, credentials, 'INVITE')) return true;
    this.reject(status, [[status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate', printChallenge(challenge)]]);
    return false;
  }

  /** @internal CANCEL of the caller: 487, unless the INVITE is already decided. */
  cancelled(cancel: SipRequest): void {
    this.requests.push(cancel);
    if (this.state === 'answered' || this.state === 'ended') return;
    this.#respond(487);
    this.final = this.#transaction.last;
    this.finish({ by: 'remote', how: 'cancel', request: cancel });
  }

  async #answerSdp(): Promise<string> {
    const offer = this.invite.body ? parseSdp(this.invite.body) : null;
    const body = await this.prepareAudio(offer?.direction ?? null);
    if (this.invite.body) this.useRemoteSdp(this.invite.body);
    return body;
  }

  #respond(status: number, extra: { headers?: readonly Header[]; body?: string } = {}): void {
    this.#transaction.respond(this.#response(status, extra));
  }

  #response(status: number, extra: { headers?: readonly Header[]; body?: string }): SipResponse {
    const contact: Header[] = status > 100 && status < 300 ? [['Contact', this.line.contact]] : [];
    return responseTo(this.invite, status, {
      ...(status > 100 ? { toTag: this.#tag } : {}),
      headers: [...this.responseHeaders, ...contact, ...(extra.headers ?? [])],
      ...(extra.body ? { body: extra.body } : {}),
    });
  }
}
