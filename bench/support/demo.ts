// The demo workspace made ready for a load: enough money, no limits in the way, and the bench's own agent behind the number.

import { type RunningGateway, startGateway } from '../../test/support/gateway.ts';
import { pinned } from './process.ts';

const WORKSPACE = 'demo';
const NUMBER_ID = 'demo-0100';
const MONEY = '100000.00';
const PAGE = 100;

interface CallPage {
  readonly items: readonly { readonly bill: { readonly final: boolean } | null }[];
  readonly nextCursor: string | null;
}

/** All of the default port range: a port rests for seconds after its call, which at hundreds of calls a second takes thousands. */
const MEDIA = { rtpPortMin: 40_000, rtpPortMax: 49_998 };

export interface SubjectOptions {
  /** Another program than the gateway's own, from the project's folder. */
  readonly entry?: string;
  /** Keys of `media` in its configuration, over those of the bench. */
  readonly media?: Readonly<Record<string, number>>;
  /** The same of `sip`. */
  readonly sip?: Readonly<Record<string, unknown>>;
}

/** The gateway as it is shipped, alone on its core. */
export async function startSubject(options: SubjectOptions = {}): Promise<RunningGateway> {
  const { media, sip = {}, ...rest } = options;
  const config = { media: { ...MEDIA, ...media }, sip };
  return await startGateway({ ...rest, prefix: pinned('subject', []), config });
}

/** Points +12025550100 at an agent of the bench's own. */
export async function useAgent(gateway: RunningGateway, url: string): Promise<void> {
  await expectOk(gateway, 'POST', `/v1/workspaces/${WORKSPACE}/topups`, { amount: MONEY });
  const agent = await expectOk<{ id: string }>(gateway, 'POST', '/v1/agents', {
    workspaceId: WORKSPACE,
    name: 'bench',
    stream: { url, protocol: 'twilio', codec: 'PCMU' },
  });
  await expectOk(gateway, 'PATCH', `/v1/numbers/${NUMBER_ID}`, { agentId: agent.id });
}

async function expectOk<T>(gateway: RunningGateway, method: string, path: string, body: unknown): Promise<T> {
  const answer = await gateway.api<T>(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Calls of the workspace that have ended with a final bill, counted page by page through the API. */
export async function finalBills(gateway: RunningGateway): Promise<number> {
  let count = 0;
  let cursor: string | null = null;
  do {
    const query = `/v1/calls?limit=${PAGE}&state=ended${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const page: CallPage = await expectOk<CallPage>(gateway, 'GET', query, undefined);
    count += page.items.filter((call) => call.bill?.final === true).length;
    cursor = page.nextCursor;
  } while (cursor !== null);
  return count;
}
