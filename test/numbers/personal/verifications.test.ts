import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NumberTaken } from '../../../src/directory/errors.ts';
import type { E164 } from '../../../src/domain/e164.ts';
import type { PersonalNumbers, PersonalView } from '../../../src/numbers/personal/personal-numbers.ts';
import { readNumber } from '../../../src/numbers/personal/personal-numbers.ts';
import { PERSONAL_NUMBERS } from '../../../src/numbers/personal/record.ts';
import { number } from '../../directory/records.ts';
import { CALLER, callerNumber, managedTrunk, MINE, Stage } from './stage.ts';

let stage: Stage;
let service: PersonalNumbers;

beforeEach(async () => {
  stage = await Stage.open();
  service = stage.service();
});
afterEach(() => stage.close());

async function started(workspaceId = 'ws_a', e164: E164 = MINE): Promise<PersonalView> {
  return (await service.start({ workspaceId, e164, requestKey: stage.key() })).view;
}

/** Past every pause, before the code expires, three times. */
const PAUSE_MS = 75_000;
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  );
const stateOf = async (id: string) => (await service.get(id))?.state;

describe('the way to a verified number', () => {
  test('a call with a code, the code entered, a number for outbound calls only', async () => {
    const view = await started();
    expect(view).toMatchObject({
      state: 'pending',
      attemptsLeft: 5,
      callsLeft: 3,
      numberId: null,
      call: { state: 'calling' },
    });
    expect(stage.placed).toMatchObject([{ to: MINE, ticket: stage.announced[0]?.ticket }]);
    expect(stage.code).toMatch(/^\d{6}$/);

    const verified = await service.verify(view.item.id, stage.code);
    const [owned] = await stage.directory.numbers.byE164(MINE);
    expect(verified).toMatchObject({ state: 'verified', numberId: owned?.id, nextCallAt: null, call: null });
    expect(owned).toMatchObject({
      e164: MINE,
      workspaceId: 'ws_a',
      provider: 'personal',
      trunkId: null,
      agentId: null,
      supportsInbound: false,
      supportsOutbound: true,
      status: 'active',
    });
  });

  test('the code is stored as a keyed hash of this verification and this call, and nowhere in clear', async () => {
    const { item } = await started();
    const stored = JSON.stringify(await stage.directory.records(PERSONAL_NUMBERS).list({ limit: 10 }));
    expect(stored).not.toContain(stage.code);
    expect(item.codeHash).toMatch(/^[0-9a-f]{64}$/);
    const other = stage.service({ hashKey: 'another key' });
    expect(await codeOf(other.verify(item.id, stage.code))).toBe('code_wrong');
    expect(JSON.stringify(stage.events)).not.toMatch(new RegExp(`${stage.code}|${MINE.slice(1)}`));
  });

  test('the language is that of the country, or the one that was asked for', async () => {
    await started('ws_a', '+33142345678' as E164);
    await service.start({ workspaceId: 'ws_a', e164: MINE, language: 'it', requestKey: 'k' });
    expect(stage.announced.map(({ language }) => language)).toEqual(['fr', 'it']);
  });

  test('numbers as people write them', () => {
    for (const text of ['+1 202 555-0188', '001 (202) 555 0188', ' 011 1 202.555.0188 ', '+12025550188'])
      expect(readNumber(text)).toBe(MINE);
    for (const text of [
      '2025550188',
      '0171 2345678',
      '+',
      '',
      '+1202555018８',
      '+1202x',
      '+0012025550188',
      'sip:+12025550188@a',
    ])
      expect(readNumber(text)).toBeUndefined();
  });
});

