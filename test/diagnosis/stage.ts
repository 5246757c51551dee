// Diagnoses over a real directory, with a network that a test describes.

import { randomBytes } from 'node:crypto';
import { Diagnoses, type DiagnosisDeps } from '../../src/diagnosis/diagnosis.ts';
import { createIds } from '../../src/domain/ids.ts';

type Needed = Pick<DiagnosisDeps, 'directory' | 'books' | 'clock'>;

/** Everything answers, and nothing costs anything, unless the test says otherwise. */
export function openTestDiagnoses({ directory, books, clock, ...over }: Needed & Partial<DiagnosisDeps>): Diagnoses {
  return new Diagnoses({
    directory,
    books,
    clock,
    ids: createIds(randomBytes),
    currency: 'USD',
    trunkChecks: { run: async () => [] },
    health: () => undefined,
    probeAgent: async () => ({ ok: true, connectMs: 3 }),
    minuteCost: () => 0n,
    node: () => ({ sip: true, accepting: true, storeTrouble: null }),
    providers: { accounts: async () => [] },
    ...over,
  });
}
