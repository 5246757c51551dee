import { describe, expect, test } from 'vitest';
import { telnyxError } from '../../support/fake-telnyx/answers.ts';
import { codeOf, failureOf, successOf } from '../stage.ts';
import { checkDocument, telnyxStage } from './stage.ts';

// Connecting a Telnyx account: is the key good for all that follows, and if not, for what is it not?

checkDocument();

describe('a key', () => {
  test('that is good says how much money there is', async () => {
    const { telnyx, account } = await telnyxStage();
    telnyx.addNumber('+12025550100');
    const report = successOf(await account.numbers.check());
    const balance = { amount: 300_000_000_000n, currency: 'USD' };
    expect(report).toEqual({ accountId: null, label: null, balance, notices: [] });
    expect(telnyx.operations).toEqual([
      'GetUserBalance',
      'ListPhoneNumbers',
      'ListConnections',
      'ListOutboundVoiceProfiles',
    ]);
  });

  test('of an empty account, and of one without money, is good with a notice', async () => {
    const { telnyx, account } = await telnyxStage();
    telnyx.state.balance = { balance: '-100.00', available: '0.00', credit: '100.00' };
    const { notices } = successOf(await account.numbers.check());
    expect(notices.map(({ code }) => code)).toEqual(['account_empty', 'balance_empty']);
  });

  test('that may not see the balance is good with a notice', async () => {
    const { telnyx, account } = await telnyxStage();
    telnyx.addNumber('+12025550100');
    telnyx.deny.add('account');
    const report = successOf(await account.numbers.check());
    expect(report.balance).toBeNull();
    expect(report.notices.map(({ code }) => code)).toEqual(['balance_unreadable']);
  });

  test.each([
    ['numbers', 'permission_numbers', 'numbers cannot be fetched'],
    ['connections', 'permission_connections', 'SIP connections'],
    ['voice_profiles', 'permission_voice_profiles', 'outbound voice profiles'],
  ] as const)('without the permission for %s says exactly that', async (area, code, words) => {
    const { telnyx, account } = await telnyxStage();
    telnyx.deny.add(area);
    const failure = failureOf(await account.numbers.check());
    expect(failure).toMatchObject({
      code,
      fault: 'account',
      retry: 'after_change',
      told: { status: 403, code: '10010' },
    });
    expect(failure.advice).toContain(words);
  });

  test('that cannot be one is refused before anything is sent', async () => {
    const { telnyx, stage } = await telnyxStage();
    for (const key of ['', 'short', `KEY${'a'.repeat(20)} with blanks`]) {
      expect(codeOf(stage.providers.openTelnyx(key))).toBe('api_key_invalid');
    }
    expect(telnyx.requests).toEqual([]);
  });

  test('that is wrong is refused', async () => {
    const { stage } = await telnyxStage();
    const wrong = successOf(stage.providers.openTelnyx('KEY0000000000000000_wrong'));
    const failure = failureOf(await wrong.numbers.check());
    expect(failure).toMatchObject({ code: 'credentials_refused', told: { status: 401, code: '10009' } });
  });

  test.each([
    [401, '20001', 'credentials_refused'],
    [401, '20002', 'key_revoked'],
    [401, '20008', 'credentials_refused'],
    [403, '20003', 'permission_numbers'],
    [403, '20012', 'account_inactive'],
    [403, '20013', 'account_blocked'],
    [403, '20014', 'verification_needed'],
    [403, '10038', 'account_tier'],
  ])('refused with %i and %s is %s', async (status, theirs, code) => {
    const { telnyx, account } = await telnyxStage();
    telnyx.fail('ListPhoneNumbers', { kind: 'refuse', answer: telnyxError(status, theirs, 'No.') });
    expect(codeOf(await account.numbers.check())).toBe(code);
  });
});
