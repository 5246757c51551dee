// Verifications with a real directory, a clock that stands still, and calls that go nowhere: what the code speaker is told is all that is heard.

import { createHash, randomBytes } from 'node:crypto';
import type { Directory } from '../../../src/directory/directory.ts';
import { openDirectory } from '../../../src/directory/sqlite-directory.ts';
import type { CallRecord } from '../../../src/domain/call.ts';
import type { PhoneNumber, Trunk } from '../../../src/domain/directory.ts';
import type { E164 } from '../../../src/domain/e164.ts';
import { createIds } from '../../../src/domain/ids.ts';
import type { Reason } from '../../../src/domain/reasons.ts';
import type {
  EventDetail,
  PersonalDeps,
  PersonalEvent,
  PersonalNumbers,
  PlaceCall,
} from '../../../src/numbers/personal/personal-numbers.ts';
import { createPersonalNumbers } from '../../../src/numbers/personal/verifications.ts';
import { call, number, trunk, workspace } from '../../directory/records.ts';
import { FakeClock } from '../../support/fake-clock.ts';

export const CALLER = '+12025550100' as E164;
export const MINE = '+12025550188' as E164;

export interface Announced {
  readonly ticket: string;
  readonly code: string;
  readonly language: string;
}

export class Stage {
  readonly clock = new FakeClock();
  readonly directory: Directory;
  readonly announced: Announced[] = [];
  readonly placed: PlaceCall[] = [];
  readonly hungUp: string[] = [];
  readonly events: (readonly [PersonalEvent, EventDetail])[] = [];
  readonly records = new Map<string, CallRecord>();
  /** What the next calls are refused with. */
  refusal: Reason | null = null;
  priced = true;
  #keys = 0;

  private constructor(directory: Directory) {
    this.directory = directory;
  }

  static async open(): Promise<Stage> {
    const directory = openDirectory(':memory:', { sealingKey: new Uint8Array(32).fill(7) });
    for (const id of ['ws_a', 'ws_b', 'operator']) await directory.workspaces.put(workspace({ id }));
    await directory.trunks.put(managedTrunk());
    return new Stage(directory);
  }

  /** Another node on the same directory is another one of these. */
  service(over: Partial<PersonalDeps> = {}): PersonalNumbers {
    return createPersonalNumbers({
      directory: this.directory,
      caller: callerNumber(),
      hasRate: () => this.priced,
      calls: {
        place: async (request) => {
          if (this.refusal !== null) return { ok: false, reason: this.refusal };
          this.placed.push(request);
          const callId = `call_${this.placed.length}`;
          this.records.set(callId, call({ id: callId, state: 'queued', endReason: null }));
          return { ok: true, callId };
        },
        get: async (callId) => this.records.get(callId),
        hangUp: async (callId) => void this.hungUp.push(callId),
      },
      announce: async (announcement) => void this.announced.push(announcement),
      limits: { perWorkspace: 20, perNumber: 5 },
      hashKey: createHash('sha256').update('key').digest('hex'),
      clock: this.clock,
      ids: createIds(randomBytes),
      randomBytes,
      observer: { event: (event, about) => void this.events.push([event, about]) },
      ...over,
    });
  }

  key(): string {
    this.#keys += 1;
    return `key-${this.#keys}`;
  }

  /** What the telephone heard last. */
  get code(): string {
    return this.announced.at(-1)?.code ?? '';
  }

  /** Another code than the last one. */
  get wrongCode(): string {
    return String((Number(this.code) + 1) % 1_000_000).padStart(6, '0');
  }

  callEnded(endReason: Reason): void {
    const last = `call_${this.placed.length}`;
    this.records.set(last, call({ id: last, state: 'ended', endReason }));
  }

  async close(): Promise<void> {
    await this.directory.close();
  }
}

export function managedTrunk(over: Partial<Trunk['outbound']> = {}): Trunk {
  const { outbound, ...rest } = trunk({ id: 'trunk_managed', workspaceId: null, kind: 'managed' });
  return { ...rest, outbound: { ...outbound, allowedCountries: ['US', 'FR'], ...over } };
}

export function callerNumber(over: Partial<PhoneNumber> = {}): PhoneNumber {
  return number({
    id: 'caller',
    e164: CALLER,
    workspaceId: 'operator',
    provider: 'managed',
    trunkId: null,
    agentId: null,
    ...over,
  });
}
