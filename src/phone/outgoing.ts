// The phone as caller: INVITE, answers to challenges, CANCEL, the ACK of a 2xx, forks (RFC 3261 sections 9, 13, 22).

import { type AudioOptions, PhoneCall } from './call.ts';
import { callerDialog } from './dialog.ts';
import { answerChallenge, type Credentials } from './digest.ts';
import type { Line } from './line.ts';
import {
  cseqOf,
  header,
  type Header,
  parameter,
  parseUri,
  required,
  type SipRequest,
  type SipResponse,
} from './sip.ts';
import type { ClientTransaction } from './transaction.ts';

export interface CallOptions extends AudioOptions {
  /** User part or whole name-addr for From. */
  readonly from?: string;
  /** To, where it differs from the Request-URI. */
  readonly to?: string;
  readonly headers?: readonly Header[];
  readonly auth?: Credentials;
  readonly callId?: string;
  /** Where to send the INVITE, where not to the host of the URI (outbound proxy). */
  readonly via?: { readonly address: string; readonly port: number };
  /** How many ACKs of a 2xx get lost; true = all. */
  readonly loseAck?: boolean | number;
  /** Extra copies of the INVITE sent at once. */
  readonly retransmitInvite?: number;
}

export class OutgoingCall extends PhoneCall {
  readonly uri: string;
  /** Responses below 200, in order, copies included. */
  readonly provisionals: SipResponse[] = [];
  /** Copies of the 2xx that came because an ACK was lost. */
  answerCopies = 0;
  /** Dialogs that other branches of a fork opened, each ended at once. */
  forks = 0;
  invite: SipRequest | null = null;
  readonly #settings: CallOptions;
  #transaction: ClientTransaction | null = null;
  #acksToLose: number;
  #cancelling = false;
  #cancelSent = false;
  #answerSdp = '';
  #challenged = false;

  constructor(line: Line, uri: string, settings: CallOptions) {
    super(line, settings);
    this.uri = uri;
    this.#settings = settings;
    const lose = settings.loseAck ?? 0;
    this.#acksToLose = lose === true ? Number.POSITIVE_INFINITY : Number(lose);
  }

  /** @internal Sends the first INVITE. */
  async start(): Promise<this> {
    const ours = await this.prepareAudio(null);
    const body = this.options.sdp === null ? '' : ours;
    this.#send(this.#firstInvite(body));
    for (let copy = 0; copy < (this.#settings.retransmitInvite ?? 0); copy++) this.#copyInvite();
    return this;
  }

  /** Gives up before the answer; waits for a provisional response first, as it must (RFC 3261 section 9.1). */
  cancel(headers: readonly Header[] = []): void {
    this.#cancelling = true;
    if (this.provisionals.length > 0) this.#sendCancel(headers);
  }

  #firstInvite(body: string): SipRequest {
    const { from = '+12025550199', to, headers = [], callId } = this.#settings;
    const tag = this.line.token(10);
    const fromValue = from.includes('<') ? from : `<sip:${from}@${this.line.host}>`;
    return {
      kind: 'request',
      method: 'INVITE',
      uri: this.uri,
      headers: [
        ['Via', this.line.via()],
        ['Max-Forwards', '70'],
        ['From', `${fromValue};tag=${tag}`],
        ['To', to ?? `<${this.uri}>`],
        ['Call-ID', callId ?? `${this.line.token(20)}@${this.line.host}`],
        ['CSeq', '1 INVITE'],
        ['Contact', this.line.contact],
        ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, NOTIFY'],
        ['User-Agent', 'test-phone'],
        ...headers,
        ...(body ? [['Content-Type', 'application/sdp'] as const] : []),
      ],
      body,
    };
  }

  #send(invite: SipRequest): void {
    this.invite = invite;
    this.#transaction = this.line.transact(invite, this.#hop, (response) => this.#answered(response));
  }

  #copyInvite(): void {
    if (this.invite) this.line.send(this.invite, this.#hop.address, this.#hop.port);
  }

