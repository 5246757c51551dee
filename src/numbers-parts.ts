// Numbers as a part of the node: where they are bought, where providers are, and what of it the configuration decides.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { variableOf } from './config/environment.ts';
import { ConfigError, type ConfigProblem } from './config/errors.ts';
import type { Config } from './config/schema.ts';
import type { Directory } from './directory/directory.ts';
import type { Clock } from './domain/clock.ts';
import type { Ids } from './domain/ids.ts';
import { parseMoney } from './domain/money.ts';
import type { Books } from './ledger/books.ts';
import { openNumbers, type Numbers, type NumberTerms } from './numbers/numbers.ts';
import { DEMO_SALES_KIND, keepDemoSales } from './numbers/shop/demo-sales.ts';
import type { Logger } from './observability/logger.ts';
import type { Metrics } from './observability/metrics.ts';
import {
  createProviders,
  DemoInventory,
  type NumberInventory,
  type Providers,
  type ProviderSettings,
  parseProviderSettings,
} from './providers/index.ts';

export interface NumbersParts {
  readonly config: Config;
  readonly root: string;
  readonly directory: Directory;
  readonly books: Books;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly nodeId: string;
  /** As they are listened on; null = off. */
  readonly ports: { readonly sipUdp: number | null; readonly sipTcp: number | null; readonly sipTls?: number | null };
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Of config/demo.yaml. */
const DEMO_TRUNK = 'loopback';
const SIP_PORT = 5060;
const SIPS_PORT = 5061;

/** Relative paths start at `root`. @throws ConfigError */
export function readProviderSettings({ providers, numbers }: Config, root: string): ProviderSettings {
  const problems: ConfigProblem[] = [];
  const wrong = (key: string, reason: string) => void problems.push({ key, variable: variableOf(key), reason });
  if (numbers.inventory === 'telnyx') {
    for (const key of ['apiKey', 'connectionId'] as const) {
      if (numbers.telnyx[key] === '') wrong(`numbers.telnyx.${key}`, 'is needed to sell numbers of Telnyx');
    }
  }
  if (providers.mediaEncryption === 'required' && providers.transport !== 'tls')
    wrong('providers.mediaEncryption', 'keys in clear are no encryption: it needs providers.transport: tls');
  const file = resolve(root, providers.file);
  try {
    const settings = parseProviderSettings(readFileSync(file, 'utf8'), file);
    if (problems.length === 0) return settings;
  } catch (error) {
    wrong('providers.file', (error as Error).message);
  }
  throw new ConfigError(problems);
}

/** What was begun before goes on, beside the start of everything else. */
export async function startNumbers(parts: NumbersParts): Promise<Numbers> {
  const { config, root, directory, books, clock, ids, nodeId, metrics, logger } = parts;
  const providers = createProviders(
    {
      clock,
      random: Math.random,
      observe: ({ provider, code, operation, attempt, status, durationMs }) => {
        metrics.providerRequestsTotal.inc({ provider, code: code ?? 'ok' });
        logger.debug({ provider, operation, attempt, status, code, durationMs }, 'a provider was asked');
      },
    },
    readProviderSettings(config, root),
  );
  const numbers = openNumbers({
    directory,
    books,
    clock,
    ids,
    nodeId,
    randomBytes,
    log: logger,
    providers,
    inventory: openInventory(parts, providers),
    observer: {
      ordered: (result) => metrics.numberOrdersTotal.inc({ result }),
      unpaid: (count) => metrics.numberFeesUnpaid.set(count),
    },
    terms: await termsOf(parts),
  });
  numbers.start();
  return numbers;
}

function openInventory({ config, directory, clock }: NumbersParts, providers: Providers): NumberInventory | null {
  const { inventory, telnyx } = config.numbers;
  const kind = inventory === 'auto' ? (config.demo ? 'demo' : 'off') : inventory;
  if (kind === 'telnyx') {
    const opened = providers.openTelnyxInventory(telnyx);
    if (opened.ok) return opened.value;
    const key = 'numbers.telnyx.apiKey';
    throw new ConfigError([{ key, variable: variableOf(key), reason: opened.failure.text }]);
  }
  if (kind === 'off') return null;
  const sales = keepDemoSales(directory.records(DEMO_SALES_KIND), () => clock.wallMs());
  return new DemoInventory({ sales, currency: config.billing.currency, reserved: [] });
}

async function termsOf({ config, directory, ports }: NumbersParts): Promise<NumberTerms> {
  const { numbers, providers, sip, billing, demo } = config;
  const demoTrunk = demo ? await directory.trunks.get(DEMO_TRUNK) : undefined;
  const listening = { udp: ports.sipUdp, tcp: ports.sipTcp, tls: ports.sipTls ?? null }[providers.transport];
  return {
    currency: billing.currency,
    prices: numbers.prices.map(({ country = null, type = null, setup, monthly }) => ({
      country,
      type,
      setup: parseMoney(setup) ?? 0n,
      monthly: parseMoney(monthly) ?? 0n,
    })),
    trunkId: numbers.trunkId ?? demoTrunk?.id ?? null,
    feeGraceMs: numbers.feeGraceMs,
    gateway: {
      host: sip.externalAddress ?? sip.host,
      port: providers.port ?? listening ?? (providers.transport === 'tls' ? SIPS_PORT : SIP_PORT),
      transport: providers.transport,
      mediaEncryption: providers.mediaEncryption,
    },
    allowedCountries: providers.allowedCountries,
  };
}
