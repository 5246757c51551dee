// What passes between the engine's thread and the one that started it.
import type { Ban, Way } from './guard/guard.ts';
import type { Offence } from './guard/offences.ts';
import type { EngineAddress, EngineStats } from './engine-options.ts';
import type { Certificate } from './transport/certificate.ts';

export type ToThread =
  | { readonly type: 'close' }
  | { readonly type: 'stats'; readonly id: number }
  | { readonly type: 'certificate'; readonly certificate: Certificate }
  /** Addresses and CIDR blocks of all trunks, in place of those told before. */
  | { readonly type: 'trust'; readonly networks: readonly string[] }
  /** It proved credentials of a trunk. */
  | { readonly type: 'acquaint'; readonly address: string }
  | { readonly type: 'offence'; readonly address: string; readonly way: Way; readonly offence: Offence }
  | { readonly type: 'bans'; readonly id: number }
  | { readonly type: 'unban'; readonly id: number; readonly network: string };

export type FromThread =
  | { readonly type: 'ready'; readonly wirePort: number; readonly addresses: readonly EngineAddress[] }
  | { readonly type: 'fatal'; readonly error: { readonly code: string | undefined; readonly message: string } }
  | { readonly type: 'fault'; readonly message: string }
  /** New bans, at most one such message in a second; `more` bans are not in it. */
  | { readonly type: 'banned'; readonly bans: readonly Ban[]; readonly more: number }
  | { readonly type: 'bans'; readonly id: number; readonly bans: readonly Ban[] }
  | { readonly type: 'unbanned'; readonly id: number; readonly found: boolean }
  | { readonly type: 'stats'; readonly id: number; readonly stats: EngineStats }
  | { readonly type: 'closed' };
