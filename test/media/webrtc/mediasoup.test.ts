// The engine on mediasoup as far as it can be tried without a worker: its parameters against mediasoup's own rules, and what it makes of
// the worker's events, with a worker of ours in the place of a real one. With a real one, the contract is held against it.

import { EventEmitter } from 'node:events';
import type { types } from 'mediasoup';
import {
  getConsumableRtpParameters,
  getConsumerRtpParameters,
  getProducerRtpParametersMapping,
  generateRouterRtpCapabilities,
  validateAndNormalizeRtpParameters,
} from 'mediasoup/ortc';
import { describe, expect, test } from 'vitest';
import type { RtpParameters } from '../../../src/domain/rtp-parameters.ts';
import type { WebRtcRemote } from '../../../src/domain/webrtc-parameters.ts';
import type { WebRtcEndpoint, WebRtcEndpointHost } from '../../../src/media/webrtc/endpoint.ts';
import { openMediasoupEndpoint } from '../../../src/media/webrtc/mediasoup/endpoint.ts';
import { browserSends, codecsOf, weSend } from '../../../src/media/webrtc/mediasoup/parameters.ts';

const PARAMETERS: RtpParameters = {
  remoteAddress: '',
  remotePort: 0,
  rtcpMux: true,
  codec: 'PCMU',
  payloadType: 0,
  receivePayloadType: 0,
  telephoneEventPayloadType: 126,
  receiveTelephoneEventPayloadType: 126,
  direction: 'sendrecv',
};
const REMOTE: WebRtcRemote = {
  iceUfrag: 'them',
  icePwd: 'theirPasswordIsLongEnough',
  fingerprints: [{ algorithm: 'sha-256', value: 'AA:BB' }],
  ssrc: 55,
  mid: '0',
  midExtension: 4,
};

describe("mediasoup's own rules", () => {
  test.each([
    ['a browser that names its SSRC', REMOTE, PARAMETERS],
    ['a browser that is known by its identification', { ...REMOTE, ssrc: null }, PARAMETERS],
    ['no telephone events', REMOTE, { ...PARAMETERS, telephoneEventPayloadType: null }],
    ['A-law', REMOTE, { ...PARAMETERS, codec: 'PCMA' as const, payloadType: 8 }],
  ])('take our parameters for %s, and map no payload type', (_what, remote, parameters) => {
    const capabilities = generateRouterRtpCapabilities(codecsOf(parameters));
    for (const given of [browserSends(parameters, remote), weSend(parameters, 77)]) {
      const params = structuredClone(given);
      expect(
        params.codecs.map((codec) => codec.mimeType),
        'which the worker would drop',
      ).not.toContain('audio/telephone-event');
      validateAndNormalizeRtpParameters(params);
      params.rtcp = { cname: 'x', ...params.rtcp };
      const mapping = getProducerRtpParametersMapping(params, capabilities);
      expect(mapping.codecs.every((entry) => entry.payloadType === entry.mappedPayloadType)).toBe(true);
      const consumable = getConsumableRtpParameters('audio', params, capabilities, mapping);
      const consumer = getConsumerRtpParameters({
        consumableRtpParameters: consumable,
        remoteRtpCapabilities: capabilities,
        pipe: false,
        enableRtx: false,
      });
      const types = [parameters.payloadType, parameters.telephoneEventPayloadType].filter((type) => type !== null);
      expect(consumer.codecs.map((codec) => codec.payloadType)).toEqual(types);
      expect(consumer.codecs.every((codec) => codec.rtcpFeedback?.length === 0)).toBe(true);
    }
  });
});

