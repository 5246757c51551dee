// How long an agent has had nothing to say: it sent nothing, and nothing of its own was left to be played. Asked ten times a second.

import type { MediaTimeouts } from '../session.ts';

export class AgentSilence {
  #limitMs: number | null;
  #sinceMs = 0;
  #frames = 0;
  #told = false;

  constructor(timeouts: MediaTimeouts) {
    this.#limitMs = timeouts.agentSilentMs ?? null;
  }

  setTimeouts({ agentSilentMs = null }: MediaTimeouts): void {
    this.#limitMs = agentSilentMs;
  }

  /** An agent has come, or it is heard again. */
  begin(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#told = false;
  }

  /** True once per silence that is too long. `framesFromAgent` counts what was played. */
  look(state: { framesFromAgent: number; isAttached: boolean; isHeld: boolean }, nowMs: number): boolean {
    if (state.framesFromAgent !== this.#frames || !state.isAttached || state.isHeld) {
      this.#frames = state.framesFromAgent;
      this.begin(nowMs);
    }
    if (this.#limitMs === null || this.#told || nowMs - this.#sinceMs < this.#limitMs) return false;
    this.#told = true;
    return true;
  }
}
