import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';

import { isPublicAddress } from '../../src/agents/address-policy.ts';
import { createAgentStreamFactory } from '../../src/agents/dialects.ts';
import { acceptOf } from '../../src/agents/websocket/handshake.ts';
import type { ConnectionOptions } from '../../src/agents/websocket/resources.ts';
import type { AgentDial, AgentFailure, AgentStream } from '../../src/media/agent-stream.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  type FakeAgent,
  type FakeAgentOptions,
  type FakeCall,
  type RawAgent,
  startFakeAgent,
  startRawAgent,
} from '../support/fake-agent.ts';
import { selfSigned } from './certificate.ts';
import { dialTo, RecordingHost } from './recording-host.ts';
import { closeFrame, serverFrame } from './websocket/server-frame.ts';

// Each code of AgentFailure, on real sockets. Time is the argument of `tick`; no test waits for a clock.

const open: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Dialled {
  readonly stream: AgentStream;
  readonly host: RecordingHost;
}

function dial(url: string, overrides: Partial<AgentDial> = {}, options: ConnectionOptions = {}): Dialled {
  const host = new RecordingHost();
  const stream = createAgentStreamFactory(options)(dialTo(url, overrides), host);
  open.push(() => stream.close());
  return { stream, host };
}

async function fake(options: FakeAgentOptions = {}): Promise<FakeAgent> {
  const agent = await startFakeAgent(options);
  open.push(() => agent.close());
  return agent;
}

async function raw(onConnection: (socket: Socket) => void): Promise<RawAgent> {
  const agent = await startRawAgent(onConnection);
  open.push(() => agent.close());
  return agent;
}

/** Answers the upgrade properly, then says `after` in the same segment. */
function upgrading(after: Uint8Array = Buffer.alloc(0), onOpen?: (socket: Socket) => void) {
  return (socket: Socket): void => {
    socket.once('data', (request: Buffer) => {
      const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(request.toString('latin1'))?.[1] ?? '';
      socket.write(Buffer.concat([Buffer.from(switching(acceptOf(key))), after]));
      onOpen?.(socket);
    });
  };
}

function switching(accept: string): string {
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';
  return `${head}Sec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

async function failureOf({ host }: Dialled): Promise<AgentFailure> {
  const failure = await host.endedPromise;
  if (!failure) throw new Error('ended in order');
  return failure;
}

describe('no connection', () => {
  test('agent_refused: nobody listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const dialled = dial(`ws://127.0.0.1:${port}/`);
    await expect(failureOf(dialled)).resolves.toEqual({ code: 'agent_refused', detail: 'ECONNREFUSED' });
    expect(dialled.host.events).toEqual(['ended agent_refused']);
    const byName = dial(`ws://localhost:${port}/`);
    await expect(failureOf(byName)).resolves.toMatchObject({ code: 'agent_refused' });
  });

  test('agent_dns_failed: the name does not exist', async () => {
    // A label of 64 characters cannot exist, so that no name server has to be asked.
    await expect(failureOf(dial(`ws://${'x'.repeat(64)}.invalid/`))).resolves.toMatchObject({
      code: 'agent_dns_failed',
    });
  });

  test('agent_url_invalid: not an address', async () => {
    const failure = { code: 'agent_url_invalid', detail: 'not a ws: or wss: URL' };
    await expect(failureOf(dial('http://127.0.0.1/'))).resolves.toEqual(failure);
  });

  test.each([
    'ws://127.0.0.1:1/',
    'ws://2130706433:1/',
    'ws://0x7f000001:1/',
    'ws://0177.0.0.1:1/',
    'ws://[::1]:1/',
    'ws://[::ffff:127.0.0.1]:1/',
    'ws://localhost:1/',
    'ws://169.254.169.254/latest/meta-data',
  ])('agent_url_invalid: %s leads to a private address', async (url) => {
    const dialled = dial(url, {}, { addressAllowed: isPublicAddress });
    const failure = await failureOf(dialled);
    expect(failure.code).toBe('agent_url_invalid');
    expect(failure.detail).toContain('not allowed');
  });

  test('agent_protocol_unsupported: a protocol nobody speaks', async () => {
    const failure = { code: 'agent_protocol_unsupported', detail: 'smoke' };
    await expect(failureOf(dial('ws://127.0.0.1:1/', { protocol: 'smoke' }))).resolves.toEqual(failure);
  });

  test('agent_connect_timeout: the upgrade is never answered', async () => {
    const agent = await fake({ behaviour: { kind: 'hold-upgrade' } });
    const { stream, host } = dial(agent.url, { readyTimeoutMs: 3_000 });
    stream.tick(1_000);
    stream.tick(3_999);
    expect(host.events).toEqual([]);
    stream.tick(4_000);
    expect(host.events).toEqual(['ended agent_connect_timeout']);
    stream.tick(9_000);
    agent.release();
    expect(host.events).toEqual(['ended agent_connect_timeout']);
  });

  test('a slow upgrade within the time is no failure', async () => {
    const agent = await fake({ behaviour: { kind: 'hold-upgrade' } });
    const { stream, host } = dial(agent.url, { readyTimeoutMs: 3_000 });
    stream.tick(0);
    stream.tick(2_999);
    const held = setInterval(() => agent.release(), 1);
    await host.readyPromise;
    clearInterval(held);
    expect(host.events).toEqual(['ready']);
  });

  test('close before the upgrade says nothing to anybody', async () => {
    const agent = await fake({ behaviour: { kind: 'hold-upgrade' } });
    const { stream, host } = dial(agent.url);
    stream.close();
    stream.close();
    stream.tick(1);
    stream.tick(100_000);
    const nowhere = dial('ws://127.0.0.1:1/');
    nowhere.stream.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect([...host.events, ...nowhere.host.events]).toEqual([]);
  });
});