describe('codes', () => {
  test('expire after ten minutes; another call brings another one', async () => {
    const { item } = await started();
    const first = stage.code;
    stage.clock.advance(599_999);
    expect(await stateOf(item.id)).toBe('pending');
    stage.clock.advance(1);
    expect(await service.get(item.id)).toMatchObject({ state: 'expired', attemptsLeft: 0 });
    expect(await codeOf(service.verify(item.id, first))).toBe('code_expired');
    await service.resend(item.id, stage.key());
    expect(await stateOf(item.id)).toBe('pending');
    expect((await service.verify(item.id, stage.code))?.state).toBe('verified');
  });

  test('five wrong ones kill the verification, the right one included; a new one begins with a call', async () => {
    const { item } = await started();
    for (const left of [4, 3, 2, 1]) {
      const wrong = service.verify(item.id, stage.wrongCode);
      await expect(wrong).rejects.toMatchObject({
        code: 'code_wrong',
        message: expect.stringMatching(left === 1 ? /^One/ : `^${left}`),
      });
      expect((await service.get(item.id))?.attemptsLeft).toBe(left);
    }
    expect(await codeOf(service.verify(item.id, stage.wrongCode))).toBe('verification_failed');
    expect(await codeOf(service.verify(item.id, stage.code))).toBe('verification_failed');
    expect(await stateOf(item.id)).toBe('failed');
    expect(await codeOf(service.resend(item.id, stage.key()))).toBe('verification_failed');
    expect(await stage.directory.numbers.byE164(MINE)).toEqual([]);

    stage.clock.advance(PAUSE_MS);
    const again = await started();
    expect([again.item.id, again.attemptsLeft]).toEqual([item.id, 5]);
    expect((await service.verify(item.id, stage.code))?.state).toBe('verified');
  });

  test('another call does not give attempts back, and the code of the call before is void', async () => {
    const { item } = await started();
    const first = stage.code;
    for (let attempt = 0; attempt < 3; attempt++) await codeOf(service.verify(item.id, stage.wrongCode));
    stage.clock.advance(PAUSE_MS);
    const { view } = (await service.resend(item.id, stage.key())) ?? {};
    expect(view).toMatchObject({ attemptsLeft: 2, callsLeft: 2 });
    expect(first).not.toBe(stage.code);
    expect(await codeOf(service.verify(item.id, first))).toBe('code_wrong');
    expect((await service.verify(item.id, stage.code))?.state).toBe('verified');
  });

  test('work once: a replay is refused and changes nothing', async () => {
    const { item } = await started();
    await service.verify(item.id, stage.code);
    expect(await codeOf(service.verify(item.id, stage.code))).toBe('already_verified');
    expect(await codeOf(service.verify(item.id, stage.wrongCode))).toBe('already_verified');
    expect(await stateOf(item.id)).toBe('verified');
    expect(await codeOf(service.resend(item.id, stage.key()))).toBe('already_verified');
  });

  test('hundred guesses at once get five looks', async () => {
    const { item } = await started();
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () => codeOf(service.verify(item.id, stage.wrongCode))),
    );
    expect(outcomes.filter((code) => code === 'code_wrong')).toHaveLength(4);
    expect(outcomes.filter((code) => code === 'verification_failed')).toHaveLength(96);
    const told = stage.events.map(([event]) => event);
    expect(told).toEqual(['called', ...Array(4).fill('wrong_code'), 'failed']);
  });

  test('two right answers at once, from two nodes, make one number', async () => {
    const { item } = await started();
    const nodes = [service, stage.service()];
    const outcomes = await Promise.all(nodes.map((node) => codeOf(node.verify(item.id, stage.code))));
    expect(outcomes.sort()).toEqual(['already_verified', 'ok']);
    expect(await stage.directory.numbers.byE164(MINE)).toHaveLength(1);
  });
});

