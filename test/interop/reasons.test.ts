import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REASONS, type Reason } from '../../src/domain/reasons.ts';
import type { CallOptions } from '../../src/phone/outgoing.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { header } from '../../src/phone/sip.ts';
import { startOnEitherEngine } from '../support/either-engine.ts';
import type { RunningGateway } from '../support/gateway.ts';

// One code for why a call was refused or ended, wherever somebody looks: on the wire, in the log, in the metrics, in the timeline, in the API.

const ECHO = '+12025550100';
const UNASSIGNED = '+12025550102';
const NOBODY = '+12025550177';

interface Call {
  readonly id: string;
  readonly from: string;
  readonly endReason: Reason | null;
  readonly sipStatus: number | null;
  readonly timeline: readonly { readonly event: string; readonly detail?: Readonly<Record<string, unknown>> }[];
}

let gateway: RunningGateway;
let phone: Phone;
let callers = 0;

beforeAll(async () => {
  phone = await createPhone({ seed: 21 });
  gateway = await startOnEitherEngine({ config: { media: { firstPacketTimeoutMs: 1_500 } } });
});
afterAll(async () => {
  await phone?.close();
  await gateway?.stop();
});

const nextCaller = () => `+1202555${String(++callers).padStart(4, '0')}`;
const dial = (to: string, from: string, options: CallOptions = {}) =>
  phone.call(`sip:${to}@127.0.0.1:${gateway.sip.udpPort}`, { from, ...options });

async function recordFrom(from: string): Promise<Call> {
  const find = async () => {
    const { body } = await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=20');
    return body.items.find((call) => call.from === from);
  };
  await expect.poll(async () => (await find())?.endReason ?? null, { timeout: 10_000 }).not.toBeNull();
  return (await find()) as Call;
}

/** The same code in the API, timeline, log and metrics; what stood on the wire is given. */
async function isToldEverywhere(from: string, reason: Reason, wire: string): Promise<Call> {
  expect(wire).toContain(`text="${reason}"`);
  const call = await recordFrom(from);
  expect(call.endReason).toBe(reason);
  expect(call.timeline.at(-1)).toMatchObject({ event: 'ended', detail: { reason } });
  const logged = await gateway.waitForLog((record) => record.msg === 'call ended' && record['callId'] === call.id);
  const { result } = REASONS[reason];
  expect(logged).toMatchObject({ reason, result });
  expect(await gateway.metrics()).toMatch(
    new RegExp(
      `^callin_calls_total\\{direction="inbound",class="\\w+",result="${result}",reason="${reason}"\\} [1-9]`,
      'm',
    ),
  );
  return call;
}

describe('signalling 23: one code, on the wire, in the log, the metrics, the timeline and the API', () => {
  test.each([
    ['unknown_number', NOBODY],
    ['number_unassigned', UNASSIGNED],
  ] as const)('a refusal: %s', async (reason, to) => {
    const from = nextCaller();
    const call = await dial(to, from);
    await call.waitFor('ended');
    const { sipStatus } = REASONS[reason];
    expect(call.final?.status).toBe(sipStatus);
    const wire = call.final ? (header(call.final, 'Reason') ?? '') : '';
    expect((await isToldEverywhere(from, reason, wire)).sipStatus).toBe(sipStatus);
  });

  test('an end by the API: api_hangup', async () => {
    const from = nextCaller();
    const call = await dial(ECHO, from);
    await call.waitFor('answered');
    const { body } = await gateway.api<{ items: Call[] }>('GET', '/v1/calls?limit=1');
    await gateway.api('POST', `/v1/calls/${body.items[0]?.id}/hangup`, {});
    const bye = await call.waitForRequest('BYE');
    await isToldEverywhere(from, 'api_hangup', header(bye, 'reason') ?? '');
  });

  test('an end by a timer: media_timeout', async () => {
    const from = nextCaller();
    const call = await dial(ECHO, from, { idle: 'none' });
    await call.waitFor('answered');
    const bye = await call.waitForRequest('BYE', 10_000);
    await isToldEverywhere(from, 'media_timeout', header(bye, 'reason') ?? '');
  });
});
