import { afterEach, describe, expect, test } from 'vitest';
import { EngineStartError, type EngineThread, startEngineThread } from '../../src/sip-engine/index.ts';
import { RawSipPeer, requestText } from '../support/raw-sip-peer.ts';
import { WireClient } from './conformance/wire-client.ts';
import { anotherCertificate, CERTIFICATE, LACK, securely } from './support/secure-transport.ts';

const HERE = { host: '127.0.0.1', port: 0 };
let engine: EngineThread | undefined;
let peer: RawSipPeer | undefined;

afterEach(async () => {
  await peer?.close();
  await engine?.close();
  engine = undefined;
  peer = undefined;
});

describe('the engine in its own thread', () => {
  test('listens where it says and counts what it does', async () => {
    engine = await startEngineThread({ udp: HERE, tcp: HERE, wire: { ...HERE, secret: 's' } });
    expect(engine.addresses.map((address) => address.protocol)).toEqual(['udp', 'tcp']);
    const client = await WireClient.ready(engine.wirePort, 's');
    peer = await RawSipPeer.udp();
    const uri = 'sip:x@127.0.0.1';
    const options = {
      method: 'OPTIONS',
      uri,
      callId: 'a',
      from: `<${uri}>;tag=1`,
      to: `<${uri}>`,
      sequence: 1,
      branch: 'z9hG4bK1',
    };
    peer.send(requestText(peer, options), engine.addresses[0]!.port);
    await peer.next(503);
    const stats = await engine.stats();
    expect(stats.requests).toEqual([{ direction: 'in', method: 'OPTIONS', count: 1 }]);
    expect(stats.responses).toEqual([{ direction: 'out', method: 'OPTIONS', code: 503, count: 1 }]);
    expect(stats).toMatchObject({ openTransactions: 1, openDialogs: 0, applications: 1, malformed: 0 });
    client.close();
  });

  securely(
    `listens on every transport, and shows a renewed certificate from the next handshake on${LACK}`,
    async () => {
      const transports = { udp: HERE, tcp: HERE, tls: HERE, ws: HERE, wss: HERE };
      engine = await startEngineThread({ ...transports, certificate: CERTIFICATE, wire: { ...HERE, secret: 's' } });
      expect(engine.addresses.map((address) => address.protocol)).toEqual(['udp', 'tcp', 'tls', 'ws', 'wss']);
      const port = engine.addresses[2]!.port;
      const old = await RawSipPeer.tls(port, CERTIFICATE.cert);
      await expect(RawSipPeer.tls(port, anotherCertificate().cert)).rejects.toThrow();
      const next = anotherCertificate();
      engine.renewCertificate(next);
      await engine.stats();
      peer = await RawSipPeer.tls(port, next.cert);
      await expect(RawSipPeer.tls(port, CERTIFICATE.cert)).rejects.toThrow();
      const { connections } = await engine.stats();
      expect(connections).toMatchObject({ open: 2, opened: 0, refused: 0, violations: 0 });
      await old.close();
    },
  );

  test('a certificate that cannot be used is a start that fails, and TLS without one too', async () => {
    const broken = startEngineThread({
      tls: HERE,
      certificate: { cert: 'x', key: 'y' },
      wire: { ...HERE, secret: 's' },
    });
    await expect(broken).rejects.toMatchObject({ name: 'EngineStartError' });
    const none = startEngineThread({ wss: HERE, wire: { ...HERE, secret: 's' } });
    await expect(none).rejects.toThrow('TLS needs a certificate');
  });

  test('says why it cannot start', async () => {
    engine = await startEngineThread({ udp: HERE, wire: { ...HERE, secret: 's' } });
    const taken = { host: '127.0.0.1', port: engine.wirePort };
    const second = startEngineThread({ udp: HERE, wire: { ...taken, secret: 's' } });
    await expect(second).rejects.toMatchObject({ name: 'EngineStartError', code: 'EADDRINUSE' });
    await expect(second).rejects.toBeInstanceOf(EngineStartError);
  });

  test('refuses a control address that is not loopback', async () => {
    const open = startEngineThread({ udp: HERE, wire: { host: '0.0.0.0', port: 0, secret: 's' } });
    await expect(open).rejects.toMatchObject({ code: 'wire_address_not_loopback' });
  });

  test('ends when closed, twice if asked, and answers no more', async () => {
    const closed = await startEngineThread({ udp: HERE, wire: { ...HERE, secret: 's' } });
    await Promise.all([closed.close(), closed.close()]);
    expect(await closed.exited).toEqual({ expected: true, code: 0 });
    await expect(closed.stats()).rejects.toMatchObject({ code: 'engine_gone' });
    await expect(WireClient.connect(closed.wirePort)).rejects.toThrow();
  });
});