describe('how often a telephone is rung', () => {
  test('a call at a time: 75 s, two and five minutes in between, four in all', async () => {
    const { item } = await started();
    for (const pauseMs of [75_000, 120_000, 300_000]) {
      stage.clock.advance(pauseMs - 1_000);
      await expect(service.resend(item.id, stage.key())).rejects.toMatchObject({
        code: 'verification_pause',
        retryAfterSec: 1,
      });
      await expect(started()).rejects.toMatchObject({ code: 'verification_pause' });
      stage.clock.advance(1_000);
      await service.resend(item.id, stage.key());
    }
    stage.clock.advance(300_000);
    await expect(service.resend(item.id, stage.key())).rejects.toMatchObject({
      code: 'resend_limit',
      retryAfterSec: 300,
    });
    expect(stage.placed).toHaveLength(4);
    expect(stage.events.filter(([event]) => event === 'limited')).toHaveLength(7);
  });

  test('to start again, or to remove and start, is no way round the limit of the number', async () => {
    let calls = 0;
    for (let round = 0; round < 10; round++) {
      const { item } = await started();
      calls += 1;
      await service.remove(item.id);
      if (calls === 5) break;
    }
    await expect(started()).rejects.toMatchObject({ code: 'verification_limit', retryAfterSec: 86_400 });
    await expect(started('ws_b')).rejects.toMatchObject({ code: 'verification_limit' });
    expect(stage.placed).toHaveLength(5);
    stage.clock.advance(86_400_000);
    await started('ws_b');
  });

  test('a workspace has so many calls a day, to whomever; others are not touched', async () => {
    service = stage.service({ limits: { perWorkspace: 3, perNumber: 5 } });
    for (const last of [1, 2, 3]) await started('ws_a', `+1202555019${last}` as E164);
    expect(await codeOf(started('ws_a', '+12025550194' as E164))).toBe('verification_limit');
    await started('ws_b', '+12025550194' as E164);
  });

  test('no number of requests at once rings more often', async () => {
    const nodes = [service, stage.service()];
    const many = Array.from({ length: 40 }, (_, index) => nodes[index % 2] as PersonalNumbers);
    await Promise.allSettled(
      many.map((node) => node.start({ workspaceId: 'ws_a', e164: MINE, requestKey: stage.key() })),
    );
    expect(stage.placed).toHaveLength(1);
    expect((await service.list({ workspaceId: 'ws_a', limit: 10 })).items).toHaveLength(1);
  });

  test('the same request again is answered and rings nobody', async () => {
    const request = { workspaceId: 'ws_a', e164: MINE, requestKey: 'same' };
    const first = await service.start(request);
    const second = await service.start(request);
    expect([first.repeated, second.repeated, second.view.item.id]).toEqual([false, true, first.view.item.id]);
    stage.clock.advance(PAUSE_MS);
    await service.resend(first.view.item.id, 'again');
    expect((await service.resend(first.view.item.id, 'again'))?.repeated).toBe(true);
    expect((await service.start(request)).repeated).toBe(true);
    expect(stage.placed).toHaveLength(2);
  });
});

describe('whom the operator’s trunks call', () => {
  test.each([
    ['a country that no trunk allows', '+442071234567', 'destination_not_allowed'],
    ['a premium number', '+19005550123', 'destination_not_allowed'],
    ['a satellite network', '+88216123456', 'destination_not_allowed'],
    ['the number that calls', CALLER, 'destination_not_allowed'],
  ])('%s: refused before anything is stored or counted', async (_what, e164, code) => {
    expect(await codeOf(started('ws_a', e164 as E164))).toBe(code);
    expect((await service.list({ limit: 10 })).items).toEqual([]);
    expect([stage.placed, stage.announced]).toEqual([[], []]);
    expect(stage.events.map(([event]) => event)).toEqual(['refused']);
  });

  test('a number without a price is refused, too', async () => {
    stage.priced = false;
    expect(await codeOf(started())).toBe('no_rate');
  });

  test.each([
    ['no number to call from', () => servedWith({ caller: null }), 'not_set_up'],
    ['no trunk that dials out', () => stage.directory.trunks.put(managedTrunk({ enabled: false })), 'no_route'],
    [
      'another trunk than the one that was named',
      () => servedWith({ caller: callerNumber({ trunkId: 'trunk_other' }) }),
      'no_route',
    ],
    ['a node that is full', () => refuseCalls('node_limit'), 'node_limit'],
    ['a code speaker that is gone', () => servedWith({ announce: gone }), 'bundled_agents_failed'],
  ])('%s: unavailable, the reason is for the operator, and nothing is left', async (_what, arrange, reason) => {
    await arrange();
    await expect(started()).rejects.toMatchObject({ code: 'verifications_unavailable', retryAfterSec: 60 });
    expect(stage.events.at(-1)).toMatchObject(['unavailable', { reason }]);
    expect((await service.list({ limit: 10 })).items).toEqual([]);
  });

  test('a second call that could not be placed leaves no code and no pause', async () => {
    const { item } = await started();
    const first = stage.code;
    stage.clock.advance(PAUSE_MS);
    stage.refusal = 'trunk_limit';
    expect(await codeOf(service.resend(item.id, 'second'))).toBe('verifications_unavailable');
    expect(await codeOf(service.verify(item.id, first))).toBe('code_expired');
    stage.refusal = null;
    await service.resend(item.id, 'second');
    expect((await service.verify(item.id, stage.code))?.state).toBe('verified');
  });
});

