// A routing decision tells what it looked at, in order: shown by /v1/route-explanations and in the call's timeline.

export type StepResult = 'ok' | 'failed' | 'note';

export interface ExplanationStep {
  /** What was looked at: `source`, `called_number`, `number`, `agent`, `caller_id`, `destination`, `trunk`, `gateways`. */
  readonly check: string;
  readonly result: StepResult;
  /** What was seen, a sentence for people. */
  readonly seen: string;
}

export class Explanation {
  readonly #steps: ExplanationStep[] = [];

  ok(check: string, seen: string): void {
    this.#steps.push({ check, result: 'ok', seen });
  }

  failed(check: string, seen: string): void {
    this.#steps.push({ check, result: 'failed', seen });
  }

  note(check: string, seen: string): void {
    this.#steps.push({ check, result: 'note', seen });
  }

  get steps(): readonly ExplanationStep[] {
    return this.#steps;
  }
}
