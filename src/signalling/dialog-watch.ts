// What the library's dialogs tell too late, wrongly, or not at all:
//   - an ACK one turn late, so that a BYE in the same read overtakes it      -> told before the library sees it
//   - a PRACK after the 200, which its dialog answers with 501               -> never shown to the library
//   - a second answer to an INVITE of ours, which the engine hung up on      -> told from what the library has no dialog for
//
// Dialogs are known by the wire protocol's name of them (`stackDialogId`).

import type { DrachtioLink } from './drachtio.ts';
import type { Layer, RawRequest } from './drachtio-shapes.ts';
import { type DialogHandlers, Exchange, lowerCaseNames } from './link-handles.ts';

/** What the library's dialogs do not tell. */
export type DialogListeners = Pick<DialogHandlers, 'acked' | 'forkAnswered'>;

/** The embedded engine's name of a second answer (sip-engine/dialog/invite-outcomes.ts I1). */
const FORK_ID = /^(.*);fork=\d+$/s;

export class DialogWatch {
  readonly #link: DrachtioLink;
  readonly #dialogs = new Map<string, DialogListeners>();
  readonly #pracks = new Map<string, (prack: Exchange) => void>();

  constructor(link: DrachtioLink) {
    this.#link = link;
  }

  watch(dialogId: string, listeners: DialogListeners): void {
    this.#dialogs.set(dialogId, listeners);
  }

  unwatch(dialogId: string): void {
    this.#dialogs.delete(dialogId);
  }

  /** Until `unwatchPracks`; each is to be answered. Without a listener it is done here. */
  watchPracks(dialogId: string, listener: (prack: Exchange) => void): void {
    this.#pracks.set(dialogId, listener);
  }

  unwatchPracks(dialogId: string): void {
    this.#pracks.delete(dialogId);
  }

  /** The connection is gone, and all dialogs with it. */
  clear(): void {
    this.#dialogs.clear();
    this.#pracks.clear();
  }

  /** Ahead of the library's dialogs. */
  readonly before: Layer = (request, reply, next) => {
    const link = this.#link;
    const dialogId = request.stackDialogId ?? '';
    if (request.method === 'PRACK') {
      const listener = this.#pracks.get(dialogId);
      return link.safely(() => {
        if (listener === undefined) reply.send(200, { headers: {} });
        else listener(new Exchange(link, request, reply));
      });
    }
    if (request.method === 'ACK') {
      const message = { headers: lowerCaseNames(request.headers), body: request.body ?? '' };
      link.safely(() => this.#dialogs.get(dialogId)?.acked(message));
    }
    next();
  };

  /** What the engine sent on its own and the library has no dialog for: its BYE to a second answer. */
  forked(request: Pick<RawRequest, 'stackDialogId'>): void {
    const dialogId = FORK_ID.exec(request.stackDialogId ?? '')?.[1] ?? '';
    this.#link.safely(() => this.#dialogs.get(dialogId)?.forkAnswered());
  }
}
