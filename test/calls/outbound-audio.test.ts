import { expect, test } from 'vitest';
import type { PlannedAttempt } from '../../src/calls/attempts.ts';
import { Call } from '../../src/calls/call.ts';
import { HoldProbe } from '../../src/calls/hold-probe.ts';
import { OutboundAudio } from '../../src/calls/outbound-audio.ts';
import type { MediaEncryption } from '../../src/domain/directory.ts';
import { createWorld, FakeMediaSession, OFFER } from './fakes.ts';

const KEY = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
const SUITE = 'AES_CM_128_HMAC_SHA1_80';

/** What the other side says: with a key of its own, under the tag that `offer` has for the suite. */
function secure(offer: string): string {
  const tag = new RegExp(`^a=crypto:(\\d+) ${SUITE} `, 'm').exec(offer)?.[1];
  return `${OFFER.replace('RTP/AVP', 'RTP/SAVP')}a=crypto:${tag} ${SUITE} inline:${KEY}\r\n`;
}

/** The audio of a call whose INVITE has left. */
function offered(mediaEncryption: MediaEncryption = 'off') {
  const world = createWorld();
  const call = new Call(world.deps, 'call_1', { direction: 'outbound', from: 'a', to: 'b' }, () => undefined);
  const media = new FakeMediaSession({ onEvent: () => undefined }, world.clock);
  call.media = media;
  const [operators] = world.trunks;
  if (operators === undefined) throw new Error('no trunk');
  const trunk = { ...operators, outbound: { ...operators.outbound, mediaEncryption, transport: 'tls' as const } };
  const attempt = { trunk, server: { transport: 'tls' } } as unknown as PlannedAttempt;
  const audio = new OutboundAudio(world.deps, call);
  const events = () => call.record().timeline.map(({ event }) => event);
  const hold = new HoldProbe(world.clock, 30_000, async () => undefined);
  /** What a re-INVITE is answered. */
  const reoffer = (offer: string): string | number => {
    let said: string | number = 0;
    const keep = (answer: string | number) => {
      said = answer;
    };
    audio.reoffered({ type: 'reoffer', protocol: 'tls', offer, accept: keep, refuse: keep }, hold);
    return said;
  };
  return { attempt, audio, call, events, media, hold, offer: audio.offer(media, attempt), reoffer, trunk };
}

const versionOf = (sdp: string | number) => Number(/^o=\S+ \S+ (\d+)/m.exec(String(sdp))?.[1]);
const keysOf = (sdp: string | number) => [...String(sdp).matchAll(/inline:(\S+)/g)].map(([, key]) => key);

test('each attempt has a description, a port and keys of its own', async () => {
  const { attempt, audio, media, offer } = offered('required');
  expect(keysOf(offer).length).toBeGreaterThan(0);
  await media.renew(null);
  const next = audio.offer(media, attempt);
  expect(next).toContain(`m=audio ${media.localPort} `);
  expect(keysOf(next).filter((key) => keysOf(offer).includes(key))).toEqual([]);
});

test('early audio of no use is noted, and nobody has heard anything', () => {
  const { audio, events, media } = offered();
  expect(audio.early(OFFER.replace('m=audio 30000', 'm=audio 0'))).toBe(false);
  expect([events(), media.early, media.negotiated]).toEqual([['early_media_refused'], [], []]);
  expect(audio.early(OFFER)).toBe(true);
  expect([events().at(-1), media.early, media.negotiated.length]).toEqual(['early_media', ['agent'], 1]);
});

test('nothing can be heard of a call that has no media, or has offered none', () => {
  const { audio, call, hold } = offered();
  call.media = null;
  expect(audio.early(OFFER)).toBe(false);
  const before = new OutboundAudio(createWorld().deps, call);
  expect([before.early(OFFER), before.answered(OFFER, undefined, null, hold)]).toEqual([false, 'bad_offer']);
});

test('within the call our description goes on from the one before: one version more where it is another, the same keys', () => {
  const { audio, events, hold, offer, reoffer, trunk } = offered('required');
  const theirs = secure(offer);
  const holding = theirs.replace('t=0 0', 't=0 0\r\na=sendonly');
  expect(audio.answered(theirs, trunk, null, hold)).toBeNull();
  const [held, again, resumed] = [reoffer(holding), reoffer(holding), reoffer(theirs)];
  expect([offer, held, again, resumed].map(versionOf)).toEqual([1, 2, 2, 3]);
  const [agreed] = keysOf(held);
  expect(keysOf(offer)).toContain(agreed);
  expect(keysOf(resumed)).toEqual([agreed]);
  // And what was agreed on is no news.
  expect(events().filter((event) => event === 'audio_encrypted')).toHaveLength(1);
});
