// One test call from press to hang-up, as a component sees it.

import { useCallback, useEffect, useRef, useState } from 'react';
import { call } from '../../api/client.ts';
import { asProblem } from '../../api/problem.ts';
import { wordsOf } from '../../lib/words.ts';
import type { BrowserCall, PhoneState } from './browser-phone.ts';

export type TestCallState = 'idle' | 'preparing' | PhoneState | 'failed';

export interface TestCallView {
  readonly state: TestCallState;
  /** Why it failed. */
  readonly why: string | null;
  readonly testCallId: string | null;
  readonly startedAtMs: number | null;
  readonly own: MediaStream | null;
  readonly far: MediaStream | null;
  readonly muted: boolean;
  start(workspaceId: string, agentId: string): void;
  hangUp(): void;
  toggleMute(): void;
  sendDigit(digit: string): void;
}

interface Snapshot {
  readonly state: TestCallState;
  readonly why: string | null;
  readonly testCallId: string | null;
  readonly startedAtMs: number | null;
  readonly own: MediaStream | null;
  readonly far: MediaStream | null;
  readonly muted: boolean;
}

const IDLE: Snapshot = {
  state: 'idle',
  why: null,
  testCallId: null,
  startedAtMs: null,
  own: null,
  far: null,
  muted: false,
};

/** Nothing is measured or played any more. */
const NO_AUDIO = { own: null, far: null };

export function useTestCall(): TestCallView {
  const [view, setView] = useState<Snapshot>(IDLE);
  const phone = useRef<BrowserCall>(null);
  const turn = useRef(0);

  const start = useCallback(async (workspaceId: string, agentId: string) => {
    turn.current += 1;
    const mine = turn.current;
    const show = (change: Partial<Snapshot>): void => {
      if (mine === turn.current) setView((now) => ({ ...now, ...change }));
    };
    setView({ ...IDLE, state: 'preparing' });
    try {
      // The phone is loaded when it is first needed; the microphone is asked for before anybody is called.
      const [{ placeTestCall }, testCall] = await Promise.all([
        import('./browser-phone.ts'),
        call('POST /v1/test-calls', { body: { workspaceId, agentId } }),
      ]);
      show({ testCallId: testCall.id });
      const placed = await placeTestCall(testCall, {
        onState: (state) =>
          show({
            state,
            ...(state === 'talking' ? { startedAtMs: Date.now() } : {}),
            ...(state === 'ended' ? NO_AUDIO : {}),
          }),
        onAudio: (audio) => show(audio),
        onFailure: (why) => show({ state: 'failed', why: wordsOf(why), ...NO_AUDIO }),
      });
      if (mine === turn.current) phone.current = placed;
      else placed.hangUp();
    } catch (error) {
      show({ state: 'failed', why: asProblem(error).sentence });
    }
  }, []);

  // Leaving the page hangs up.
  useEffect(
    () => () => {
      turn.current += 1;
      phone.current?.hangUp();
    },
    [],
  );

  return {
    ...view,
    start: (workspaceId, agentId) => void start(workspaceId, agentId),
    hangUp: () => phone.current?.hangUp(),
    toggleMute() {
      phone.current?.mute(!view.muted);
      setView((now) => ({ ...now, muted: !now.muted }));
    },
    sendDigit: (digit) => phone.current?.sendDigit(digit),
  };
}
