import { expect, test } from 'vitest';
import { createLogger } from '../../src/observability/logger.ts';
import type { Outcome, ProviderAccount } from '../../src/providers/index.ts';
import { API_KEY } from '../support/fake-telnyx.ts';
import { telnyxError } from '../support/fake-telnyx/answers.ts';
import { ACCOUNT_SID, AUTH_TOKEN } from '../support/fake-twilio.ts';
import { twilioError } from '../support/fake-twilio/answers.ts';
import { Keeping, plan, SIP_PASSWORD, type Stage } from './stage.ts';
import { checkDocument, telnyxStage } from './telnyx/stage.ts';
import { checkDocuments, twilioStage } from './twilio/stage.ts';

// Canaries: a provider that repeats in every refusal what it was sent. Nothing of it is in a failure, a record, an event, what is observed, or
// the log of all that.

checkDocument();
checkDocuments();

const BASIC = Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64');
const CANARIES = [AUTH_TOKEN, API_KEY, SIP_PASSWORD, BASIC];

function logged(stage: Stage, keeping: Keeping, outcomes: readonly Outcome<unknown>[]): string {
  const lines: string[] = [];
  const logger = createLogger({ level: 'trace', destination: { write: (line) => void lines.push(line) } });
  for (const outcome of outcomes) logger.warn({ outcome }, outcome.ok ? 'done' : (outcome.failure.detail ?? ''));
  for (const event of [...stage.observed, ...keeping.progress, ...keeping.saved]) logger.info({ event }, 'told');
  const raw = { outcomes, observed: stage.observed, progress: keeping.progress, saved: keeping.saved };
  return lines.join('') + JSON.stringify(raw, (_name, value) => (typeof value === 'bigint' ? String(value) : value));
}

/** Everything that an account can be asked, in a row. */
async function askAll(account: ProviderAccount, keeping: Keeping, providerId: string): Promise<Outcome<unknown>[]> {
  const numbers = [{ providerId, takeOver: true }];
  return [
    await account.trunk.provision(plan({ numbers }), keeping.run()),
    await account.numbers.check(),
    await account.numbers.list({ cursor: null, trunkId: null }),
    await account.trunk.undo(keeping.run()),
  ];
}

const ECHO = `You sent ${CANARIES.join(' and ')}, and ${encodeURIComponent(BASIC)}; password=${SIP_PASSWORD}`;

test.each(['everything', 'SipCredential', 'CreateTrunk'])(
  'Twilio refuses %s with all that it was sent',
  async (what) => {
    const { twilio, stage, account } = await twilioStage();
    const { sid } = twilio.addNumber('+12025550100');
    const operation = what === 'everything' ? /./ : new RegExp(what);
    twilio.fail(operation, { kind: 'refuse', answer: twilioError(400, 20001, ECHO) }, { times: 99 });
    const keeping = new Keeping('twilio');
    const outcomes = await askAll(account, keeping, sid);
    const text = logged(stage, keeping, outcomes);
    expect(outcomes.some(({ ok }) => !ok)).toBe(true);
    expect(text).toContain('[redacted]');
    // The key of another provider is nobody's here to know.
    expect(CANARIES.filter((canary) => canary !== API_KEY && text.includes(canary))).toEqual([]);
  },
);

test.each(['everything', 'FqdnConnection', 'UpdatePhoneNumber'])(
  'Telnyx refuses %s with all that it was sent',
  async (what) => {
    const { telnyx, stage, account } = await telnyxStage();
    const { id } = telnyx.addNumber('+12025550100');
    const operation = what === 'everything' ? /./ : new RegExp(`(?:Create|Update)?${what}`);
    const said = `You sent ${API_KEY} and {"password":"${SIP_PASSWORD}"}`;
    telnyx.fail(operation, { kind: 'refuse', answer: telnyxError(422, '10015', said) }, { times: 99 });
    const keeping = new Keeping('telnyx');
    const outcomes = await askAll(account, keeping, id);
    const text = logged(stage, keeping, outcomes);
    expect(outcomes.some(({ ok }) => !ok)).toBe(true);
    expect(text).toContain('[redacted]');
    expect(CANARIES.filter((canary) => text.includes(canary))).toEqual([]);
  },
);

test('what goes well leaves no secret either: Twilio tells the Auth Token in an answer', async () => {
  const { twilio, stage, account } = await twilioStage();
  const { sid } = twilio.addNumber('+12025550100');
  const keeping = new Keeping('twilio');
  const outcomes = await askAll(account, keeping, sid);
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
  const text = logged(stage, keeping, outcomes);
  expect(CANARIES.filter((canary) => text.includes(canary))).toEqual([]);
});

test('what is observed has no number and no id of the customer in it', async () => {
  const { telnyx, stage, account } = await telnyxStage();
  const { id } = telnyx.addNumber('+12025550100');
  await askAll(account, new Keeping('telnyx'), id);
  const text = JSON.stringify(stage.observed);
  expect(stage.observed.length).toBeGreaterThan(20);
  expect([id, '12025550100', 'acct'].filter((word) => text.includes(word))).toEqual([]);
});
