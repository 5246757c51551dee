// Opens accounts at providers. One per process, so that it knows which trunks and orders are being worked on.

import type { ProviderDeps } from './api/client.ts';
import { failed, ok } from './outcome.ts';
import type { NumberInventory, Outcome, ProviderAccount } from './provider.ts';
import type { ProviderSettings } from './settings.ts';
import { isApiKey } from './telnyx/account.ts';
import { TelnyxClient } from './telnyx/client.ts';
import { TelnyxInventory } from './telnyx/inventory.ts';
import { TelnyxNumbers } from './telnyx/numbers.ts';
import { telnyxTrunk } from './telnyx/trunk.ts';
import { TrunkRunner } from './trunk/runner.ts';
import { malformed } from './twilio/account.ts';
import { TwilioClient } from './twilio/client.ts';
import { TwilioNumbers } from './twilio/numbers.ts';
import type { TwilioCredentials } from './twilio/sdk.ts';
import { twilioTrunk } from './twilio/trunk.ts';

export interface Providers {
  /** Fails where the credentials cannot be any; nothing is sent before an account is asked something. */
  openTwilio(credentials: TwilioCredentials): Outcome<ProviderAccount>;
  openTelnyx(apiKey: string): Outcome<ProviderAccount>;
  /** Numbers for sale, bought into this account and put on this connection of it. */
  openTelnyxInventory(options: { readonly apiKey: string; readonly connectionId: string }): Outcome<NumberInventory>;
}

export function createProviders(deps: ProviderDeps, settings: ProviderSettings): Providers {
  const { random } = deps;
  const running = new Set<string>();
  const ordering = new Set<string>();
  return {
    openTwilio(credentials) {
      const problem = malformed(credentials);
      if (problem !== null) return failed('twilio', problem);
      const client = new TwilioClient(settings.twilio, credentials, deps);
      const numbers = new TwilioNumbers(client);
      const recipe = twilioTrunk(client, settings.twilio, numbers);
      return ok({ provider: 'twilio', numbers, trunk: new TrunkRunner({ recipe, random, running }) });
    },
    openTelnyx(apiKey) {
      if (!isApiKey(apiKey)) return failed('telnyx', 'api_key_invalid');
      const client = new TelnyxClient(settings.telnyx, apiKey, deps);
      const numbers = new TelnyxNumbers(client);
      const recipe = telnyxTrunk(client, settings.telnyx, numbers);
      return ok({ provider: 'telnyx', numbers, trunk: new TrunkRunner({ recipe, random, running }) });
    },
    openTelnyxInventory({ apiKey, connectionId }) {
      if (!isApiKey(apiKey)) return failed('telnyx', 'api_key_invalid');
      const client = new TelnyxClient(settings.telnyx, apiKey, deps);
      const numbers = new TelnyxNumbers(client);
      return ok(new TelnyxInventory({ client, numbers, connectionId, ordering }));
    },
  };
}
