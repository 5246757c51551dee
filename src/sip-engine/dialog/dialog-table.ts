// Open dialogs, found by what a peer writes (Call-ID and both tags) or by what an application writes (the dialog id).
//
// Invariants
//   B1. One entry per (Call-ID, local tag, remote tag). Early dialogs of a forked INVITE share one id: the id then means the
//       one added last, until `prefer` names the one that answered.
//   B2. A dialog leaves the table the moment it ends.
//   B3. `uses` counts each dialog at the connection that its flow has now: once it is here, `move` alone changes that.
import type { ConnectionId, Flow } from '../transport/flow.ts';
import type { Dialog } from './dialog.ts';

/** Calls one engine holds, early ones included; a call is some 3 KB here. */
export const DIALOGS_MAX = 50_000;

export class DialogTable {
  readonly #byTags = new Map<string, Dialog>();
  readonly #byId = new Map<string, Dialog>();
  /** Dialogs per connection. */
  readonly #uses = new Map<ConnectionId, number>();
  /** Told of each one that is added. */
  onAdded: ((dialog: Dialog) => void) | undefined;

  get size(): number {
    return this.#byTags.size;
  }

  get full(): boolean {
    return this.#byTags.size >= DIALOGS_MAX;
  }

  add(dialog: Dialog): void {
    const key = tagsKey(dialog.callId, dialog.localTag, dialog.remoteTag);
    this.#byTags.set(key, dialog);
    this.#byId.set(dialog.id, dialog);
    this.#count(dialog, 1);
    this.onAdded?.(dialog);
    dialog.onEnded.push(() => {
      this.#count(dialog, -1);
      this.#byTags.delete(key);
      if (this.#byId.get(dialog.id) === dialog) this.#byId.delete(dialog.id);
    });
  }

  /** Makes the id mean this dialog: it answered first. */
  prefer(dialog: Dialog): void {
    this.#byId.set(dialog.id, dialog);
  }

  byId(id: string): Dialog | undefined {
    return this.#byId.get(id);
  }

  byTags(callId: string, localTag: string, remoteTag: string): Dialog | undefined {
    return this.#byTags.get(tagsKey(callId, localTag, remoteTag));
  }

  /** The dialog goes on over another way. */
  move(dialog: Dialog, flow: Flow): void {
    const isHere = dialog.state !== 'ended';
    if (isHere) this.#count(dialog, -1);
    dialog.flow = flow;
    if (isHere) this.#count(dialog, 1);
  }

  /** Whether a dialog lives on that connection. */
  uses(connection: ConnectionId): boolean {
    return this.#uses.has(connection);
  }

  all(): Iterable<Dialog> {
    return this.#byTags.values();
  }

  #count({ flow: { connection } }: Dialog, change: 1 | -1): void {
    if (connection === undefined) return;
    const count = (this.#uses.get(connection) ?? 0) + change;
    if (count > 0) this.#uses.set(connection, count);
    else this.#uses.delete(connection);
  }
}

function tagsKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}|${localTag}|${remoteTag}`;
}
