import { once } from 'node:events';
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect } from 'vitest';
import { TransportLayer } from '../../../src/sip-engine/transport/transport.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { anotherCertificate, CERTIFICATE, LACK, securely } from '../support/secure-transport.ts';
import { optionsText } from '../support/sip-text.ts';
import { TcpPeer, TransportProbe } from '../support/transport-probe.ts';

const HERE = { host: '127.0.0.1', port: 0 };
const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function start(clients: 'anybody' | 'required'): Promise<{ transport: TransportLayer; probe: TransportProbe }> {
  const transport = new TransportLayer({ clock: new FakeEngineClock() });
  toClose.push(() => transport.close());
  const probe = new TransportProbe(transport);
  await transport.listen({ tls: HERE, certificate: CERTIFICATE, trusted: [CERTIFICATE.cert], clients });
  return { transport, probe };
}

/** Of TLS 1.3 a client hears of the refusal of its certificate only after its own handshake. */
async function dial(transport: TransportLayer, options: ConnectionOptions): Promise<TcpPeer> {
  const port = transport.localAddress('tls')?.port ?? 0;
  const socket = connect({ port, host: '127.0.0.1', ca: CERTIFICATE.cert, ...options });
  const peer = new TcpPeer(socket);
  toClose.push(() => peer.destroy());
  await once(socket, 'secureConnect');
  socket.write(optionsText('z9hG4bKa', [], 'TLS'));
  return peer;
}

describe(`signalling 7: mutual TLS${LACK}`, () => {
  securely(
    'where it is required, a caller without a certificate, or with one of a stranger, is not heard',
    async () => {
      const { transport, probe } = await start('required');
      for (const own of [{}, anotherCertificate()]) {
        const peer = await dial(transport, own);
        await peer.until(({ isClosed }) => isClosed);
      }
      expect([probe.messages.length, transport.stats.handshakeFailures]).toEqual([0, 2]);
      await dial(transport, CERTIFICATE);
      await probe.until(() => probe.messages.length === 1);
      transport.renewCertificate(CERTIFICATE);
      const late = await dial(transport, {});
      await late.until(({ isClosed }) => isClosed);
    },
  );

  securely('where it is not, nobody is asked', async () => {
    const { transport, probe } = await start('anybody');
    await dial(transport, {});
    await probe.until(() => probe.messages.length === 1);
  });

  securely('a carrier that asks for our certificate gets it', async () => {
    const { transport } = await start('anybody');
    const server = createServer({ ...CERTIFICATE, ca: CERTIFICATE.cert, requestCert: true, rejectUnauthorized: true });
    const accepted = once(server, 'secureConnection');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address!.port : 0;
    const flow = { protocol: 'tls', address: '127.0.0.1', port } as const;
    const sent = await transport.send(flow, Buffer.from(optionsText('z9hG4bKb', [], 'TLS')));
    const [socket] = (await accepted) as [TLSSocket];
    toClose.push(
      () => void socket.destroy(),
      () => void server.close(),
    );
    expect([sent.outcome, socket.authorized]).toEqual(['sent', true]);
  });
});
