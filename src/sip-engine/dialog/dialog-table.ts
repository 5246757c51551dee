// Open dialogs, found by what a peer writes (Call-ID and both tags) or by what an application writes (the dialog id).
//
// Invariants
//   B1. One entry per (Call-ID, local tag, remote tag). Early dialogs of a forked INVITE share one id: the id then means the
//       one added last, until `prefer` names the one that answered.
//   B2. A dialog leaves the table the moment it ends.
import type { ConnectionId } from '../transport/flow.ts';
import type { Dialog } from './dialog.ts';

/** Calls one engine holds, early ones included; a call is some 3 KB here. */
export const DIALOGS_MAX = 50_000;

export class DialogTable {
  readonly #byTags = new Map<string, Dialog>();
  readonly #byId = new Map<string, Dialog>();
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
    this.onAdded?.(dialog);
    dialog.onEnded.push(() => {
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

  /** Asked of connections that have been silent for long: looks at every dialog. */
  uses(connection: ConnectionId): boolean {
    for (const { flow } of this.#byTags.values()) if (flow.connection === connection) return true;
    return false;
  }

  all(): Iterable<Dialog> {
    return this.#byTags.values();
  }
}

function tagsKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}|${localTag}|${remoteTag}`;
}
