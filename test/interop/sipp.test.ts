import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startOnEitherEngine } from '../support/either-engine.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { type SlowAgent, startSlowAgent } from '../support/slow-agent.ts';
import { HAS_SIPP, runSipp, type SippOptions, startSipp } from './sipp/run.ts';

// sipp, which nobody here wrote, against the whole gateway as a process: caller and carrier.

const ECHO = '+12025550100';
const BYOC = '+12025550101';
const UNASSIGNED = '+12025550102';

interface Call {
  readonly id: string;
  readonly to: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly direction: string;
  readonly class: string;
  readonly bill: { readonly final: boolean; readonly telephony: { readonly billedMs: number } } | null;
}

describe.skipIf(!HAS_SIPP)('the gateway with sipp (needs: sipp)', () => {
  let gateway: RunningGateway;
  let slow: SlowAgent;

  beforeAll(async () => {
    gateway = await startOnEitherEngine();
    slow = await startSlowAgent();
  });
  afterAll(async () => {
    await slow?.close();
    expect(await gateway?.stop()).toBe(0);
  });

  const sipp = (options: Omit<SippOptions, 'target'>) =>
    runSipp({
      target: `127.0.0.1:${options.transport === 'tcp' ? gateway.sip.tcpPort : gateway.sip.udpPort}`,
      ...options,
    });

  async function callsOf(count: number): Promise<readonly Call[]> {
    const answer = await gateway.api<{ items: Call[] }>('GET', `/v1/calls?limit=${count}`);
    expect(answer.status).toBe(200);
    return answer.body.items;
  }

  async function change(method: string, path: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await gateway.api<Record<string, unknown>>(method, path, body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  }

  test.each(['udp', 'tcp'] as const)(
    '20 calls over %s are answered, end with their BYE and have final bills',
    async (transport) => {
      const result = await sipp({
        scenario: 'uac',
        service: ECHO,
        calls: 20,
        callsPerSecond: 20,
        holdMs: 300,
        transport,
      });
      expect(result).toMatchObject({ successful: 20, failed: 0, retransmissions: 0 });
      await expect
        .poll(async () => (await callsOf(20)).map((call) => [call.state, call.endReason, call.bill?.final]))
        .toEqual(Array(20).fill(['ended', 'remote_hangup', true]));
    },
  );

  test('a byoc number costs no telephony, a managed one its first minute', async () => {
    const billed: (number | undefined)[] = [];
    for (const service of [ECHO, BYOC]) {
      expect(await sipp({ scenario: 'uac', service, holdMs: 100 })).toMatchObject({ successful: 1 });
      const last = async () => (await callsOf(1))[0];
      await expect.poll(async () => [(await last())?.to, (await last())?.bill?.final]).toEqual([service, true]);
      billed.push((await last())?.bill?.telephony.billedMs);
    }
    expect(billed).toEqual([60_000, 0]);
  });

  test('a number that does not exist is refused with 404', async () => {
    const replace = { STATUS: '404', TEXT: 'unknown_number' };
    expect(await sipp({ scenario: 'refused.xml', service: '+12025550177', replace })).toMatchObject({ successful: 1 });
  });

  test('a number without an agent is refused with 480', async () => {
    const replace = { STATUS: '480', TEXT: 'number_unassigned' };
    expect(await sipp({ scenario: 'refused.xml', service: UNASSIGNED, replace })).toMatchObject({ successful: 1 });
  });

  test('CANCEL while the agent is being connected ends in 487, costs nothing and leaves no call', async () => {
    const agent = await change('POST', '/v1/agents', {
      workspaceId: 'demo',
      name: 'slow',
      stream: { url: slow.url, protocol: 'twilio' },
      readyTimeoutMs: 10_000,
    });
    await change('PATCH', '/v1/numbers/demo-0102', { agentId: agent['id'] });
    try {
      expect(await sipp({ scenario: 'cancel.xml', service: UNASSIGNED })).toMatchObject({ successful: 1, failed: 0 });
      expect(slow.attempts).toBe(1);
      await expect.poll(async () => (await callsOf(1))[0]?.endReason).toBe('cancelled');
      expect((await callsOf(1))[0]?.bill?.telephony.billedMs ?? 0).toBe(0);
    } finally {
      await change('PATCH', '/v1/numbers/demo-0102', { agentId: null });
    }
  });

  test('an address that no trunk knows is refused with 403 and learns nothing', async () => {
    for (const trunk of ['loopback', 'loopback-byoc'])
      await change('PATCH', `/v1/trunks/${trunk}`, { inbound: { addresses: ['127.0.0.1'] } });
    const replace = { STATUS: '403' };
    const localAddress = '127.0.0.2';
    expect(await sipp({ scenario: 'refused-silently.xml', service: ECHO, localAddress, replace })).toMatchObject({
      successful: 1,
    });
    expect(await sipp({ scenario: 'uac', service: ECHO, holdMs: 50 })).toMatchObject({ successful: 1 });
  });

  test('a call that the API places rings at sipp, is answered, and ends with a bill', async () => {
    const localPort = 15_600 + (process.pid % 400);
    // It is asked by OPTIONS whether it is there, as often as the gateway likes: each is a call of sipp's, too.
    const carrier = startSipp({ scenario: 'carrier.xml', localPort, calls: 1000 });
    const trunk = await change('POST', '/v1/trunks', {
      workspaceId: 'demo',
      kind: 'byoc',
      label: 'carrier',
      inbound: { enabled: false, addresses: [] },
      outbound: {
        enabled: true,
        gateways: [{ host: '127.0.0.1', port: localPort, priority: 1, weight: 1 }],
        transport: 'udp',
        allowedCountries: 'worldwide',
      },
    });
    await change('POST', '/v1/numbers', {
      workspaceId: 'demo',
      e164: '+12025550110',
      provider: 'byoc',
      trunkId: trunk['id'],
      agentId: 'echo',
      supportsInbound: false,
      supportsOutbound: true,
    });
    const call = await change('POST', '/v1/calls', { workspaceId: 'demo', from: '+12025550110', to: '+12025550155' });
    const state = async () => (await gateway.api<Call>('GET', `/v1/calls/${call['id']}`)).body;
    await expect.poll(async () => (await state()).state).toBe('answered');
    await change('POST', `/v1/calls/${call['id']}/hangup`, {});
    await expect.poll(async () => (await state()).bill?.final).toBe(true);
    expect(await state()).toMatchObject({ direction: 'outbound', class: 'byoc', endReason: 'api_hangup' });
    carrier.stop();
    const { successful, failed } = await carrier.done;
    expect(failed).toBe(0);
    expect(successful).toBeGreaterThanOrEqual(1);
  });

  test('nothing of all that is left over', async () => {
    const node = await gateway.api<{ activeCalls: number }>('GET', '/v1/node');
    expect(node.body.activeCalls).toBe(0);
    const workspace = await gateway.api<{ reserved: string }>('GET', '/v1/workspaces/demo');
    expect(Number(workspace.body.reserved)).toBe(0);
    expect(gateway.audit()).toMatchObject({ ok: true });
  });
});
