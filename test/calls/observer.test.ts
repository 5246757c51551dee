import { expect, test } from 'vitest';
import { createCallObserver } from '../../src/calls/observer.ts';
import type { CallRecord } from '../../src/domain/call.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import { createMetrics } from '../../src/observability/metrics.ts';

// The last line of the log about a call tells why it failed, so that nobody needs the API at night.

type Entry = CallRecord['timeline'][number];

function entry(event: string, detail?: Entry['detail']): Entry {
  return { at: 0, offsetMs: 0, event, ...(detail === undefined ? {} : { detail }) };
}

/** What the log says of a call that ended so. */
function logged(reason: Reason, timeline: readonly Entry[]): Record<string, unknown> {
  const lines: Record<string, unknown>[] = [];
  const info = (fields: object) => lines.push({ ...fields });
  const log = { info, warn: info, error: info };
  const call: CallRecord = {
    id: 'call_1',
    createdAt: 0,
    direction: 'outbound',
    from: '+12025550150',
    to: '+12025550160',
    workspaceId: 'demo',
    trunkId: 'trunk_1',
    agentId: null,
    class: 'byoc',
    state: 'ended',
    startedAt: 0,
    ringingAt: null,
    answeredAt: null,
    endedAt: 1,
    endReason: reason,
    sipStatus: 503,
    quality: null,
    timeline,
    bill: null,
  };
  createCallObserver(createMetrics({ processDefaults: false }), log).ended(call, reason, null);
  expect(lines).toHaveLength(1);
  return lines[0] ?? {};
}

test('the log says where a call went and what was answered there, without the words of the carrier', () => {
  const line = logged('carrier_failed', [
    entry('route', { check: 'trunk', result: 'ok', seen: 'trunk "Acme"' }),
    entry('agent_connected', { agentId: 'echo' }),
    entry('inviting', { trunkId: 'trunk_1', gateway: 'sip.example:5060', server: 'udp 192.0.2.1:5060' }),
    entry('rejected', { status: 503, text: 'no such number 2025550160' }),
    entry('ended', { reason: 'carrier_failed' }),
  ]);
  expect(line['trouble']).toEqual([
    { event: 'inviting', trunkId: 'trunk_1', gateway: 'sip.example:5060', server: 'udp 192.0.2.1:5060' },
    { event: 'rejected', status: 503 },
  ]);
});

test('the log says which agent failed and how, and which check of the route', () => {
  const failed = { agentId: 'agent_1', code: 'agent_refused', detail: 'connecting' };
  expect(logged('agent_unreachable', [entry('agent_failed', failed)])['trouble']).toEqual([
    { event: 'agent_failed', ...failed },
  ]);
  const check = { check: 'destination', result: 'failed', seen: '+442071234567 is in GB, trunk "Acme" allows US' };
  expect(logged('destination_not_allowed', [entry('route', check)])['trouble']).toEqual([{ event: 'route', ...check }]);
});

test('an answered call has a line of trouble only where it had trouble', () => {
  expect(logged('remote_hangup', [entry('inviting', { gateway: 'a' }), entry('answered')])).not.toHaveProperty(
    'trouble',
  );
  expect(
    logged('remote_hangup', [entry('answered'), entry('one_way_audio', { missing: 'from_caller' })])['trouble'],
  ).toEqual([{ event: 'one_way_audio', missing: 'from_caller' }]);
});

test('a call that was answered by the second gateway says which was the first', () => {
  const attempts = [
    entry('inviting', { gateway: 'a' }),
    entry('rejected', { status: 503 }),
    entry('inviting', { gateway: 'b' }),
  ];
  expect(logged('remote_hangup', [...attempts, entry('answered')])['trouble']).toEqual([
    { event: 'inviting', gateway: 'a' },
    { event: 'rejected', status: 503 },
    { event: 'inviting', gateway: 'b' },
  ]);
});

test('the trouble of a call is bounded: the newest of it is told', () => {
  const many = Array.from({ length: 60 }, (_, attempt) => entry('rejected', { status: 503, attempt }));
  const { trouble } = logged('carrier_failed', many) as { trouble: { attempt: number }[] };
  expect(trouble).toHaveLength(20);
  expect(trouble.at(-1)?.attempt).toBe(59);
});
