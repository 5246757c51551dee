import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { selfSigned } from '../agents/certificate.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { finalCall, hears } from './foreign/audio-truth.ts';
import { HAS_LINPHONE, Linphone, type LinphoneOptions } from './foreign/linphone.ts';
import { type SecureGateway, startSecureGateway } from './foreign/secure-gateway.ts';

// A second foreign stack beside baresip: what it says comes back from the echo agent as the tone that it is, in both directions.

const ECHO = '+12025550100';
const certificate = selfSigned();
const secured = { skip: certificate === undefined };

const phones: Linphone[] = [];
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
});

async function phone(options: LinphoneOptions): Promise<Linphone> {
  const started = await Linphone.start(options);
  phones.push(started);
  return started;
}

describe.skipIf(!HAS_LINPHONE)('linphonec as carrier (needs: linphonec)', () => {
  let secure: SecureGateway;
  let gateway: RunningGateway;

  beforeAll(async () => {
    secure = await startSecureGateway(certificate);
    ({ gateway } = secure);
  });
  afterAll(async () => await secure?.close());

  test('calls over UDP, is held and resumed, and hangs up', async () => {
    const user = '+12025551011';
    const caller = await phone({ transport: 'udp', toneHz: 600, user });
    caller.command(`call sip:${ECHO}@127.0.0.1:${gateway.sip.udpPort}`);
    await caller.says('Media streams established');
    await hears(caller, 600);
    caller.command('pause');
    await caller.says('paused');
    caller.command('resume');
    await expect
      .poll(async () => {
        const { body } = await gateway.api<{ items: { id: string; from: string }[] }>('GET', '/v1/calls?limit=20');
        const id = body.items.find(({ from }) => from === user)?.id;
        const call = await gateway.api<{ timeline: { event: string }[] }>('GET', `/v1/calls/${id}`);
        return call.body.timeline.filter(({ event }) => event === 'reoffer').length;
      })
      .toBeGreaterThanOrEqual(2);
    caller.command('terminate');
    expect(await finalCall(gateway, ({ from }) => from === user)).toMatchObject({ endReason: 'remote_hangup' });
  });

  test.skipIf(secured.skip)('calls over TLS with SRTP, and hears its own tone', async () => {
    await secure.set('loopback', { inbound: { mediaEncryption: 'required' } });
    const user = '+12025551012';
    const authority = certificate?.cert ?? '';
    const caller = await phone({ transport: 'tls', isEncrypted: true, authority, toneHz: 700, user });
    caller.command(`call sip:${ECHO}@localhost:${secure.tlsPort};transport=tls`);
    await caller.says('Media streams established');
    await hears(caller, 700);
    caller.command('terminate');
    const call = await finalCall(gateway, ({ from }) => from === user);
    expect(call.endReason).toBe('remote_hangup');
    expect(call.timeline.map(({ event }) => event)).toContain('audio_encrypted');
    await secure.set('loopback', { inbound: { mediaEncryption: 'off' } });
  });

  test('is called with SRTP, its keys in clear as the trunk allows, and hears its own tone', async () => {
    const to = '+12025551013';
    const callee = await phone({ transport: 'udp', isEncrypted: true, toneHz: 800, user: to });
    await secure.set('loopback-byoc', {
      srtp: { keysInClear: true },
      outbound: {
        enabled: true,
        transport: 'udp',
        mediaEncryption: 'required',
        allowedCountries: ['US'],
        gateways: [{ host: '127.0.0.1', port: callee.port }],
      },
    });
    const order = { workspaceId: 'demo', from: '+12025550101', to, agentId: 'echo' };
    expect(await gateway.api('POST', '/v1/calls', order)).toMatchObject({ status: 201 });
    await callee.says('Media streams established');
    await hears(callee, 800);
    callee.command('terminate');
    const call = await finalCall(gateway, (other) => other.to === to);
    expect(call.endReason).toBe('remote_hangup');
    expect(call.timeline.map(({ event }) => event)).toContain('audio_encrypted');
  });
});
