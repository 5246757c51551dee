// `npm run diagnose`: why does it not work? Asks the running gateway for a diagnosis and prints it for people. Exit code 0 = nothing failed,
// 1 = something did, 2 = not done.
//
//   --number +1…     one number
//   --trunk ID       one trunk
//   --workspace ID   everything of one workspace; with nothing at all, every workspace
//   --url            the gateway's API; default: as its configuration says
//   --config         its configuration file, for address and token
//   --json           the API's answers, as one array

import { parseArgs } from 'node:util';
import { type AdminApi, NotDone, openAdminApi } from './admin-api.ts';
import { VERIFICATION_WORKSPACE_ID } from './domain/verification.ts';
import { type PrintedDiagnosis, printDiagnosis } from './diagnose-text.ts';

const USAGE =
  'usage: npm run diagnose -- [--number +1… | --trunk ID | --workspace ID] [--url ADDRESS] [--config FILE] [--json]';
const WORKSPACES_MAX = 50;

const OPTIONS = {
  number: { type: 'string' },
  trunk: { type: 'string' },
  workspace: { type: 'string' },
  url: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

async function main(args: readonly string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isOfArguments = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') ?? false;
    console.error(`diagnose: ${error.message}${isOfArguments ? `\n${USAGE}` : ''}`);
    return 2;
  }
}

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.number !== undefined && values.trunk !== undefined) {
    throw new NotDone('--number and --trunk do not go together');
  }
  const api = openAdminApi(values);
  const diagnoses: PrintedDiagnosis[] = [];
  // One after the other: each asks machines of others, and the gateway lets only a few run at once.
  for (const question of await questionsOf(values, api)) {
    const content = { type: 'application/json', body: JSON.stringify(question) };
    diagnoses.push((await api.ask('POST', '/v1/diagnoses', content)) as PrintedDiagnosis);
  }
  const isColoured = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
  console.log(values.json ? JSON.stringify(diagnoses, null, 2) : textOf(diagnoses, isColoured));
  return diagnoses.some(({ state }) => state === 'failed') ? 1 : 0;
}

function textOf(diagnoses: readonly PrintedDiagnosis[], isColoured: boolean): string {
  if (diagnoses.length === 0) return 'there is no workspace yet: nothing to diagnose';
  return diagnoses.map((diagnosis) => printDiagnosis(diagnosis, isColoured)).join('\n\n');
}

interface Subject {
  readonly number?: string | undefined;
  readonly trunk?: string | undefined;
  readonly workspace?: string | undefined;
}

async function questionsOf({ number, trunk, workspace }: Subject, api: AdminApi): Promise<readonly object[]> {
  const scope = workspace === undefined ? {} : { workspaceId: workspace };
  if (number !== undefined) return [{ ...scope, numberE164: number }];
  if (trunk !== undefined) return [{ ...scope, trunkId: trunk }];
  if (workspace !== undefined) return [scope];
  const page = (await api.ask('GET', `/v1/workspaces?limit=${WORKSPACES_MAX}`)) as {
    readonly items: readonly { readonly id: string }[];
    readonly nextCursor: string | null;
  };
  if (page.nextCursor !== null) {
    throw new NotDone(`there are more than ${WORKSPACES_MAX} workspaces: name one with --workspace`);
  }
  // Nobody calls from the gateway's own workspace.
  return page.items.filter(({ id }) => id !== VERIFICATION_WORKSPACE_ID).map(({ id }) => ({ workspaceId: id }));
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
