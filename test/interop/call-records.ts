// Records of a gateway's calls, as its API tells them to whoever waits for one.

import { expect } from 'vitest';
import type { RunningGateway } from '../support/gateway.ts';

export interface ToldCall {
  readonly id: string;
  readonly from: string;
  readonly state: string;
  readonly endReason: string | null;
  readonly sipStatus: number | null;
  readonly trunkId: string | null;
  readonly carrierReason?: { readonly q850: number | null } | null;
  readonly timeline: readonly { readonly event: string; readonly detail?: Readonly<Record<string, unknown>> }[];
  readonly bill: {
    readonly final: boolean;
    readonly flags: readonly string[];
    readonly telephony: { readonly billedMs: number };
  } | null;
}

const WAIT = { timeout: 8_000 };

export class CallRecords {
  readonly #gateway: RunningGateway;

  constructor(gateway: RunningGateway) {
    this.#gateway = gateway;
  }

  async all(): Promise<readonly ToldCall[]> {
    return (await this.#gateway.api<{ items: ToldCall[] }>('GET', '/v1/calls?limit=50')).body.items;
  }

  async of(id: string): Promise<ToldCall> {
    return (await this.#gateway.api<ToldCall>('GET', `/v1/calls/${id}`)).body;
  }

  async inState(id: string, state: string): Promise<void> {
    await expect.poll(async () => (await this.of(id)).state, WAIT).toBe(state);
  }

  /** Over, with its bill, which may wait for the carrier's word. */
  async final(id: string): Promise<ToldCall> {
    await this.inState(id, 'ended');
    await expect.poll(async () => isRated(await this.of(id)), WAIT).toBe(true);
    return await this.of(id);
  }

  /** The same of the one call from there; undefined where no call came of it. */
  async from(number: string): Promise<ToldCall | undefined> {
    const found = (await this.all()).filter(({ from }) => from === number);
    expect(found.length).toBeLessThanOrEqual(1);
    return found[0] === undefined ? undefined : await this.final(found[0].id);
  }

  /** Nothing goes on, nothing is held, and the books agree. */
  async nothingIsLeft(): Promise<void> {
    const node = await this.#gateway.api<{ activeCalls: number }>('GET', '/v1/node');
    const workspace = await this.#gateway.api<{ reserved: string }>('GET', '/v1/workspaces/demo');
    expect([node.body.activeCalls, Number(workspace.body.reserved)]).toEqual([0, 0]);
    expect(this.#gateway.audit()).toMatchObject({ ok: true });
  }
}

function isRated({ bill }: ToldCall): boolean {
  return bill === null || bill.final || bill.flags.includes('answer_unconfirmed');
}
