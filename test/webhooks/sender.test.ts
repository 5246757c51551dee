import { createServer, type Server, type Socket } from 'node:net';
import type { LookupAddress } from 'node:dns';
import { afterEach, describe, expect, test } from 'vitest';
import { createAddressPolicy } from '../../src/agents/address-policy.ts';
import { WEBHOOK_LIMITS } from '../../src/webhooks/limits.ts';
import { createSender, type Sender, type SenderOptions } from '../../src/webhooks/sender.ts';
import { selfSigned } from '../agents/certificate.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type Receiver, type ReceiverOptions, startReceiver } from '../support/webhook-receiver.ts';

// One attempt against receivers with real sockets, who do what receivers do on bad days.

const clock = new FakeClock();
const loopback = createAddressPolicy(['127.0.0.0/8', '::1/128']);
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function sender(over: Partial<SenderOptions> = {}): Sender {
  const made = createSender({
    clock,
    addressAllowed: loopback,
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    limits: WEBHOOK_LIMITS,
    ...over,
  });
  closers.push(() => made.close());
  return made;
}

async function receiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const made = await startReceiver(options);
  closers.push(() => made.close());
  return made;
}

/** A server that writes what it likes to whoever connects. Resolves with its port. */
async function rawServer(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as { port: number }).port;
}

const message = (url: string) => ({ url, headers: { 'webhook-id': 'x' }, body: '{"ok":true}' });

describe('an attempt', () => {
  test('is a POST with the body and the headers as given; status and the beginning of the answer come back', async () => {
    const { url, received, answers } = await receiver();
    answers.push({ status: 202, body: 'thank you', headers: { 'retry-after': '7' } });
    const met = await sender().send({ ...message(url), body: '{"name":"Zoë"}' });
    expect(met).toEqual({ status: 202, error: null, response: 'thank you', retryAfter: '7', durationMs: 0 });
    expect(received[0]).toMatchObject({ method: 'POST', path: '/hook', body: '{"name":"Zoë"}' });
    expect(received[0]?.headers).toMatchObject({ 'webhook-id': 'x', 'content-length': '15' });
    expect(received[0]?.headers).not.toHaveProperty('transfer-encoding');
  });

  test('follows no redirect', async () => {
    const elsewhere = await receiver();
    const first = await receiver();
    first.answers.push({ status: 307, headers: { location: elsewhere.url } });
    expect(await sender().send(message(first.url))).toMatchObject({ status: 307, error: 'bad_status' });
    expect(elsewhere.received).toEqual([]);
  });

  test('uses the connection of the one before', async () => {
    const ports = new Set<number | undefined>();
    const to = sender();
    const counted = await receiver();
    counted.otherwise = (request, response) => {
      ports.add(request.socket.remotePort);
      response.writeHead(204).end();
    };
    const warnings: string[] = [];
    const warn = (warning: Error) => void warnings.push(warning.message);
    process.on('warning', warn);
    for (let attempt = 0; attempt < 30; attempt++) await to.send(message(counted.url));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warn);
    expect(counted.received).toHaveLength(30);
    expect(ports.size).toBe(1);
    // A connection that collects listeners says so.
    expect(warnings).toEqual([]);
  });

  test('whose idle connection was closed by the receiver is made again on a new one', async () => {
    let connections = 0;
    const port = await rawServer((socket) => {
      connections += 1;
      let requests = 0;
      socket.on('data', () => {
        requests += 1;
        if (requests === 1) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
        else socket.resetAndDestroy();
      });
    });
    const to = sender();
    expect(await to.send(message(`http://127.0.0.1:${port}/`))).toMatchObject({ status: 204 });
    expect(await to.send(message(`http://127.0.0.1:${port}/`))).toMatchObject({ status: 204 });
    expect(connections).toBe(2);
  });
});

