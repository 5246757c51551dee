import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOOKS_FILE } from '../../src/books.ts';
import { createPhone } from '../../src/phone/phone.ts';
import { header } from '../../src/phone/sip.ts';
import { startOnEitherEngine } from '../support/either-engine.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { RawSipPeer } from '../support/raw-sip-peer.ts';
import { startSlowAgent } from '../support/slow-agent.ts';
import { HAS_SIPP, runSipp, startSipp } from './sipp/run.ts';

// Carriers that are particular about who calls and whom, keys that survive a crash, and a node that stops: the whole gateway as a process.

const ECHO = '+12025550100';
const NUMBER = '+4930123456';
/** On a trunk that each test makes. */
const OWN = '+12025550190';

interface CallView {
  readonly id: string;
  readonly state: string;
  readonly from: string;
  readonly to: string;
  readonly endReason: string | null;
  readonly timeline: readonly { readonly event: string; readonly detail?: Readonly<Record<string, unknown>> }[];
}

const freePort = (offset: number) => 14_800 + offset * 100 + (process.pid % 100);

async function place(gateway: RunningGateway, key: string, body: object) {
  const answer = await fetch(`http://127.0.0.1:${gateway.http.port}/v1/calls`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.adminToken}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify({ workspaceId: 'demo', ...body }),
  });
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    body: (await answer.json()) as CallView & { code?: string },
  };
}

async function byocTrunk(gateway: RunningGateway, settings: object, numbers: readonly object[] = []): Promise<string> {
  const made = await gateway.api<{ id: string }>('POST', '/v1/trunks?check=none', {
    workspaceId: 'demo',
    label: 'particular',
    numbers,
    ...settings,
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body.id;
}

function answersInJournal(dataDir: string): unknown {
  const file = new DatabaseSync(join(dataDir, BOOKS_FILE), { readOnly: true });
  try {
    return file.prepare("SELECT COUNT(*) AS answers FROM journal WHERE kind = 'answered'").get()?.['answers'];
  } finally {
    file.close();
  }
}

describe.skipIf(!HAS_SIPP)('signalling 1 and 2 with sipp (needs: sipp)', () => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    gateway = await startOnEitherEngine();
  });
  afterAll(async () => {
    expect(await gateway?.stop()).toBe(0);
  });
  const lastCall = async () => (await gateway.api<{ items: CallView[] }>('GET', '/v1/calls?limit=1')).body.items[0];

  test('the carrier sees its own domain and account, the number preferred and private, national numbers, and the same From to the BYE', async () => {
    const localPort = freePort(0);
    const replace = {
      FROM: '.Anonymous. .sip:anonymous@anonymous.invalid.;tag=',
      PREFERRED: '.Acme GmbH. .sip:0049302345678@ims.carrier.example;user=phone.',
      DIVERSION: '.sip:0049301111111@ims.carrier.example;user=phone.;reason=unconditional',
      URI: '990207654321@',
    };
    const carrier = startSipp({ scenario: 'identity-carrier.xml', localPort, calls: 1000, replace });
    const caller = '+49302345678';
    await byocTrunk(
      gateway,
      {
        outbound: {
          enabled: true,
          gateways: [{ host: '127.0.0.1', port: localPort }],
          allowedCountries: ['DE'],
          username: 'acme',
          password: 's3cret',
          fromDomain: 'ims.carrier.example',
          displayName: 'Acme GmbH',
          identityHeader: 'p_preferred_identity',
          privacy: 'id',
          diversion: '+49301111111',
          userPhone: true,
          authRealm: 'carrier.example',
          numberFormat: 'national',
          callerNumberFormat: '00',
          country: 'DE',
          techPrefix: '99',
        },
      },
      [{ e164: caller, agentId: 'echo' }],
    );
    const call = await place(gateway, 'identity', { from: caller, to: '+49207654321' });
    expect(call.status, JSON.stringify(call.body)).toBe(201);
    const state = async () => (await gateway.api<CallView>('GET', `/v1/calls/${call.body.id}`)).body;
    await expect.poll(async () => (await state()).state).toBe('answered');
    await gateway.api('POST', `/v1/calls/${call.body.id}/hangup`, {});
    await expect.poll(async () => (await state()).endReason).toBe('api_hangup');
    const route = (await state()).timeline
      .filter(({ event }) => event === 'route')
      .map(({ detail }) => detail?.['check']);
    expect(route).toEqual(['caller_id', 'trunk', 'destination', 'gateways']);
    carrier.stop();
    expect(await carrier.done).toMatchObject({ failed: 0, errors: '' });
  });

  test.each([
    ['diversion', 'Diversion', '127.0.0.21'],
    ['p_called_party_id', 'P-Called-Party-ID', '127.0.0.22'],
  ])(
    'every call comes to one line, and %s says which number was dialled',
    async (calledNumberFrom, header, address) => {
      const e164 = `+4930${address.replace(/\D/g, '').padEnd(8, '0')}`;
      await byocTrunk(
        gateway,
        {
          inbound: {
            enabled: true,
            addresses: [address],
            calledNumberFrom,
            callerNumberFrom: 'asserted',
            country: 'DE',
          },
        },
        [{ e164, agentId: 'echo' }],
      );
      const result = await runSipp({
        scenario: 'called-in-header.xml',
        target: `127.0.0.1:${gateway.sip.udpPort}`,
        service: `0${e164.slice(3)}`,
        localAddress: address,
        replace: { HEADER: header },
      });
      expect(result).toMatchObject({ successful: 1, failed: 0 });
      await expect.poll(async () => (await lastCall())?.state).toBe('ended');
      expect(await lastCall()).toMatchObject({ from: NUMBER, to: e164, endReason: 'remote_hangup' });
      expect((await lastCall())?.timeline.find(({ event }) => event === 'caller')?.detail).toEqual({
        source: 'P-Asserted-Identity',
        name: 'Reception',
      });
    },
  );

  test('why a call would leave as it does is told without placing it', async () => {
    const outbound = { enabled: true, gateways: [{ host: '127.0.0.1', port: 9 }], allowedCountries: ['US'] };
    await byocTrunk(gateway, { outbound }, [{ e164: OWN, agentId: 'echo' }]);
    const asked = { direction: 'outbound', workspaceId: 'demo', from: OWN, to: '+12025550155' };
    const { body } = await gateway.api<{ verdict: string; steps: { check: string; seen: string }[] }>(
      'POST',
      '/v1/route-explanations',
      asked,
    );
    expect(body.verdict).toBe('accepted');
    expect(body.steps.map(({ check }) => check)).toEqual(['caller_id', 'trunk', 'destination', 'gateways']);
    const refused = await gateway.api('POST', '/v1/route-explanations', { ...asked, to: '+8816123456789' });
    expect(refused.body).toMatchObject({ verdict: 'refused', reason: 'destination_not_allowed' });
    expect((await gateway.api('POST', '/v1/route-explanations', { from: ECHO, to: ECHO })).status).toBe(422);
  });
});