describe('the handshake is rejected', () => {
  test.each([200, 302, 401, 403, 404, 429, 500, 503])('agent_handshake_rejected: status %i', async (status) => {
    const agent = await fake({ behaviour: { kind: 'reject', status, headers: { Location: '/elsewhere' } } });
    const failure = await failureOf(dial(agent.url));
    expect(failure).toEqual({ code: 'agent_handshake_rejected', detail: `status ${status}` });
    expect(agent.upgrades).toHaveLength(1);
  });

  test('agent_handshake_rejected: a wrong signature gets 401', async () => {
    const agent = await fake({ authToken: 'right' });
    const failure = await failureOf(dial(agent.url, { headers: { 'X-Twilio-Signature': 'wrong' } }));
    expect(failure.detail).toBe('status 401');
  });

  test('agent_handshake_rejected: closed without an answer', async () => {
    const agent = await raw((socket) => socket.once('data', () => socket.end()));
    await expect(failureOf(dial(agent.url))).resolves.toMatchObject({ code: 'agent_handshake_rejected' });
  });

  test.each([
    ['a wrong accept', switching('AAAA')],
    ['not HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['an endless header', `HTTP/1.1 101 x\r\nX: ${'x'.repeat(20_000)}`],
  ])('agent_protocol_error: %s', async (_name, text) => {
    const agent = await raw((socket) => socket.once('data', () => socket.write(text)));
    await expect(failureOf(dial(agent.url))).resolves.toMatchObject({ code: 'agent_protocol_error' });
  });

  test('an answer that comes byte by byte, with a frame right behind, is understood', async () => {
    const clear = serverFrame({ opcode: 1, payload: '{"event":"clear"}' });
    const agent = await raw((socket) => {
      socket.setNoDelay(true);
      socket.once('data', (request: Buffer) => {
        const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(request.toString('latin1'))?.[1] ?? '';
        const wire = Buffer.concat([Buffer.from(switching(acceptOf(key))), clear]);
        let at = 0;
        const next = (): void => {
          if (at === wire.length) return;
          socket.write(wire.subarray(at, at + 1), next);
          at++;
        };
        next();
      });
    });
    const { host } = dial(agent.url);
    await host.until(() => host.events.length === 2);
    expect(host.events).toEqual(['ready', 'clear']);
  });

  test('a frame in the same segment as the 101 is not lost', async () => {
    const agent = await raw(upgrading(serverFrame({ opcode: 1, payload: '{"event":"clear"}' })));
    const { host } = dial(agent.url);
    await host.until(() => host.events.length === 2);
    expect(host.events).toEqual(['ready', 'clear']);
  });
});

const certificate = selfSigned();

describe.skipIf(!certificate)('TLS, needs openssl', () => {
  test('agent_tls_failed: the certificate is not trusted', async () => {
    const agent = await fake({ tls: certificate! });
    const failure = await failureOf(dial(agent.url));
    expect(failure).toEqual({ code: 'agent_tls_failed', detail: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  test('agent_tls_failed: the name does not match', async () => {
    const agent = await fake({ tls: certificate! });
    const url = agent.url.replace('localhost', '127.0.0.2');
    const listener = createServer((socket) => {
      const through = connect(agent.port, '127.0.0.1');
      socket.pipe(through).pipe(socket);
      socket.on('error', () => through.destroy());
      through.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.2', resolve));
    open.push(() => listener.close());
    const { port } = listener.address() as { port: number };
    const failure = await failureOf(
      dial(url.replace(/:\d+\//, `:${port}/`), {}, { certificateAuthorities: certificate!.cert }),
    );
    expect(failure).toEqual({ code: 'agent_tls_failed', detail: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('a trusted wss: agent carries audio both ways, unchanged', async () => {
    const agent = await fake({ tls: certificate!, behaviour: { kind: 'echo' } });
    const { stream, host } = dial(agent.url, {}, { certificateAuthorities: certificate!.cert });
    await host.readyPromise;
    stream.start();
    const frames = Array.from({ length: 300 }, (_, index) => Buffer.alloc(160, index));
    frames.forEach((frame, index) => {
      stream.audio(frame, 0, 160, index * 20);
    });
    await host.until(() => host.heard.length === 300);
    expect(Buffer.concat(host.heard)).toEqual(Buffer.concat(frames));
  });
});

describe('TLS without a certificate', () => {
  test('agent_tls_failed: the peer does not speak TLS', async () => {
    const agent = await fake();
    const failure = await failureOf(dial(agent.url.replace('ws:', 'wss:')));
    expect(failure.code).toBe('agent_tls_failed');
  });
});

describe('an open stream ends', () => {
  async function talk(options: FakeAgentOptions = {}): Promise<Dialled & { readonly call: FakeCall }> {
    const agent = await fake(options);
    const dialled = dial(agent.url);
    await dialled.host.readyPromise;
    return { ...dialled, call: await agent.nextCall() };
  }

  test.each([1000, 3000, 4000, 4999, undefined])('in order: the runtime closes with %s', async (code) => {
    const { call, host } = await talk();
    call.close(code);
    await expect(host.endedPromise).resolves.toBeNull();
    await expect(call.closed).resolves.toEqual({ code: code ?? 1000, reason: '' });
    expect(host.events).toEqual(['ready', 'ended']);
  });

  test.each([
    [1001, 'agent_broken'],
    [1011, 'agent_broken'],
    [1012, 'agent_broken'],
    [1013, 'agent_broken'],
    [1002, 'agent_protocol_error'],
    [1003, 'agent_protocol_error'],
    [1008, 'agent_protocol_error'],
    [1009, 'agent_protocol_error'],
  ])('close code %i is %s', async (code, expected) => {
    const { call, host } = await talk();
    call.close(code, 'why');
    await expect(host.endedPromise).resolves.toEqual({ code: expected, detail: `closed with ${code}: why` });
  });

  test('agent_broken: the connection is reset or dropped', async () => {
    const { call, host } = await talk();
    call.drop();
    await expect(host.endedPromise).resolves.toMatchObject({ code: 'agent_broken' });
  });

  test('agent_broken: dropped after some messages of a started stream', async () => {
    const { stream, host } = await talk({ behaviour: { kind: 'drop', afterMessages: 3 } });
    stream.start();
    stream.audio(Buffer.alloc(160), 0, 160, 0);
    await expect(host.endedPromise).resolves.toMatchObject({ code: 'agent_broken' });
    stream.audio(Buffer.alloc(160), 0, 160, 20);
    stream.dtmf('1');
    stream.markPlayed('x');
    stream.tick(0);
    stream.close();
    expect(host.events).toEqual(['ready', 'ended agent_broken']);
  });

  test.each([
    ['RSV', serverFrame({ opcode: 1, rsv: 4 }), 'ws_reserved_bits', 1002],
    ['a masked frame', serverFrame({ opcode: 1, payload: 'x', masked: true }), 'ws_masked_by_server', 1002],
    ['bad UTF-8', serverFrame({ opcode: 1, payload: Buffer.from([0xff]) }), 'ws_invalid_utf8', 1007],
    ['a huge message', serverFrame({ opcode: 1, length: 2 ** 21 }), 'ws_message_too_big', 1009],
    ['a bad close code', closeFrame(1005), 'ws_close_code', 1002],
  ])('agent_protocol_error: %s, and the runtime is told', async (_name, bytes, code, closeCode) => {
    const { call, host } = await talk();
    call.sendRaw(bytes);
    const failure = await host.endedPromise;
    expect(failure?.code).toBe('agent_protocol_error');
    expect(failure?.detail).toContain(code);
    await expect(call.closed).resolves.toMatchObject({ code: closeCode });
    expect(host.events).toEqual(['ready', 'ended agent_protocol_error']);
  });

  test('a runtime that never answers our close is disconnected after 2 s', async () => {
    const clock = new FakeClock();
    const gone = Promise.withResolvers<void>();
    const agent = await raw(
      upgrading(Buffer.alloc(0), (socket) => {
        socket.once('close', () => gone.resolve());
      }),
    );
    const { stream, host } = dial(agent.url, {}, { clock });
    await host.readyPromise;
    stream.start();
    stream.close();
    clock.advance(1_999);
    let closed = false;
    void gone.promise.then(() => {
      closed = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    clock.advance(1);
    await gone.promise;
    expect(host.events).toEqual(['ready']);
  });

  test('messages after close() reach nobody', async () => {
    const { call, stream, host } = await talk();
    stream.start();
    await call.waitForCount(2);
    stream.close();
    call.sendMedia(Buffer.alloc(160));
    call.send({ event: 'mark', mark: { name: 'late' } });
    call.sendBinary(Buffer.alloc(1));
    await call.closed;
    expect(host.events).toEqual(['ready']);
  });

  test('malformed frames after close() reach nobody', async () => {
    const { call, stream, host } = await talk();
    stream.close();
    call.sendRaw(serverFrame({ opcode: 1, rsv: 4 }));
    await call.closed;
    expect(host.events).toEqual(['ready']);
  });
});

describe('liveness', () => {
  test('pings every 5 s, and a runtime that answers stays', async () => {
    const agent = await fake();
    const { stream, host } = dial(agent.url);
    await host.readyPromise;
    const call = await agent.nextCall();
    for (let second = 0; second <= 30; second++) {
      const alive = host.aliveCount;
      stream.tick(second * 1000);
      if (second % 5 === 0) await host.until(() => host.aliveCount > alive);
    }
    expect(call.pings).toHaveLength(7);
    expect(host.events).toEqual(['ready']);
  });

  test('agent_timeout: no byte for 10 s', async () => {
    const agent = await raw(upgrading());
    const { stream, host } = dial(agent.url);
    await host.readyPromise;
    for (let second = 0; second < 10; second++) stream.tick(second * 1000);
    expect(host.events).toEqual(['ready']);
    stream.tick(10_000);
    expect(host.events).toEqual(['ready', 'ended agent_timeout']);
  });

  test('a runtime that never answers pings but sends stays', async () => {
    const agent = await fake({ autoPong: false });
    const { stream, host } = dial(agent.url);
    await host.readyPromise;
    const call = await agent.nextCall();
    for (let second = 0; second < 60; second += 5) {
      const alive = host.aliveCount;
      call.send({ event: 'clear' });
      await host.until(() => host.aliveCount > alive);
      stream.tick(second * 1000);
    }
    expect(host.events.some((event) => event.startsWith('ended'))).toBe(false);
  });

  test('agent_slow: a runtime that used to answer pings still sends, but reads no more', async () => {
    const agent = await fake();
    const { stream, host } = dial(agent.url);
    await host.readyPromise;
    const call = await agent.nextCall();
    const before = host.aliveCount;
    stream.tick(0);
    await host.until(() => host.aliveCount > before);
    call.stopReading();
    for (let second = 1; second <= 15; second++) {
      const alive = host.aliveCount;
      call.send({ event: 'clear' });
      await host.until(() => host.aliveCount > alive);
      stream.tick(second * 1000);
    }
    expect(host.events.filter((event) => event.startsWith('ended'))).toEqual(['ended agent_slow']);
  });

  test('pings of the runtime are answered with their payload', async () => {
    const agent = await fake();
    const { host } = dial(agent.url);
    await host.readyPromise;
    const call = await agent.nextCall();
    const pong = new Promise<void>((resolve) => call.onPong(resolve));
    call.ping();
    await pong;
  });
});
