import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ADMIN_TOKEN, startWorld, type World } from './world.ts';

// Requests that take their time, over bare sockets and on a clock that the test moves.

let world: World;
const sockets: Socket[] = [];
beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await world.close();
});

interface Slow {
  readonly socket: Socket;
  /** All that came, once the other side has closed. */
  readonly answer: Promise<string>;
}

async function begin(lines: readonly string[], body = '', token = ADMIN_TOKEN): Promise<Slow> {
  const { port } = new URL(world.url);
  const socket = connect(Number(port), '127.0.0.1');
  sockets.push(socket);
  const pieces: string[] = [];
  socket.setEncoding('utf8').on('data', (piece) => void pieces.push(String(piece)));
  const answer = new Promise<string>((resolve) => socket.once('close', () => resolve(pieces.join(''))));
  const before = world.clock.pendingTimers;
  socket.write([...lines, `Authorization: Bearer ${token}`, '', body].join('\r\n'));
  while (world.clock.pendingTimers === before) await new Promise((resolve) => setImmediate(resolve));
  return { socket, answer };
}

const POST = ['POST /v1/workspaces HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Content-Length: 100'];

test('a body that has not come after 15 s is refused, and nothing was made', async () => {
  const before = (await world.ask('GET', '/v1/workspaces')).text;
  const { answer } = await begin(POST, '{"name":');
  world.clock.advance(14_999);
  await new Promise((resolve) => setImmediate(resolve));
  world.clock.advance(1);
  const text = await answer;
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(text).toContain('"code":"request_timeout"');
  expect(text).toContain('x-content-type-options: nosniff');
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect((await world.ask('GET', '/v1/workspaces')).text).toBe(before);
  expect(world.log.text()).not.toContain('"level":"error"');
});

test('one that comes in time is served, however slowly; the time of the next one begins anew', async () => {
  const { socket, answer } = await begin(POST, '{"name":"slow"');
  world.clock.advance(14_000);
  socket.write(`${' '.repeat(85)}}`);
  await expect.poll(async () => (await world.ask('GET', '/v1/workspaces')).text).toContain('"slow"');
  world.clock.advance(14_000);
  socket.write(
    ['GET /v1/node HTTP/1.1', 'Host: x', 'Connection: close', `Authorization: Bearer ${ADMIN_TOKEN}`, '', ''].join(
      '\r\n',
    ),
  );
  const text = await answer;
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 201', 'HTTP/1.1 200']);
});

test('an answer that was given without the body is not followed by another one', async () => {
  const { socket, answer } = await begin(POST, '{', 'wrong');
  await new Promise((resolve) => socket.once('data', resolve));
  world.clock.advance(15_000);
  const text = await answer;
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401']);
});

test('requests that have come leave no timer behind', async () => {
  await world.ask('GET', '/v1/node');
  const before = world.clock.pendingTimers;
  for (let index = 0; index < 20; index += 1) {
    await world.ask('GET', '/v1/node');
    await world.ask('POST', '/v1/workspaces', { body: { name: 'x' } });
    await world.ask('POST', '/v1/workspaces', { raw: '{', token: null });
  }
  await expect.poll(() => world.clock.pendingTimers).toBeLessThanOrEqual(before);
});
