// The workspace's account at a provider, watched while something is being set up there.

import { useEvents } from '../../api/events.ts';
import { type PageOf, useGet } from '../../api/hooks.ts';
import type { ProblemError } from '../../api/problem.ts';
import type { ProviderAccount } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';

export type AccountProvider = ProviderAccount['provider'];

export interface AccountView {
  readonly account: ProviderAccount | undefined;
  readonly waiting: boolean;
  readonly error: ProblemError | undefined;
  reload(): void;
}

/** Events come at once; the reading beside them is for when they do not. */
const RUN_POLL_MS = 2_000;

export const PROVIDER_NAMES: Readonly<Record<AccountProvider, string>> = { twilio: 'Twilio', telnyx: 'Telnyx' };

export function useAccount(workspaceId: string, provider: AccountProvider): AccountView {
  const path = `/v1/provider-accounts?workspaceId=${workspaceId}&limit=50`;
  const { data, error, reload } = useGet<PageOf<ProviderAccount>>(path);
  const account = data?.items.find((each) => each.provider === provider);
  const busy = account !== undefined && (account.provisioning.running || account.imports.open.some(isPending));
  useGet(busy ? path : null, RUN_POLL_MS);
  useEvents((name) => {
    if (name === 'provisioning' || name === 'reset') refresh('/v1/provider-accounts');
  });
  return { account, waiting: data === undefined && error === undefined, error, reload };
}

function isPending({ state }: ProviderAccount['imports']['open'][number]): boolean {
  return state === 'pending';
}
