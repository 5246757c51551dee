import { describe, expect, test } from 'vitest';
import type { AccountNumber, ConnectRequest, NumberPage, NumberRecord } from '../../../src/providers/index.ts';
import { codeOf, failureOf, successOf } from '../stage.ts';
import { checkDocuments, twilioStage } from './stage.ts';

// Importing numbers from Twilio: listed, connected to a trunk, and put back where they were.

checkDocuments();

const list = { cursor: null, trunkId: null };

describe('listing', () => {
  test('goes page by page, and each number says where its calls go', async () => {
    const { twilio, account } = await twilioStage({ pageSize: 2 });
    const ours = twilio.addTrunk('ours.pstn.twilio.com');
    const theirs = twilio.addTrunk('theirs.pstn.twilio.com');
    twilio.addNumber('+12025550100', { voice_url: 'https://demo.twilio.com/welcome/voice/' });
    twilio.addNumber('+12025550101', { trunk_sid: ours, friendly_name: 'Reception' });
    twilio.addNumber('+12025550102', { trunk_sid: theirs });
    twilio.addNumber('+12025550103', { voice_url: 'https://user:secret@pbx.example/in?key=secret' });
    twilio.addNumber('+18445550104', { type: 'toll free', voice_application_sid: `AP${'a'.repeat(32)}` });
    const pages: (readonly AccountNumber[])[] = [];
    let cursor: string | null = null;
    do {
      const page: NumberPage = successOf(await account.numbers.list({ cursor, trunkId: ours }));
      pages.push(page.numbers);
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(pages.map(({ length }) => length)).toEqual([2, 2, 1]);
    const numbers = pages.flat();
    expect(numbers.map(({ e164, use, usedBy }) => [e164, use, usedBy])).toEqual([
      ['+12025550100', 'free', null],
      ['+12025550101', 'ours', null],
      ['+12025550102', 'elsewhere', `trunk ${theirs}`],
      ['+12025550103', 'elsewhere', 'pbx.example'],
      ['+18445550104', 'elsewhere', `application AP${'a'.repeat(32)}`],
    ]);
    expect(numbers[1]).toMatchObject({ label: 'Reception', country: 'US', type: 'local', refusal: null });
    expect(numbers[4]?.type).toBe('tollfree');
  });

  test('an empty account, and one without voice, are said so', async () => {
    const { twilio, account } = await twilioStage();
    expect(successOf(await account.numbers.list(list)).notices.map(({ code }) => code)).toEqual(['account_empty']);
    twilio.addNumber('+12025550100', { capabilities: { voice: false, sms: true, mms: false, fax: false } });
    const page = successOf(await account.numbers.list(list));
    expect(page.notices.map(({ code }) => code)).toEqual(['account_no_voice']);
    expect(page.numbers[0]?.refusal?.code).toBe('number_no_voice');
  });

  test('what is no number is left out, and what cannot be read is no empty account', async () => {
    const { twilio, account } = await twilioStage();
    twilio.addNumber('12345');
    twilio.addNumber('+12025550100');
    expect(successOf(await account.numbers.list(list)).numbers).toHaveLength(1);
    twilio.fail('ListIncomingPhoneNumber', { kind: 'answer', answer: { status: 200, body: {} } }, { times: 9 });
    expect(codeOf(await account.numbers.list(list))).toBe('provider_answer_invalid');
  });

  test.each(['Page=1&Sid=x', 'https://evil.example/', '../../Accounts', 'x', 'a'.repeat(1000)])(
    'a cursor that is none of ours is refused: %s',
    async (cursor) => {
      const { twilio, account } = await twilioStage();
      expect(codeOf(await account.numbers.list({ cursor, trunkId: null }))).toBe('request_refused');
      expect(twilio.requests).toEqual([]);
    },
  );

  test('a next page that leads elsewhere leads nowhere: the request goes to where the first one went', async () => {
    const { twilio, account } = await twilioStage();
    const body = {
      incoming_phone_numbers: [],
      next_page_uri: 'https://evil.example/steal?PageSize=2&Page=1&PageToken=PA1',
    };
    twilio.fail('ListIncomingPhoneNumber', { kind: 'answer', answer: { status: 200, body } });
    const { nextCursor } = successOf(await account.numbers.list(list));
    expect(nextCursor).toBe('PageSize=2&Page=1&PageToken=PA1');
    expect(codeOf(await account.numbers.list({ cursor: nextCursor, trunkId: null }))).toBeNull();
    expect(twilio.operations).toEqual(['ListIncomingPhoneNumber', 'ListIncomingPhoneNumber']);
  });
});

/** Someone who keeps the record. */
function asked(providerId: string, trunkId: string, over: Partial<ConnectRequest> = {}) {
  const saved: NumberRecord[] = [];
  const request: ConnectRequest = {
    providerId,
    trunkId,
    takeOver: false,
    record: null,
    save: async (record) => void saved.push(record),
    ...over,
  };
  return { request, saved };
}

describe('connecting a number', () => {
  test('puts it on the trunk, after what was there before is on record', async () => {
    const { twilio, account } = await twilioStage();
    const trunk = twilio.addTrunk('ours.pstn.twilio.com');
    const { sid } = twilio.addNumber('+12025550100', { voice_url: 'https://demo.twilio.com/welcome/voice/' });
    const { request, saved } = asked(sid, trunk);
    twilio.onChange = () => expect(saved).toHaveLength(1);
    const { record } = successOf(await account.numbers.connect(request));
    expect(twilio.state.numbers.get(sid).trunk_sid).toBe(trunk);
    expect(record).toEqual(saved[0]);
    expect(record).toEqual({
      providerId: sid,
      e164: '+12025550100',
      trunkId: trunk,
      before: {
        trunkSid: '',
        voiceUrl: 'https://demo.twilio.com/welcome/voice/',
        voiceMethod: 'POST',
        voiceApplicationSid: '',
        voiceReceiveMode: 'voice',
      },
    });
  });

  test('twice changes nothing the second time', async () => {
    const { twilio, account } = await twilioStage();
    const trunk = twilio.addTrunk('ours.pstn.twilio.com');
    const { sid } = twilio.addNumber('+12025550100');
    const first = asked(sid, trunk);
    const { record } = successOf(await account.numbers.connect(first.request));
    const again = asked(sid, trunk, { record });
    expect(successOf(await account.numbers.connect(again.request)).record).toEqual(record);
    expect(again.saved).toEqual([]);
    expect(twilio.changes).toEqual(['CreatePhoneNumber']);
  });

  test('that another system uses wants to be taken over on purpose', async () => {
    const { twilio, account } = await twilioStage();
    const trunk = twilio.addTrunk('ours.pstn.twilio.com');
    const { sid } = twilio.addNumber('+12025550100', { voice_url: 'https://pbx.example/in' });
    const failure = failureOf(await account.numbers.connect(asked(sid, trunk).request));
    expect(failure).toMatchObject({ code: 'number_in_use_elsewhere', detail: 'pbx.example', fault: 'request' });
    expect(twilio.changes).toEqual([]);
    successOf(await account.numbers.connect(asked(sid, trunk, { takeOver: true }).request));
    expect(twilio.state.numbers.get(sid).trunk_sid).toBe(trunk);
  });

  test('that carries no calls, or is not there any more, is refused', async () => {
    const { twilio, account } = await twilioStage();
    const trunk = twilio.addTrunk('ours.pstn.twilio.com');
    const mute = twilio.addNumber('+12025550100', { capabilities: { voice: false } });
    expect(codeOf(await account.numbers.connect(asked(mute.sid, trunk).request))).toBe('number_no_voice');
    const gone = asked(`PN${'0'.repeat(32)}`, trunk);
    expect(codeOf(await account.numbers.connect(gone.request))).toBe('number_not_in_account');
    expect(gone.saved).toEqual([]);
  });

  test.each([
    ['the answer is lost', { kind: 'reset', processed: true }],
    ['the request is lost', { kind: 'reset', processed: false }],
    ['it fails after it was done', { kind: 'answer', answer: { status: 500 } }],
    ['the answer never comes', { kind: 'hang', processed: true }],
    ['the answer is half of one', { kind: 'truncate' }],
    [
      'it is asked to slow down',
      { kind: 'refuse', answer: { status: 429, body: { code: 20429, message: 'slow', status: 429 } } },
    ],
  ] as const)('works where %s', async (_name, fault) => {
    const { twilio, account } = await twilioStage();
    const trunk = twilio.addTrunk('ours.pstn.twilio.com');
    const { sid } = twilio.addNumber('+12025550100');
    twilio.fail('CreatePhoneNumber', fault);
    successOf(await account.numbers.connect(asked(sid, trunk).request));
    expect(twilio.state.numbers.get(sid).trunk_sid).toBe(trunk);
    expect(twilio.faultsLeft).toBe(0);
  });

  test('to a trunk that is gone is refused, and the number stays where it was', async () => {
    const { twilio, account } = await twilioStage();
    const { sid } = twilio.addNumber('+12025550100');
    expect(codeOf(await account.numbers.connect(asked(sid, `TK${'0'.repeat(32)}`).request))).toBe('not_found');
    expect(twilio.state.numbers.get(sid).trunk_sid).toBeNull();
  });
});

describe('detaching a number', () => {
  async function connected(over: Record<string, unknown>, limits = {}) {
    const made = await twilioStage(limits);
    const trunk = made.twilio.addTrunk('ours.pstn.twilio.com');
    const former = made.twilio.addTrunk('former.pstn.twilio.com');
    const fields = over['trunk_sid'] === 'former' ? { ...over, trunk_sid: former } : over;
    const { sid } = made.twilio.addNumber('+12025550100', fields);
    const before = structuredClone(made.twilio.state.numbers.get(sid));
    const { record } = successOf(await made.account.numbers.connect(asked(sid, trunk, { takeOver: true }).request));
    const number = () => made.twilio.state.numbers.get(sid);
    return { ...made, record, before, number, former, sid };
  }

  test.each([
    ['nothing', {}],
    ['a URL', { voice_url: 'https://pbx.example/in', voice_method: 'GET' }],
    ['an application', { voice_application_sid: `AP${'a'.repeat(32)}` }],
    ['another trunk', { trunk_sid: 'former', voice_url: 'https://old.example/' }],
  ])('that had %s before puts that back', async (_name, fields) => {
    const { account, record, before, number } = await connected(fields);
    expect(successOf(await account.numbers.detach({ record, isUnsure: false }))).toEqual({ notices: [] });
    expect(number()).toEqual(before);
    expect(successOf(await account.numbers.detach({ record, isUnsure: false }))).toEqual({ notices: [] });
    expect(number()).toEqual(before);
  });

  test('puts voice settings back that the attaching has cleared', async () => {
    const { twilio, account } = await twilioStage();
    twilio.state.attachClearsVoice = true;
    const trunk = twilio.addTrunk('ours.pstn.twilio.com');
    const { sid } = twilio.addNumber('+12025550100', { voice_url: 'https://pbx.example/in' });
    const { record } = successOf(await account.numbers.connect(asked(sid, trunk, { takeOver: true }).request));
    expect(twilio.state.numbers.get(sid).voice_url).toBe('');
    successOf(await account.numbers.detach({ record, isUnsure: false }));
    expect(twilio.state.numbers.get(sid)).toMatchObject({ voice_url: 'https://pbx.example/in', trunk_sid: null });
  });

  test('whose former trunk is gone leaves it unconnected, and says so', async () => {
    const { twilio, account, record, number, former } = await connected({ trunk_sid: 'former' });
    twilio.state.trunks.delete(former);
    const { notices } = successOf(await account.numbers.detach({ record, isUnsure: false }));
    expect(notices.map(({ code }) => code)).toEqual(['restore_incomplete']);
    expect(number().trunk_sid).toBeNull();
  });

  test('that was moved by hand, or is gone, is left alone', async () => {
    const { twilio, account, record, sid, former } = await connected({});
    twilio.addNumber('+12025550199');
    twilio.state.numbers.set(sid, { ...twilio.state.numbers.get(sid), trunk_sid: former });
    const before = twilio.changes.length;
    successOf(await account.numbers.detach({ record, isUnsure: false }));
    twilio.state.numbers.delete(sid);
    successOf(await account.numbers.detach({ record, isUnsure: false }));
    expect(twilio.changes).toHaveLength(before);
  });

  test('that was found on our trunk just leaves it', async () => {
    const { account, record, number } = await connected({ voice_url: 'https://pbx.example/in' });
    successOf(await account.numbers.detach({ record: { ...record, before: null }, isUnsure: false }));
    expect(number()).toMatchObject({ trunk_sid: null, voice_url: 'https://pbx.example/in' });
  });

  test('that Twilio does not let go of is said so', async () => {
    const { twilio, account, record } = await connected({});
    twilio.fail('DeletePhoneNumber', { kind: 'refuse', answer: { status: 204 } }, { times: 9 });
    expect(codeOf(await account.numbers.detach({ record, isUnsure: false }))).toBe('number_not_detachable');
  });
});
