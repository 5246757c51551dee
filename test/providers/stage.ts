// Adapters with a clock that a test moves: pauses pass at once and are written down, time limits fire when the fake leaves a request hanging.

import { readFileSync } from 'node:fs';
import type { ApiLimits } from '../../src/providers/api/limits.ts';
import {
  createProviders,
  newTrunkRecord,
  type ObservedRequest,
  type Outcome,
  type Provider,
  type ProviderFailure,
  type ProviderSettings,
  type Providers,
  parseProviderSettings,
  type TrunkPlan,
  type TrunkProgress,
  type TrunkRecord,
  type TrunkRun,
} from '../../src/providers/index.ts';
import { API_LIMITS } from '../../src/providers/api/limits.ts';
import { SeededRandom } from '../metering/support/random.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { FakeProvider } from '../support/fake-provider.ts';

const file = new URL('../../config/providers.yaml', import.meta.url);
export const SETTINGS: ProviderSettings = parseProviderSettings(readFileSync(file, 'utf8'), 'providers.yaml');

export interface Urls {
  readonly twilio?: { readonly apiUrl: string; readonly trunkingUrl: string };
  readonly telnyx?: { readonly apiUrl: string };
}

export class Stage {
  readonly clock = new FakeClock();
  /** ms of every pause. */
  readonly waits: number[] = [];
  readonly observed: ObservedRequest[] = [];
  readonly providers: Providers;
  readonly limits: ApiLimits;

  constructor(urls: Urls, limits: Partial<ApiLimits> = {}) {
    this.limits = { ...API_LIMITS, ...limits };
    const random = new SeededRandom(1);
    const deps = {
      clock: this.clock,
      random: () => random.next(),
      limits,
      wait: async (ms: number) => {
        this.waits.push(ms);
        this.clock.advance(ms);
      },
      observe: (request: ObservedRequest) => void this.observed.push(request),
    };
    this.providers = createProviders(deps, {
      twilio: { ...SETTINGS.twilio, ...urls.twilio },
      telnyx: { ...SETTINGS.telnyx, ...urls.telnyx },
    });
  }

  /** Requests that hang end by their time limit. */
  watch(fake: FakeProvider): void {
    fake.onHang = () => this.clock.advance(this.limits.requestTimeoutMs);
  }
}

export const SIP_PASSWORD = 'Correct4HorseBattery';

export function plan(over: Partial<TrunkPlan> = {}): TrunkPlan {
  return {
    reference: 'acct_7k2m',
    gateway: { host: 'sip.edge.example.com', port: 5061, transport: 'tls' },
    mediaEncryption: 'off',
    outbound: { kind: 'credentials', username: 'callinabc123', password: SIP_PASSWORD },
    allowedCountries: ['US', 'CA'],
    numbers: [],
    ...over,
  };
}

/** A caller that stores the record, as the next room will. */
export class Keeping {
  record: TrunkRecord;
  /** Every version that was stored. */
  readonly saved: TrunkRecord[] = [];
  readonly progress: TrunkProgress[] = [];
  /** Called with the number of the save (from 1) before it is stored; throws to play a crash. */
  onSave: (count: number) => void = () => undefined;
  #saves = 0;

  constructor(provider: Provider, reference = plan().reference) {
    this.record = newTrunkRecord(provider, reference);
  }

  run(over: Partial<TrunkRun> = {}): TrunkRun {
    return {
      record: this.record,
      save: async (record) => {
        this.#saves += 1;
        this.onSave(this.#saves);
        // As from a store: nothing that JSON cannot hold.
        this.record = JSON.parse(JSON.stringify(record));
        this.saved.push(this.record);
      },
      progress: (event) => void this.progress.push(event),
      ...over,
    };
  }

  /** `step state` of every event. */
  get told(): string[] {
    return this.progress.map(({ step, state }) => `${step} ${state}`);
  }
}

export function successOf<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new Error(`${outcome.failure.code}: ${outcome.failure.text}; ${outcome.failure.detail}`);
}

export function failureOf(outcome: Outcome<unknown>): ProviderFailure {
  if (!outcome.ok) return outcome.failure;
  throw new Error(`it succeeded: ${JSON.stringify(outcome.value)}`);
}

/** Of a failure, or null where there is none: for tables of cases. */
export function codeOf(outcome: Outcome<unknown>): string | null {
  return outcome.ok ? null : outcome.failure.code;
}
