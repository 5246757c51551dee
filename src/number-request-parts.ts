// Requests for numbers as a part of the node: what countries ask for, the service, and the sweep that runs by itself.

import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { variableOf } from './config/environment.ts';
import { ConfigError } from './config/errors.ts';
import type { Config } from './config/schema.ts';
import type { Directory } from './directory/directory.ts';
import type { Clock } from './domain/clock.ts';
import type { Ids } from './domain/ids.ts';
import type { Books } from './ledger/books.ts';
import { RequirementFilesError } from './numbers/requests/errors.ts';
import { LIMITS } from './numbers/requests/limits.ts';
import type { NumberRequests } from './numbers/requests/number-requests.ts';
import { createNumberRequests } from './numbers/requests/parts.ts';
import { createRequirements, loadRequirements } from './numbers/requests/requirement-files.ts';
import type { Requirements } from './numbers/requests/requirement.ts';
import type { GrantedNumber } from './numbers/requests/settler.ts';
import { sweepRequests } from './numbers/requests/sweep.ts';
import { repeat } from './numbers/work.ts';
import type { Logger } from './observability/logger.ts';

const DAY_MS = 86_400_000;
const FOLDER_KEY = 'numberRequests.requirements';

export interface NumberRequestOptions {
  readonly config: Config;
  readonly root: string;
  readonly directory: Directory;
  readonly books: Books;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** May be told again. */
  readonly onGranted: (number: GrantedNumber) => Promise<void>;
}

/** @throws ConfigError with the mistakes of all files. */
export function readRequirements({ numberRequests, billing }: Config, root: string): Requirements {
  if (numberRequests.requirements === 'off') return createRequirements([]);
  try {
    return loadRequirements(resolve(root, numberRequests.requirements), billing.currency);
  } catch (error) {
    if (!(error instanceof RequirementFilesError)) throw error;
    throw new ConfigError(
      error.mistakes.map((reason) => ({ key: FOLDER_KEY, variable: variableOf(FOLDER_KEY), reason })),
    );
  }
}

/** What an earlier process began is being brought to its end when this returns. */
export function startNumberRequests(options: NumberRequestOptions): {
  readonly service: NumberRequests;
  close(): Promise<void>;
} {
  const { config, root, clock, logger } = options;
  const requirements = readRequirements(config, root);
  const { service, parts } = createNumberRequests({ ...options, requirements, randomBytes });
  const { keptDays, abandonedDays } = config.numberRequests;
  const times = { keptMs: keptDays * DAY_MS, abandonedMs: abandonedDays * DAY_MS };
  const sweep = async (): Promise<void> => {
    const report = await sweepRequests(service, parts, times, logger);
    if (Object.values(report).some((count) => count > 0)) logger.info({ ...report }, 'number requests were swept');
  };
  const first = sweep().catch((error: unknown) =>
    logger.error({ err: error }, 'the first sweep of number requests failed'),
  );
  const stop = repeat(clock, LIMITS.sweepEveryMs, 'the sweep of number requests', sweep, logger);
  return {
    service,
    async close() {
      await stop();
      await first;
    },
  };
}
