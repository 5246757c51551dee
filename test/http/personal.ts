import { randomBytes } from 'node:crypto';
import type { CallManager } from '../../src/calls/manager.ts';
import type { Directory } from '../../src/directory/directory.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { E164 } from '../../src/domain/e164.ts';
import { createIds } from '../../src/domain/ids.ts';
import { VERIFICATION_WORKSPACE_ID } from '../../src/domain/verification.ts';
import type { PersonalNumbers } from '../../src/numbers/personal/personal-numbers.ts';
import { createPersonalNumbers } from '../../src/numbers/personal/verifications.ts';
import { number } from '../directory/records.ts';

// Personal numbers whose calls are the test's own, and whose telephone is a list.

export interface SpokenCode {
  readonly code: string;
  readonly language: string;
}

export interface PersonalRig {
  readonly service: PersonalNumbers;
  /** What telephones have heard. */
  readonly spoken: SpokenCode[];
}

const CALLER = '+12025550100' as E164;

export function personalRig(parts: { directory: Directory; calls: CallManager; clock: Clock }): PersonalRig {
  const { directory, calls, clock } = parts;
  const spoken: SpokenCode[] = [];
  const caller = number({
    id: 'verification-caller',
    e164: CALLER,
    workspaceId: VERIFICATION_WORKSPACE_ID,
    provider: 'managed',
    trunkId: null,
    agentId: null,
  });
  const service = createPersonalNumbers({
    directory,
    caller,
    hasRate: () => true,
    calls: {
      async place({ key, to, ticket }) {
        const outcome = await calls.originate({
          workspaceId: VERIFICATION_WORKSPACE_ID,
          idempotencyKey: key,
          from: CALLER,
          to,
          customParameters: { ticket },
        });
        return outcome.ok ? { ok: true, callId: outcome.call.id } : outcome;
      },
      get: (callId) => calls.get(callId),
      hangUp: async (callId) => void (await calls.hangup(callId)),
    },
    announce: async ({ code, language }) => void spoken.push({ code, language }),
    limits: { perWorkspace: 20, perNumber: 5 },
    hashKey: 'key of the tests',
    clock,
    ids: createIds(randomBytes),
    randomBytes,
    observer: { event: () => undefined },
  });
  return { service, spoken };
}
