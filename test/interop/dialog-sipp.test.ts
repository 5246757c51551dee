import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exceptReference } from '../signalling/engine-under-test.ts';
import { startOnEitherEngine } from '../support/either-engine.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { type SlowAgent, startSlowAgent } from '../support/slow-agent.ts';
import { CallRecords, type ToldCall } from './call-records.ts';
import { callOut, change, stopped } from './sipp/carrier.ts';
import { HAS_SIPP, runSipp, type SippOptions, type SippResult } from './sipp/run.ts';

// Offers, answers, reliable responses and races as sipp plays them against the whole gateway: what it sees on the wire (sipp/*.xml), and what
// the record of the call says.

const ECHO = '+12025550100';
const UNASSIGNED = '+12025550102';

let gateway: RunningGateway;
let records: CallRecords;
let slow: SlowAgent;
let places = 0;

async function answeredAndEnded(scenario: `${string}.xml`): Promise<void> {
  const { result, record } = await call(scenario);
  expect(result).toMatchObject({ successful: 1, failed: 0 });
  expect(record).toMatchObject({
    state: 'ended',
    endReason: 'remote_hangup',
    sipStatus: 200,
    bill: { final: true },
  });
}

describe.skipIf(!HAS_SIPP)('dialogs with sipp (needs: sipp)', () => {
  beforeAll(async () => {
    gateway = await startOnEitherEngine({ config: { calls: { holdProbeMs: 5_000 } } });
    records = new CallRecords(gateway);
    slow = await startSlowAgent();
    const agent = await change(gateway, 'POST', '/v1/agents', {
      workspaceId: 'demo',
      name: 'slow',
      stream: { url: slow.url, protocol: 'twilio' },
      readyTimeoutMs: 10_000,
    });
    await change(gateway, 'PATCH', '/v1/numbers/demo-0102', { agentId: agent['id'] });
  });
  afterAll(async () => {
    await slow?.close();
    expect(await gateway?.stop()).toBe(0);
  });

  describe('a caller', () => {
    test.each([
      ['signalling 9: late offer, an INVITE without an offer', 'late-offer.xml'],
      ['signalling 9: late offer, and 100rel demanded', 'late-offer-prack.xml'],
      ['signalling 9: an INVITE with several streams', 'several-media.xml'],
      ['signalling 14: UPDATE', 'update.xml'],
      ['signalling 15: session timer, 422 first', 'session-timer.xml'],
      ['signalling 18: a lost ACK', 'lost-ack.xml'],
    ] as const)('%s: answered, and ended by its BYE', (_, scenario) => answeredAndEnded(scenario));

    exceptReference('33: nothing to a PRACK for another response')(
      'signalling 10: 100rel demanded: answered, and ended by its BYE',
      () => answeredAndEnded('prack.xml'),
    );

    test('signalling 14: hold and resume, four kinds: answered, and told in the timeline', async () => {
      const { result, record } = await call('hold.xml');
      expect(result).toMatchObject({ successful: 1, failed: 0 });
      expect(record).toMatchObject({ state: 'ended', endReason: 'remote_hangup', bill: { final: true } });
      expect(eventsOf(record).filter((event) => event === 'held' || event === 'resumed')).toEqual(
        Array(3).fill(['held', 'resumed']).flat(),
      );
    });

    test('signalling 9: no description in the ACK: BYE with its reason', async () => {
      const { result, record } = await call('late-offer-unanswered.xml');
      expect(result).toMatchObject({ successful: 1, failed: 0 });
      expect(record).toMatchObject({ state: 'ended', endReason: 'bad_offer' });
      expect(record.timeline.map(({ event }) => event)).toContain('answer_refused');
    });

    test('signalling 18: a 200 that is never acknowledged: BYE with its reason after 32 s, flagged for reconciliation', async () => {
      const { result, record } = await call('never-ack.xml', ECHO, 50_000);
      expect(result).toMatchObject({ successful: 1, failed: 0 });
      expect(record).toMatchObject({
        state: 'ended',
        endReason: 'answer_unconfirmed',
        bill: { final: false, telephony: { billedMs: 0 } },
      });
      expect(record.bill?.flags).toEqual(expect.arrayContaining(['answer_unconfirmed', 'needs_reconciliation']));
    }, 60_000);

    test('signalling 14: on hold it is asked whether it is there, and when it no longer knows the call, that is the end', async () => {
      const { result, record } = await call('hold-lost.xml');
      expect(result).toMatchObject({ successful: 1, failed: 0 });
      expect(record).toMatchObject({ state: 'ended', endReason: 'peer_lost' });
    });

    exceptReference('36: it answers 481')(
      'signalling 10: gives up by BYE in the early dialog: cancelled, and costs nothing',
      async () => {
        const { result, record } = await call('early-bye.xml', UNASSIGNED);
        expect(result).toMatchObject({ successful: 1, failed: 0 });
        expect(record).toMatchObject({ state: 'ended', endReason: 'cancelled', sipStatus: 487 });
        expect(record.bill?.telephony.billedMs ?? 0).toBe(0);
      },
    );
  });

  describe('a callee', () => {
    test.each([
      ['signalling 10: early media, 183 and PRACK, another description in the 200', 'callee-early.xml'],
      ['signalling 10: a 200 without description after a 183 with one', 'callee-silent-200.xml'],
      ['signalling 15: 422, and the interval it asks for', 'callee-session-timer.xml'],
      ['signalling 18: a lost BYE', 'callee-loses-bye.xml'],
    ] as const)('%s: answered, and ended through the API', async (_, scenario) => {
      const { carrier, id } = await callOut(gateway, scenario);
      await records.inState(id, 'answered');
      await change(gateway, 'POST', `/v1/calls/${id}/hangup`, {});
      expect(await records.final(id)).toMatchObject({ endReason: 'api_hangup', sipStatus: 200 });
      expect(await stopped(carrier, 2_000)).toMatchObject({ failed: 0 });
    });

    exceptReference('6 (13): the second is left alone')(
      'signalling 10: two answers to a forked INVITE: the first is the call, the second is hung up on',
      async () => {
        const { carrier, id } = await callOut(gateway, 'callee-forked.xml');
        await records.inState(id, 'answered');
        await expect.poll(async () => eventsOf(await records.of(id))).toContain('forked_answer');
        await change(gateway, 'POST', `/v1/calls/${id}/hangup`, {});
        expect(await records.final(id)).toMatchObject({ endReason: 'api_hangup' });
        expect(await stopped(carrier)).toMatchObject({ failed: 0 });
      },
    );

    test('signalling 10: a 200 that crosses our CANCEL: ACK and BYE, one record, and no cost', async () => {
      const { carrier, id } = await callOut(gateway, 'callee-crosses-cancel.xml');
      await records.inState(id, 'ringing');
      await change(gateway, 'POST', `/v1/calls/${id}/hangup`, {});
      const record = await records.final(id);
      expect(record).toMatchObject({ endReason: 'api_cancelled', sipStatus: 487 });
      expect(record.bill?.telephony.billedMs ?? 0).toBe(0);
      expect(await stopped(carrier)).toMatchObject({ failed: 0 });
    });
  });

  exceptReference('it does not tell')('nothing of all that is left over', () => records.nothingIsLeft());
});

/** Each call has a caller of its own, by which its record is found. */
async function call(
  scenario: SippOptions['scenario'],
  service = ECHO,
  timeoutMs = 15_000,
): Promise<{ result: SippResult; record: ToldCall }> {
  const from = `+1202555${String(6000 + ++places)}`;
  const target = `127.0.0.1:${gateway.sip.udpPort}`;
  const result = await runSipp({ scenario, target, service, replace: { CALLER: from }, timeoutMs });
  expect(result.failed, result.errors).toBe(0);
  const record = await records.from(from);
  if (record === undefined) throw new Error('no call came of it');
  return { result, record };
}

const eventsOf = ({ timeline }: ToldCall) => timeline.map(({ event }) => event);
