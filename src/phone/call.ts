// One call of the test phone: what both roles share once a dialog is there.
//
//   state      input                      next
//   calling    18x sent or received       ringing
//   calling, ringing   2xx                answered
//   any but ended      failure, CANCEL, BYE either way, vanish()   ended
//
// Invariants
//   P1. `ended` is entered once; `end` says by whom and how. Nothing is sent or answered after `vanish()`.
//   P2. Audio is sent only while answered and while both sides' directions allow it (RFC 3264). What the end of the call finds unsent is dropped,
//       and what is given after it: nobody waits for it.

import type { Dialog } from './dialog.ts';
import type { Line } from './line.ts';
import { createRandom } from './random.ts';
import { type DtmfOptions, type RtpOptions, RtpPeer } from './rtp.ts';
import { answeringDirection, buildSdp, type Codec, type Direction, parseSdp, type RemoteAudio } from './sdp.ts';
import { cseqOf, type Header, type SipRequest, type SipResponse } from './sip.ts';
import { responseTo, type ServerTransaction } from './transaction.ts';
import { Waiters } from './waiters.ts';

export type CallState = 'calling' | 'ringing' | 'answered' | 'ended';

export interface CallEnd {
  readonly by: 'remote' | 'local';
  readonly how: 'bye' | 'cancel' | 'rejected' | 'timeout' | 'vanished';
  /** The BYE or CANCEL that came from the other side. */
  readonly request: SipRequest | null;
}

export interface AudioOptions extends RtpOptions {
  /** In order of preference; the first is what we send when the other side allows it. */
  readonly codecs?: readonly Codec[];
  readonly telephoneEvent?: boolean;
  readonly direction?: Direction;
  /** SDP text instead of ours, or a change made to ours; null = no SDP at all (late offer). */
  readonly sdp?: string | null | ((ours: string) => string);
  readonly seed?: number;
}

const ORDER: Readonly<Record<CallState, number>> = { calling: 0, ringing: 1, answered: 2, ended: 3 };
const CODECS: readonly Codec[] = ['PCMU', 'PCMA'];

export abstract class PhoneCall {
  state: CallState = 'calling';
  end: CallEnd | null = null;
  /** The response that decided the INVITE; for our own re-INVITEs see what `reinvite` resolves with. */
  final: SipResponse | null = null;
  /** Requests of the other side in this dialog, in order, each once. */
  readonly requests: SipRequest[] = [];
  remoteAudio: RemoteAudio | null = null;
  dialog: Dialog | null = null;
  /** performance.now() at each state. */
  readonly at: Partial<Record<CallState, number>> = { calling: performance.now() };
  /** What to answer to a re-INVITE or UPDATE instead of 200. */
  onReoffer: ((request: SipRequest) => { status: number; body?: string }) | null = null;
  /** A 2xx of ours that was never acknowledged. */
  unacknowledged = false;
  protected readonly line: Line;
  protected readonly options: AudioOptions;
  protected direction: Direction;
  #rtp: RtpPeer | null = null;
  #sdpVersion = 1;
  #vanished = false;
  readonly #waiters = new Waiters();
  #confirming: { sequence: number; timer: NodeJS.Timeout } | null = null;

  constructor(line: Line, options: AudioOptions) {
    this.line = line;
    this.options = options;
    this.direction = options.direction ?? 'sendrecv';
  }

  get vanished(): boolean {
    return this.#vanished;
  }

