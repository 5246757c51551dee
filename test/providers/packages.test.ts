import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { E164 } from '../../src/domain/e164.ts';
import type { NumberRecord } from '../../src/providers/index.ts';
import { API_KEY } from '../support/fake-telnyx.ts';
import { ACCOUNT_SID, AUTH_TOKEN } from '../support/fake-twilio.ts';
import { failureOf, successOf } from './stage.ts';
import { checkDocument, telnyxStage } from './telnyx/stage.ts';
import { checkDocuments, twilioStage } from './twilio/stage.ts';

// The providers' packages under our adapters: what of their own ways must not come through.

checkDocument();
checkDocuments();
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const list = { cursor: null, trunkId: null };

test('what the environment says to the packages changes nothing: no other host, key or token, nothing printed', async () => {
  const printed = (['log', 'debug', 'info', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name));
  const environment = {
    TELNYX_BASE_URL: 'https://evil.example/v2',
    TELNYX_API_KEY: 'KEY_of_somebody_else',
    TELNYX_CLIENT_ID: 'client',
    TELNYX_CLIENT_SECRET: 'secret',
    TELNYX_LOG: 'debug',
    TWILIO_ACCOUNT_SID: `AC${'9'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: '9'.repeat(32),
    TWILIO_EDGE: 'sydney',
    TWILIO_REGION: 'au1',
    TWILIO_LOG_LEVEL: 'debug',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const telnyx = await telnyxStage();
  telnyx.telnyx.addNumber('+12025550100');
  expect(successOf(await telnyx.account.numbers.list(list)).numbers).toHaveLength(1);
  expect(telnyx.telnyx.operations).toEqual(['ListPhoneNumbers']);
  const twilio = await twilioStage();
  twilio.twilio.addNumber('+12025550100');
  expect(successOf(await twilio.account.numbers.list(list)).numbers).toHaveLength(1);
  expect(printed.map((spy) => spy.mock.calls)).toEqual([[], [], [], [], []]);
});

describe('an id names nothing but itself', () => {
  const ids = ['../Balance', 'PN1?PageSize=1', 'PN1#', '%2e%2e', 'PN1/../..', 'PN 1'];

  test.each(ids)('at Twilio: %s', async (providerId) => {
    const { twilio, account } = await twilioStage();
    const request = { providerId, trunkId: 'TK1', takeOver: true, record: null, save: async () => undefined };
    expect(failureOf(await account.numbers.connect(request)).code).toBe('number_not_in_account');
    expect(twilio.operations).toEqual(['FetchIncomingPhoneNumber']);
    // It is no id of theirs: their document says so.
    expect(twilio.violations.splice(0).every((violation) => violation.includes('path Sid'))).toBe(true);
  });

  test.each(ids)('at Telnyx: %s', async (providerId) => {
    const { telnyx, account } = await telnyxStage();
    const request = { providerId, trunkId: '1', takeOver: true, record: null, save: async () => undefined };
    expect(failureOf(await account.numbers.connect(request)).code).toBe('number_not_in_account');
    expect(telnyx.operations).toEqual(['RetrievePhoneNumber']);
  });

  test.each(['', '.', '..'])('what is none asks nothing: "%s"', async (providerId) => {
    const { twilio, account } = await twilioStage();
    const trunk = twilio.addTrunk('ours.pstn.twilio.com');
    const { sid } = twilio.addNumber('+12025550100', { trunk_sid: trunk });
    const record: NumberRecord = { providerId: sid, e164: '+12025550100' as E164, trunkId: providerId, before: null };
    const request = { providerId: sid, trunkId: providerId, takeOver: true, record, save: async () => undefined };
    const failure = failureOf(await account.numbers.connect(request));
    expect(failure).toMatchObject({ code: 'setup_invalid', effect: 'none' });
    expect(twilio.changes).toEqual([]);
  });
});

test('the packages are loaded with the first request to an account, and not before', () => {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ resolve(specifier, context, next) {
      if (specifier === 'twilio' || specifier === 'telnyx') loaded.add(specifier);
      return next(specifier, context);
    } });
    const { createProviders } = await import('./src/providers/index.ts');
    const base = 'http://127.0.0.1:1';
    const clock = { monotonicMs: () => 0, wallMs: () => 0, setTimer: () => ({ cancel() {} }) };
    const deps = { clock, random: Math.random, limits: { attemptsMax: 1 } };
    const providers = createProviders(deps, {
      twilio: { apiUrl: base, trunkingUrl: base, terminationDomain: 'pstn.twilio.com', signalling: [] },
      telnyx: { apiUrl: base, region: 'US', outboundHost: 'sip.telnyx.com', signalling: [] },
    });
    const accounts = [
      providers.openTwilio({ accountSid: '${ACCOUNT_SID}', authToken: '${AUTH_TOKEN}' }),
      providers.openTelnyx('${API_KEY}'),
    ];
    const steps = [[...loaded]];
    for (const { value } of accounts) {
      const { failure } = await value.numbers.list({ cursor: null, trunkId: null });
      steps.push([failure.code, ...loaded]);
    }
    console.log(JSON.stringify(steps));
  `;
  const cwd = join(import.meta.dirname, '..', '..');
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { cwd });
  expect(`${stderr}`).toBe('');
  expect(JSON.parse(`${stdout}`)).toEqual([
    [],
    ['provider_unreachable', 'twilio'],
    ['provider_unreachable', 'twilio', 'telnyx'],
  ]);
});