describe.skipIf(!HAS_SIPP)('signalling 21 with sipp (needs: sipp)', () => {
  test('a node that drains refuses INVITE, OPTIONS and the API with 503 and Retry-After, serves its call, and ends what outlives the deadline with BYE', async () => {
    const gateway = await startOnEitherEngine({ config: { calls: { drainDeadlineMs: 4_000 } } });
    const target = `127.0.0.1:${gateway.sip.udpPort}`;
    const served = startSipp({ scenario: 'uac', target, service: ECHO, holdMs: 2_500 });
    const phone = await createPhone({ seed: 3 });
    const outlived = await phone.call(`sip:${ECHO}@${target}`);
    await outlived.waitFor('answered');
    await expect
      .poll(async () => (await gateway.api<{ activeCalls: number }>('GET', '/v1/node')).body.activeCalls)
      .toBe(2);

    const stopped = gateway.stop();
    await gateway.waitForLog((record) => record.msg === 'draining');
    expect(await runSipp({ scenario: 'drained.xml', target, service: ECHO })).toMatchObject({
      successful: 1,
      failed: 0,
    });
    const placed = await place(gateway, 'while-draining', { from: ECHO, to: '+12025550155' });
    expect([placed.status, placed.retryAfter, placed.body.code]).toEqual([503, '10', 'draining']);
    expect(await served.done).toMatchObject({ successful: 1, failed: 0 });
    const bye = await outlived.waitForRequest('BYE', 8_000);
    expect(header(bye, 'reason')).toContain('drain_deadline');
    await phone.close();
    expect(await stopped).toBe(0);
  }, 30_000);
});

