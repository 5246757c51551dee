import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { WebSocket } from 'ws';
import { CERTIFICATE, LACK, securely } from '../sip-engine/support/secure-transport.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { contactOf, RawSipPeer, requestText, SDP } from '../support/raw-sip-peer.ts';

// A gateway with a certificate: SIP over TLS and WebSocket over TLS, as an operator configures them.

const NUMBER = '+12025550100';

let folder: string;
let gateway: RunningGateway;
let ports: Record<string, number | null>;

beforeAll(async () => {
  if (LACK !== '') return;
  folder = mkdtempSync(join(tmpdir(), 'callin-tls-'));
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  writeFileSync(cert, CERTIFICATE.cert);
  writeFileSync(key, CERTIFICATE.key);
  const sip = { tlsPort: 0, wssPort: 0, tls: { cert, key, ca: cert } };
  gateway = await startGateway({ config: { sip } });
  ports = (await gateway.api<{ ports: typeof ports }>('GET', '/v1/node')).body.ports;
});
afterAll(async () => {
  await gateway?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

describe(`a gateway with a certificate${LACK}`, () => {
  securely('shows its ports', () => {
    expect(Object.keys(ports)).toEqual(['http', 'sipUdp', 'sipTcp', 'sipTls', 'sipWs', 'sipWss']);
    expect(Object.values(ports).every((port) => (port ?? 0) > 0)).toBe(true);
  });

  securely('takes a carrier’s call over TLS, to its end', async () => {
    const port = ports['sipTls'] ?? 0;
    const peer = await RawSipPeer.tls(port, CERTIFICATE.cert);
    const request = (method: string, sequence: number, to: string, body = '') =>
      requestText(peer, {
        method,
        uri: `sips:${NUMBER}@127.0.0.1:${port}`,
        callId: 'over-tls',
        from: '<sip:+12025550199@127.0.0.1>;tag=a',
        to,
        sequence,
        branch: `z9hG4bK${method}${sequence}`,
        contact: contactOf(peer, '+12025550199'),
        body,
      });
    peer.send(request('INVITE', 1, `<sip:${NUMBER}@127.0.0.1>`, SDP), port);
    await peer.next(180);
    const ok = await peer.next(200);
    expect(ok.header('Contact')).toBe(`<sips:127.0.0.1:${port};transport=tls>`);
    peer.send(request('ACK', 1, ok.header('To')), port);
    peer.send(request('BYE', 2, ok.header('To')), port);
    await peer.next((message) => message.status === 200 && message.header('CSeq') === '2 BYE');
    await peer.close();
    const find = async () =>
      (
        await gateway.api<{ items: { endReason: string | null; timeline: { detail?: { transport?: string } }[] }[] }>(
          'GET',
          '/v1/calls?limit=1',
        )
      ).body.items[0];
    await expect.poll(async () => (await find())?.endReason).toBe('remote_hangup');
    expect((await find())?.timeline[0]?.detail?.transport).toBe('tls');
  });

  securely('tells browsers to come over TLS, and takes them', async () => {
    const body = { workspaceId: 'demo', agentId: 'echo' };
    const prepared = (await gateway.api<{ wsUrl: string }>('POST', '/v1/test-calls', body)).body;
    expect(prepared.wsUrl).toBe(`wss://127.0.0.1:${ports['sipWss']}`);
    const socket = new WebSocket(prepared.wsUrl, 'sip', { ca: CERTIFICATE.cert });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const answered = new Promise<string>((resolve) => socket.on('message', (data) => resolve(String(data))));
    const via = 'Via: SIP/2.0/WSS a.invalid;branch=z9hG4bK1';
    socket.send(
      [
        'OPTIONS sip:x@callin-edge SIP/2.0',
        via,
        'Max-Forwards: 70',
        'From: <sip:a@callin-edge>;tag=1',
        'To: <sip:x@callin-edge>',
        'Call-ID: wss-options',
        'CSeq: 1 OPTIONS',
        '',
        '',
      ].join('\r\n'),
    );
    expect(await answered).toMatch(/^SIP\/2\.0 200 /);
    socket.terminate();
  });
});
