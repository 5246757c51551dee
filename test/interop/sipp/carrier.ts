// A carrier that sipp plays for the whole gateway: a port of its own, a trunk and a number that call out through it, and its end.

import { expect } from 'vitest';
import type { RunningGateway } from '../../support/gateway.ts';
import { type RunningSipp, type SippOptions, type SippResult, startSipp } from './run.ts';

/** Between sipp's media (run.ts) and that of the test phones; files that run side by side are other processes. */
const FIRST_PORT = 18_000 + (process.pid % 100) * 20;
const CALLED = '+12025550155';
let places = 0;

export interface CalleeOptions extends Pick<SippOptions, 'replace' | 'extra' | 'timeoutMs' | 'transport'> {
  /** Where the trunk's gateway is; default: sipp itself. */
  readonly gatewayPort?: number;
  readonly localPort?: number;
  /** Of the trunk, laid over what a call needs. */
  readonly trunk?: object;
  readonly outbound?: object;
}

export interface Callee {
  readonly carrier: RunningSipp;
  /** Of the call. */
  readonly id: string;
}

/** For a sipp that the gateway calls. */
export function sippPort(): number {
  places += 1;
  return FIRST_PORT + places;
}

/** A change through the API that must be taken. */
export async function change(
  gateway: RunningGateway,
  method: string,
  path: string,
  body: unknown,
): Promise<Record<string, unknown>> {
  const answer = await gateway.api<Record<string, unknown>>(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

/** A trunk and a number of its own, and a call of ours through them. */
export async function callOut(
  gateway: RunningGateway,
  scenario: SippOptions['scenario'],
  { trunk = {}, outbound = {}, localPort = sippPort(), gatewayPort = localPort, ...options }: CalleeOptions = {},
): Promise<Callee> {
  const from = `+1202555${String(7000 + (localPort - FIRST_PORT))}`;
  // It is asked by OPTIONS whether it is there, as often as the gateway likes: each is a call of sipp's, too.
  const carrier = startSipp({ scenario, localPort, calls: 1000, timeoutMs: 25_000, ...options });
  await change(gateway, 'POST', '/v1/trunks?check=none', {
    workspaceId: 'demo',
    label: `carrier at ${localPort}`,
    numbers: [{ e164: from, agentId: 'echo' }],
    inbound: { enabled: false, addresses: [] },
    ...trunk,
    outbound: {
      enabled: true,
      gateways: [{ host: '127.0.0.1', port: gatewayPort }],
      transport: 'udp',
      allowedCountries: ['US'],
      ...outbound,
    },
  });
  const placed = await change(gateway, 'POST', '/v1/calls', { workspaceId: 'demo', from, to: CALLED });
  return { carrier, id: String(placed['id']) };
}

/** `waitMs`: for its last answer. */
export async function stopped(carrier: RunningSipp, waitMs = 500): Promise<SippResult> {
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  carrier.stop();
  const result = await carrier.done;
  expect(result.successful, result.errors).toBeGreaterThanOrEqual(1);
  return result;
}