describe('a receiver that', () => {
  test('never answers costs 10 s and no more', async () => {
    const mute = await receiver();
    mute.otherwise = () => undefined;
    const attempt = sender().send(message(mute.url));
    await mute.waitFor(1);
    clock.advance(9_999);
    const early = await Promise.race([attempt, new Promise((resolve) => setTimeout(resolve, 20, 'still waiting'))]);
    expect(early).toBe('still waiting');
    clock.advance(1);
    expect(await attempt).toMatchObject({ status: null, error: 'timeout', durationMs: 10_000 });
  });

  test('takes the connection and says nothing is the same, also within TLS', async () => {
    let connected = Promise.withResolvers<void>();
    const port = await rawServer(() => connected.resolve());
    for (const scheme of ['http', 'https']) {
      connected = Promise.withResolvers<void>();
      const attempt = sender().send(message(`${scheme}://127.0.0.1:${port}/`));
      await connected.promise;
      clock.advance(10_000);
      expect(await attempt).toMatchObject({ error: 'timeout' });
    }
  });

  test('trickles its headers is cut off', async () => {
    const trickling = Promise.withResolvers<void>();
    const port = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const drip = setInterval(() => socket.write('x: y\r\n'), 5);
      socket.once('close', () => clearInterval(drip));
      socket.once('data', () => trickling.resolve());
    });
    const attempt = sender().send(message(`http://127.0.0.1:${port}/`));
    await trickling.promise;
    clock.advance(10_000);
    expect(await attempt).toMatchObject({ status: null, error: 'timeout' });
  });

  test('trickles its body has delivered by its status; what came of the body is kept', async () => {
    const slow = await receiver();
    slow.otherwise = (_request, response) => {
      response.writeHead(200);
      response.write('drip');
    };
    const attempt = sender().send(message(slow.url));
    await slow.waitFor(1);
    // Time for the first bytes to come; the rest never does.
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(10_000);
    expect(await attempt).toEqual({
      status: 200,
      error: null,
      response: 'drip',
      retryAfter: null,
      durationMs: 10_000,
    });
  });

  test('sends a huge body is read for 1 KiB and hung up on', async () => {
    const big = await receiver();
    const closed = new Promise<number>((resolve) => {
      big.otherwise = (_request, response) => {
        response.writeHead(500);
        const pour = () => {
          while (!response.destroyed && response.write('y'.repeat(65_536)));
        };
        response.on('drain', pour);
        response.on('close', () => resolve(response.socket?.bytesWritten ?? 0));
        pour();
      };
    });
    const met = await sender().send(message(big.url));
    expect(met).toMatchObject({ status: 500, error: 'bad_status', response: 'y'.repeat(1024) });
    await closed;
  });

  test('sends huge headers is refused', async () => {
    const port = await rawServer((socket) => {
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`));
    });
    expect(await sender().send(message(`http://127.0.0.1:${port}/`))).toMatchObject({
      status: null,
      error: 'response_invalid',
    });
  });

  test('does not speak HTTP is refused', async () => {
    const port = await rawServer((socket) => void socket.once('data', () => socket.end('SSH-2.0-hello\r\n')));
    expect(await sender().send(message(`http://127.0.0.1:${port}/`))).toMatchObject({ error: 'response_invalid' });
  });

  test('hangs up before it answers has not delivered', async () => {
    const port = await rawServer((socket) => void socket.once('data', () => socket.destroy()));
    expect(await sender().send(message(`http://127.0.0.1:${port}/`))).toMatchObject({ error: 'connection_lost' });
  });

  test('switches protocols that nobody asked for has not delivered', async () => {
    const port = await rawServer((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'));
    });
    expect(await sender().send(message(`http://127.0.0.1:${port}/`))).toMatchObject({
      status: null,
      error: 'connection_lost',
    });
  });

  test('is not there is told apart', async () => {
    const gone = await startReceiver();
    const { url } = gone;
    await gone.close();
    expect(await sender().send(message(url))).toMatchObject({ status: null, error: 'connect_failed' });
  });

  test('breaks off in the middle of its body has answered by its status', async () => {
    const port = await rawServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'));
    });
    expect(await sender().send(message(`http://127.0.0.1:${port}/`))).toMatchObject({ status: 200, response: 'half' });
  });
});

