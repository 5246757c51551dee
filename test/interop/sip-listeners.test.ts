import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { anotherCertificate, CERTIFICATE, LACK, securely } from '../sip-engine/support/secure-transport.ts';
import { TcpPeer, UdpPeer } from '../sip-engine/support/transport-probe.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';

// A gateway as an operator with two networks configures it: further addresses to listen on, and certificates asked of those who call over TLS.

let gateway: RunningGateway;
let folder: string;
let udpPort: number;
let tlsPort: number;

beforeAll(async () => {
  if (LACK !== '') return;
  folder = mkdtempSync(join(tmpdir(), 'callin-listeners-'));
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  writeFileSync(cert, CERTIFICATE.cert);
  writeFileSync(key, CERTIFICATE.key);
  [udpPort, tlsPort] = [await freePort(), await freePort()];
  const tls = { cert, key, ca: cert, clients: 'required' };
  gateway = await startGateway({ config: { sip: { moreHosts: ['127.0.0.2', '::1'], udpPort, tlsPort, tls } } });
});
afterAll(async () => {
  await gateway?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' ? address!.port : 0;
}

function options(transport: string, host: string, port: number): string {
  return [
    `OPTIONS sip:${host} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${host}:${port};branch=z9hG4bK${transport}${port}`,
    'Max-Forwards: 70',
    `From: <sip:a@${host}>;tag=a`,
    `To: <sip:${host}>`,
    `Call-ID: ${transport}-${port}-${host.length}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

describe(`signalling 7: a gateway on several addresses, with mutual TLS${LACK}`, () => {
  for (const host of ['127.0.0.1', '127.0.0.2', '::1']) {
    securely(`answers at ${host}, from there`, async () => {
      const peer = await UdpPeer.open(host);
      peer.send(options('UDP', host.includes(':') ? `[${host}]` : host, peer.port), udpPort, host);
      await peer.receive(1);
      expect([peer.received[0]?.port, peer.received[0]?.text.slice(0, 11)]).toEqual([udpPort, 'SIP/2.0 200']);
      await peer.close();
    });
  }

  securely('hears over TLS who shows a certificate of its authority, and nobody else', async () => {
    const dial = async (own: object): Promise<TcpPeer> => {
      const socket = connect({ port: tlsPort, host: '127.0.0.1', ca: CERTIFICATE.cert, ...own });
      await once(socket, 'secureConnect');
      const peer = new TcpPeer(socket);
      socket.write(options('TLS', '127.0.0.1', socket.localPort ?? 0));
      return peer;
    };
    for (const stranger of [await dial({}), await dial(anotherCertificate())]) {
      await stranger.until(({ isClosed }) => isClosed);
      expect(stranger.text).toBe('');
    }
    const known = await dial(CERTIFICATE);
    await known.until(({ text }) => text.startsWith('SIP/2.0 200'));
    known.destroy();
  });
});
