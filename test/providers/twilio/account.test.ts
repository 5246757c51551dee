import { describe, expect, test } from 'vitest';
import { ACCOUNT_SID, AUTH_TOKEN, TEST_CREDENTIALS } from '../../support/fake-twilio.ts';
import { codeOf, failureOf, successOf } from '../stage.ts';
import { checkDocuments, twilioStage } from './stage.ts';

// Connecting a Twilio account: what a person is told when they paste the wrong thing.

checkDocuments();

describe('an account', () => {
  test('that is good says who it is and how much money it has', async () => {
    const { twilio, account } = await twilioStage();
    twilio.addNumber('+12025550100');
    const report = successOf(await account.numbers.check());
    expect(report).toEqual({
      accountId: ACCOUNT_SID,
      label: 'A customer',
      balance: { amount: 12_340_000_000n, currency: 'USD' },
      notices: [],
    });
    expect(twilio.changes).toEqual([]);
  });

  test.each([
    ['is empty', 'account_empty', {}],
    ['is a trial', 'account_trial', { type: 'Trial' }],
    ['is a subaccount', 'account_subaccount', { ownerSid: `AC${'a'.repeat(32)}` }],
    ['has no money left', 'balance_empty', { balance: '-0.51' }],
  ] as const)('that %s is good, with a notice', async (_name, notice, change) => {
    const { twilio, account } = await twilioStage();
    if (notice !== 'account_empty') twilio.addNumber('+12025550100');
    Object.assign(twilio.state, change);
    const { notices } = successOf(await account.numbers.check());
    expect(notices.map(({ code }) => code)).toEqual([notice]);
    expect(notices[0]?.advice).not.toBe('');
  });

  test('whose balance cannot be read is good all the same', async () => {
    const { twilio, account } = await twilioStage();
    twilio.addNumber('+12025550100');
    twilio.fail('FetchBalance', { kind: 'refuse', answer: { status: 404 } });
    const report = successOf(await account.numbers.check());
    expect(report.balance).toBeNull();
    expect(report.notices.map(({ code }) => code)).toEqual(['balance_unreadable']);
  });
});

describe('refused with its own code and advice:', () => {
  test.each([
    [
      'an API key instead of an Account SID',
      { accountSid: `SK${'a'.repeat(32)}`, authToken: AUTH_TOKEN },
      'account_sid_invalid',
    ],
    [
      'an Account SID with a blank in it',
      { accountSid: `${ACCOUNT_SID} `, authToken: AUTH_TOKEN },
      'account_sid_invalid',
    ],
    ['no token', { accountSid: ACCOUNT_SID, authToken: '' }, 'auth_token_invalid'],
    ['a token of two lines', { accountSid: ACCOUNT_SID, authToken: `${AUTH_TOKEN}\n` }, 'auth_token_invalid'],
  ])('%s, before anything is sent', async (_name, credentials, code) => {
    const { twilio, stage } = await twilioStage();
    expect(codeOf(stage.providers.openTwilio(credentials))).toBe(code);
    expect(twilio.requests).toEqual([]);
  });

  test('a wrong token', async () => {
    const { stage } = await twilioStage();
    const opened = successOf(stage.providers.openTwilio({ accountSid: ACCOUNT_SID, authToken: 'a'.repeat(32) }));
    const failure = failureOf(await opened.numbers.check());
    expect(failure).toMatchObject({ code: 'credentials_refused', retry: 'after_change', fault: 'account' });
    expect(failure.told).toEqual({ status: 401, code: '20003' });
  });

  test('test credentials', async () => {
    const { stage } = await twilioStage();
    const opened = successOf(stage.providers.openTwilio(TEST_CREDENTIALS));
    const failure = failureOf(await opened.numbers.check());
    expect(failure).toMatchObject({ code: 'test_credentials', retry: 'after_change', fault: 'account' });
    expect(failure.advice).toContain('live');
  });

  test.each([
    ['suspended', 'account_suspended'],
    ['closed', 'account_closed'],
  ] as const)('an account that is %s', async (status, code) => {
    const { twilio, account } = await twilioStage();
    twilio.state.status = status;
    expect(codeOf(await account.numbers.check())).toBe(code);
  });

  test('a suspended account that does not even say so', async () => {
    const { twilio, account } = await twilioStage();
    twilio.isLockedOut = true;
    const failure = failureOf(await account.numbers.check());
    expect(failure.code).toBe('credentials_refused');
    expect(failure.advice).toContain('suspended');
  });

  test.each([
    ['account', 'permission_account'],
    ['trunks', 'permission_trunks'],
    ['numbers', 'permission_numbers'],
  ] as const)('a key without %s', async (area, code) => {
    const { twilio, account } = await twilioStage();
    twilio.deny.add(area);
    const failure = failureOf(await account.numbers.check());
    expect(failure).toMatchObject({ code, fault: 'account', told: { status: 403, code: '70051' } });
  });
});
