// What passes between the engine's thread and the one that started it.
import type { EngineAddress, EngineStats } from './engine.ts';
import type { Certificate } from './transport/certificate.ts';

export type ToThread =
  | { readonly type: 'close' }
  | { readonly type: 'stats'; readonly id: number }
  | { readonly type: 'certificate'; readonly certificate: Certificate };

export type FromThread =
  | { readonly type: 'ready'; readonly wirePort: number; readonly addresses: readonly EngineAddress[] }
  | { readonly type: 'fatal'; readonly error: { readonly code: string | undefined; readonly message: string } }
  | { readonly type: 'fault'; readonly message: string }
  | { readonly type: 'stats'; readonly id: number; readonly stats: EngineStats }
  | { readonly type: 'closed' };
