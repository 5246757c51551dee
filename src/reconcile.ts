// `npm run reconcile`: hands a carrier's export to the running gateway and prints its report. The gateway alone owns the books, so a correction
// never comes from anywhere else. Exit code 0 = nothing for a person to do, 1 = differences or rows that cannot be read, 2 = not done.
//
//   --carrier, --trunk, --file   the export, how it is read (a mapping file), and the trunk that it is about
//   --from, --to                 only rows of this range, which the file then covers as a whole (RFC 3339 or a day, UTC)
//   --strict                     one row that cannot be read, and nothing is imported
//   --dry-run                    only tell what would be done
//   --sweep                      instead: look for calls that no carrier has a record of
//   --exceptions                 instead: list what is open
//   --url                        the gateway's API; default: as its configuration says
//   --config                     its configuration file, for address and token

import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { NotDone, openAdminApi } from './admin-api.ts';
import { LIMITS } from './reconciliation/limits.ts';
import { hasDifferences, renderExceptions, renderImport, renderSweep } from './reconcile-report.ts';

const USAGE = `usage: npm run reconcile -- --carrier NAME --trunk ID --file CSV [--from --to] [--strict] [--dry-run]
       npm run reconcile -- --sweep | --exceptions
       each with [--config FILE] [--url ADDRESS]`;
const EXCEPTIONS_SHOWN_MAX = 200;

const OPTIONS = {
  carrier: { type: 'string' },
  trunk: { type: 'string' },
  file: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  strict: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  sweep: { type: 'boolean', default: false },
  exceptions: { type: 'boolean', default: false },
  url: { type: 'string' },
  config: { type: 'string' },
} as const;

async function main(args: readonly string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isOfArguments = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') ?? false;
    console.error(`reconcile: ${error.message}${isOfArguments ? `\n${USAGE}` : ''}`);
    return 2;
  }
}

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.sweep) {
    const { items } = (await openAdminApi(values).ask('POST', '/v1/reconciliations/sweep')) as SweepAnswer;
    console.log(renderSweep(items));
    return items.some(({ report, problem }) => problem !== null || hasDifferences(report)) ? 1 : 0;
  }
  if (values.exceptions) {
    const path = `/v1/reconciliation-exceptions?status=open&limit=${EXCEPTIONS_SHOWN_MAX}`;
    const page = (await openAdminApi(values).ask('GET', path)) as ExceptionsAnswer;
    console.log(renderExceptions(page));
    return page.items.length > 0 ? 1 : 0;
  }
  const { carrier, trunk, file } = values;
  if (carrier === undefined || trunk === undefined || file === undefined) throw new NotDone(USAGE);
  const query = new URLSearchParams({ carrier, trunk, file: basename(file) });
  if (values.from !== undefined) query.set('from', instantOf(values.from, '--from'));
  if (values.to !== undefined) query.set('to', instantOf(values.to, '--to'));
  if (values.strict) query.set('strict', 'true');
  if (values['dry-run']) query.set('dryRun', 'true');
  const content = readExport(file);
  const answer = (await openAdminApi(values).ask('POST', `/v1/reconciliations?${query}`, {
    type: 'text/csv',
    body: new Uint8Array(content),
  })) as ImportAnswer;
  console.log(renderImport(answer));
  return hasDifferences(answer.report) || (answer.report?.rows.bad ?? 0) > 0 ? 1 : 0;
}

type ImportAnswer = Parameters<typeof renderImport>[0];
type SweepAnswer = { readonly items: Parameters<typeof renderSweep>[0] };
type ExceptionsAnswer = Parameters<typeof renderExceptions>[0];

function readExport(file: string): Buffer {
  const { size } = statSync(file);
  if (size > LIMITS.fileBytesMax)
    throw new NotDone(`${file} has ${size} bytes; at most ${LIMITS.fileBytesMax} are taken at once: cut it by day`);
  return readFileSync(file);
}

function instantOf(text: string, option: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new NotDone(`${option}: "${text}" is not a day or an RFC 3339 instant`);
  return new Date(ms).toISOString();
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
