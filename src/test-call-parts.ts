// Test calls from browsers, joined: what the API prepares, calls judge.

import { randomBytes } from 'node:crypto';
import { TestCalls } from './calls/test-calls.ts';
import type { Clock } from './domain/clock.ts';
import type { Ids } from './domain/ids.ts';
import type { TestCallDesk } from './http/deps.ts';

export interface TestCallParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly key: string;
  /** Null: this node serves no WebSocket, or has no media for browsers. */
  readonly wsUrl: string | null;
}

export function startTestCalls({ clock, ids, key, wsUrl }: TestCallParts): {
  readonly testCalls: TestCalls;
  readonly desk: TestCallDesk;
} {
  const testCalls = new TestCalls({ clock, ids, key, randomBytes });
  const desk: TestCallDesk = {
    wsUrl,
    prepare(testCall) {
      if (wsUrl === null) return 'test_calls_off';
      const prepared = testCalls.prepare(testCall);
      return prepared === undefined ? 'test_call_limit' : { ...prepared, wsUrl };
    },
  };
  return { testCalls, desk };
}
