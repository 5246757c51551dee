import { afterEach } from 'vitest';
import type { ApiLimits } from '../../../src/providers/api/limits.ts';
import type { NumberInventory, ProviderAccount } from '../../../src/providers/index.ts';
import { API_KEY, type FakeTelnyx, startFakeTelnyx } from '../../support/fake-telnyx.ts';
import { Stage, successOf } from '../stage.ts';

export interface TelnyxStage {
  readonly telnyx: FakeTelnyx;
  readonly stage: Stage;
  readonly account: ProviderAccount;
}

const opened: FakeTelnyx[] = [];

/** A fake account and an adapter that is connected to it. */
export async function telnyxStage(limits: Partial<ApiLimits> = {}): Promise<TelnyxStage> {
  const telnyx = await startFakeTelnyx();
  opened.push(telnyx);
  const stage = new Stage({ telnyx: telnyx.urls }, limits);
  stage.watch(telnyx);
  return { telnyx, stage, account: successOf(stage.providers.openTelnyx(API_KEY)) };
}

export interface InventoryStage extends TelnyxStage {
  readonly inventory: NumberInventory;
  readonly connectionId: string;
}

/** Numbers for sale, to be bought onto a connection. */
export async function inventoryStage(limits: Partial<ApiLimits> = {}): Promise<InventoryStage> {
  const made = await telnyxStage(limits);
  const connectionId = made.telnyx.addConnection('managed');
  const inventory = successOf(made.stage.providers.openTelnyxInventory({ apiKey: API_KEY, connectionId }));
  return { ...made, inventory, connectionId };
}

/** Of every test: the document was kept to. */
export function checkDocument(): void {
  afterEach(async () => {
    const fakes = opened.splice(0);
    for (const fake of fakes) await fake.close();
    const violations = fakes.flatMap((fake) => fake.violations);
    if (violations.length > 0) throw new Error(`not as documented:\n${violations.join('\n')}`);
  });
}
