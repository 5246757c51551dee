// A browser's transport in a mediasoup worker. A router per leg, so that its payload types are those of the offer and nothing is mapped:
//
//   browser ─ WebRtcTransport ─ producer ─▶ consumer ─ DirectTransport ─▶ host.rtp
//   browser ◀─ WebRtcTransport ─ consumer ◀─ producer ─ DirectTransport ─ sendRtp
//
// The worker counts what fails SRTP or comes from strangers by itself, and drops it: `rejected` and `stranger` are never called here.

import type { types } from 'mediasoup';
import { CONSENT_MS, type OpenedEndpoint, type WebRtcEndpoint, type WebRtcEndpointHost } from '../endpoint.ts';
import type { WebRtcEndpointParams, WebRtcEngineOptions } from '../endpoint.ts';
import type { WebRtcFailure } from '../../session.ts';
import type { DtlsFingerprint, WebRtcLocal } from '../../../domain/webrtc-parameters.ts';
import { browserSends, codecsOf, weSend } from './parameters.ts';
import { caughtUp } from './worker.ts';

export async function openMediasoupEndpoint(
  worker: types.Worker,
  options: WebRtcEngineOptions,
  params: WebRtcEndpointParams,
  host: WebRtcEndpointHost,
): Promise<OpenedEndpoint> {
  const router = await worker.createRouter({ mediaCodecs: codecsOf(params.parameters) });
  try {
    const transport = await router.createWebRtcTransport({
      listenInfos: [listenInfo(options, params.port)],
      enableUdp: true,
      enableTcp: false,
      iceConsentTimeout: CONSENT_MS / 1000,
    });
    const endpoint = await connect(worker, router, transport, options, params, host);
    router.on('workerclose', () => endpoint.workerDied());
    return { ok: true, endpoint };
  } catch (error) {
    router.close();
    return { ok: false, ...refusalOf(error, options.host) };
  }
}

async function connect(
  worker: types.Worker,
  router: types.Router,
  transport: types.WebRtcTransport,
  options: WebRtcEngineOptions,
  { remote, parameters, ssrc, port }: WebRtcEndpointParams,
  host: WebRtcEndpointHost,
): Promise<MediasoupEndpoint> {
  const direct = await router.createDirectTransport();
  const [fromBrowser, fromUs] = await Promise.all([
    transport.produce({ kind: 'audio', rtpParameters: browserSends(parameters, remote) }),
    direct.produce({ kind: 'audio', rtpParameters: weSend(parameters, ssrc) }),
  ]);
  const { rtpCapabilities } = router;
  const [toUs, toBrowser] = await Promise.all([
    direct.consume({ producerId: fromBrowser.id, rtpCapabilities }),
    transport.consume({ producerId: fromUs.id, rtpCapabilities, ...(remote.mid === null ? {} : { mid: remote.mid }) }),
  ]);
  const fingerprint = ourFingerprint(transport);
  const local: WebRtcLocal = {
    iceUfrag: transport.iceParameters.usernameFragment,
    icePwd: transport.iceParameters.password,
    address: options.externalAddress ?? options.host,
    port,
    fingerprint,
    ssrc: toBrowser.rtpParameters.encodings?.[0]?.ssrc ?? ssrc,
  };
  const endpoint = new MediasoupEndpoint({ local, worker, router, transport, direct, fromUs, toUs }, host);
  await transport.connect({ dtlsParameters: { role: 'client', fingerprints: [...remote.fingerprints] } });
  return endpoint;
}

interface EndpointParts {
  readonly local: WebRtcLocal;
  readonly worker: types.Worker;
  readonly router: types.Router;
  readonly transport: types.WebRtcTransport;
  readonly direct: types.DirectTransport;
  readonly fromUs: types.Producer;
  readonly toUs: types.Consumer;
}

class MediasoupEndpoint implements WebRtcEndpoint {
  readonly local: WebRtcLocal;

  readonly #worker: types.Worker;
  readonly #router: types.Router;
  readonly #direct: types.DirectTransport;
  readonly #fromUs: types.Producer;
  /** Null once closed (E2). */
  #host: WebRtcEndpointHost | null;
  #stage: 'ice' | 'dtls' | 'connected' = 'ice';
  #failed = false;
  #closing: Promise<void> | null = null;

  constructor(parts: EndpointParts, host: WebRtcEndpointHost) {
    this.local = parts.local;
    this.#worker = parts.worker;
    this.#router = parts.router;
    this.#direct = parts.direct;
    this.#fromUs = parts.fromUs;
    this.#host = host;
    const { transport, direct, toUs } = parts;
    transport.on('icestatechange', (state) => {
      if (state === 'disconnected') this.#fail('consent_lost');
      else if (this.#stage === 'ice' && state !== 'new') this.#stage = 'dtls';
    });
    transport.on('dtlsstatechange', (state) => this.#onDtls(state));
    toUs.on('rtp', (packet) => this.#host?.rtp(packet));
    direct.on('rtcp', (packet) => this.#host?.rtcp(packet));
  }

  get stage(): 'ice' | 'dtls' | 'connected' {
    return this.#stage;
  }

  sendRtp(packet: Buffer): void {
    if (this.#stage === 'connected' && !this.#failed) this.#fromUs.send(packet);
  }

  sendRtcp(packet: Buffer): void {
    if (this.#stage === 'connected' && !this.#failed) this.#direct.sendRtcp(packet);
  }

  /** The worker watches the consent. */
  tick(): void {
    // Nothing to look at here.
  }

  workerDied(): void {
    this.#fail('engine_lost');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#host = null;
    this.#failed = true;
    this.#router.close();
    await caughtUp(this.#worker);
  }

  #onDtls(state: types.DtlsState): void {
    if (state === 'connected') {
      this.#stage = 'connected';
      this.#host?.connected();
    } else if (state === 'failed') {
      this.#fail('dtls_failed');
    } else if (state === 'closed') {
      this.#fail('peer_closed');
    }
  }

  #fail(cause: WebRtcFailure): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#host?.failed(cause);
  }
}

function listenInfo(options: WebRtcEngineOptions, port: number): types.TransportListenInfo {
  const announced = options.externalAddress === null ? {} : { announcedAddress: options.externalAddress };
  return { protocol: 'udp', ip: options.host, port, ...announced };
}

function refusalOf(error: unknown, host: string): { readonly code: 'in-use' | 'failed'; readonly detail: string } {
  const detail = error instanceof Error ? error.message : String(error);
  if (!detail.startsWith('uv_udp_bind() failed')) return { code: 'failed', detail };
  if (detail.includes('address already in use')) return { code: 'in-use', detail };
  return { code: 'failed', detail: `${host} cannot be bound` };
}

function ourFingerprint(transport: types.WebRtcTransport): DtlsFingerprint {
  const made = transport.dtlsParameters.fingerprints.find(({ algorithm }) => algorithm === 'sha-256');
  if (made === undefined) throw new Error('the worker has no certificate with SHA-256');
  return { algorithm: 'sha-256', value: made.value.toUpperCase() };
}
