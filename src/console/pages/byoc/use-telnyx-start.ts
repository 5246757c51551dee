// Connecting Telnyx in one go: numbers fetched, trunk set up, free numbers attached. The gateway does the work and keeps it; a page that is left half-way
// is gone on with by the buttons beside the steps.

import { useState } from 'react';
import { call } from '../../api/client.ts';
import { asProblem, type ProblemError } from '../../api/problem.ts';
import type { ProviderAccount } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { canImport, findNumbers } from '../accounts/find-numbers.ts';

export interface TelnyxStart {
  /** Numbers found at Telnyx; null = not asked here. */
  readonly found: number | 'asking' | null;
  readonly attaching: boolean;
  readonly problem: ProblemError | undefined;
  start(account: ProviderAccount, attachAll: boolean): void;
}

const POLL_MS = 1_000;
/** A provider that takes longer than this is waited for by the person. */
const POLLS_MAX = 180;
/** So many at once, as the API takes them. */
const BATCH = 100;

export function useTelnyxStart(): TelnyxStart {
  const [found, setFound] = useState<TelnyxStart['found']>(null);
  const [attaching, setAttaching] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();

  const run = async ({ id }: ProviderAccount, attachAll: boolean): Promise<void> => {
    setProblem(undefined);
    setFound('asking');
    const { items } = await findNumbers(id);
    setFound(items.length);
    await call('POST /v1/provider-accounts/{id}/provision', { params: { id }, body: {} });
    refresh('/v1/provider-accounts');
    const { phase } = await settled(id);
    const free = items.filter((number) => canImport(number) && number.use !== 'elsewhere').map(({ e164 }) => e164);
    if (phase !== 'ready' || !attachAll || free.length === 0) return;
    setAttaching(true);
    for (let at = 0; at < free.length; at += BATCH) {
      await call('POST /v1/provider-accounts/{id}/import', {
        params: { id },
        body: { numbers: free.slice(at, at + BATCH) },
      });
    }
  };

  return {
    found,
    attaching,
    problem,
    start(account, attachAll) {
      run(account, attachAll)
        .catch((error: unknown) => {
          setFound((now) => (now === 'asking' ? null : now));
          setProblem(asProblem(error));
        })
        .finally(() => {
          setAttaching(false);
          refresh('/v1/provider-accounts', '/v1/numbers', '/v1/trunks');
        });
    },
  };
}

async function settled(id: string): Promise<ProviderAccount['provisioning']> {
  for (let poll = 0; ; poll += 1) {
    const { provisioning } = await call('GET /v1/provider-accounts/{id}', { params: { id } });
    if (!provisioning.running || poll >= POLLS_MAX) return provisioning;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
