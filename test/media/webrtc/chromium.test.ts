// A real browser against the leg as it is served: its own offer, ICE, DTLS and SRTP, its beeping microphone, and the echo of it.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/domain/clock.ts';
import { createMediaPool, type ObservableMediaPool } from '../../../src/media/pool.ts';
import type { MediaEvent, WebRtcSession } from '../../../src/media/session.ts';
import type { WebRtcEngineChoice } from '../../../src/media/webrtc/choose.ts';
import { findMediasoupWorker } from '../../../src/media/webrtc/mediasoup/worker-binary.ts';
import { findChromium, startChromium } from '../../support/chromium.ts';
import { PAGE, type PageStats } from '../support/browser-page.ts';
import { eventually, eventuallyAsync } from '../support/eventually.ts';

const found = findChromium();
const worker = await findMediasoupWorker(process.env['MEDIASOUP_WORKER_BIN']);
const ENGINES: readonly (readonly [string, WebRtcEngineChoice | null])[] = [
  ['werift', { engine: 'werift' }],
  ['mediasoup', worker.ok ? { engine: 'mediasoup', workerBin: worker.path } : null],
];

describe.each(ENGINES)('a real browser carried by %s', (_name, choice) => {
  let browser: Browser;
  let pool: ObservableMediaPool;
  let page: Page;
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(PAGE);
  });

  beforeAll(async () => {
    if (!found.ok || choice === null) return;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await startChromium(found.path);
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    pool = await createMediaPool({
      threadEntry: new URL('../support/fake-agent-thread.ts', import.meta.url),
      threads: 1,
      host: '127.0.0.1',
      externalAddress: null,
      ports: { portMin: 36_000, portMax: 36_198 },
      webRtc: { choice, connectTimeoutMs: 10_000 },
      clock: systemClock,
    });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await pool?.close();
    server.close();
  });

  test('has a conversation with the echo: audio both ways, nothing lost, keys heard, goodbye', {
    timeout: 60_000,
  }, async ({ skip }) => {
    skip(!found.ok, found.ok ? '' : found.missing);
    skip(!worker.ok && choice === null, worker.ok ? '' : worker.missing);
    const events: MediaEvent[] = [];
    const offerSdp = await page.evaluate<string>('phone.offer()');
    const opened = await pool.openWebRtc({
      callId: 'call_chromium',
      timeouts: { firstPacketMs: 10_000, silenceMs: 10_000 },
      offerSdp,
      agentCodec: 'PCMU',
      onEvent: (event) => events.push(event),
    });
    if (!opened.ok) throw new Error(`${opened.code}: ${opened.detail}`);
    const session: WebRtcSession = opened.session;
    await session.connectAgent({
      protocol: 'fake',
      url: 'echo:',
      headers: {},
      codec: 'PCMU',
      readyTimeoutMs: 1000,
      callId: 'call_chromium',
      accountId: 'ws_test',
      customParameters: {},
      extensionEvents: false,
    });
    session.start();
    await page.evaluate(`phone.accept(${JSON.stringify(opened.answerSdp)})`);
    await eventually('it is connected', () => events.some((event) => event.type === 'webrtc-connected'), 10_000);
    await sleep(3000);
    await page.evaluate("phone.press('5')");
    await eventually('the key is heard', () => events.some((event) => event.type === 'dtmf'), 5000);
    const heard = await page.evaluate<PageStats>('phone.stats()');
    const quality = await session.close();
    await eventuallyAsync(
      'the page notices the end',
      async () => (await page.evaluate('phone.state()')) !== 'connected',
    );

    expect(events.flatMap((event) => (event.type === 'dtmf' ? [event.digit] : []))).toEqual(['5']);
    expect(heard).toMatchObject({ codec: 'audio/PCMU', packetsLost: 0 });
    expect(heard.packetsReceived).toBeGreaterThan(100);
    // The beep of the microphone, come back through the agent: silence has none.
    expect(heard.audioEnergy).toBeGreaterThan(0.001);
    expect(quality).toMatchObject({ packetsLost: 0, packetsDropped: 0 });
    expect(quality.packetsReceived).toBeGreaterThan(100);
    expect(heard.packetsSent - quality.packetsReceived).toBeLessThan(25);
  });
});
