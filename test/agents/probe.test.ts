import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { createAddressPolicy } from '../../src/agents/address-policy.ts';
import { createAgentStreamFactory } from '../../src/agents/dialects.ts';
import { twilioSignature } from '../../src/agents/dial.ts';
import { type AgentProbeOutcome, probeAgent } from '../../src/agents/probe.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { agent } from '../directory/records.ts';

// A runtime on a real socket that is looked at, not called.

const servers: (http.Server | net.Server)[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening<T extends http.Server | net.Server>(server: T): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function probe(url: string, openNetworks = ['127.0.0.0/8'], timeoutMs = 1_000): Promise<AgentProbeOutcome> {
  const { stream } = agent();
  const createStream = createAgentStreamFactory({ addressAllowed: createAddressPolicy(openNetworks) });
  return probeAgent(agent({ stream: { ...stream, url } }), { createStream, clock: systemClock, timeoutMs });
}

describe('a look at an agent', () => {
  test('opens its WebSocket as a call would, says nothing, and goes', async () => {
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    const heard: unknown[] = [];
    const headers: http.IncomingHttpHeaders[] = [];
    const closed = new Promise<number>((resolve) => {
      sockets.on('connection', (socket, request) => {
        headers.push(request.headers);
        socket.on('message', (data) => heard.push(data));
        socket.on('close', resolve);
      });
    });
    const url = `ws://127.0.0.1:${await listening(server)}/media`;
    const outcome = await probe(url);
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome.ok && outcome.connectMs).toBeLessThan(1_000);
    expect(await closed).toBe(1000);
    expect(heard).toEqual([]);
    expect(headers[0]).toMatchObject({
      'x-api-key': 'header-secret',
      'x-twilio-signature': twilioSignature('agent-secret', url),
    });
  });

  test('that refuses the upgrade', async () => {
    const server = http.createServer();
    server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
    const url = `ws://127.0.0.1:${await listening(server)}/`;
    expect(await probe(url)).toMatchObject({ ok: false, failure: { code: 'agent_handshake_rejected' } });
  });

  test('that says nothing is given up in time', async () => {
    const url = `ws://127.0.0.1:${await listening(net.createServer(() => undefined))}/`;
    expect(await probe(url, ['127.0.0.0/8'], 120)).toEqual({
      ok: false,
      failure: { code: 'agent_connect_timeout', detail: 'no answer in 120 ms' },
    });
  });

  test('where nobody listens, under a wrong name, at an address inside, with a wrong URL', async () => {
    const server = net.createServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const codes = await Promise.all(
      [
        probe(`ws://127.0.0.1:${port}/`),
        probe('ws://agent.invalid/'),
        probe('ws://127.0.0.1:9/', []),
        probe('http://127.0.0.1/'),
      ].map(async (each) => {
        const outcome = await each;
        return outcome.ok ? 'ok' : outcome.failure.code;
      }),
    );
    expect(codes).toEqual(['agent_refused', 'agent_dns_failed', 'agent_url_invalid', 'agent_url_invalid']);
  });
});