async function servedWith(over: Parameters<Stage['service']>[0]): Promise<void> {
  service = stage.service(over);
}

async function refuseCalls(reason: Stage['refusal']): Promise<void> {
  stage.refusal = reason;
}

const gone = (): Promise<void> => Promise.reject(Object.assign(new Error('gone'), { code: 'bundled_agents_failed' }));

describe('numbers of others', () => {
  test('of another workspace: the call is made as for any number; only who has the code learns that it is taken', async () => {
    await stage.directory.numbers.put(
      number({ id: 'num_b', e164: MINE, workspaceId: 'ws_b', trunkId: null, agentId: null }),
    );
    const taken = await started();
    const free = await started('ws_a', '+12025550189' as E164);
    const shape = ({ item, ...view }: PersonalView) => ({ ...view, state: item.state, attempts: item.attempts });
    expect(shape(taken)).toEqual(shape(free));

    const code = stage.announced[0]?.code ?? '';
    expect(await codeOf(service.verify(taken.item.id, code))).toBe('verified_elsewhere');
    expect(await service.get(taken.item.id)).toMatchObject({ state: 'taken', numberId: null });
    expect((await stage.directory.numbers.byE164(MINE)).map(({ workspaceId }) => workspaceId)).toEqual(['ws_b']);
    expect(await codeOf(service.verify(taken.item.id, code))).toBe('already_verified');
  });

  test('two workspaces that verify one telephone at once: one gets the number', async () => {
    const a = await started('ws_a');
    const codeOfA = stage.code;
    const b = await started('ws_b');
    const outcomes = await Promise.all([
      codeOf(service.verify(a.item.id, codeOfA)),
      codeOf(service.verify(b.item.id, stage.code)),
    ]);
    expect(outcomes).toEqual(['ok', 'verified_elsewhere']);
    expect(await stage.directory.numbers.byE164(MINE)).toHaveLength(1);
  });

  test('an own number is told of at once, and nobody is called', async () => {
    await stage.directory.numbers.put(number({ id: 'num_a', e164: MINE, trunkId: null, agentId: null }));
    expect(await codeOf(started())).toBe('number_taken');
    expect(stage.placed).toEqual([]);
  });

  test('a workspace sees and touches its own verifications only', async () => {
    const { item } = await started('ws_a');
    expect(await service.get(item.id, 'ws_b')).toBeUndefined();
    expect(await service.verify(item.id, stage.code, 'ws_b')).toBeUndefined();
    expect(await service.resend(item.id, 'k', 'ws_b')).toBeUndefined();
    expect(await service.remove(item.id, 'ws_b')).toBe(false);
    expect((await service.list({ workspaceId: 'ws_b', limit: 10 })).items).toEqual([]);
    expect((await service.verify(item.id, stage.code, 'ws_a'))?.state).toBe('verified');
  });
});

