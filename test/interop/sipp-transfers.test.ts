import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startOnEitherEngine } from '../support/either-engine.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { HAS_SIPP, type RunningSipp, runSipp, type SippOptions, startSipp } from './sipp/run.ts';

// Transfers both ways, redirects and route sets with sipp at the other end, against the whole gateway as a process.

const BYOC = '+12025550101';

interface Call {
  readonly id: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly carrierReason: { readonly q850: number | null } | null;
  readonly timeline: readonly { readonly event: string; readonly detail?: Readonly<Record<string, unknown>> }[];
  readonly bill: { readonly final: boolean } | null;
}

describe.skipIf(!HAS_SIPP)('transfers with sipp (needs: sipp)', () => {
  let gateway: RunningGateway;
  let carrier: RunningSipp | undefined;
  const carrierPort = 15_000 + (process.pid % 300);

  beforeAll(async () => {
    gateway = await startOnEitherEngine();
    // Also asked by OPTIONS: each is a call of sipp's.
    const replace = { FROM: '12025550160', TO: '12025550161' };
    carrier = startSipp({
      scenario: 'redirecting.xml',
      localPort: carrierPort,
      calls: 1000,
      timeoutMs: 120_000,
      replace,
    });
    const gateways = [{ host: '127.0.0.1', port: carrierPort, priority: 1, weight: 1 }];
    await change('PATCH', '/v1/trunks/loopback-byoc', {
      outbound: { enabled: true, gateways, transport: 'udp', allowedCountries: ['US'] },
    });
  });
  afterAll(async () => {
    carrier?.stop();
    if (gateway === undefined) return;
    const node = await gateway.api<{ activeCalls: number }>('GET', '/v1/node');
    expect(node.body.activeCalls).toBe(0);
    expect(gateway.audit()).toMatchObject({ ok: true });
    expect(await gateway.stop()).toBe(0);
  });

  const sipp = (options: Omit<SippOptions, 'target' | 'service'>) =>
    runSipp({ target: `127.0.0.1:${gateway.sip.udpPort}`, service: BYOC, ...options });

  async function change(method: string, path: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await gateway.api<Record<string, unknown>>(method, path, body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  }

  const newest = async () => (await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=1')).body.items[0];
  const recordOf = async (id: string) => (await gateway.api<Call>('GET', `/v1/calls/${id}`)).body;

  /** The next call that is answered and acknowledged. */
  async function answered(): Promise<string> {
    const before = (await newest())?.id;
    let found = '';
    await expect
      .poll(async () => {
        const call = await newest();
        found = call?.id ?? '';
        return call?.id !== before && call?.timeline.some(({ event }) => event === 'confirmed');
      })
      .toBe(true);
    return found;
  }
  async function ended(id: string): Promise<Call> {
    await expect.poll(async () => (await recordOf(id)).bill?.final).toBe(true);
    return await recordOf(id);
  }
  const eventsOf = (call: Call) => call.timeline.map(({ event }) => event);

  test('signalling 16: POST …/transfer: REFER, NOTIFY 100 and 200, our BYE; the record says transferred', async () => {
    const replace = { RESULT: '200 OK', REASON: 'transferred' };
    const running = sipp({ scenario: 'transferred.xml', replace });
    const id = await answered();
    const answer = await gateway.api('POST', `/v1/calls/${id}/transfer`, { to: '+12025550155' });
    expect([answer.status, answer.body]).toEqual([202, { state: 'accepted' }]);
    expect(await running).toMatchObject({ successful: 1, failed: 0 });
    const call = await ended(id);
    expect(call.endReason).toBe('transferred');
    expect(eventsOf(call)).toEqual(
      expect.arrayContaining(['transfer_requested', 'transfer_accepted', 'transfer_done']),
    );
  });

  test('signalling 16: a target that is busy: the record says so, and the call goes on', async () => {
    const replace = { RESULT: '486 Busy Here', REASON: 'api_hangup' };
    const running = sipp({ scenario: 'transferred.xml', replace });
    const id = await answered();
    await change('POST', `/v1/calls/${id}/transfer`, { to: '+12025550155' });
    await expect.poll(async () => eventsOf(await recordOf(id)).includes('transfer_failed')).toBe(true);
    expect((await recordOf(id)).state).toBe('answered');
    await change('POST', `/v1/calls/${id}/hangup`, {});
    expect(await running).toMatchObject({ successful: 1, failed: 0 });
    expect((await ended(id)).endReason).toBe('api_hangup');
  });

  test('signalling 16: a carrier that knows no REFER: 409 to whoever asked, the call goes on to its BYE with Reason', async () => {
    const running = sipp({ scenario: 'transfer-refused.xml' });
    const id = await answered();
    const answer = await gateway.api<{ code: string }>('POST', `/v1/calls/${id}/transfer`, { to: '+12025550155' });
    expect([answer.status, answer.body.code]).toEqual([409, 'transfer_refused']);
    expect(await running).toMatchObject({ successful: 1, failed: 0 });
    expect(await ended(id)).toMatchObject({ endReason: 'remote_hangup', carrierReason: { q850: 16 } });
  });

  test('signalling 16: a REFER of the carrier is declined until its trunk says otherwise', async () => {
    const replace = { TARGET: '+12025550161', REASON: 'transfer_not_allowed' };
    expect(await sipp({ scenario: 'transferring-declined.xml', replace })).toMatchObject({ successful: 1, failed: 0 });
  });

  test('signalling 16: a REFER of the carrier is followed where its trunk says so; to a premium number never', async () => {
    await change('PATCH', '/v1/trunks/loopback-byoc', { carrierTransfer: 'follow' });
    const premium = { TARGET: '+19005550123', REASON: 'destination_not_allowed' };
    expect(await sipp({ scenario: 'transferring-declined.xml', replace: premium })).toMatchObject({ successful: 1 });
    const running = sipp({ scenario: 'transferring.xml', replace: { TARGET: '+12025550161' } });
    const id = await answered();
    expect(await running).toMatchObject({ successful: 1, failed: 0 });
    expect((await recordOf(id)).state).toBe('answered');
    expect(eventsOf(await recordOf(id))).toContain('leg_replaced');
    await change('POST', `/v1/calls/${id}/hangup`, {});
    expect((await ended(id)).endReason).toBe('api_hangup');
  });

  test('signalling 10: a 302 ends the call, or is followed where the trunk says so', async () => {
    const request = { workspaceId: 'demo', from: BYOC, to: '+12025550160' };
    const first = await change('POST', '/v1/calls', request);
    expect((await ended(String(first['id']))).endReason).toBe('rejected');
    await change('PATCH', '/v1/trunks/loopback-byoc', { redirects: 'follow' });
    const second = await change('POST', '/v1/calls', request);
    const id = String(second['id']);
    await expect.poll(async () => (await recordOf(id)).state).toBe('answered');
    expect(eventsOf(await recordOf(id))).toContain('redirected');
    await change('POST', `/v1/calls/${id}/hangup`, {});
    expect((await ended(id)).endReason).toBe('api_hangup');
  });

  test('signalling 17: three Record-Route hops: our BYE goes through all of them', async () => {
    const running = sipp({ scenario: 'record-routed.xml' });
    const id = await answered();
    await change('POST', `/v1/calls/${id}/hangup`, {});
    expect(await running).toMatchObject({ successful: 1, failed: 0 });
    expect(await ended(id)).toMatchObject({ endReason: 'api_hangup', bill: { final: true } });
  });
});
