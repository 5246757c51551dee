import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chooseWebRtcEngine, MediasoupUnavailable } from '../../../src/media/webrtc/choose.ts';
import { findMediasoupWorker, type MediasoupWorker } from '../../../src/media/webrtc/mediasoup/worker-binary.ts';

const there = (): Promise<MediasoupWorker> => Promise.resolve({ ok: true, path: '/bin/worker', version: '3' });
const missing = (): Promise<MediasoupWorker> => Promise.resolve({ ok: false, missing: 'nothing is there' });

test('auto takes mediasoup where its worker runs, else werift, and says why', async () => {
  expect(await chooseWebRtcEngine('auto', undefined, there)).toEqual({
    choice: { engine: 'mediasoup', workerBin: '/bin/worker' },
    why: 'worker 3',
  });
  expect(await chooseWebRtcEngine('auto', undefined, missing)).toEqual({
    choice: { engine: 'werift' },
    why: 'nothing is there',
  });
});

test('a demanded mediasoup that is not there is an error, never another engine', async () => {
  await expect(chooseWebRtcEngine('mediasoup', undefined, missing)).rejects.toThrow(MediasoupUnavailable);
  await expect(chooseWebRtcEngine('mediasoup', undefined, missing)).rejects.toThrow('nothing is there');
});

test.each(['werift', 'off'] as const)('%s looks for no worker', async (setting) => {
  const never = (): Promise<MediasoupWorker> => Promise.reject(new Error('looked'));
  expect(await chooseWebRtcEngine(setting, undefined, never)).toMatchObject({ choice: { engine: setting } });
});

test('a worker binary that is not there, or does not run, is told as such', async () => {
  expect(await findMediasoupWorker('/does/not/exist')).toEqual({
    ok: false,
    missing: 'mediasoup has no worker to run (/does/not/exist: ENOENT)',
  });
  const folder = mkdtempSync(join(tmpdir(), 'worker-'));
  try {
    const script = join(folder, 'worker');
    writeFileSync(script, '#!/bin/sh\nexit 3\n');
    chmodSync(script, 0o755);
    expect(await findMediasoupWorker(script)).toMatchObject({ ok: false, missing: expect.stringContaining('code:3') });
    writeFileSync(script, '#!/bin/sh\nexec sleep 1\n');
    expect(await findMediasoupWorker(script, 100)).toEqual({
      ok: false,
      missing: "mediasoup's worker does not run: it did not say within 100 ms that it runs",
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
