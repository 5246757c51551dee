// The API with accounts at a fake Twilio and a fake Telnyx, over real HTTP.

import { afterEach, expect } from 'vitest';
import type { ApiLimits } from '../../src/providers/api/limits.ts';
import { Stage } from '../providers/stage.ts';
import { API_KEY, type FakeTelnyx, startFakeTelnyx } from '../support/fake-telnyx.ts';
import { ACCOUNT_SID, AUTH_TOKEN, type FakeTwilio, startFakeTwilio } from '../support/fake-twilio.ts';
import type { Answer } from '../http/world.ts';
import { closeShops, shopWorld, type ShopOptions, type ShopWorld } from './shop-world.ts';

export interface AccountWorld extends ShopWorld {
  readonly twilio: FakeTwilio;
  readonly telnyx: FakeTelnyx;
  readonly stage: Stage;
  connect(token: string, provider: 'twilio' | 'telnyx'): Promise<Answer>;
  /** Of an account: `key`, `import`, `provision`, `undo`. */
  act(token: string, accountId: string, what: string, body?: object): Promise<Answer>;
  account(accountId: string): Promise<Answer['body']>;
  /** Until nothing runs any more. */
  settled(accountId: string): Promise<Answer['body']>;
}

const fakes: (FakeTwilio | FakeTelnyx)[] = [];

export const CREDENTIALS = {
  twilio: { provider: 'twilio', accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN },
  telnyx: { provider: 'telnyx', apiKey: API_KEY },
} as const;

/** Of a test file: what the providers' documents say was kept to, and everything is closed. */
export function closeAccounts(): void {
  afterEach(async () => {
    const opened = fakes.splice(0);
    for (const fake of opened) await fake.close();
    const violations = opened.flatMap((fake) => fake.violations);
    if (violations.length > 0) throw new Error(`not as documented:\n${violations.join('\n')}`);
  });
  closeShops();
}

export async function accountWorld(options: ShopOptions = {}, limits: Partial<ApiLimits> = {}): Promise<AccountWorld> {
  const [twilio, telnyx] = await Promise.all([startFakeTwilio(), startFakeTelnyx()]);
  fakes.push(twilio, telnyx);
  const stage = new Stage({ twilio: twilio.urls, telnyx: telnyx.urls }, limits);
  stage.watch(twilio);
  stage.watch(telnyx);
  const shop = await shopWorld({ providers: stage.providers, ...options });
  const { ask } = shop.world;
  const account = async (id: string): Promise<Answer['body']> => (await ask('GET', `/v1/provider-accounts/${id}`)).body;
  return {
    ...shop,
    twilio,
    telnyx,
    stage,
    connect: (token, provider) => ask('POST', '/v1/provider-accounts', { token, body: CREDENTIALS[provider] }),
    act: (token, id, what, body = {}) => ask('POST', `/v1/provider-accounts/${id}/${what}`, { token, body }),
    account,
    async settled(id) {
      await expect
        .poll(async () => (await account(id)).provisioning.running, { timeout: 10_000, interval: 20 })
        .toBe(false);
      return account(id);
    },
  };
}
