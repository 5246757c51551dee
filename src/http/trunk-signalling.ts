// What a trunk's carrier may have us do beside calls (transfers, redirects) and what of its word reaches agents: the settings of this, as the API
// takes and shows them.

import { Type } from 'typebox';
import type { Trunk } from '../domain/directory.ts';

export type SignallingField = 'transfer' | 'carrierTransfer' | 'redirects' | 'agentHeaders' | 'attestation';
export type SignallingSettings = Pick<Trunk, SignallingField>;
export type SignallingChange = { readonly [Field in SignallingField]?: Trunk[Field] | undefined };

/** A name, or the beginning of names: `X-Order`, `X-Acme-*`. Only such as carry nothing of ours. */
const agentHeader = Type.String({
  pattern: '^(?:[Xx]-[A-Za-z0-9-]{0,60}\\*?|[Uu]ser-to-[Uu]ser|[Ss]ubject)$',
  description: 'X-… or its beginning with *, User-to-User, Subject',
});

export const signallingShape = {
  transfer: Type.Enum(['refer', 'off'], { description: 'off: calls cannot be transferred' }),
  carrierTransfer: Type.Enum(['follow', 'off'], {
    description: 'a REFER of the carrier: follow calls who it names over this trunk; a customer’s own trunk only',
  }),
  redirects: Type.Enum(['follow', 'off'], { description: 'a 3xx answer: follow calls the numbers it names' }),
  agentHeaders: Type.Array(agentHeader, {
    maxItems: 16,
    description: 'headers of the carrier’s INVITE that reach the agent as parameters',
  }),
  attestation: Type.Enum(['trusted', 'ignored'], {
    description: 'whether the carrier’s word on who calls (STIR/SHAKEN) is taken',
  }),
};

export function viewSignalling(trunk: Trunk): object {
  return {
    transfer: trunk.transfer ?? (trunk.workspaceId === null ? 'off' : 'refer'),
    carrierTransfer: trunk.carrierTransfer ?? 'off',
    redirects: trunk.redirects ?? 'off',
    agentHeaders: trunk.agentHeaders ?? ['X-*'],
    attestation: trunk.attestation ?? 'trusted',
  };
}

/** Fields that were never set stay absent: their defaults are said where they are read. */
export function mergeSignalling(stored: SignallingSettings, change: SignallingChange): SignallingSettings {
  const merged: { -readonly [Field in SignallingField]?: Trunk[Field] } = {};
  const put = <Field extends SignallingField>(field: Field) => {
    const value = change[field] ?? stored[field];
    if (value !== undefined) merged[field] = value;
  };
  for (const field of ['transfer', 'carrierTransfer', 'redirects', 'agentHeaders', 'attestation'] as const) put(field);
  return merged as SignallingSettings;
}