describe('what became of the call', () => {
  test.each([
    ['agent_hangup', 'spoken', /Enter it/],
    ['remote_hangup', 'hung_up', /another call/],
    ['busy', 'busy', /busy/],
    ['no_answer', 'no_answer', /Nobody answered/],
    ['rejected', 'rejected', /blocking/],
    ['carrier_failed', 'failed', /could not be reached/],
    ['agent_lost', 'failed', /another call/],
  ] as const)('%s is %s, with advice', async (reason, state, advice) => {
    const { item } = await started();
    stage.callEnded(reason);
    expect((await service.get(item.id))?.call).toEqual({ state, advice: expect.stringMatching(advice) });
  });

  test('a call on another node is unknown', async () => {
    const { item } = await started();
    stage.records.clear();
    expect((await service.get(item.id))?.call?.state).toBe('unknown');
  });
});

describe('removing', () => {
  test('a verification hangs up its call; a verified number leaves the workspace and can be verified again', async () => {
    const { item } = await started();
    expect(await service.remove(item.id, 'ws_a')).toBe(true);
    expect(stage.hungUp).toEqual(['call_1']);
    expect(await service.verify(item.id, stage.code)).toBeUndefined();

    const again = await started();
    await service.verify(again.item.id, stage.code);
    expect(await service.remove(again.item.id)).toBe(true);
    expect(await stage.directory.numbers.byE164(MINE)).toEqual([]);
    expect(await service.remove(again.item.id)).toBe(false);
    const other = await started('ws_b');
    expect((await service.verify(other.item.id, stage.code))?.state).toBe('verified');
  });

  test('a number that was detached as a number shows, and is verified anew', async () => {
    const { item } = await started();
    const verified = await service.verify(item.id, stage.code);
    await stage.directory.numbers.delete(verified?.numberId ?? '');
    expect(await service.get(item.id)).toMatchObject({ state: 'removed', numberId: null });
    stage.clock.advance(PAUSE_MS);
    expect((await started()).item.id).toBe(item.id);
    expect((await service.verify(item.id, stage.code))?.state).toBe('verified');
  });
});

describe('a node that dies between the right code and the number', () => {
  const failing = (times: number) => {
    let left = times;
    const { numbers } = stage.directory;
    const directory = {
      ...stage.directory,
      numbers: {
        ...numbers,
        put: async (item: Parameters<typeof numbers.put>[0]) => {
          left -= 1;
          if (left >= 0) throw new Error('the store is away');
          return await numbers.put(item);
        },
      },
    };
    return stage.service({ directory });
  };

  test('is finished at the next start, once', async () => {
    const { item } = await started();
    expect(await codeOf(failing(1).verify(item.id, stage.code))).toBeUndefined();
    expect((await service.list({ limit: 1 })).items[0]?.state).toBe('confirmed');
    expect(await stage.service().recover()).toBe(1);
    expect(await stage.service().recover()).toBe(0);
    expect(await stateOf(item.id)).toBe('verified');
    expect(await stage.directory.numbers.byE164(MINE)).toHaveLength(1);
  });

  test('or by whoever looks', async () => {
    const { item } = await started();
    await codeOf(failing(1).verify(item.id, stage.code));
    expect(await service.get(item.id)).toMatchObject({ state: 'verified' });
  });

  test('and does not take what another workspace got meanwhile', async () => {
    const { item } = await started();
    await codeOf(failing(1).verify(item.id, stage.code));
    await stage.directory.numbers.put(
      number({ id: 'num_b', e164: MINE, workspaceId: 'ws_b', trunkId: null, agentId: null }),
    );
    await stage.service().recover();
    expect(await stateOf(item.id)).toBe('taken');
    await expect(
      stage.directory.numbers.put(number({ id: 'x', e164: MINE, trunkId: null, agentId: null })),
    ).rejects.toThrow(NumberTaken);
  });
});
