// The program. `node src/main.ts --config FILE` runs a gateway; `--check` validates its configuration and exits.
//
// SIGTERM drains: new calls are refused, live ones get until calls.drainDeadlineMs. SIGINT (or a second signal) ends them now,
// each with its bill. Exit codes: 0 stopped in order, 1 failed, 2 configuration or arguments cannot be used.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { banner, tokenNote } from './banner.ts';
import { ConfigError } from './config/errors.ts';
import { loadConfig } from './config/load.ts';
import type { Config } from './config/schema.ts';
import { checkGateway, type Gateway, startGateway } from './gateway.ts';
import { failureWords } from './start-failure.ts';

const ROOT = join(fileURLToPath(import.meta.url), '..', '..');
const USAGE = 'usage: node src/main.ts [--config FILE] [--check]\n';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = readArguments(args);
  if (options === null) return complain(USAGE);
  let config: Config;
  try {
    config = loadConfig({ root: ROOT, file: options.config ?? process.env['CALLIN_CONFIG'] ?? null, env: process.env });
    checkGateway(config, ROOT);
  } catch (error) {
    if (error instanceof ConfigError) return complain(`configuration cannot be used:\n${error.message}\n`);
    throw error;
  }
  if (options.check) {
    process.stdout.write('configuration is valid\n');
    return 0;
  }
  return await run(config);
}

async function run(config: Config): Promise<number> {
  // What is made in dataDir (books, keys, records) is for this user alone.
  process.umask(0o077);
  const stop = stopSignals();
  let gateway: Gateway;
  try {
    gateway = await startGateway(config, { root: ROOT });
  } catch (error) {
    process.stderr.write(`callin: could not start: ${failureWords(error, config)}\n`);
    return 1;
  }
  process.stdout.write(config.demo ? banner(gateway.info) : tokenNote(gateway.info));
  gateway.fatal.then((error) => stop.force(error), stop.force);
  const failure = await stopped(gateway, config, stop);
  if (failure !== null) process.stderr.write(`callin: stopped: ${failureWords(failure, config)}\n`);
  return failure === null ? 0 : 1;
}

async function stopped(gateway: Gateway, config: Config, stop: StopSignals): Promise<Error | null> {
  const failure = await stop.asked;
  const deadlineMs = failure === null && !stop.now ? config.calls.drainDeadlineMs : 0;
  const drained = gateway.drain(deadlineMs).then(() => true);
  if (!(await Promise.race([drained, stop.again.then(() => false)]))) await gateway.drain(0);
  await gateway.close();
  return failure;
}

interface StopSignals {
  /** Resolves when the program is to stop; with the error when a part of it failed. */
  readonly asked: Promise<Error | null>;
  /** Resolves at the second request. */
  readonly again: Promise<void>;
  /** SIGINT: live calls are ended at once. */
  readonly now: boolean;
  force(error: Error): void;
}

function stopSignals(): StopSignals {
  const asked = Promise.withResolvers<Error | null>();
  const again = Promise.withResolvers<void>();
  const signals = {
    asked: asked.promise,
    again: again.promise,
    now: false,
    force: (error: Error) => asked.resolve(error),
  };
  let count = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (signal === 'SIGINT') signals.now = true;
      if (++count > 1) again.resolve();
      asked.resolve(null);
    });
  }
  return signals;
}

function readArguments(args: readonly string[]): { config: string | undefined; check: boolean } | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: 'string' }, check: { type: 'boolean', default: false } },
    });
    return { config: values.config, check: values.check };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return null;
  }
}

function complain(text: string): number {
  process.stderr.write(text);
  return 2;
}
