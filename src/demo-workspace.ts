// config/demo.yaml -> an empty store. Runs at every start with `demo: true`; after the first one it only points the bundled
// agents at the port they listen on now.

import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Ajv } from 'ajv';
import { parse as parseYaml } from 'yaml';
import type { Agent, PhoneNumber, Trunk, Workspace } from './domain/directory.ts';
import { isE164 } from './domain/e164.ts';
import { parseMoney } from './domain/money.ts';
import type { Directory } from './directory/directory.ts';
import type { Books } from './ledger/books.ts';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

const demoSchema = Type.Object({
  workspace: Type.Object({
    id: Type.String(),
    name: Type.String(),
    billingMode: Type.Union([Type.Literal('prepaid'), Type.Literal('postpaid')]),
    balance: Type.String(),
    limits: Type.Object({
      concurrentCalls: nullable(Type.Integer()),
      callsPerSecond: nullable(Type.Integer()),
      spendPerHour: Type.Null(),
      spendPerDay: Type.Null(),
    }),
  }),
  agents: Type.Array(
    Type.Object({
      id: Type.String(),
      name: Type.String(),
      bundled: Type.Union([Type.Literal('echo'), Type.Literal('speaker')]),
    }),
  ),
  trunks: Type.Array(
    Type.Object({
      id: Type.String(),
      kind: Type.Union([Type.Literal('managed'), Type.Literal('byoc')]),
      label: Type.String(),
      addresses: Type.Array(Type.String()),
    }),
  ),
  numbers: Type.Array(
    Type.Object({
      id: Type.String(),
      e164: Type.String(),
      provider: Type.Union([Type.Literal('managed'), Type.Literal('byoc')]),
      trunkId: Type.String(),
      agentId: nullable(Type.String()),
    }),
  ),
});

type Demo = Static<typeof demoSchema>;

export interface DemoParts {
  readonly file: string;
  readonly directory: Directory;
  readonly books: Books;
  readonly agentUrls: Readonly<Record<'echo' | 'speaker', string>>;
  readonly agentToken: string;
  readonly nowMs: number;
}

/** Where the bundled agents of this node are, by the id of the agent that is spoken with there. */
export type BundledUrls = Readonly<Record<string, string>>;

/** Nodes that share a directory have bundled agents of their own each: whoever asks this node for one of the demo is led to this node's. */
export function withOwnAgents(directory: Directory, urls: () => BundledUrls): Directory {
  const { agents } = directory;
  return {
    ...directory,
    agents: {
      ...agents,
      async get(id, workspaceId) {
        const agent = await agents.get(id, workspaceId);
        const url = urls()[id];
        const isBundled = agent !== undefined && url !== undefined && isOurs(agent, new URL(url).pathname);
        return isBundled ? { ...agent, stream: { ...agent.stream, url } } : agent;
      },
    },
  };
}

/** Else someone pointed it elsewhere; that is theirs. */
function isOurs({ stream }: Agent, path: string): boolean {
  const { hostname, pathname } = new URL(stream.url);
  return hostname === '127.0.0.1' && pathname === path;
}

/** @throws Error when config/demo.yaml is not of its shape. */
export async function loadDemoWorkspace(parts: DemoParts): Promise<BundledUrls> {
  const demo = readDemo(parts.file);
  const isNew = await parts.directory.isEmpty();
  if (isNew) await createWorkspace(demo, parts);
  for (const agent of demo.agents) await pointAgent(agent, demo.workspace.id, parts);
  if (isNew) await connect(demo, parts);
  return Object.fromEntries(demo.agents.map(({ id, bundled }) => [id, parts.agentUrls[bundled]]));
}

function readDemo(file: string): Demo {
  const demo: unknown = parseYaml(readFileSync(file, 'utf8'));
  const ajv = new Ajv();
  if (!ajv.validate<Demo>(demoSchema, demo)) throw new Error(`${file}: ${ajv.errorsText()}`);
  return demo;
}

async function createWorkspace(demo: Demo, { directory, books, nowMs }: DemoParts): Promise<void> {
  const { balance, ...workspace } = demo.workspace;
  const amount = parseMoney(balance);
  if (amount === undefined) throw new Error(`demo balance ${balance} is not an amount`);
  await directory.workspaces.put({ ...workspace, createdAt: nowMs } satisfies Workspace);
  const topup = { workspaceId: workspace.id, callId: null, meter: 'topup' as const, quantityMs: 0, amount, at: nowMs };
  const postings = [{ ...topup, id: 'topup:demo', note: 'demo balance' }];
  await books.settle({ workspaceId: workspace.id, holdId: null, postings, costs: [] });
}

/** Trunks and numbers; the agents that they name are there by now. */
async function connect(demo: Demo, { directory, nowMs }: DemoParts): Promise<void> {
  for (const trunk of demo.trunks) await directory.trunks.put(trunkOf(trunk, demo.workspace.id, nowMs));
  for (const number of demo.numbers) await directory.numbers.put(numberOf(number, demo.workspace.id, nowMs));
}

async function pointAgent(
  agent: Demo['agents'][number],
  workspaceId: string,
  { directory, agentUrls, agentToken, nowMs }: DemoParts,
): Promise<void> {
  const known = await directory.agents.get(agent.id);
  if (known !== undefined && !known.stream.url.endsWith(`/${agent.bundled}`)) return; // Someone pointed it elsewhere; that is theirs.
  const stream: Agent['stream'] = {
    url: agentUrls[agent.bundled],
    protocol: 'twilio',
    codec: 'PCMU',
    headers: {},
    authToken: agentToken,
    customParameters: {},
  };
  if (known === undefined) {
    await directory.agents.put({
      id: agent.id,
      createdAt: nowMs,
      workspaceId,
      name: agent.name,
      stream,
      fallbackAgentId: null,
      readyTimeoutMs: 5000,
    });
  } else {
    await directory.agents.put({ ...known, stream: { ...known.stream, url: stream.url, authToken: agentToken } });
  }
}

function trunkOf(trunk: Demo['trunks'][number], workspaceId: string, nowMs: number): Trunk {
  return {
    id: trunk.id,
    createdAt: nowMs,
    workspaceId: trunk.kind === 'managed' ? null : workspaceId,
    kind: trunk.kind,
    label: trunk.label,
    inbound: { enabled: true, addresses: trunk.addresses, mediaEncryption: 'off' },
    outbound: {
      enabled: false,
      gateways: [],
      transport: 'udp',
      mediaEncryption: 'off',
      username: null,
      password: null,
      allowedCountries: ['US'],
    },
    codecs: ['PCMU', 'PCMA'],
    limits: { concurrentCalls: null, callsPerSecond: null },
    natAllowed: false,
  };
}

function numberOf(number: Demo['numbers'][number], workspaceId: string, nowMs: number): PhoneNumber {
  if (!isE164(number.e164)) throw new Error(`demo number ${number.e164} is not E.164`);
  return {
    ...number,
    e164: number.e164,
    createdAt: nowMs,
    workspaceId,
    supportsInbound: true,
    supportsOutbound: true,
    status: 'active',
  };
}