describe('TLS', () => {
  const certificate = selfSigned();

  test.skipIf(certificate === undefined)('is verified (needs openssl)', async () => {
    if (certificate === undefined) return;
    const secure = await receiver({ tls: certificate });
    expect(await sender().send(message(secure.url))).toMatchObject({ status: null, error: 'tls_failed' });
    expect(secure.received).toEqual([]);
    const trusting = sender({ ca: certificate.cert });
    expect(await trusting.send(message(secure.url))).toMatchObject({ status: 204, error: null });
    const otherName = secure.url.replace('127.0.0.1', 'other.example');
    expect(await trusting.send(message(otherName))).toMatchObject({ status: null, error: 'tls_failed' });
    expect(secure.received).toHaveLength(1);
  });

  test('with a receiver that does not speak it fails', async () => {
    const plain = await receiver();
    const met = await sender().send(message(plain.url.replace('http:', 'https:')));
    expect(met).toMatchObject({ status: null, error: 'tls_failed' });
  });
});

describe('no connection leaves', () => {
  const names = (...addresses: string[]) =>
    sender({
      addressAllowed: createAddressPolicy([]),
      resolve: async () =>
        addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    });

  test.each(['127.0.0.1', '169.254.169.254', '10.0.0.1', '::1', '::ffff:127.0.0.1', 'fd00::1'])(
    'toward a name that resolves to %s',
    async (address) => {
      const { port, received } = await receiver();
      for (const scheme of ['http', 'https']) {
        const met = await names(address).send(message(`${scheme}://receiver.example:${port}/`));
        expect(met).toMatchObject({ status: null, error: 'address_not_allowed' });
      }
      expect(received).toEqual([]);
    },
  );

  test('where one of several addresses is not allowed', async () => {
    const met = await names('1.1.1.1', '127.0.0.1').send(message('https://receiver.example/'));
    expect(met).toMatchObject({ error: 'address_not_allowed' });
  });

  test('toward a literal address that is not allowed', async () => {
    const { port, received } = await receiver();
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '0x7f000001', '2130706433']) {
      const met = await names().send(message(`http://${host}:${port}/`));
      expect(met).toMatchObject({ error: 'address_not_allowed' });
    }
    expect(received).toEqual([]);
  });

  test('in clear toward the Internet', async () => {
    const met = await names('1.1.1.1').send(message('http://receiver.example/'));
    expect(met).toMatchObject({ error: 'address_not_allowed' });
  });

  test('after the name was changed: each connection asks again, and connects to what it was told', async () => {
    const { port, received } = await receiver();
    const answers = [[{ address: '127.0.0.1', family: 4 }], [{ address: '127.0.0.2', family: 4 }]];
    const allowed = createAddressPolicy(['127.0.0.1/32']);
    const to = sender({ addressAllowed: allowed, resolve: async () => answers.shift() ?? [] });
    const url = `http://receiver.example:${port}/`;
    expect(await to.send(message(url))).toMatchObject({ status: 204 });
    to.close();
    const again = sender({ addressAllowed: allowed, resolve: async () => answers.shift() ?? [] });
    expect(await again.send(message(url))).toMatchObject({ error: 'address_not_allowed' });
    expect(received).toHaveLength(1);
  });

  test('toward a name that does not resolve, or to nothing', async () => {
    const failing = sender({ resolve: async () => Promise.reject(new Error('SERVFAIL')) });
    expect(await failing.send(message('https://receiver.example/'))).toMatchObject({ error: 'dns_failed' });
    const empty = sender({ resolve: async () => [] });
    expect(await empty.send(message('https://receiver.example/'))).toMatchObject({ error: 'dns_failed' });
  });
});

test('closing breaks off what is under way', async () => {
  const mute = await receiver();
  mute.otherwise = () => undefined;
  const to = sender();
  const attempt = to.send(message(mute.url));
  await mute.waitFor(1);
  to.close();
  expect(await attempt).toMatchObject({ status: null, error: 'connection_lost' });
  expect(clock.pendingTimers).toBe(0);
});
