// Connecting Telnyx in one go: numbers fetched, trunk set up, free numbers attached as soon as it is ready, also where it stopped and was gone on with.
// The gateway does the work and keeps it; a page that is left half-way is gone on with by the buttons beside the steps.

import { useCallback, useEffect, useRef, useState } from 'react';
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

/** So many at once, as the API takes them. */
const BATCH = 100;

/** `account` as the page watches it. */
export function useTelnyxStart(account: ProviderAccount | undefined): TelnyxStart {
  const [found, setFound] = useState<TelnyxStart['found']>(null);
  const [attaching, setAttaching] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  /** To be attached when the trunk is ready. */
  const wanted = useRef<readonly string[]>([]);

  const attach = useCallback((id: string): void => {
    const numbers = wanted.current;
    wanted.current = [];
    if (numbers.length === 0) return;
    setAttaching(true);
    importAll(id, numbers)
      .catch((error: unknown) => setProblem(asProblem(error)))
      .finally(() => {
        setAttaching(false);
        refresh('/v1/provider-accounts', '/v1/numbers', '/v1/trunks');
      });
  }, []);
  const phase = account?.provisioning.phase;
  const readyId = phase === 'ready' && account?.provisioning.running === false ? account.id : null;
  useEffect(() => {
    if (phase === 'undoing' || phase === 'undone') wanted.current = [];
    if (readyId !== null) attach(readyId);
  }, [phase, readyId, attach]);

  const run = async ({ id }: ProviderAccount, attachAll: boolean): Promise<void> => {
    setProblem(undefined);
    setFound('asking');
    const { items } = await findNumbers(id);
    setFound(items.length);
    const free = items.filter((number) => canImport(number) && number.use !== 'elsewhere').map(({ e164 }) => e164);
    wanted.current = attachAll ? free : [];
    await call('POST /v1/provider-accounts/{id}/provision', { params: { id }, body: {} });
    refresh('/v1/provider-accounts');
  };

  return {
    found,
    attaching,
    problem,
    start(connected, attachAll) {
      run(connected, attachAll).catch((error: unknown) => {
        setFound((now) => (now === 'asking' ? null : now));
        setProblem(asProblem(error));
      });
    },
  };
}

async function importAll(id: string, numbers: readonly string[]): Promise<void> {
  for (let at = 0; at < numbers.length; at += BATCH) {
    await call('POST /v1/provider-accounts/{id}/import', {
      params: { id },
      body: { numbers: numbers.slice(at, at + BATCH) },
    });
  }
}
