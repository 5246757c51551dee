// What a bundled agent sees of a call: base64 µ-law in and out, marks, and `clear`. Media time is the only clock: one payload is 20 ms.

export interface BundledAgent {
  answer(call: BundledCall): Conversation;
}

export interface BundledCall {
  say(payload: string): void;
  mark(name: string): void;
  clear(): void;
}

export interface Conversation {
  heard(payload: string): void;
  markPlayed(name: string): void;
}