describe('signalling 12: one key is one call, also after kill -9', () => {
  const ROUNDS = 5;

  test('a retry gets the call that was under way, and nobody is dialled for it again', async () => {
    const slow = await startSlowAgent();
    const gateway = await startOnEitherEngine();
    const agent = await gateway.api<{ id: string }>('POST', '/v1/agents', {
      workspaceId: 'demo',
      name: 'slow',
      stream: { url: slow.url, protocol: 'twilio' },
      readyTimeoutMs: 10_000,
    });
    const outbound = { enabled: true, gateways: [{ host: '127.0.0.1', port: 9 }], allowedCountries: ['US'] };
    await byocTrunk(gateway, { outbound }, [{ e164: OWN, agentId: 'echo' }]);
    const body = { from: OWN, to: '+12025550155', agentId: agent.body.id };
    const first = place(gateway, 'slow', body).catch(() => null);
    await expect.poll(() => slow.attempts).toBe(1);
    const live = (await gateway.api<{ items: CallView[] }>('GET', '/v1/calls?limit=1')).body.items[0];
    await gateway.kill();
    expect(await first).toBe(null);
    const again = await startOnEitherEngine({ dataDir: gateway.dataDir });
    const retried = await place(again, 'slow', body);
    expect(retried).toMatchObject({
      status: 201,
      body: { id: live?.id, state: 'ended', endReason: 'crashed_before_answer' },
    });
    const other = await place(again, 'slow', { ...body, to: '+12025550156' });
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused']);
    await again.stop();
    gateway.discard();
    await slow.close();
  }, 30_000);

  test(`killed at ${ROUNDS} moments around the key, no number is dialled twice and every retry is one call`, async () => {
    const carrier = await RawSipPeer.udp();
    let gateway = await startOnEitherEngine();
    await byocTrunk(
      gateway,
      { outbound: { enabled: true, gateways: [{ host: '127.0.0.1', port: carrier.port }], allowedCountries: ['US'] } },
      [{ e164: OWN, agentId: 'echo' }],
    );
    const dialled = (to: string) =>
      new Set(
        carrier.received
          .filter((message) => message.text.startsWith(`INVITE sip:${to}@`))
          .map((message) => message.header('Call-ID')),
      );
    const seen: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const body = { from: OWN, to: `+1202555030${round}` };
      const first = place(gateway, `round-${round}`, body).catch(() => null);
      await new Promise((resolve) => setTimeout(resolve, round * 6));
      await gateway.kill();
      const answered = await first;
      gateway = await startOnEitherEngine({ dataDir: gateway.dataDir });
      const [one, two] = await Promise.all([0, 1].map(() => place(gateway, `round-${round}`, body)));
      expect([one?.status, two?.status]).toEqual([201, 201]);
      expect(two?.body.id).toBe(one?.body.id);
      if (answered?.status === 201) expect(answered.body.id).toBe(one?.body.id);
      await expect.poll(() => dialled(body.to).size + (one?.body.state === 'ended' ? 1 : 0)).toBeGreaterThanOrEqual(1);
      expect(dialled(body.to).size).toBeLessThanOrEqual(1);
      seen.push(one?.body.state === 'ended' ? 'shown' : 'placed');
      await gateway.api('POST', `/v1/calls/${one?.body.id}/hangup`, {});
    }
    expect(seen).toContain('placed');
    await gateway.stop();
    gateway.discard();
    await carrier.close();
  }, 60_000);
});

describe('signalling 22: after kill -9 with live calls', () => {
  test('the other sides get their BYE from the next process, which is ready within 5 s and has their bills', async () => {
    const firstMs = performance.now();
    const gateway = await startGateway();
    const firstReadyMs = performance.now() - firstMs;
    const sip = { udpPort: gateway.sip.udpPort, tcpPort: gateway.sip.tcpPort };
    const target = `127.0.0.1:${sip.udpPort}`;
    const caller = await createPhone({ seed: 11 });
    const callee = await createPhone({ seed: 12 });
    await byocTrunk(
      gateway,
      { outbound: { enabled: true, gateways: [{ host: '127.0.0.1', port: callee.port }], allowedCountries: ['US'] } },
      [{ e164: OWN, agentId: 'echo' }],
    );
    callee.onCall(async (call) => void (await call.answer()));
    const inbound = await caller.call(`sip:${ECHO}@${target}`);
    await inbound.waitFor('answered');
    const over = await caller.call(`sip:${ECHO}@${target}`);
    await over.waitFor('answered');
    await over.bye();
    const placed = await place(gateway, 'lives', { from: OWN, to: '+12025550155' });
    expect(placed.status).toBe(201);
    const outbound = await callee.waitForCall();
    await outbound.waitFor('answered');
    await expect
      .poll(async () => (await gateway.api<CallView>('GET', `/v1/calls/${placed.body.id}`)).body.state)
      .toBe('answered');
    // What was answered less than one write ago may be lost to a kill (case 45).
    await expect.poll(() => answersInJournal(gateway.dataDir)).toBe(3);
    await gateway.kill();

    const startedMs = performance.now();
    const again = await startGateway({ dataDir: gateway.dataDir, config: { sip } });
    const readyMs = performance.now() - startedMs;
    // On a machine that is busy otherwise even the first start takes its time.
    expect(readyMs).toBeLessThan(Math.max(5_000, 2 * firstReadyMs));
    for (const call of [inbound, outbound]) {
      const bye = await call.waitForRequest('BYE', 8_000);
      expect(header(bye, 'reason')).toContain('node_crash');
    }
    await again.waitForLog((record) => record.msg === 'calls that nobody lived for any more were hung up');
    const { body } = await again.api<{ items: CallView[] }>('GET', '/v1/calls?limit=10');
    expect(body.items.map(({ endReason }) => endReason).sort()).toEqual(['node_crash', 'node_crash', 'remote_hangup']);
    const next = await caller.call(`sip:${ECHO}@${target}`);
    await next.waitFor('answered');
    await next.bye();
    await Promise.all([caller.close(), callee.close()]);
    await again.stop();
    gateway.discard();
    console.info(`ready again ${Math.round(readyMs)} ms after kill -9, first start ${Math.round(firstReadyMs)} ms`);
  }, 40_000);
});