  /** The audio side; there from the first SDP of ours on. */
  get rtp(): RtpPeer {
    if (!this.#rtp) throw new Error('this call has no audio yet');
    return this.#rtp;
  }

  get received() {
    return this.rtp.received;
  }

  /** Resolves when the state is reached or passed; rejects when the call ends before, or after `timeoutMs`. */
  async waitFor(state: CallState, timeoutMs = 5000): Promise<void> {
    await this.#until(() => ORDER[this.state] >= ORDER[state], `${state}`, timeoutMs);
    if (this.state === 'ended' && state !== 'ended' && this.at[state] === undefined)
      throw new Error(`ended before ${state}: ${this.final?.status ?? '-'} ${this.end?.how}`);
  }

  /** The first request of that method from the other side. */
  async waitForRequest(method: string, timeoutMs = 5000): Promise<SipRequest> {
    const find = () => this.requests.find((request) => request.method === method);
    await this.#until(() => find() !== undefined, method, timeoutMs);
    return find() as SipRequest;
  }

  async sendAudio(audio: Buffer): Promise<void> {
    await this.rtp.sendAudio(audio);
  }

  async sendDtmf(digits: string, options: DtmfOptions = {}): Promise<void> {
    await this.rtp.sendDtmf(digits, options);
  }

  /** Sends BYE; resolves with the final response. */
  async bye(headers: readonly Header[] = []): Promise<SipResponse> {
    const answer = this.request('BYE', { headers });
    this.finish({ by: 'local', how: 'bye', request: null });
    return await answer;
  }

  /** Gone without a word: no BYE, no ACK, no answer, no audio. */
  vanish(): void {
    this.#vanished = true;
    this.finish({ by: 'local', how: 'vanished', request: null });
  }

  /** Any request in the dialog; resolves with its final response. */
  async request(method: string, extra: { headers?: readonly Header[]; body?: string } = {}): Promise<SipResponse> {
    const { dialog } = this;
    if (!dialog) throw new Error(`no dialog yet for ${method}`);
    const request = dialog.request(this.line, method, extra);
    return await new Promise((resolve) => {
      this.line.transact(request, dialog.nextHop, (response) => {
        if (response.status < 200) return;
        if (method === 'INVITE' && response.status < 300) this.acknowledge(request);
        resolve(response);
      });
    });
  }

  /** Offers again; without SDP of one's own: the same audio in the present direction. */
  async reinvite(sdp?: string | null | ((ours: string) => string)): Promise<SipResponse> {
    this.#sdpVersion++;
    const ours = this.#sdp(this.direction);
    const body = sdp === null ? '' : typeof sdp === 'function' ? sdp(ours) : (sdp ?? ours);
    const response = await this.request('INVITE', { body });
    if (response.status < 300) {
      this.dialog?.refresh(response);
      this.useRemoteSdp(response.body);
    }
    return response;
  }

  async hold(direction: Direction = 'sendonly'): Promise<SipResponse> {
    this.direction = direction;
    return await this.reinvite();
  }

  async resume(): Promise<SipResponse> {
    this.direction = 'sendrecv';
    return await this.reinvite();
  }

  /** @internal A request of the other side inside this dialog. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    this.requests.push(request);
    if (request.method === 'INVITE' || request.method === 'UPDATE') this.#reoffered(transaction);
    else transaction.respond(responseTo(request, request.method === 'REFER' ? 202 : 200));
    if (request.method === 'BYE') this.finish({ by: 'remote', how: 'bye', request });
    this.#waiters.notify();
  }

  /** @internal An ACK for a 2xx of ours. */
  acknowledged(ack: SipRequest): void {
    if (this.#confirming?.sequence !== cseqOf(ack).number) return;
    clearTimeout(this.#confirming.timer);
    this.#confirming = null;
    if (ack.body) this.useRemoteSdp(ack.body);
    this.requests.push(ack);
    this.#waiters.notify();
  }

  /** @internal The phone closes. */
  async close(): Promise<void> {
    if (this.state !== 'ended') this.vanish();
    if (this.#confirming) clearTimeout(this.#confirming.timer);
    await this.#rtp?.close();
    this.#rtp = null;
  }

  protected acknowledge(invite: SipRequest, body = ''): void {
    const { dialog } = this;
    if (!dialog || this.#vanished) return;
    const ack = dialog.request(this.line, 'ACK', { sequence: cseqOf(invite).number, body });
    this.line.send(ack, dialog.nextHop.address, dialog.nextHop.port);
  }

  /** Opens the audio socket and writes our SDP, changed as the options say. */
  protected async prepareAudio(answerTo: Direction | null): Promise<string> {
    const random = createRandom(this.options.seed ?? this.line.random.integer(0xffff_ffff));
    this.#rtp ??= await RtpPeer.open(this.line.host, this.options, random);
    const direction = answerTo ? answeringDirection(answerTo) : this.direction;
    const ours = this.#sdp(direction);
    const { sdp } = this.options;
    return typeof sdp === 'function' ? sdp(ours) : (sdp ?? ours);
  }

  protected useRemoteSdp(text: string): void {
    const audio = parseSdp(text);
    if (!audio || !this.#rtp) return;
    this.remoteAudio = audio;
    const shared = this.#codecs.find((codec) => audio.codecs.includes(codec));
    if (shared) this.#rtp.codec = shared;
    this.#rtp.setRemote(audio.address, audio.port);
    this.#runAudio();
  }

  protected enter(state: CallState): void {
    if (ORDER[state] <= ORDER[this.state]) return;
    this.state = state;
    this.at[state] = performance.now();
    this.#runAudio();
    this.#waiters.notify();
  }

  protected finish(end: CallEnd): void {
    if (this.end) return;
    this.end = end;
    if (end.how !== 'bye' && this.#confirming) clearTimeout(this.#confirming.timer);
    this.#rtp?.end();
    this.enter('ended');
  }

  /** Sends a 2xx again and again until its ACK (RFC 3261 section 13.3.1.4). */
  protected confirm(transaction: ServerTransaction, response: SipResponse): void {
    const { t1Ms, t2Ms } = this.line.timers;
    const sequence = cseqOf(transaction.request).number;
    const arm = (afterMs: number, leftMs: number) => {
      const timer = setTimeout(() => {
        if (leftMs <= 0) return this.#neverAcknowledged();
        if (this.line.kind === 'udp') transaction.respond(response);
        arm(Math.min(afterMs * 2, t2Ms), leftMs - afterMs);
      }, afterMs);
      this.#confirming = { sequence, timer };
    };
    transaction.respond(response);
    arm(t1Ms, t1Ms * 64);
  }

  #neverAcknowledged(): void {
    this.unacknowledged = true;
    this.#confirming = null;
    if (this.state !== 'ended') void this.bye();
  }

  #reoffered(transaction: ServerTransaction): void {
    const { request } = transaction;
    const verdict = this.onReoffer?.(request);
    if (verdict && verdict.status >= 300) {
      transaction.respond(responseTo(request, verdict.status));
      return;
    }
    this.dialog?.refresh(request);
    this.useRemoteSdp(request.body);
    const isInvite = request.method === 'INVITE';
    const offered = request.body ? parseSdp(request.body)?.direction : undefined;
    this.#sdpVersion++;
    const body =
      verdict?.body ??
      (request.body || isInvite ? this.#sdp(offered ? answeringDirection(offered) : this.direction) : '');
    const response = responseTo(request, 200, { headers: [['Contact', this.line.contact]], body });
    if (isInvite) this.confirm(transaction, response);
    else transaction.respond(response);
  }

  get #codecs(): readonly Codec[] {
    return this.options.codecs ?? (this.options.codec ? [this.options.codec] : CODECS);
  }

  #sdp(direction: Direction): string {
    return buildSdp({
      address: this.line.host,
      port: this.rtp.port,
      codecs: this.#codecs,
      ptimeMs: this.options.ptimeMs ?? 20,
      direction,
      telephoneEvent: this.options.telephoneEvent ?? true,
      version: this.#sdpVersion,
    });
  }

  #runAudio(): void {
    const remote = this.remoteAudio?.direction ?? 'inactive';
    const theyListen = remote === 'sendrecv' || remote === 'recvonly';
    const weSpeak = this.direction === 'sendrecv' || this.direction === 'sendonly';
    if (this.state === 'answered' && theyListen && weSpeak) this.#rtp?.start();
    else this.#rtp?.pause();
  }

  async #until(done: () => boolean, what: string, timeoutMs: number): Promise<void> {
    const missing = () => `no ${what} (state ${this.state}, final ${this.final?.status ?? 'none'})`;
    await this.#waiters.until(done, timeoutMs, missing);
  }
}
