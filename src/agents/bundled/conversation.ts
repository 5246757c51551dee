// What a bundled agent sees of a call: base64 µ-law in and out, marks, and `clear`. Media time is the only clock: one payload is 20 ms.

export interface BundledAgent {
  answer(call: BundledCall): Conversation;
}

export interface BundledCall {
  /** What the call told the agent with its start; as it came, so nothing in it is trusted. */
  readonly parameters: Readonly<Record<string, string>>;
  say(payload: string): void;
  mark(name: string): void;
  clear(): void;
  /** Closes the stream: `done` is an end in order, `failed` makes the call look for another agent or end as a broken one. */
  hangUp(how: 'done' | 'failed'): void;
}

export interface Conversation {
  heard(payload: string): void;
  markPlayed(name: string): void;
}
