import { describe, expect, test } from 'vitest';
import type { ConnectRequest, NumberRecord } from '../../../src/providers/index.ts';
import { telnyxError } from '../../support/fake-telnyx/answers.ts';
import { codeOf, failureOf, successOf } from '../stage.ts';
import { checkDocument, telnyxStage } from './stage.ts';

// Importing numbers from Telnyx: listed, connected, and put back where they were.

checkDocument();

const list = { cursor: null, trunkId: null };

describe('listing', () => {
  test('goes page by page, and each number says where its calls go and why it may not be chosen', async () => {
    const { telnyx, account } = await telnyxStage({ pageSize: 3 });
    const ours = telnyx.addConnection('ours');
    telnyx.addNumber('+12025550100');
    telnyx.addNumber('+12025550101', { connection_id: ours, customer_reference: 'Reception' });
    telnyx.addNumber('+12025550102', { connection_id: '1', connection_name: 'Their PBX' });
    telnyx.addNumber('+18445550103', { phone_number_type: 'tollfree', status: 'purchase-pending' });
    telnyx.addNumber('+12025550104', { status: 'port-out-pending', phone_number_type: 'longcode' });
    telnyx.addNumber('+12025550105', { status: 'ported-out' });
    telnyx.addNumber('55501', { phone_number_type: 'shortcode' });
    const first = successOf(await account.numbers.list({ cursor: null, trunkId: ours }));
    const second = successOf(await account.numbers.list({ cursor: first.nextCursor, trunkId: ours }));
    const third = successOf(await account.numbers.list({ cursor: second.nextCursor, trunkId: ours }));
    expect([first.nextCursor, second.nextCursor, third.nextCursor]).toEqual(['2', '3', null]);
    const numbers = [first, second, third].flatMap((page) => page.numbers);
    expect(
      numbers.map(({ e164, type, use, usedBy, refusal }) => [e164, type, use, usedBy, refusal?.code ?? null]),
    ).toEqual([
      ['+12025550100', 'local', 'free', null, null],
      ['+12025550101', 'local', 'ours', null, null],
      ['+12025550102', 'local', 'elsewhere', 'connection Their PBX', null],
      ['+18445550103', 'tollfree', 'free', null, 'number_not_active'],
      ['+12025550104', 'local', 'free', null, null],
    ]);
    expect(numbers[4]?.notices.map(({ code }) => code)).toEqual(['number_porting_out']);
  });

  test('an empty account is said so; so is a key that cannot read numbers', async () => {
    const { telnyx, account } = await telnyxStage();
    expect(successOf(await account.numbers.list(list)).notices.map(({ code }) => code)).toEqual(['account_empty']);
    telnyx.deny.add('numbers');
    expect(codeOf(await account.numbers.list(list))).toBe('permission_numbers');
  });

  test.each(['0', '-1', '1e3', 'x', '99999'])('a cursor that is none of ours is refused: %s', async (cursor) => {
    const { telnyx, account } = await telnyxStage();
    expect(codeOf(await account.numbers.list({ cursor, trunkId: null }))).toBe('request_refused');
    expect(telnyx.requests).toEqual([]);
  });
});

/** Someone who keeps the record. */
function asked(providerId: string, trunkId: string, over: Partial<ConnectRequest> = {}) {
  const saved: NumberRecord[] = [];
  const save = async (record: NumberRecord) => void saved.push(record);
  return { request: { providerId, trunkId, takeOver: false, record: null, save, ...over }, saved };
}

