// The room of numbers with its real parts, on a clock that a test moves, at providers that are fakes on loopback or at nobody's address.

import { randomBytes } from 'node:crypto';
import type { Directory } from '../../src/directory/directory.ts';
import { createIds } from '../../src/domain/ids.ts';
import type { Books } from '../../src/ledger/books.ts';
import { openNumbers, type Numbers, type NumberTerms } from '../../src/numbers/numbers.ts';
import { DEMO_SALES_KIND, keepDemoSales } from '../../src/numbers/shop/demo-sales.ts';
import { DemoInventory, type NumberInventory, type Providers } from '../../src/providers/index.ts';
import { Stage } from '../providers/stage.ts';
import type { FakeClock } from '../support/fake-clock.ts';

export interface TestNumbersOptions {
  readonly directory: Directory;
  readonly books: Books;
  readonly clock: FakeClock;
  readonly nodeId?: string;
  /** Default: the demo's. */
  readonly inventory?: NumberInventory | null;
  /** Default: those of nobody: nothing answers. */
  readonly providers?: Providers;
  readonly terms?: Partial<NumberTerms>;
}

/** Discards: nothing listens on it. */
const NOBODY = 'http://127.0.0.1:9';

export const TERMS: NumberTerms = {
  currency: 'USD',
  prices: [],
  trunkId: null,
  feeGraceMs: 7 * 86_400_000,
  gateway: { host: 'sip.edge.example.com', port: 5060, transport: 'udp', mediaEncryption: 'off' },
  allowedCountries: ['US', 'CA'],
};

/** What is said to operators is in `said`. */
export function openTestNumbers(options: TestNumbersOptions): Numbers & { readonly said: string[] } {
  const { directory, books, clock, nodeId = 'node-1', terms = {} } = options;
  const said: string[] = [];
  const say = (fields: object, message: string) => void said.push(`${message} ${JSON.stringify(fields)}`);
  const urls = { twilio: { apiUrl: NOBODY, trunkingUrl: NOBODY }, telnyx: { apiUrl: NOBODY } };
  const numbers = openNumbers({
    directory,
    books,
    clock,
    ids: createIds(randomBytes),
    randomBytes,
    log: { info: say, warn: say, error: say },
    nodeId,
    providers: options.providers ?? new Stage(urls, { attemptsMax: 1 }).providers,
    inventory: options.inventory === undefined ? demoInventory(directory, clock) : options.inventory,
    observer: { ordered: () => undefined, unpaid: () => undefined },
    terms: { ...TERMS, ...terms },
  });
  return Object.assign(numbers, { said });
}

export function demoInventory(directory: Directory, clock: FakeClock): NumberInventory {
  const sales = keepDemoSales(directory.records(DEMO_SALES_KIND), () => clock.wallMs());
  return new DemoInventory({ sales, currency: 'USD', reserved: [] });
}
