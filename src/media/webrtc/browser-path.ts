// Hot path: RTP of a call over a browser's transport (endpoint.ts). Who may speak is decided by ICE and SRTP, so every packet that
// arrives here is the browser's.

import type { WebRtcEndpoint, WebRtcEndpointHost } from './endpoint.ts';
import type { WebRtcFailure } from '../session.ts';
import type { PathCall, RtpPath } from '../thread/path.ts';
import { WebRtcWatch } from './watch.ts';

export class BrowserPath implements RtpPath, WebRtcEndpointHost {
  ready = false;

  readonly #nowMs: () => number;
  readonly #watch: WebRtcWatch;
  #call: PathCall | null = null;
  #endpoint: WebRtcEndpoint | null = null;

  /** `connectMs`: how long ICE and DTLS may take from `start`. */
  constructor(connectMs: number, nowMs: () => number) {
    this.#watch = new WebRtcWatch(connectMs);
    this.#nowMs = nowMs;
  }

  join(call: PathCall, endpoint: WebRtcEndpoint): void {
    this.#call = call;
    this.#endpoint = endpoint;
  }

  negotiate(): void {
    // The transport is agreed on once, when it is opened.
  }

  start(nowMs: number): void {
    this.#watch.start(nowMs);
  }

  accept(_address: string, _port: number, _ssrc: number, _sequence: number, payloadTypeOk: boolean): boolean {
    return payloadTypeOk;
  }

  acceptsControlFrom(): boolean {
    return true;
  }

  sendRtp(packet: Buffer): void {
    this.#endpoint?.sendRtp(packet);
  }

  sendRtcp(packet: Buffer): void {
    this.#endpoint?.sendRtcp(packet);
  }

  fault(nowMs: number): WebRtcFailure | null {
    const endpoint = this.#endpoint;
    if (endpoint === null) return null;
    endpoint.tick(nowMs);
    return this.#watch.fault(endpoint.stage, nowMs);
  }

  // What the endpoint reports.

  connected(): void {
    this.#watch.connected();
    this.ready = true;
    this.#call?.pathReady();
  }

  rtp(packet: Buffer): void {
    this.#call?.rtp(packet, '', 0);
  }

  rtcp(packet: Buffer): void {
    this.#call?.rtcp(packet, '');
  }

  rejected(): void {
    this.#call?.pathRejected();
  }

  stranger(): void {
    this.#call?.pathStranger();
  }

  failed(cause: WebRtcFailure): void {
    this.ready = false;
    this.#watch.failed(cause, this.#nowMs());
  }
}
