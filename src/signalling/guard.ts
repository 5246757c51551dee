// Between the client library and us: what one side throws never reaches the other.
//
// Invariants
//   GU1. Whatever is thrown is told once, as a fault; the message that it was about is lost, and nothing else.
//   GU2. An act of ours that the library refuses by throwing has an outcome all the same.

import type { RawResponse } from './drachtio-shapes.ts';
import { lowerCaseNames } from './link-handles.ts';
import type { HeaderMap } from './sip-text.ts';

export class Guard {
  readonly fault: (error: unknown) => void;

  constructor(onFault: (error: unknown) => void) {
    this.fault = onFault;
  }

  /** Runs what must not throw into the library. */
  safely(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.fault(error);
    }
  }

  /** Calls the library; `failed` gets what it throws (GU2). */
  attempt(act: () => void, failed: (error: unknown) => void): void {
    try {
      act();
    } catch (error) {
      this.fault(error);
      failed(error);
    }
  }

  /** A callback for the library, which may call it twice: the first time counts. */
  once<Args extends unknown[]>(act: (...args: Args) => void): (...args: Args) => void {
    let done = false;
    return (...args) => {
      if (done) return;
      done = true;
      this.safely(() => act(...args));
    };
  }
}

/** The library throws strings, errors, and errors with the SIP response that caused them. */
export function failureOf(error: unknown): [number | null, string, HeaderMap] {
  const { status, res } = (typeof error === 'object' && error !== null ? error : {}) as {
    status?: unknown;
    res?: RawResponse;
  };
  if (typeof status !== 'number') return [null, messageOf(error), {}];
  return [status, res?.reason ?? messageOf(error), lowerCaseNames(res?.headers ?? {})];
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
