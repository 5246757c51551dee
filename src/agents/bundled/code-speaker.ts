// The code speaker: says a verification code to whoever answers, three times, and hangs up. Which code it is comes in this process from
// the one who places the call, under a ticket; the call itself carries the ticket alone.
//
// Invariants
//   CS1. A ticket works once. What it stood for is forgotten the moment it is redeemed, and after TICKET_LIFETIME_MS otherwise.
//   CS2. A code is in no URL, message of the stream, log or record: it leaves this process as audio.
//   CS3. A call with a ticket that nobody has announced is ended without a word.

import type { BundledAgent, BundledCall, Conversation } from './conversation.ts';
import type { CodeLanguage } from './languages.ts';
import type { Prompts } from './prompts.ts';

export interface Announcement {
  readonly ticket: string;
  /** Decimal digits. */
  readonly code: string;
  readonly language: CodeLanguage;
}

/** Set-up, ringing, and time to spare. */
const TICKET_LIFETIME_MS = 120_000;
/** Verification calls that ring at once; beyond it the oldest ticket is dropped, whose call then says nothing. */
const TICKETS_MAX = 1000;
/** 200 ms per message, as fast as it goes: media paces. */
const PIECE_BYTES = 1600;
const SPOKEN = 'spoken';

/** What the call's parameters call it. */
export const TICKET_PARAMETER = 'ticket';

export class Tickets {
  readonly #nowMs: () => number;
  readonly #waiting = new Map<string, { readonly announcement: Announcement; readonly untilMs: number }>();

  /** Monotonic ms. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(announcement: Announcement): void {
    const nowMs = this.#nowMs();
    for (const [ticket, { untilMs }] of this.#waiting) {
      // In the order of their ends: the lifetime is one for all.
      if (untilMs > nowMs && this.#waiting.size < TICKETS_MAX) break;
      this.#waiting.delete(ticket);
    }
    this.#waiting.set(announcement.ticket, { announcement, untilMs: nowMs + TICKET_LIFETIME_MS });
  }

  /** CS1 */
  redeem(ticket: string): Announcement | undefined {
    const found = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    return found !== undefined && found.untilMs > this.#nowMs() ? found.announcement : undefined;
  }
}

export function createCodeSpeaker(tickets: Tickets, prompts: ReadonlyMap<CodeLanguage, Prompts>): BundledAgent {
  return {
    answer(call) {
      const announcement = tickets.redeem(call.parameters[TICKET_PARAMETER] ?? '');
      const speech = announcement && prompts.get(announcement.language)?.speech(announcement.code);
      return speech === undefined ? silent(call) : speak(call, speech);
    },
  };
}

/** CS3 */
function silent(call: BundledCall): Conversation {
  call.hangUp('failed');
  return { heard: () => undefined, markPlayed: () => undefined };
}

/** Whatever the other side says: a machine that records hears it whole, and a person who talks hears the repetition. */
function speak(call: BundledCall, speech: Buffer): Conversation {
  for (let at = 0; at < speech.length; at += PIECE_BYTES) {
    call.say(speech.toString('base64', at, Math.min(at + PIECE_BYTES, speech.length)));
  }
  call.mark(SPOKEN);
  return {
    heard: () => undefined,
    markPlayed(name) {
      if (name === SPOKEN) call.hangUp('done');
    },
  };
}