  get #hop(): { address: string; port: number } {
    const target = parseUri(this.uri);
    return this.#settings.via ?? { address: target.host, port: target.port };
  }

  #answered(response: SipResponse): void {
    if (this.vanished) return;
    if (response.status < 200) this.#progress(response);
    else if (response.status < 300) this.#success(response);
    else this.#failure(response);
  }

  #progress(response: SipResponse): void {
    this.provisionals.push(response);
    if (this.#cancelling) this.#sendCancel([]);
    if (response.status === 100) return;
    if (response.body) this.useRemoteSdp(response.body);
    this.enter('ringing');
  }

  #success(response: SipResponse): void {
    const invite = this.invite as SipRequest;
    if (this.dialog) {
      const sameDialog = parameter(required(response, 'to'), 'tag') === this.dialog.remoteTag;
      if (sameDialog) this.#again(invite);
      else this.#endFork(invite, response);
      return;
    }
    this.final = response;
    this.dialog = callerDialog(invite, response);
    if (response.body) this.useRemoteSdp(response.body);
    if (!invite.body) void this.#answerLateOffer(invite);
    else this.#ack(invite);
    if (this.#cancelling) void this.#crossed();
    else this.enter('answered');
  }

  /** CANCEL and 200 crossed: the call exists, so it is ended as one (RFC 3261 section 9.1). */
  async #crossed(): Promise<void> {
    this.at.answered = performance.now();
    await this.bye();
  }

  #again(invite: SipRequest): void {
    this.answerCopies++;
    this.#ack(invite);
  }

  #ack(invite: SipRequest): void {
    if (this.#acksToLose-- > 0) return;
    this.acknowledge(invite, this.#answerSdp);
  }

  async #answerLateOffer(invite: SipRequest): Promise<void> {
    this.#answerSdp = await this.prepareAudio(this.remoteAudio?.direction ?? 'sendrecv');
    this.#ack(invite);
  }

  #endFork(invite: SipRequest, response: SipResponse): void {
    this.forks++;
    const other = callerDialog(invite, response);
    const hop = other.nextHop;
    this.line.send(other.request(this.line, 'ACK', { sequence: cseqOf(invite).number }), hop.address, hop.port);
    this.line.transact(other.request(this.line, 'BYE'), hop, () => undefined);
  }

  #failure(response: SipResponse): void {
    const challenge = header(response, response.status === 401 ? 'www-authenticate' : 'proxy-authenticate');
    const { auth } = this.#settings;
    if (challenge && auth && !this.#challenged && this.invite) {
      this.#challenged = true;
      this.#send(this.#withAnswer(this.invite, response.status, challenge, auth));
      return;
    }
    this.final = response;
    const how = this.#cancelSent ? 'cancel' : response.headers.length === 0 ? 'timeout' : 'rejected';
    this.finish({ by: this.#cancelSent ? 'local' : 'remote', how, request: null });
  }

  #withAnswer(invite: SipRequest, status: number, challenge: string, auth: Credentials): SipRequest {
    const name = status === 401 ? 'Authorization' : 'Proxy-Authorization';
    const value = answerChallenge(challenge, auth, 'INVITE', invite.uri);
    const changed = invite.headers.map(([key, old]): Header => {
      if (key === 'Via') return [key, this.line.via()];
      return key === 'CSeq' ? [key, `${cseqOf(invite).number + 1} INVITE`] : [key, old];
    });
    return { ...invite, headers: [...changed, [name, value]] };
  }

  /** Same Request-URI, Via, From, To, Call-ID and CSeq number as the INVITE. */
  #sendCancel(headers: readonly Header[]): void {
    const { invite } = this;
    if (this.#cancelSent || !invite || this.#transaction?.final) return;
    this.#cancelSent = true;
    const kept = ['via', 'max-forwards', 'from', 'to', 'call-id'];
    const cancel: SipRequest = {
      kind: 'request',
      method: 'CANCEL',
      uri: invite.uri,
      headers: [
        ...invite.headers.filter(([name]) => kept.includes(name.toLowerCase())),
        ['CSeq', `${cseqOf(invite).number} CANCEL`],
        ...headers,
      ],
      body: '',
    };
    this.line.transact(cancel, this.#hop, () => undefined);
  }
}
