// A message that was read, on its way up: stamped, judged, copied, reported (RFC 3261 section 18.2.1; RFC 3581).
//
// Invariants
//   RC1. What is reported as a message has passed `validateRequest` or `validateResponse`, and its sender is welcome.
//   RC2. A listener that throws is reported as a fault and harms no other message.

import type { EventEmitter } from 'node:events';
import type { Capture } from '../capture/capture.ts';
import type { SourceGuard, Way } from '../guard/guard.ts';
import { SipParseError } from '../message/errors.ts';
import { header } from '../message/headers.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import { getTag } from '../message/name-addr.ts';
import { validateRequest, validateResponse } from '../message/validate.ts';
import { stampTopVia, type Via } from '../message/via.ts';
import type { TransportEvents } from './events.ts';
import { isConnectionBound, type Source } from './flow.ts';
import type { TransportStats } from './stats.ts';

export interface ReceptionParts {
  readonly events: EventEmitter<TransportEvents>;
  readonly stats: TransportStats;
  readonly guard: SourceGuard | undefined;
  readonly capture: Capture | undefined;
}

export class Reception {
  readonly #events: EventEmitter<TransportEvents>;
  readonly #stats: TransportStats;
  readonly #guard: SourceGuard | undefined;
  readonly #capture: Capture | undefined;

  constructor({ events, stats, guard, capture }: ReceptionParts) {
    this.#events = events;
    this.#stats = stats;
    this.#guard = guard;
    this.#capture = capture;
  }

  /** Stamps, validates, reports. Returns the top Via of a request that was accepted. */
  received(message: SipMessage, source: Source): Via | undefined {
    this.#stats.received++;
    if (message.kind === 'response') {
      const wrong = validateResponse(message);
      if (wrong === undefined) this.tell(() => this.#accept(message, source));
      else this.invalid(undefined, new SipParseError('invalid_message', wrong.reason, wrong.status), source);
      return undefined;
    }
    const via = stampTopVia(message, source, { forceRport: source.protocol === 'udp' });
    const wrong = validateRequest(message);
    if (wrong === undefined) {
      if (!this.#isWelcome(message, source)) return undefined;
      this.tell(() => this.#accept(message, source));
      return via;
    }
    this.#refuse(message, new SipParseError('invalid_message', wrong.reason, wrong.status), source);
    return undefined;
  }

  /** What could not be read; with what is needed to answer it, if it was a request. */
  invalid(partial: SipRequest | undefined, error: SipParseError, source: Source): void {
    if (partial !== undefined) stampTopVia(partial, source, { forceRport: source.protocol === 'udp' });
    this.#refuse(partial, error, source);
  }

  /** RC2: the socket's callback must return, whatever the layers above do. */
  tell(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      if (this.#events.listenerCount('fault') === 0) throw error;
      this.#events.emit('fault', error);
    }
  }

  #accept(message: SipMessage, source: Source): void {
    if (this.#capture !== undefined) this.tell(() => this.#capture?.received(message, source));
    this.#events.emit('message', message, source);
  }

  /** False: it is a scanner's, and gets no answer that would tell it what it found. */
  #isWelcome(request: SipRequest, source: Source): boolean {
    return (
      this.#guard?.request(source.address, wayOf(source), {
        method: request.method,
        userAgent: header(request, 'user-agent'),
        from: header(request, 'from'),
        isInDialog: getTag(header(request, 'to') ?? '') !== undefined,
        isBrowser: isConnectionBound(source.protocol),
      }) ?? true
    );
  }

  #refuse(partial: SipRequest | undefined, error: SipParseError, source: Source): void {
    this.#stats.countMalformed(source.address);
    this.#guard?.offend(source.address, wayOf(source), 'malformed');
    this.tell(() => this.#events.emit('invalid', partial, error, source));
  }
}

function wayOf({ protocol }: Source): Way {
  return protocol === 'udp' ? 'datagram' : 'connection';
}
