// A personal number as the API shows it. The call is the operator's: a workspace sees what became of it, not which one it was.

import type { PersonalView } from '../numbers/personal/personal-numbers.ts';
import { countryOf } from '../routing/index.ts';
import type { Principal } from './auth.ts';
import { viewTime } from './views.ts';

export function viewPersonalNumber(view: PersonalView, principal: Principal): object {
  const { item, state, numberId, attemptsLeft, callsLeft, nextCallAt, call } = view;
  return {
    id: item.id,
    createdAt: viewTime(item.createdAt),
    workspaceId: item.workspaceId,
    e164: item.e164,
    country: countryOf(item.e164) ?? null,
    language: item.language,
    state,
    numberId,
    verifiedAt: state === 'verified' ? timeOrNull(item.verifiedAt) : null,
    codeExpiresAt: state === 'pending' ? viewTime(item.codeExpiresAt) : null,
    attemptsLeft,
    callsLeft,
    nextCallAt: timeOrNull(nextCallAt),
    call: call === null ? null : { ...call, callId: principal.kind === 'operator' ? item.callId : null },
  };
}

function timeOrNull(wallMs: number | null): string | null {
  return wallMs === null ? null : viewTime(wallMs);
}
