import { afterEach } from 'vitest';
import type { ApiLimits } from '../../../src/providers/api/limits.ts';
import type { ProviderAccount } from '../../../src/providers/index.ts';
import { ACCOUNT_SID, AUTH_TOKEN, type FakeTwilio, startFakeTwilio } from '../../support/fake-twilio.ts';
import { Stage, successOf } from '../stage.ts';

export interface TwilioStage {
  readonly twilio: FakeTwilio;
  readonly stage: Stage;
  readonly account: ProviderAccount;
}

const opened: FakeTwilio[] = [];

/** A fake account and an adapter that is connected to it. */
export async function twilioStage(limits: Partial<ApiLimits> = {}): Promise<TwilioStage> {
  const twilio = await startFakeTwilio();
  opened.push(twilio);
  const stage = new Stage({ twilio: twilio.urls }, limits);
  stage.watch(twilio);
  const credentials = { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN };
  return { twilio, stage, account: successOf(stage.providers.openTwilio(credentials)) };
}

/** Of every test: the documents were kept to. */
export function checkDocuments(): void {
  afterEach(async () => {
    const fakes = opened.splice(0);
    for (const fake of fakes) await fake.close();
    const violations = fakes.flatMap((fake) => fake.violations);
    if (violations.length > 0) throw new Error(`not as documented:\n${violations.join('\n')}`);
  });
}