describe('connecting a number', () => {
  test('puts it on the connection, after what was there before is on record', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const { id } = telnyx.addNumber('+12025550100');
    const { request, saved } = asked(id, ours);
    telnyx.onChange = () => expect(saved).toHaveLength(1);
    const connected = successOf(await account.numbers.connect(request));
    const record = { providerId: id, e164: '+12025550100', trunkId: ours, before: { connectionId: '' } };
    expect(connected).toEqual({ record, notices: [] });
    expect(telnyx.state.numbers.get(id).connection_id).toBe(ours);
  });

  test('again changes nothing, and keeps what was before', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const theirs = telnyx.addConnection('theirs');
    const { id } = telnyx.addNumber('+12025550100', { connection_id: theirs });
    const { record } = successOf(await account.numbers.connect(asked(id, ours, { takeOver: true }).request));
    const again = asked(id, ours, { record });
    expect(successOf(await account.numbers.connect(again.request)).record).toEqual(record);
    expect(again.saved).toEqual([]);
    expect(telnyx.changes).toEqual(['UpdatePhoneNumber']);
  });

  test('is only done when the number says so', async () => {
    const { telnyx, account } = await telnyxStage();
    telnyx.state.numberLag = 3;
    const ours = telnyx.addConnection('ours');
    const { id } = telnyx.addNumber('+12025550100');
    successOf(await account.numbers.connect(asked(id, ours).request));
    expect(telnyx.operations.filter((name) => name === 'RetrievePhoneNumber')).toHaveLength(1 + 4);
    telnyx.state.numberLag = 99;
    const slow = telnyx.addNumber('+12025550101');
    expect(codeOf(await account.numbers.connect(asked(slow.id, ours).request))).toBe('setup_differs');
  });

  test('that another system uses wants to be taken over on purpose', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const { id } = telnyx.addNumber('+12025550100', { connection_id: '1', connection_name: 'Their PBX' });
    const failure = failureOf(await account.numbers.connect(asked(id, ours).request));
    expect(failure).toMatchObject({ code: 'number_in_use_elsewhere', detail: 'connection Their PBX' });
    expect(telnyx.changes).toEqual([]);
  });

  test('that is forwarded or translated at Telnyx says so: its calls would never arrive', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const { id } = telnyx.addNumber('+12025550100');
    const voice = telnyx.state.voice.get(id);
    telnyx.state.voice.set(id, {
      ...voice,
      translated_number: '+12025550199',
      call_forwarding: { call_forwarding_enabled: true, forwards_to: '+12025550198', forwarding_type: 'always' },
    });
    const { notices } = successOf(await account.numbers.connect(asked(id, ours).request));
    expect(notices.map(({ code }) => code)).toEqual(['number_forwarded', 'number_translated']);
  });

  test('that is not active, or gone, is refused', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const { id, ...number } = telnyx.addNumber('+12025550100');
    const strange = { data: { ...number, id, status: 'some-new-status' } };
    telnyx.fail('RetrievePhoneNumber', { kind: 'refuse', answer: { status: 200, body: strange } });
    const failure = failureOf(await account.numbers.connect(asked(id, ours).request));
    expect(failure).toMatchObject({ code: 'number_not_active', detail: 'some-new-status' });
    expect(codeOf(await account.numbers.connect(asked('1', ours).request))).toBe('number_not_in_account');
  });

  test('that Telnyx still works on is tried again, but not for ever', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const { id } = telnyx.addNumber('+12025550100');
    const busy = { kind: 'refuse', answer: telnyxError(422, '10036', 'Being processed') } as const;
    telnyx.fail('UpdatePhoneNumber', busy, { times: 2 });
    successOf(await account.numbers.connect(asked(id, ours).request));
    const other = telnyx.addNumber('+12025550101');
    telnyx.fail('UpdatePhoneNumber', busy, { times: 99 });
    expect(codeOf(await account.numbers.connect(asked(other.id, ours).request))).toBe('number_processing');
  });
});

describe('detaching a number', () => {
  test.each(['', null] as const)('that had no connection before takes it off (told as %j)', async (unassignBy) => {
    const { telnyx, account } = await telnyxStage();
    telnyx.state.unassignBy = unassignBy;
    const ours = telnyx.addConnection('ours');
    const { id } = telnyx.addNumber('+12025550100');
    const before = telnyx.snapshot();
    const { record } = successOf(await account.numbers.connect(asked(id, ours).request));
    for (let times = 0; times < 2; times += 1) {
      expect(successOf(await account.numbers.detach({ record, isUnsure: false }))).toEqual({ notices: [] });
      expect(telnyx.snapshot()).toEqual(before);
    }
  });

  test('puts it back on the connection of before, or leaves it without one where that is gone', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const theirs = telnyx.addConnection('theirs');
    const { id } = telnyx.addNumber('+12025550100', { connection_id: theirs });
    const take = async () =>
      successOf(await account.numbers.connect(asked(id, ours, { takeOver: true }).request)).record;
    successOf(await account.numbers.detach({ record: await take(), isUnsure: false }));
    expect(telnyx.state.numbers.get(id).connection_id).toBe(theirs);
    const record = await take();
    telnyx.state.fqdnConnections.delete(theirs);
    const { notices } = successOf(await account.numbers.detach({ record, isUnsure: false }));
    expect(notices.map(({ code }) => code)).toEqual(['restore_incomplete']);
    expect(telnyx.state.numbers.get(id).connection_id).toBeNull();
  });

  test('that was moved by hand, or is gone, is left alone', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const { id } = telnyx.addNumber('+12025550100');
    const { record } = successOf(await account.numbers.connect(asked(id, ours).request));
    telnyx.state.numbers.set(id, { ...telnyx.state.numbers.get(id), connection_id: 'theirs' });
    const before = telnyx.changes.length;
    successOf(await account.numbers.detach({ record, isUnsure: false }));
    telnyx.state.numbers.delete(id);
    successOf(await account.numbers.detach({ record, isUnsure: false }));
    expect(telnyx.changes).toHaveLength(before);
  });

  test('that Telnyx does not let go of is said so', async () => {
    const { telnyx, account } = await telnyxStage();
    const ours = telnyx.addConnection('ours');
    const { id } = telnyx.addNumber('+12025550100');
    const { record } = successOf(await account.numbers.connect(asked(id, ours).request));
    telnyx.fail('UpdatePhoneNumber', { kind: 'refuse', answer: telnyxError(422, '10015', 'No.') }, { times: 9 });
    expect(codeOf(await account.numbers.detach({ record, isUnsure: false }))).toBe('number_not_detachable');
  });
});
