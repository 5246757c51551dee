// A browser's transport on one UDP socket of ours: lite ICE, werift's DTLS handshake, our SRTP (endpoint.ts has the states).
//
// Hot path: one datagram in, one packet out. What comes first in a datagram tells what it is (RFC 7983).

import type { Socket } from 'node:dgram';
import { looksLikeRtcp } from '../../rtp/header.ts';
import type { WebRtcFailure } from '../../session.ts';
import type { MasterKey, SrtpProfile } from '../../srtp/keys.ts';
import { SrtpSession } from '../../srtp/session.ts';
import type { WebRtcLocal, WebRtcRemote } from '../../../domain/webrtc-parameters.ts';
import { CONSENT_MS, type WebRtcEndpoint, type WebRtcEndpointHost } from '../endpoint.ts';
import { IceLite } from '../ice-lite.ts';
import { DtlsLeg, type DtlsIdentity } from './dtls.ts';

export interface WeriftEndpointParts {
  readonly socket: Socket;
  readonly local: WebRtcLocal;
  readonly remote: WebRtcRemote;
  readonly identity: DtlsIdentity;
  readonly nowMs: () => number;
}

export class WeriftEndpoint implements WebRtcEndpoint {
  readonly local: WebRtcLocal;

  readonly #socket: Socket;
  readonly #nowMs: () => number;
  readonly #ice: IceLite;
  readonly #dtls: DtlsLeg;
  /** Null once closed (E2). */
  #host: WebRtcEndpointHost | null;
  #srtp: SrtpSession | null = null;
  #failed = false;
  #closing: Promise<void> | null = null;

  constructor(parts: WeriftEndpointParts, host: WebRtcEndpointHost) {
    const { socket, local, remote, identity, nowMs } = parts;
    this.local = local;
    this.#socket = socket;
    this.#nowMs = nowMs;
    this.#host = host;
    this.#ice = new IceLite({ username: `${local.iceUfrag}:${remote.iceUfrag}`, password: local.icePwd });
    this.#dtls = new DtlsLeg(identity, remote.fingerprints, {
      send: (datagram) => this.#send(datagram),
      secured: (profile, ours, theirs) => this.#secured(profile, ours, theirs),
      failed: () => this.#fail('dtls_failed'),
      closedByPeer: () => this.#fail('peer_closed'),
    });
    socket.on('message', (bytes, from) => this.#datagram(bytes, from.address, from.port));
    // A send may be refused by the kernel: the packet is lost, as it would be on the wire.
    socket.on('error', () => undefined);
  }

  get stage(): 'ice' | 'dtls' | 'connected' {
    if (this.#srtp !== null) return 'connected';
    return this.#ice.target === null ? 'ice' : 'dtls';
  }

  sendRtp(packet: Buffer): void {
    if (this.#srtp !== null) this.#send(this.#srtp.protectRtp(packet));
  }

  sendRtcp(packet: Buffer): void {
    if (this.#srtp !== null) this.#send(this.#srtp.protectRtcp(packet));
  }

  tick(nowMs: number): void {
    if (this.#srtp !== null && nowMs - this.#ice.lastCheckMs > CONSENT_MS) this.#fail('consent_lost');
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#dtls.close();
      this.#host = null;
      this.#srtp = null;
      this.#socket.close(() => resolve());
    });
    return this.#closing;
  }

  #datagram(bytes: Buffer, address: string, port: number): void {
    const host = this.#host;
    if (host === null || bytes.length === 0) return;
    const first = bytes[0]!;
    if (first <= 3) {
      const answer = this.#ice.stun(bytes, address, port, this.#nowMs());
      if (answer === null) host.stranger();
      else this.#socket.send(answer, port, address);
    } else if (!this.#ice.accepts(address, port)) {
      host.stranger();
    } else if (first >= 128 && first <= 191) {
      this.#media(bytes, host);
    } else if (first >= 20 && first <= 63) {
      this.#dtls.datagram(bytes);
    } else {
      host.rejected();
    }
  }

  /** Media before the keys are there (a Finished that was overtaken) is lost, not kept. */
  #media(bytes: Buffer, host: WebRtcEndpointHost): void {
    const srtp = this.#srtp;
    if (srtp === null) return;
    const control = looksLikeRtcp(bytes);
    const packet = control ? srtp.unprotectRtcp(bytes) : srtp.unprotectRtp(bytes);
    if (packet === null) host.rejected();
    else if (control) host.rtcp(packet);
    else host.rtp(packet);
  }

  #secured(profile: SrtpProfile, ours: MasterKey, theirs: MasterKey): void {
    this.#srtp = new SrtpSession(profile, ours, theirs);
    this.#host?.connected();
  }

  /** Nothing is sent any more; strangers and late packets are still kept out until `close`. */
  #fail(cause: WebRtcFailure): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#srtp = null;
    this.#host?.failed(cause);
  }

  #send(datagram: Buffer): void {
    const target = this.#ice.target;
    if (target !== null && this.#host !== null) this.#socket.send(datagram, target.port, target.address);
  }
}
