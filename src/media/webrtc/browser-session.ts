// The leg of a browser as its owner holds it: a session like a carrier's, and the descriptions that go with its one transport.

import type { WebRtcLocal } from '../../domain/webrtc-parameters.ts';
import {
  type BrowserOffer,
  type BrowserOfferRefusal,
  printBrowserAnswer,
  readBrowserReoffer,
} from '../../sdp/index.ts';
import { PoolSession, type SessionOwner, type SessionParts } from '../pool-session.ts';
import type { OpenWebRtc, WebRtcOfferRefused, WebRtcSession } from '../session.ts';
import type { MediaCommand, MediaReport } from '../thread/messages.ts';

export class BrowserSession extends PoolSession implements WebRtcSession {
  /** Why the engine made no transport. */
  onRefused: (detail: string) => void = () => undefined;

  readonly #params: OpenWebRtc;
  readonly #sessionId: number;
  #offer: BrowserOffer;
  #local: WebRtcLocal | null = null;
  #version = 1;
  #answer = '';

  constructor(owner: SessionOwner, parts: SessionParts, params: OpenWebRtc, offer: BrowserOffer) {
    super(owner, parts);
    this.#params = params;
    this.#offer = offer;
    this.#sessionId = Math.floor(owner.clock.wallMs());
  }

  /** Once it is open. */
  answer(): string {
    this.#answer = this.#print(this.#version);
    return this.#answer;
  }

  reanswer(offerSdp: string): ReturnType<WebRtcSession['reanswer']> {
    const reading = readBrowserReoffer(offerSdp, this.#offer);
    if (!reading.ok) return offerRefused(reading);
    this.#offer = reading.offer;
    this.negotiate(reading.offer.parameters);
    // RFC 3264 section 8: the version rises with a change, and only then.
    if (this.#print(this.#version) !== this.#answer) this.#version++;
    return { ok: true, answerSdp: this.answer() };
  }

  protected openCommand(): MediaCommand {
    const { callId, timeouts } = this.#params;
    const { remote, parameters } = this.#offer;
    const { id: session, row, localPort: port } = this;
    return { type: 'open-browser', session, callId, row, port, remote, parameters, timeouts };
  }

  protected override onOpened(report: Extract<MediaReport, { type: 'opened' }>): void {
    this.#local = report.local ?? null;
    if (report.detail !== undefined) this.onRefused(report.detail);
  }

  #print(version: number): string {
    if (this.#local === null) throw new Error('a leg is opened before it is answered');
    return printBrowserAnswer(this.#offer, this.#local, { sessionId: this.#sessionId, version });
  }
}

export function offerRefused({ reason, fault, detail }: BrowserOfferRefusal): WebRtcOfferRefused {
  return { ok: false, code: 'offer_refused', reason, fault, detail };
}
