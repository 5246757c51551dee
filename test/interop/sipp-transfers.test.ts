import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startOnEitherEngine } from '../support/either-engine.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { CallRecords, type ToldCall } from './call-records.ts';
import { HAS_SIPP, type RunningSipp, runSipp, type SippOptions, startSipp } from './sipp/run.ts';

// Transfers both ways, redirects and route sets with sipp at the other end, against the whole gateway as a process.

const BYOC = '+12025550101';

describe.skipIf(!HAS_SIPP)('transfers with sipp (needs: sipp)', () => {
  let gateway: RunningGateway;
  let records: CallRecords;
  let carrier: RunningSipp | undefined;
  const carrierPort = 15_000 + (process.pid % 300);

  beforeAll(async () => {
    gateway = await startOnEitherEngine();
    records = new CallRecords(gateway);
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
    await records.nothingIsLeft();
    expect(await gateway.stop()).toBe(0);
  });

  const sipp = (options: Omit<SippOptions, 'target' | 'service'>) =>
    runSipp({ target: `127.0.0.1:${gateway.sip.udpPort}`, service: BYOC, ...options });

  async function change(method: string, path: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await gateway.api<Record<string, unknown>>(method, path, body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  }

  const newest = async () => (await gateway.api<{ items: ToldCall[] }>('GET', '/v1/calls?limit=1')).body.items[0];

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
  const eventsOf = (call: ToldCall) => call.timeline.map(({ event }) => event);

  test('signalling 16: POST …/transfer: REFER, NOTIFY 100 and 200, our BYE; the record says transferred', async () => {
    const replace = { RESULT: '200 OK', REASON: 'transferred' };
    const running = sipp({ scenario: 'transferred.xml', replace });
    const id = await answered();
    const answer = await gateway.api('POST', `/v1/calls/${id}/transfer`, { to: '+12025550155' });
    expect([answer.status, answer.body]).toEqual([202, { state: 'accepted' }]);
    expect(await running).toMatchObject({ successful: 1, failed: 0 });
    const call = await records.final(id);
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
    await expect.poll(async () => eventsOf(await records.of(id)).includes('transfer_failed')).toBe(true);
    expect((await records.of(id)).state).toBe('answered');
    await change('POST', `/v1/calls/${id}/hangup`, {});
    expect(await running).toMatchObject({ successful: 1, failed: 0 });
    expect((await records.final(id)).endReason).toBe('api_hangup');
  });

  test('signalling 16: a carrier that knows no REFER: 409 to whoever asked, the call goes on to its BYE with Reason', async () => {
    const running = sipp({ scenario: 'transfer-refused.xml' });
    const id = await answered();
    const answer = await gateway.api<{ code: string }>('POST', `/v1/calls/${id}/transfer`, { to: '+12025550155' });
    expect([answer.status, answer.body.code]).toEqual([409, 'transfer_refused']);
    expect(await running).toMatchObject({ successful: 1, failed: 0 });
    expect(await records.final(id)).toMatchObject({ endReason: 'remote_hangup', carrierReason: { q850: 16 } });
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
    expect((await records.of(id)).state).toBe('answered');
    expect(eventsOf(await records.of(id))).toContain('leg_replaced');
    await change('POST', `/v1/calls/${id}/hangup`, {});
    expect((await records.final(id)).endReason).toBe('api_hangup');
  });

  test('signalling 10: a 302 ends the call, or is followed where the trunk says so', async () => {
    const request = { workspaceId: 'demo', from: BYOC, to: '+12025550160' };
    const first = await change('POST', '/v1/calls', request);
    expect((await records.final(String(first['id']))).endReason).toBe('rejected');
    await change('PATCH', '/v1/trunks/loopback-byoc', { redirects: 'follow' });
    const second = await change('POST', '/v1/calls', request);
    const id = String(second['id']);
    await expect.poll(async () => (await records.of(id)).state).toBe('answered');
    expect(eventsOf(await records.of(id))).toContain('redirected');
    await change('POST', `/v1/calls/${id}/hangup`, {});
    expect((await records.final(id)).endReason).toBe('api_hangup');
  });

  test('signalling 17: three Record-Route hops: our BYE goes through all of them', async () => {
    const running = sipp({ scenario: 'record-routed.xml' });
    const id = await answered();
    await change('POST', `/v1/calls/${id}/hangup`, {});
    expect(await running).toMatchObject({ successful: 1, failed: 0 });
    expect(await records.final(id)).toMatchObject({ endReason: 'api_hangup', bill: { final: true } });
  });
});
