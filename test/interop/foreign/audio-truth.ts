// What foreign phones are asked: do they hear the tone that they sent, and what does the call's record say in the end.

import { expect } from 'vitest';
import { strongestTone } from '../../../src/phone/tone.ts';
import type { RunningGateway } from '../../support/gateway.ts';

export interface ForeignCall {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly endReason: string | null;
  readonly timeline: readonly { readonly event: string }[];
  readonly quality: { readonly packetsReceived: number; readonly packetsLost: number } | null;
  readonly bill: { readonly final: boolean } | null;
}

const RATE = 8000;

/** A second of almost nothing but that tone. */
export async function hears(phone: { heard(): Float64Array }, frequencyHz: number): Promise<void> {
  const heard = () => {
    const samples = phone.heard();
    const newest = samples.subarray(Math.max(0, samples.length - RATE));
    const { frequencyHz: loudest, purity } = strongestTone(newest, { stepHz: 10 });
    return purity > 0.9 ? loudest : null;
  };
  await expect.poll(heard, { timeout: 15_000, interval: 250 }).toBe(frequencyHz);
}

export async function finalCall(gateway: RunningGateway, find: (call: ForeignCall) => boolean): Promise<ForeignCall> {
  const look = async () =>
    (await gateway.api<{ items: ForeignCall[] }>('GET', '/v1/calls?limit=20')).body.items.find(find);
  await expect.poll(async () => (await look())?.bill?.final, { timeout: 8_000 }).toBe(true);
  return (await gateway.api<ForeignCall>('GET', `/v1/calls/${(await look())?.id}`)).body;
}
