import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { selfSigned } from '../agents/certificate.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { finalCall, type ForeignCall, hears } from './foreign/audio-truth.ts';
import { Baresip, type BaresipOptions, HAS_BARESIP } from './foreign/baresip.ts';
import { type SecureGateway, startSecureGateway } from './foreign/secure-gateway.ts';

// A foreign SIP stack as carrier, in both directions: what it says comes back from the echo agent as the tone that it is.

const ECHO = '+12025550100';
const certificate = selfSigned();

const phones: Baresip[] = [];
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
});

async function phone(options: BaresipOptions): Promise<Baresip> {
  const started = await Baresip.start({ certificate, ...options });
  phones.push(started);
  return started;
}

describe.skipIf(!HAS_BARESIP)('baresip as carrier (needs: baresip)', () => {
  let secure: SecureGateway;
  let gateway: RunningGateway;

  beforeAll(async () => {
    secure = await startSecureGateway(certificate);
    ({ gateway } = secure);
  });
  afterAll(async () => await secure?.close());

  async function encryption(mediaEncryption: string): Promise<void> {
    await secure.set('loopback', { inbound: { mediaEncryption, transport: null } });
  }

  test.each(['udp', 'tcp'] as const)('calls over %s, hears its own tone, and hangs up', async (transport) => {
    const user = `+1202555${transport === 'udp' ? '1001' : '1002'}`;
    const caller = await phone({ transport, toneHz: 600, user });
    const port = transport === 'udp' ? gateway.sip.udpPort : gateway.sip.tcpPort;
    caller.command('dial', `sip:${ECHO}@127.0.0.1:${port};transport=${transport}`);
    await caller.event('CALL_ESTABLISHED');
    await hears(caller, 600);
    caller.command('hangup');
    const call = await finalCall(gateway, ({ from }) => from === user);
    expect(call).toMatchObject({ endReason: 'remote_hangup', quality: { packetsLost: 0 } });
  });

  test.skipIf(certificate === undefined)('calls over TLS with SRTP, and hears its own tone', async () => {
    await encryption('required');
    const user = '+12025551003';
    const caller = await phone({ transport: 'tls', mediaEncryption: 'srtp-mand', toneHz: 700, user });
    caller.command('dial', `sip:${ECHO}@127.0.0.1:${secure.tlsPort};transport=tls`);
    await caller.event('CALL_ESTABLISHED');
    await hears(caller, 700);
    caller.command('hangup');
    const call = await finalCall(gateway, ({ from }) => from === user);
    expect(call).toMatchObject({ endReason: 'remote_hangup', quality: { packetsLost: 0 } });
    expect(call.timeline.map(({ event }) => event)).toContain('audio_encrypted');
    await encryption('off');
  });

  test.skipIf(certificate === undefined)(
    'offers RTP/AVP with keys to a trunk that may encrypt, and is encrypted',
    async () => {
      await encryption('optional');
      const user = '+12025551004';
      const caller = await phone({ transport: 'tls', mediaEncryption: 'srtp', toneHz: 650, user });
      caller.command('dial', `sip:${ECHO}@127.0.0.1:${secure.tlsPort};transport=tls`);
      await caller.event('CALL_ESTABLISHED');
      await hears(caller, 650);
      caller.command('hangup');
      const call = await finalCall(gateway, ({ from }) => from === user);
      expect(call.timeline.map(({ event }) => event)).toContain('audio_encrypted');
      await encryption('off');
    },
  );

  async function place(callee: Baresip, to: string, transport: string, mediaEncryption: string): Promise<void> {
    await secure.set('loopback-byoc', {
      outbound: {
        enabled: true,
        transport,
        mediaEncryption,
        allowedCountries: ['US'],
        gateways: [{ host: transport === 'tls' ? 'localhost' : '127.0.0.1', port: callee.sipPort }],
      },
    });
    const placed = await gateway.api('POST', '/v1/calls', {
      workspaceId: 'demo',
      from: '+12025550101',
      to,
      agentId: 'echo',
    });
    expect(placed, JSON.stringify(placed.body)).toMatchObject({ status: 201 });
  }

  test('is called over UDP, hears its own tone, and hangs up', async () => {
    const to = '+12025550191';
    const callee = await phone({ transport: 'udp', toneHz: 800, user: to });
    await place(callee, to, 'udp', 'off');
    await callee.event('CALL_ESTABLISHED');
    await hears(callee, 800);
    callee.command('hangup');
    expect(await finalCall(gateway, (call) => call.to === to)).toMatchObject({ endReason: 'remote_hangup' });
  });

  test.skipIf(certificate === undefined)(
    'is called over TLS with SRTP, hears its own tone, and is hung up on',
    async () => {
      const to = '+12025550192';
      const callee = await phone({ transport: 'tls', mediaEncryption: 'srtp-mand', toneHz: 900, user: to });
      await place(callee, to, 'tls', 'required');
      await callee.event('CALL_ESTABLISHED');
      await hears(callee, 900);
      const { body } = await gateway.api<{ items: ForeignCall[] }>('GET', '/v1/calls?limit=20');
      const live = body.items.find((call) => call.to === to);
      await gateway.api('POST', `/v1/calls/${live?.id}/hangup`);
      await callee.event('CALL_CLOSED');
      const call = await finalCall(gateway, (other) => other.to === to);
      expect(call.endReason).toBe('api_hangup');
      expect(call.timeline.map(({ event }) => event)).toContain('audio_encrypted');
    },
  );

  test.skipIf(certificate === undefined).each([
    ['takes', 'srtp', 'audio_encrypted'],
    ['does not know', undefined, 'audio_plain'],
  ] as const)('is called by a trunk that may encrypt, and %s the keys', async (_what, mediaEncryption, told) => {
    const to = mediaEncryption === undefined ? '+12025550193' : '+12025550194';
    const options = mediaEncryption === undefined ? {} : { mediaEncryption };
    const callee = await phone({ transport: 'tls', toneHz: 750, user: to, ...options });
    await place(callee, to, 'tls', 'optional');
    await callee.event('CALL_ESTABLISHED');
    await hears(callee, 750);
    callee.command('hangup');
    const call = await finalCall(gateway, (other) => other.to === to);
    expect(call.timeline.map(({ event }) => event)).toContain(told);
  });
});