describe('an endpoint in a worker', () => {
  test('opens on the one port of the configured host and tells what the answer needs', async () => {
    const { endpoint, worker } = await open();
    expect(endpoint.local).toEqual({
      iceUfrag: 'ours',
      icePwd: 'ourPassword',
      address: '203.0.113.5',
      port: 40_002,
      fingerprint: { algorithm: 'sha-256', value: 'AB:CD' },
      ssrc: 4711,
    });
    expect(worker.transportOptions).toMatchObject({
      listenInfos: [{ protocol: 'udp', ip: '127.0.0.1', port: 40_002, announcedAddress: '203.0.113.5' }],
      enableTcp: false,
      iceConsentTimeout: 30,
    });
    expect(worker.connected).toEqual({ dtlsParameters: { role: 'client', fingerprints: REMOTE.fingerprints } });
  });

  test('carries packets once DTLS is connected, and none before', async () => {
    const { endpoint, worker, told } = await open();
    endpoint.sendRtp(Buffer.from('early'));
    expect(endpoint.stage).toBe('ice');
    worker.transport.emit('icestatechange', 'connected');
    expect(endpoint.stage).toBe('dtls');
    worker.transport.emit('dtlsstatechange', 'connecting');
    worker.transport.emit('dtlsstatechange', 'connected');
    expect(endpoint.stage).toBe('connected');
    endpoint.sendRtp(Buffer.from('audio'));
    endpoint.sendRtcp(Buffer.from('report'));
    worker.toUs.emit('rtp', Buffer.from('heard'));
    worker.direct.emit('rtcp', Buffer.from('told'));
    expect(worker.sent).toEqual(['rtp audio', 'rtcp report']);
    expect(told).toEqual(['connected', 'rtp heard', 'rtcp told']);
  });

  test.each([
    [
      'loses the consent',
      (worker: FakeWorker) => worker.transport.emit('icestatechange', 'disconnected'),
      'consent_lost',
    ],
    ['fails DTLS', (worker: FakeWorker) => worker.transport.emit('dtlsstatechange', 'failed'), 'dtls_failed'],
    [
      'is closed by the browser',
      (worker: FakeWorker) => worker.transport.emit('dtlsstatechange', 'closed'),
      'peer_closed',
    ],
    ['dies with its worker', (worker: FakeWorker) => worker.router.emit('workerclose'), 'engine_lost'],
  ])('that %s says so once, and sends no more', async (_what, happen, cause) => {
    const { endpoint, worker, told } = await open();
    worker.transport.emit('dtlsstatechange', 'connected');
    happen(worker);
    happen(worker);
    endpoint.sendRtp(Buffer.from('audio'));
    expect(told).toEqual(['connected', `failed ${cause}`]);
    expect(worker.sent).toEqual([]);
  });

  test('that is closed tells nothing more and lets go of its worker', async () => {
    const { endpoint, worker, told } = await open();
    await endpoint.close();
    await endpoint.close();
    worker.transport.emit('dtlsstatechange', 'connected');
    worker.toUs.emit('rtp', Buffer.from('late'));
    expect(told).toEqual([]);
    expect([worker.routersClosed, worker.listenerCount('died')]).toEqual([1, 0]);
  });

  test.each([
    [
      'uv_udp_bind() failed [ip:a]: address already in use',
      'in-use',
      'uv_udp_bind() failed [ip:a]: address already in use',
    ],
    ['uv_udp_bind() failed [ip:a]: address not available', 'failed', '127.0.0.1 cannot be bound'],
    ['no more of them', 'failed', 'no more of them'],
  ])('that cannot be opened (%s) closes its router', async (message, code, detail) => {
    const worker = new FakeWorker();
    worker.refusal = message;
    const { host } = recorder();
    expect(await openMediasoupEndpoint(worker.asWorker, OPTIONS, PARAMS, host)).toEqual({
      ok: false,
      code,
      detail,
    });
    expect(worker.routersClosed).toBe(1);
  });
});

const OPTIONS = {
  host: '127.0.0.1',
  externalAddress: '203.0.113.5',
  nowMs: () => 0,
  randomBytes: (count: number) => Buffer.alloc(count),
};
const PARAMS = { port: 40_002, remote: REMOTE, parameters: PARAMETERS, ssrc: 77 };

async function open(): Promise<{ endpoint: WebRtcEndpoint; worker: FakeWorker; told: string[] }> {
  const worker = new FakeWorker();
  const { host, told } = recorder();
  const opened = await openMediasoupEndpoint(worker.asWorker, OPTIONS, PARAMS, host);
  if (!opened.ok) throw new Error(opened.detail);
  return { endpoint: opened.endpoint, worker, told };
}

function recorder(): { host: WebRtcEndpointHost; told: string[] } {
  const told: string[] = [];
  const host: WebRtcEndpointHost = {
    connected: () => told.push('connected'),
    rtp: (packet) => told.push(`rtp ${packet}`),
    rtcp: (packet) => told.push(`rtcp ${packet}`),
    rejected: () => told.push('rejected'),
    stranger: () => told.push('stranger'),
    failed: (cause) => told.push(`failed ${cause}`),
  };
  return { host, told };
}

/** As much of a worker as the endpoint touches. */
class FakeWorker extends EventEmitter {
  readonly sent: string[] = [];
  readonly transport = Object.assign(new EventEmitter(), {
    iceParameters: { usernameFragment: 'ours', password: 'ourPassword', iceLite: true },
    dtlsParameters: { fingerprints: [{ algorithm: 'sha-256', value: 'ab:cd' }] },
    produce: () => Promise.resolve({ id: 'from-browser' }),
    consume: () => Promise.resolve({ rtpParameters: { encodings: [{ ssrc: 4711 }] } }),
    connect: (parameters: unknown) => {
      this.connected = parameters;
      return Promise.resolve();
    },
  });
  readonly toUs = new EventEmitter();
  readonly direct = Object.assign(new EventEmitter(), {
    produce: () => Promise.resolve({ id: 'from-us', send: (packet: Buffer) => this.sent.push(`rtp ${packet}`) }),
    consume: () => Promise.resolve(this.toUs),
    sendRtcp: (packet: Buffer) => this.sent.push(`rtcp ${packet}`),
  });
  transportOptions: unknown = null;
  connected: unknown = null;
  routersClosed = 0;
  readonly closed = false;
  refusal: string | null = null;

  get asWorker(): types.Worker {
    return this as unknown as types.Worker;
  }

  readonly router = Object.assign(new EventEmitter(), {
    rtpCapabilities: {},
    createWebRtcTransport: (options: unknown) => {
      this.transportOptions = options;
      return this.refusal === null ? Promise.resolve(this.transport) : Promise.reject(new Error(this.refusal));
    },
    createDirectTransport: () => Promise.resolve(this.direct),
    close: () => {
      this.routersClosed++;
    },
  });

  getResourceUsage() {
    return Promise.resolve({});
  }

  createRouter() {
    return Promise.resolve(this.router);
  }
}
