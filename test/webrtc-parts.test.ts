import { afterEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../src/config/errors.ts';
import { createLogger } from '../src/observability/logger.ts';
import { chooseWebRtc } from '../src/webrtc-parts.ts';
import { type RunningGateway, startGateway } from './support/gateway.ts';

const logger = createLogger({ level: 'silent', numbers: 'last4' });
const media = (webrtc: 'auto' | 'werift' | 'mediasoup' | 'off') => ({
  host: '127.0.0.1',
  externalAddress: null,
  rtpPortMin: 40_000,
  rtpPortMax: 40_010,
  threads: 1,
  firstPacketTimeoutMs: 1000,
  silenceTimeoutMs: 1000,
  holdTimeoutMs: 3_600_000,
  webrtc,
  webrtcConnectTimeoutMs: 15_000,
});

describe('the engine for browsers', () => {
  test('that is demanded and cannot be had is a fault of the configuration, by its key', async () => {
    const chosen = chooseWebRtc(media('mediasoup'), '/does/not/exist', logger);
    await expect(chosen).rejects.toThrow(ConfigError);
    await expect(chosen).rejects.toMatchObject({
      problems: [{ key: 'media.webrtc', variable: 'CALLIN_MEDIA__WEBRTC', reason: expect.stringContaining('ENOENT') }],
    });
  });

  test('comes with its time to connect', async () => {
    expect(await chooseWebRtc(media('werift'), undefined, logger)).toEqual({
      choice: { engine: 'werift' },
      connectTimeoutMs: 15_000,
    });
  });
});

describe('GET /v1/node', () => {
  let gateway: RunningGateway | null = null;
  afterEach(async () => {
    await gateway?.stop();
    gateway = null;
  });

  test.each(['werift', 'off'])('says that it is %s', async (webrtc) => {
    gateway = await startGateway({ config: { media: { webrtc } } });
    expect(await gateway.api('GET', '/v1/node')).toMatchObject({ status: 200, body: { engines: { webrtc } } });
  });
});
