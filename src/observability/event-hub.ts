// What happens on this node, for whoever watches it live: rooms publish, open event streams listen, and the latest events are kept so that a
// watcher who was cut off for a moment misses nothing.
//
// Invariants
//   EH1. `publish` never throws and never waits: it stores a reference and calls listeners that only push into bounded buffers.
//   EH2. The ring is bounded; who asks for what fell out of it is told so, and never gets a list with a hole.
//   EH3. An event is of one workspace or, with null, of the operator. Whoever listens decides by that alone.
//   EH4. An event's data is what the API would show of the thing, as plain JSON, and is not changed after it was published.

/** The names of events are for ever; unknown ones are to be ignored by clients. */
export type EventName =
  | 'call'
  | 'call_figures'
  | 'number'
  | 'trunk'
  | 'trunk_health'
  | 'trunk_registration'
  | 'balance'
  | 'number_request'
  | 'number_order'
  | 'personal_number'
  | 'provisioning'
  | 'node';

export interface HubEvent {
  readonly name: EventName;
  /** null = the operator's. */
  readonly workspaceId: string | null;
  readonly data: object;
  /** Worth nothing a moment later: not kept for those who come back. */
  readonly transient?: boolean;
}

export interface PublishedEvent extends HubEvent {
  /** Opaque, one line; null for transient ones. */
  readonly id: string | null;
  /** The data as JSON, made once for all who listen. */
  readonly text: string;
}

export type EventListener = (event: PublishedEvent) => void;

export interface EventHub {
  publish(event: HubEvent): void;
  /** Answers with the way to stop. `workspaceId`: whose events matter to the listener; null = all. */
  listen(listener: EventListener, workspaceId: string | null): () => void;
  /** The workspaces that somebody watches by name. */
  watched(): Iterable<string>;
  /** What came after this id, oldest first; null when it is unknown or too long ago. */
  since(id: string): readonly PublishedEvent[] | null;
  /** Of the latest event: where a watcher stands who has seen all. */
  readonly lastId: string;
  readonly listeners: number;
}

export interface EventHubOptions {
  /** Names this life of the process, so that an id of another one is not taken for ours. */
  readonly epoch: string;
  /** A listener failed; it is no longer called. */
  readonly onFault?: (error: unknown) => void;
  readonly keptMax?: number;
}

/** A few minutes of a busy node: longer than a browser needs to come back. */
const KEPT_MAX = 4_000;

export function createEventHub({ epoch, onFault = () => undefined, keptMax = KEPT_MAX }: EventHubOptions): EventHub {
  const listeners = new Map<EventListener, string | null>();
  /** The event with number n is at n modulo `keptMax`. */
  const ring: Kept[] = [];
  let count = 0;

  return {
    publish(event) {
      let kept: Kept;
      if (event.transient === true) kept = new Kept(event, null);
      else {
        count += 1;
        kept = new Kept(event, `${epoch}-${count}`);
        ring[count % keptMax] = kept;
      }
      for (const listener of listeners.keys()) {
        try {
          listener(kept);
        } catch (error) {
          listeners.delete(listener);
          onFault(error);
        }
      }
    },
    listen(listener, workspaceId) {
      listeners.set(listener, workspaceId);
      return () => void listeners.delete(listener);
    },
    watched: () => new Set([...listeners.values()].filter((workspaceId) => workspaceId !== null)),
    since(id) {
      const position = positionOf(id, epoch);
      if (position === null || position > count || count - position > keptMax) return null;
      const missed: PublishedEvent[] = [];
      for (let at = position + 1; at <= count; at += 1) {
        const kept = ring[at % keptMax];
        if (kept !== undefined) missed.push(kept);
      }
      return missed;
    },
    get lastId() {
      return `${epoch}-${count}`;
    },
    get listeners() {
      return listeners.size;
    },
  };
}

/** Nobody may be listening: the text is made when somebody reads it. */
class Kept implements PublishedEvent {
  readonly id: string | null;
  readonly name: EventName;
  readonly workspaceId: string | null;
  readonly data: object;
  #text: string | null = null;

  constructor({ name, workspaceId, data }: HubEvent, id: string | null) {
    this.id = id;
    this.name = name;
    this.workspaceId = workspaceId;
    this.data = data;
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.data);
    return this.#text;
  }
}

function positionOf(id: string, epoch: string): number | null {
  const [, given, digits = ''] = /^([\w-]{1,64})-(\d{1,15})$/.exec(id) ?? [];
  return given === epoch ? Number(digits) : null;
}
