import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HttpRequest } from '../../../src/providers/api/exchange.ts';
import { API_LIMITS } from '../../../src/providers/api/limits.ts';
import { type Does, Passage } from '../../../src/providers/api/passage.ts';
import { FakeClock } from '../../support/fake-clock.ts';

// What a provider's package may do, played by hand: it repeats, sends what it was not asked for, sends it elsewhere, and gives up early.

const seen: string[] = [];
let origin = '';
let status = 200;
const server = createServer((request, response) => {
  seen.push(`${request.method} ${request.url}`);
  response.writeHead(status).end('{}');
});

beforeEach(async () => {
  seen.length = 0;
  status = 200;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

function passage(does: Does): Passage {
  return new Passage({ clock: new FakeClock(), limits: API_LIMITS, origins: [origin], does, signal: undefined });
}

function request(method: string, url = `${origin}/things`): HttpRequest {
  return { method, url: new URL(url), headers: {}, body: null };
}

test('what a package repeats by itself is not sent again, and the first answer is the answer', async () => {
  status = 500;
  const answer = await passage('makes').answerTo(async (through) => {
    await through.send(request('POST'));
    await through.send(request('POST'));
  });
  expect(seen).toEqual(['POST /things']);
  expect(answer).toMatchObject({ kind: 'answer', status: 500 });
});

test.each([
  ['reads', 'POST'],
  ['reads', 'DELETE'],
  ['makes', 'GET'],
  ['sets', 'GET'],
] as const)('what %s sends no %s', async (does, method) => {
  const answer = await passage(does).answerTo((through) => through.send(request(method)));
  expect(seen).toEqual([]);
  expect(answer).toMatchObject({ kind: 'none', code: 'setup_invalid', sent: false });
});

test('nothing is sent elsewhere, to another port neither', async () => {
  for (const url of ['https://evil.example/things', 'http://127.0.0.1:1/things', origin.replace('http', 'https')]) {
    const answer = await passage('reads').answerTo((through) => through.send(request('GET', url)));
    expect(answer).toMatchObject({ kind: 'none', code: 'setup_invalid', sent: false });
    expect(answer).toHaveProperty('detail', `the provider’s package wanted to send a request to ${new URL(url).host}`);
  }
  expect(seen).toEqual([]);
});

test('a package that gives up while its request is under way does not hide what came of it', async () => {
  const answer = await passage('makes').answerTo(async (through) => {
    through.send(request('POST')).catch(() => undefined);
    throw new Error('enough');
  });
  expect(seen).toEqual(['POST /things']);
  expect(answer).toMatchObject({ kind: 'answer', status: 200 });
});

test('a package that cannot deal with an answer does not lose it', async () => {
  const answer = await passage('reads').answerTo(async (through) => {
    await through.send(request('GET'));
    throw new TypeError('cannot read properties of undefined');
  });
  expect(answer).toMatchObject({ kind: 'answer', status: 200, body: '{}' });
});

test('a package that sends nothing at all is a failure that has done nothing', async () => {
  const silent = await passage('reads').answerTo(async () => undefined);
  expect(silent).toMatchObject({ kind: 'none', code: 'setup_invalid', sent: false, detail: 'nothing was sent' });
  const refusing = await passage('makes').answerTo(() => {
    throw new Error('Required parameter "friendlyName" missing.');
  });
  expect(refusing).toMatchObject({ sent: false, detail: 'Required parameter "friendlyName" missing.' });
});
