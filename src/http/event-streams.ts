// Event streams that are open (server-sent events, WHATWG HTML 9.2): one per watcher, fed from the hub.
//
//   open -> ready | what was missed | reset -> events ... heartbeats -> end
//   end   the client goes | reads too slowly | signs out or its key is gone | the node drains
//
// Invariants
//   ES1. A watcher sees what the asker may see: a workspace its own events, the operator all or one workspace's.
//   ES2. A slow reader costs `bufferBytesMax` at most: then it is cut off and comes back with its last id.
//   ES3. A stream does not outlive what opened it: signing out and deleting a key end it at once, whatever else ends a session within a heartbeat.
//   ES4. One workspace has a part of the streams only, however many keys and sessions it has.

import { Readable } from 'node:stream';
import type { Clock, Timer } from '../domain/clock.ts';
import type { EventHub, PublishedEvent } from '../observability/event-hub.ts';
import type { StreamCut } from '../observability/metrics.ts';
import type { Identity } from './auth.ts';
import { Problem } from './problems.ts';

export interface StreamLimits {
  readonly perPrincipalMax: number;
  /** Of all keys and sessions of one workspace. */
  readonly perWorkspaceMax: number;
  readonly totalMax: number;
  readonly bufferBytesMax: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  // A stream per open page; the pages of one browser share a session.
  perPrincipalMax: 20,
  perWorkspaceMax: 100,
  // Of the connections that the server takes, half are left to requests.
  totalMax: 500,
  // Some hundred calls; a reader that is this far behind is gone or never reads.
  bufferBytesMax: 256 * 1024,
};

export interface StreamRequest extends Identity {
  /** Undefined = all that the asker may see. */
  readonly workspaceId: string | undefined;
  readonly lastEventId: string | undefined;
}

export interface EventStreams {
  /** Throws `stream_limit`. */
  open(request: StreamRequest): Readable;
  endOf(gone: { readonly keyId: string } | { readonly sessionId: string }): void;
  endAll(): void;
  readonly count: number;
}

export interface StreamParts {
  readonly hub: EventHub;
  readonly clock: Clock;
  /** Whether what opened the stream still opens something. */
  readonly isAlive: (identity: Identity) => Promise<boolean>;
  readonly limits?: Partial<StreamLimits>;
  readonly onCut?: (reason: StreamCut) => void;
}

/** Proxies cut what is silent for a minute; and a revoked watcher sees nothing for longer than this. */
export const HEARTBEAT_MS = 15_000;
/** How soon a browser comes back after an end. */
const RETRY_MS = 3_000;

interface Watcher {
  readonly readable: Readable;
  readonly holder: string;
  /** null = the operator's. */
  readonly askerId: string | null;
  readonly keyId: string | null;
  readonly sessionId: string | null;
  end(): void;
}

export function createEventStreams({
  hub,
  clock,
  isAlive,
  limits: over = {},
  onCut = () => undefined,
}: StreamParts): EventStreams {
  const limits = { ...DEFAULT_STREAM_LIMITS, ...over };
  const watchers = new Set<Watcher>();

  const admit = (holder: string, askerId: string | null): void => {
    const count = (isCounted: (watcher: Watcher) => boolean): number => [...watchers].filter(isCounted).length;
    const own = count((watcher) => watcher.holder === holder);
    const ofWorkspace = askerId === null ? 0 : count((watcher) => watcher.askerId === askerId);
    if (own < limits.perPrincipalMax && ofWorkspace < limits.perWorkspaceMax && watchers.size < limits.totalMax) return;
    onCut('limit');
    throw new Problem('stream_limit', { headers: { 'retry-after': String(RETRY_MS / 1000) } });
  };

  const revoke = (watcher: Watcher): void => {
    onCut('revoked');
    watcher.end();
  };

  return {
    open(request) {
      const { principal, session, workspaceId } = request;
      const keyId = principal.kind === 'operator' ? null : principal.keyId;
      const holder = session?.id ?? keyId ?? 'operator';
      const askerId = principal.kind === 'operator' ? null : principal.workspaceId;
      admit(holder, askerId);

      const readable = new Readable({ read: () => undefined });
      const send = (text: string): void => {
        if (readable.destroyed || readable.readableEnded) return;
        readable.push(text);
        if (readable.readableLength <= limits.bufferBytesMax) return;
        onCut('slow');
        readable.destroy();
      };
      const isFor = (event: PublishedEvent): boolean =>
        workspaceId === undefined ? principal.kind === 'operator' : event.workspaceId === workspaceId;

      let heartbeat: Timer;
      const beat = (): void => {
        heartbeat = clock.setTimer(() => void pulse(), HEARTBEAT_MS);
      };
      const pulse = async (): Promise<void> => {
        // A store that cannot be asked now is asked again at the next heartbeat.
        const alive = await isAlive({ principal, session }).catch(() => true);
        if (!watchers.has(watcher)) return;
        if (!alive) return revoke(watcher);
        send(': still here\n\n');
        beat();
      };
      const stop = hub.listen((event) => {
        if (isFor(event)) send(blockOf(event));
      }, workspaceId ?? null);
      const watcher: Watcher = {
        readable,
        holder,
        askerId,
        keyId,
        sessionId: session?.id ?? null,
        end() {
          if (!watchers.delete(watcher)) return;
          stop();
          heartbeat.cancel();
          if (!readable.destroyed) readable.push(null);
        },
      };
      readable.once('close', watcher.end);
      watchers.add(watcher);
      beat();
      for (const text of opening(request.lastEventId, isFor)) send(text);
      return readable;
    },
    endOf(gone) {
      for (const watcher of watchers) {
        const isGone = 'keyId' in gone ? watcher.keyId === gone.keyId : watcher.sessionId === gone.sessionId;
        if (isGone) revoke(watcher);
      }
    },
    endAll() {
      for (const watcher of watchers) watcher.end();
    },
    get count() {
      return watchers.size;
    },
  };

  /** Where the watcher stands, and what it missed since it was here last. */
  function opening(lastEventId: string | undefined, isFor: (event: PublishedEvent) => boolean): string[] {
    const kept = lastEventId === undefined ? [] : hub.since(lastEventId);
    const blocks = kept?.filter(isFor).map(blockOf) ?? [];
    // More than a reader may be behind would cut it off at once, again and again.
    const isTooMuch = blocks.reduce((sum, block) => sum + block.length, 0) > limits.bufferBytesMax / 2;
    const missed = kept === null || isTooMuch ? null : blocks;
    const data = JSON.stringify({ at: new Date(clock.wallMs()).toISOString() });
    const name = missed === null ? 'reset' : 'ready';
    const start = `retry: ${RETRY_MS}\nid: ${hub.lastId}\nevent: ${name}\ndata: ${data}\n\n`;
    return [...(missed ?? []), start];
  }
}

/** JSON has no line breaks of its own, so one `data` line carries it. */
function blockOf({ id, name, text }: PublishedEvent): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${name}\ndata: ${text}\n\n`;
}
