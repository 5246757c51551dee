import net from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { connectSignalling } from '../../src/signalling/signalling.ts';
import { selfSigned } from '../agents/certificate.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordingLog } from './harness.ts';
import { LenientEngine } from './lenient-engine.ts';

const certificate = selfSigned();
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const PARTS = {
  host: '127.0.0.1',
  secret: 'any',
  logger: new RecordingLog(),
  observer: { request: () => undefined, response: () => undefined },
};

/** An engine behind TLS: what arrives at its front is piped to a wire without. */
async function secureEngine(found: { cert: string; key: string }) {
  const engine = await LenientEngine.start();
  const fronts = new Set<tls.TLSSocket>();
  const server = tls.createServer(found, (socket) => {
    const inner = net.connect(engine.port, '127.0.0.1');
    fronts.add(socket);
    for (const [from, to] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    for (const socket of fronts) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await engine.close();
  });
  return { port: (server.address() as net.AddressInfo).port, fronts };
}

describe.skipIf(certificate === undefined)('signalling 25: the engine over TLS (needs openssl)', () => {
  const found = certificate ?? { cert: '', key: '' };

  test('is reached, and after a loss again over TLS', async () => {
    const { port, fronts } = await secureEngine(found);
    const authorities = [found.cert];
    const signalling = await connectSignalling({ ...PARTS, port, tls: { authorities }, clock: systemClock });
    closers.push(() => signalling.close());
    expect(signalling.connected).toBe(true);
    for (const socket of fronts) socket.destroy();
    await expect.poll(() => signalling.connected).toBe(false);
    await expect.poll(() => signalling.connected, { timeout: 5_000 }).toBe(true);
    expect(fronts.size).toBe(2);
  });

  test('that proves nothing gets no secret', async () => {
    const { port, fronts } = await secureEngine(found);
    const connecting = connectSignalling({
      ...PARTS,
      port,
      tls: { authorities: [] },
      clock: systemClock,
      connectTimeoutMs: 400,
    });
    await expect(connecting).rejects.toMatchObject({ code: 'sip_engine_unreachable' });
    for (const socket of fronts) expect(socket.bytesRead).toBe(0);
  });

  test('that has no TLS gets no secret', async () => {
    const engine = await LenientEngine.start();
    closers.push(() => engine.close());
    const connecting = connectSignalling({
      ...PARTS,
      port: engine.port,
      tls: { authorities: [found.cert] },
      clock: systemClock,
      connectTimeoutMs: 400,
    });
    await expect(connecting).rejects.toMatchObject({ code: 'sip_engine_unreachable' });
    expect(engine.authentications).toBe(0);
  });
});

describe('signalling 25: an engine that answers no ping', () => {
  async function connected(engine: LenientEngine) {
    const clock = new FakeClock();
    const signalling = await connectSignalling({ ...PARTS, port: engine.port, clock, pings: true });
    closers.push(() => signalling.close());
    return { clock, signalling };
  }

  /** Sockets take real time; the clock of the pings does not. */
  const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

  test('is left after two of them, and connected to again', async () => {
    const engine = await LenientEngine.start();
    closers.push(() => engine.close());
    const { clock, signalling } = await connected(engine);
    engine.mute = true;
    for (let ping = 0; ping < 4; ping += 1) {
      expect(signalling.connected).toBe(true);
      clock.advance(5_000);
      await settle();
    }
    expect(signalling.connected).toBe(false);
    engine.mute = false;
    clock.advance(300);
    await expect.poll(() => signalling.connected).toBe(true);
    expect(engine.connections).toBe(2);
  });

  test('one that answers is kept', async () => {
    const engine = await LenientEngine.start();
    closers.push(() => engine.close());
    const { clock, signalling } = await connected(engine);
    for (let ping = 0; ping < 10; ping += 1) {
      clock.advance(5_000);
      await settle();
    }
    expect([signalling.connected, engine.connections]).toEqual([true, 1]);
    expect(engine.pings).toBe(10);
  });
});
