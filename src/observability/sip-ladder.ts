// The SIP messages of calls, both ways, as they were: for a while after the call, for whoever asks why it went as it did.
//
//   seen (any message) -> waiting, by Call-ID -> bound to a call of ours -> forgotten: too old, or others need the room
//
// Invariants
//   SL1. Bounded in all: so many messages per call, so many bytes of calls, and apart from them so many bytes of what belongs to no call of
//        ours (yet): strangers cannot push calls out.
//   SL2. What proves or opens something or was keyed is taken out before a message is kept, by the list that copies for capture servers go by.
//   SL3. Only messages of calls are kept: not OPTIONS, REGISTER and what else passes.
//   SL4. Strangers' messages are read here, too: every pattern is linear in the length of the text.

import type { Clock } from '../domain/clock.ts';
import { withoutSecrets } from '../sip-engine/message/secrets.ts';

export interface SeenMessage {
  readonly direction: 'in' | 'out';
  /** `udp`, `tcp`, `tls`, `ws`; empty where the engine does not say. */
  readonly transport: string;
  /** The other side, `192.0.2.1:5060`; null where the engine does not say. */
  readonly peer: string | null;
  readonly text: string;
}

export interface LadderMessage extends SeenMessage {
  /** Wall-clock ms. */
  readonly atMs: number;
  /** Since the call's start, on the monotonic clock. */
  readonly offsetMs: number;
}

export interface Ladder {
  readonly messages: readonly LadderMessage[];
  /** How many more there were. */
  readonly dropped: number;
}

export interface LadderCall {
  readonly id: string;
  /** Monotonic ms. */
  readonly startedMs: number;
}

export interface SipLadder {
  seen(message: SeenMessage): void;
  /** The messages with this Call-ID are the call's, those before and those to come. A call may have several, one per attempt. */
  bind(call: LadderCall, sipCallId: string): void;
  /** Undefined: never known, or forgotten. */
  of(callId: string): Ladder | undefined;
}

export interface LadderLimits {
  /** Of one call; a set-up with every retry and failover, and hours of session refreshes. */
  readonly perCallMax: number;
  /** Of all calls together, as characters. */
  readonly totalMax: number;
  readonly keptMs: number;
  /** Of messages without a call, as characters. */
  readonly waitingMax: number;
}

export const LADDER_LIMITS: LadderLimits = {
  perCallMax: 200,
  // Some four thousand calls.
  totalMax: 48 * 1024 * 1024,
  keptMs: 2 * 3_600_000,
  // Seconds of a busy node: a call is known as ours within milliseconds.
  waitingMax: 2 * 1024 * 1024,
};

/** A message with a large body is kept without its end. */
const TEXT_MAX = 16_384;
/** Per Call-ID that belongs to no call. */
const WAITING_MESSAGES_MAX = 20;

interface Kept extends SeenMessage {
  readonly atMs: number;
  readonly monotonicMs: number;
}

interface Entry {
  readonly call: LadderCall;
  readonly sipCallIds: string[];
  readonly messages: Kept[];
  size: number;
  dropped: number;
  lastMs: number;
}

export function createSipLadder({ clock, limits = LADDER_LIMITS }: { clock: Clock; limits?: LadderLimits }): SipLadder {
  /** By the latest message, the oldest first. */
  const entries = new Map<string, Entry>();
  const bound = new Map<string, Entry>();
  const waiting = new Map<string, Kept[]>();
  let total = 0;
  let waitingTotal = 0;

  const forget = (entry: Entry): void => {
    entries.delete(entry.call.id);
    for (const sipCallId of entry.sipCallIds) bound.delete(sipCallId);
    total -= entry.size;
  };
  const tidy = (): void => {
    const tooOldMs = clock.monotonicMs() - limits.keptMs;
    for (const entry of entries.values()) {
      if (total <= limits.totalMax && entry.lastMs >= tooOldMs) return;
      forget(entry);
    }
  };
  const add = (entry: Entry, message: Kept): void => {
    if (entry.messages.length >= limits.perCallMax) {
      entry.dropped += 1;
      return;
    }
    entry.messages.push(message);
    entry.size += message.text.length;
    entry.lastMs = message.monotonicMs;
    total += message.text.length;
    entries.delete(entry.call.id);
    entries.set(entry.call.id, entry);
  };
  const takeWaiting = (sipCallId: string): Kept[] => {
    const messages = waiting.get(sipCallId) ?? [];
    waiting.delete(sipCallId);
    waitingTotal -= sizeOf(messages);
    return messages;
  };
  const wait = (sipCallId: string, message: Kept): void => {
    const messages = waiting.get(sipCallId) ?? [];
    if (messages.length >= WAITING_MESSAGES_MAX) return;
    messages.push(message);
    waiting.set(sipCallId, messages);
    waitingTotal += message.text.length;
    for (const oldest of waiting.keys()) {
      if (waitingTotal <= limits.waitingMax) return;
      takeWaiting(oldest);
    }
  };

  return {
    seen({ direction, transport, peer, text }) {
      const sipCallId = callIdOfCall(text);
      if (sipCallId === undefined) return;
      const message: Kept = {
        direction,
        transport,
        peer,
        text: withoutSecrets(text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}\r\n[cut]` : text),
        atMs: clock.wallMs(),
        monotonicMs: clock.monotonicMs(),
      };
      const entry = bound.get(sipCallId);
      if (entry === undefined) return wait(sipCallId, message);
      add(entry, message);
      tidy();
    },
    bind(call, sipCallId) {
      if (bound.has(sipCallId)) return;
      const entry = entries.get(call.id) ?? newEntry(call, clock.monotonicMs());
      entries.set(call.id, entry);
      entry.sipCallIds.push(sipCallId);
      bound.set(sipCallId, entry);
      for (const message of takeWaiting(sipCallId)) add(entry, message);
      tidy();
    },
    of(callId) {
      const entry = entries.get(callId);
      if (entry === undefined) return undefined;
      const { call, messages, dropped } = entry;
      return {
        dropped,
        messages: messages.map(({ monotonicMs, ...message }) => ({
          ...message,
          offsetMs: Math.round(monotonicMs - call.startedMs),
        })),
      };
    },
  };
}

function newEntry(call: LadderCall, nowMs: number): Entry {
  return { call, sipCallIds: [], messages: [], size: 0, dropped: 0, lastMs: nowMs };
}

function sizeOf(messages: readonly Kept[]): number {
  return messages.reduce((sum, { text }) => sum + text.length, 0);
}

const CALL_METHODS = /^cseq\s*:\s*\d+\s+(?:INVITE|ACK|CANCEL|BYE|PRACK|UPDATE|INFO|REFER|NOTIFY|MESSAGE)\s*$/im;
const CALL_ID = /^(?:call-id|i)\s*:\s*(\S{1,256})\s*$/im;

/** Undefined for what is no part of a call. */
function callIdOfCall(text: string): string | undefined {
  return CALL_METHODS.test(text) ? CALL_ID.exec(text)?.[1] : undefined;
}
