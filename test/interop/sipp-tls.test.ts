import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CERTIFICATE, LACK } from '../sip-engine/support/secure-transport.ts';
import { CallRecords } from './call-records.ts';
import { type SecureGateway, startSecureGateway } from './foreign/secure-gateway.ts';
import { callOut, change, sippPort, stopped } from './sipp/carrier.ts';
import { HAS_SIPP, runSipp } from './sipp/run.ts';
import { relayFromTls, relayToTls, type TlsRelay } from './sipp/tls-relay.ts';

// Carriers over TLS played by sipp, with audio in the clear and with keys in the SDP. What it sees on the wire stands in sipp/*secure.xml. Audio that is
// really encrypted: srtp.test.ts, baresip.test.ts, linphone.test.ts.

const SUITE = 'AES_CM_128_HMAC_SHA1_80';
const NUMBER = '+12025550100';
/** sipp sends no audio. */
const mediaTimeouts = { firstPacketMs: 600_000, silenceMs: 600_000 };
const MASTER = randomBytes(30).toString('base64');
/** `tag`: of the suite, in the description of whoever offers. */
const MEDIA = [
  {
    name: 'TLS',
    mediaEncryption: 'off',
    described: () => ({ PROTOCOL: 'RTP/AVP', KEYS: 'a=sendrecv' }),
    expected: () => 'm=audio [1-9][0-9]* RTP/AVP 0',
  },
  {
    name: 'TLS + SRTP',
    mediaEncryption: 'required',
    described: (tag: number) => ({ PROTOCOL: 'RTP/SAVP', KEYS: `a=crypto:${tag} ${SUITE} inline:${MASTER}` }),
    expected: (tag: number) => `m=audio [1-9][0-9]* RTP/SAVP 0.*a=crypto:${tag} ${SUITE} inline:[A-Za-z0-9+/]{40}`,
  },
] as const;
/** Of that suite: in sipp's offer, and in ours, where the stronger ones stand before it. */
const [THEIR_TAG, OUR_TAG] = [1, 3];

describe.skipIf(!HAS_SIPP || LACK !== '')('carriers over TLS with sipp (needs: sipp, openssl)', () => {
  let secure: SecureGateway;
  let records: CallRecords;
  let tlsPort: number;
  const relays: TlsRelay[] = [];
  let places = 0;

  beforeAll(async () => {
    secure = await startSecureGateway(CERTIFICATE);
    if (secure.tlsPort === null) throw new Error('the gateway serves no TLS');
    tlsPort = secure.tlsPort;
    records = new CallRecords(secure.gateway);
  });
  afterEach(() => {
    for (const relay of relays.splice(0)) relay.close();
  });
  afterAll(async () => await secure?.close());

  describe.each(MEDIA)('sipp: $name', ({ name, mediaEncryption, described, expected }) => {
    const isKeyed = name === 'TLS + SRTP';

    test('signalling 7: calls us, and hangs up', async () => {
      await secure.set('loopback?check=none', { mediaTimeouts, inbound: { mediaEncryption } });
      const relay = await relayToTls(tlsPort, CERTIFICATE.cert);
      relays.push(relay);
      const from = `+1202555${6000 + ++places}`;
      const result = await runSipp({
        scenario: 'secure.xml',
        target: `127.0.0.1:${relay.port}`,
        service: NUMBER,
        transport: 'tcp',
        replace: { ...described(THEIR_TAG), ANSWER: expected(THEIR_TAG), CALLER: from },
        timeoutMs: 15_000,
      });
      expect(result, result.errors).toMatchObject({ successful: 1, failed: 0, exitCode: 0 });
      expect(relay.connections()).toBe(1);
      const record = await records.from(from);
      expect(record).toMatchObject({ endReason: 'remote_hangup', bill: { final: true } });
      expect(record?.timeline[0]).toMatchObject({ detail: { transport: 'tls' } });
      expect(record?.timeline.some(({ event }) => event === 'audio_encrypted')).toBe(isKeyed);
    });

    test('signalling 7: is called by us, and hung up', async () => {
      const localPort = sippPort();
      const relay = await relayFromTls(localPort, CERTIFICATE);
      relays.push(relay);
      const { gateway } = secure;
      const { carrier, id } = await callOut(gateway, 'callee-secure.xml', {
        localPort,
        gatewayPort: relay.port,
        transport: 'tcp',
        replace: { ...described(OUR_TAG), OFFER: expected(OUR_TAG), PLACE: `127.0.0.1:${relay.port}` },
        trunk: { mediaTimeouts },
        outbound: { transport: 'tls', mediaEncryption },
      });
      await records.inState(id, 'answered');
      await change(gateway, 'POST', `/v1/calls/${id}/hangup`, {});
      const record = await records.final(id);
      expect(record).toMatchObject({ endReason: 'api_hangup', bill: { final: true } });
      expect(record.timeline.some(({ event }) => event === 'audio_encrypted')).toBe(isKeyed);
      expect(await stopped(carrier)).toMatchObject({ failed: 0 });
      expect(relay.connections()).toBeGreaterThanOrEqual(1);
    });
  });
});
