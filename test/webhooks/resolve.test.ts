import { createSocket, type Socket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import { createResolver } from '../../src/webhooks/resolve.ts';

// A name server on loopback that knows what a test says (RFC 1035 section 4), and the system's look-up as a fake.

const A = 1;
const AAAA = 28;
const NXDOMAIN = 3;

let socket: Socket | undefined;
afterEach(() => void socket?.close());

type Records = Readonly<Record<string, readonly Uint8Array[] | 'unknown' | 'silent'>>;

async function nameServer(records: Records): Promise<string> {
  const server = createSocket('udp4');
  socket = server;
  server.on('message', (query, from) => {
    const name = nameOf(query);
    const type = query.readUInt16BE(12 + name.length + 2);
    const known = records[name] ?? 'unknown';
    if (known === 'silent') return;
    const bytes = type === A ? 4 : type === AAAA ? 16 : 0;
    const answers = known === 'unknown' ? [] : known.filter((address) => address.length === bytes);
    const head = Buffer.from(query.subarray(0, 12 + name.length + 2 + 4));
    head.writeUInt16BE(0x8180 | (known === 'unknown' ? NXDOMAIN : 0), 2);
    head.writeUInt16BE(answers.length, 6);
    head.writeUInt16BE(0, 10);
    server.send(Buffer.concat([head, ...answers.map((address) => record(type, address))]), from.port, from.address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  return `127.0.0.1:${server.address().port}`;
}

/** The name of the question; its labels take as many bytes and two more. */
function nameOf(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query.readUInt8(at) > 0; at += query.readUInt8(at) + 1)
    labels.push(query.toString('latin1', at + 1, at + 1 + query.readUInt8(at)));
  return labels.join('.');
}

function record(type: number, address: Uint8Array): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, address.length]);
  return Buffer.concat([head, address]);
}

const four = Uint8Array.of(192, 0, 2, 7);
const six = Uint8Array.from({ length: 16 }, (_, index) => (index === 0 ? 0x20 : index === 15 ? 1 : 0));

test('a name’s addresses of both families are found without the system’s look-up', async () => {
  const servers = [await nameServer({ 'both.example': [four, six], 'six.example': [six] })];
  const resolve = createResolver({ servers, lookup: async () => Promise.reject(new Error('not asked')) });
  expect(await resolve('both.example')).toEqual([
    { address: '192.0.2.7', family: 4 },
    { address: '2000::1', family: 6 },
  ]);
  expect(await resolve('six.example')).toEqual([{ address: '2000::1', family: 6 }]);
});

test('a name that the DNS does not know is asked of the system, which may know it from its files', async () => {
  const asked: string[] = [];
  const resolve = createResolver({
    servers: [await nameServer({})],
    lookup: async (host) => {
      asked.push(host);
      return [{ address: '127.0.0.1', family: 4 }];
    },
  });
  expect(await resolve('printer')).toEqual([{ address: '127.0.0.1', family: 4 }]);
  expect(asked).toEqual(['printer']);
});

test('a name whose server is silent fails, and the system’s threads are left alone', async () => {
  const asked: string[] = [];
  const resolve = createResolver({
    servers: [await nameServer({ 'dead.example': 'silent' })],
    timeoutMs: 50,
    lookup: async (host) => {
      asked.push(host);
      return [];
    },
  });
  await expect(resolve('dead.example')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  expect(asked).toEqual([]);
});
