import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { HEARTBEAT_MS } from '../../src/http/event-streams.ts';
import { openWatcher, type Watcher } from '../support/event-watcher.ts';
import { ADMIN_TOKEN, startWorld, type World } from './world.ts';

let world: World | undefined;
const watchers: Watcher[] = [];
afterEach(async () => {
  for (const watcher of watchers.splice(0)) watcher.leave();
  await world?.close();
  world = undefined;
});

async function watch(on: World, query = '', headers: Record<string, string> = {}): Promise<Watcher> {
  const auth: Record<string, string> = 'cookie' in headers ? {} : { authorization: `Bearer ${ADMIN_TOKEN}` };
  const watcher = await openWatcher(`${on.url}/v1/events${query}`, { ...auth, ...headers });
  watchers.push(watcher);
  return watcher;
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const ofWorkspace = (workspaceId: string, nth = 0) =>
  ({ name: 'call', workspaceId, data: { workspaceId, nth } }) as const;

describe('/v1/events', () => {
  test('is a stream of server-sent events with an id each', async () => {
    world = await startWorld();
    const watcher = await watch(world);
    expect(watcher.status).toBe(200);
    expect(watcher.headers.get('content-type')).toBe('text/event-stream');
    expect(watcher.headers.get('cache-control')).toBe('no-store');
    expect(watcher.headers.get('x-content-type-options')).toBe('nosniff');
    world.events.publish(ofWorkspace('ws_a', 1));
    world.events.publish({ name: 'call_figures', workspaceId: 'ws_a', data: {}, transient: true });
    await watcher.until(({ seen }) => seen.length === 3);
    expect(watcher.seen).toEqual([
      { id: 'test-0', name: 'ready', data: { at: '2026-01-01T00:00:00.000Z' } },
      { id: 'test-1', name: 'call', data: { workspaceId: 'ws_a', nth: 1 } },
      { id: undefined, name: 'call_figures', data: {} },
    ]);
  });

  test('a workspace sees its own events, the operator all or one workspace’s', async () => {
    world = await startWorld();
    const [a, b] = [await world.workspace('A'), await world.workspace('B')];
    const own = await watch(world, '', bearer(a.token));
    const named = await watch(world, `?workspaceId=${a.id}`, bearer(a.token));
    const all = await watch(world);
    const one = await watch(world, `?workspaceId=${b.id}`);
    for (const workspaceId of [a.id, b.id, null])
      world.events.publish({ name: 'call', workspaceId, data: { workspaceId } });
    world.events.publish({ name: 'node', workspaceId: a.id, data: {} });
    world.events.publish({ name: 'node', workspaceId: b.id, data: {} });
    for (const watcher of [own, named, all, one]) await watcher.until(({ names }) => names.includes('node'));
    const seenBy = (watcher: Watcher) =>
      watcher.seen.filter(({ name }) => name === 'call').map(({ data }) => data.workspaceId);
    expect([own, named, one].map(seenBy)).toEqual([[a.id], [a.id], [b.id]]);
    await all.until(({ names }) => names.filter((name) => name === 'node').length === 2);
    expect(seenBy(all)).toEqual([a.id, b.id, null]);
  });

  test('another workspace’s stream is 404, one without a token 401', async () => {
    world = await startWorld();
    const [a, b] = [await world.workspace('A'), await world.workspace('B')];
    const foreign = await world.ask('GET', `/v1/events?workspaceId=${a.id}`, { token: b.token });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
    expect((await world.ask('GET', '/v1/events?workspaceId=ws_none')).status).toBe(404);
    expect((await world.ask('GET', '/v1/events', { token: null })).status).toBe(401);
  });

  test('goes on after the last id, without a hole and without a repeat', async () => {
    world = await startWorld();
    const { id, token } = await world.workspace('A');
    for (let nth = 1; nth <= 3; nth += 1) world.events.publish(ofWorkspace(id, nth));
    world.events.publish(ofWorkspace('ws_other'));
    const watcher = await watch(world, '', { ...bearer(token), 'last-event-id': 'test-1' });
    world.events.publish(ofWorkspace(id, 5));
    await watcher.until(({ seen }) => seen.some(({ data }) => data.nth === 5));
    expect(watcher.seen.map(({ id: eventId, name }) => [eventId, name])).toEqual([
      ['test-2', 'call'],
      ['test-3', 'call'],
      ['test-4', 'ready'],
      ['test-5', 'call'],
    ]);
    const byQuery = await watch(world, '?lastEventId=test-3', bearer(token));
    await byQuery.until(({ names }) => names.includes('ready'));
    expect(byQuery.names).toEqual(['call', 'ready']);
  });

  test('says reset where what was missed is not known any more, or too much', async () => {
    world = await startWorld({ streamLimits: { bufferBytesMax: 2_000 } });
    for (const lastEventId of ['of-another-life-7', 'test-99']) {
      const watcher = await watch(world, '', { 'last-event-id': lastEventId });
      await watcher.until(({ seen }) => seen.length > 0);
      expect(watcher.seen[0]).toMatchObject({ name: 'reset', id: 'test-0' });
    }
    for (let nth = 1; nth <= 30; nth += 1) world.events.publish(ofWorkspace('ws_a', nth));
    const watcher = await watch(world, '', { 'last-event-id': 'test-0' });
    await watcher.until(({ seen }) => seen.length > 0);
    expect(watcher.seen).toMatchObject([{ name: 'reset', id: 'test-30' }]);
  });

  test('beats every 15 seconds', async () => {
    world = await startWorld();
    const watcher = await watch(world);
    await watcher.until(({ seen }) => seen.length === 1);
    await world.clock.advanceAsync(HEARTBEAT_MS * 2);
    await watcher.until(({ text }) => text.split(': still here\n\n').length === 3);
  });

  test('ends at once with its key, and with its session', async () => {
    world = await startWorld();
    const { id, token } = await world.workspace('A');
    const [key] = (await world.ask('GET', `/v1/workspaces/${id}/keys`)).body.items;
    const operator = await world.signIn(ADMIN_TOKEN);
    const [byKey, bySession] = [
      await watch(world, '', bearer(token)),
      await watch(world, '', { cookie: operator.cookie }),
    ];
    const ofKey = await world.signIn(token);
    const byKeysSession = await watch(world, '', { cookie: ofKey.cookie });
    await world.ask('DELETE', `/v1/workspaces/${id}/keys/${key.id}`);
    for (const watcher of [byKey, byKeysSession]) await watcher.until(({ ended }) => ended);
    expect(bySession.ended).toBe(false);
    await world.ask('DELETE', '/v1/sessions/current', {
      token: null,
      headers: { cookie: operator.cookie, 'x-csrf-token': operator.csrfToken },
    });
    await bySession.until(({ ended }) => ended);
    expect(world.events.listeners).toBe(0);
    expect(await world.deps.metrics.render()).toContain('callin_event_streams_cut_total{reason="revoked"} 3');
  });

  test('ends within a heartbeat where the key was deleted by somebody else', async () => {
    world = await startWorld();
    const { id, token } = await world.workspace('A');
    const [key] = (await world.ask('GET', `/v1/workspaces/${id}/keys`)).body.items;
    const watcher = await watch(world, '', bearer(token));
    await world.directory.keys.delete(key.id);
    await world.clock.advanceAsync(HEARTBEAT_MS);
    await watcher.until(({ ended }) => ended);
  });

  test('ES4 so many for one workspace, however many keys it makes: others keep theirs', async () => {
    world = await startWorld({ streamLimits: { perPrincipalMax: 2, perWorkspaceMax: 3 } });
    const [a, b] = [await world.workspace('A'), await world.workspace('B')];
    const another = await world.ask('POST', `/v1/workspaces/${a.id}/keys`, { body: { label: 'another' } });
    for (const token of [a.token, a.token, another.body.token]) await watch(world, '', bearer(token));
    expect((await world.ask('GET', '/v1/events', { token: another.body.token })).body.code).toBe('stream_limit');
    expect((await watch(world, '', bearer(b.token))).status).toBe(200);
  });

  test('so many for one asker; a place is given back when a watcher leaves', async () => {
    world = await startWorld({ streamLimits: { perPrincipalMax: 2, totalMax: 3 } });
    const a = await world.workspace('A');
    const first = await watch(world);
    await watch(world);
    const refused = await world.ask('GET', '/v1/events');
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([429, 'stream_limit', '3']);
    await watch(world, '', bearer(a.token));
    expect((await world.ask('GET', '/v1/events', { token: a.token })).body.code).toBe('stream_limit');
    first.leave();
    const { events } = world;
    await expect.poll(() => events.listeners).toBe(2);
    expect((await watch(world, '', bearer(a.token))).status).toBe(200);
  });

  test('who reads too slowly is cut off; publishing does not wait for him and others see everything', async () => {
    world = await startWorld({ streamLimits: { bufferBytesMax: 64 * 1024 } });
    const { url, events } = world;
    const slow = await sleeper(url);
    const quick = await watch(world);
    await expect.poll(() => events.listeners).toBe(2);
    const data = { text: 'x'.repeat(10_000) };
    let published = 0;
    // What the system buffers for him is some megabytes.
    while (events.listeners === 2 && published < 5_000) {
      for (let i = 0; i < 5; i += 1) events.publish({ name: 'call', workspaceId: null, data });
      published += 5;
      await quick.until(({ seen }) => seen.length === published + 1);
    }
    expect(events.listeners).toBe(1);
    const shown = await world.deps.metrics.render();
    expect(shown).toMatch(/^callin_event_streams 1$/m);
    expect(shown).toMatch(/^callin_event_streams_cut_total\{reason="slow"\} 1$/m);
    slow.destroy();
    expect(quick.ended).toBe(false);
  });

  test('a server that closes ends all streams and does not wait for who does not read', async () => {
    const closing = await startWorld();
    const watcher = await watch(closing);
    await closing.close();
    await watcher.until(({ ended }) => ended);
    expect(closing.events.listeners).toBe(0);
  });
});

/** Asks for the stream and never reads it. */
async function sleeper(url: string): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(`GET /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`);
  return socket;
}
