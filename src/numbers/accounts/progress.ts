// The steps of a set-up as people watch them: named before the first begins, each with what came of it. Stored with the record of the trunk, in
// the order of the events.

import type { TrunkProgress } from '../../providers/index.ts';
import { failureOfProvider, type NumberFailure } from '../failure.ts';
import type { SetupStep } from './account.ts';

/** Of our own: the numbers of the account, after everything that the provider's room does. */
export const NUMBERS_STEP = 'numbers';
const NUMBERS_TEXT = 'Connecting numbers';

export class Progress {
  #steps: readonly SetupStep[];
  readonly #stored: (steps: readonly SetupStep[]) => void;

  /** `before`: of an earlier run, kept as they are where this one does not do them again. `stored` is called with each change. */
  constructor(names: readonly string[], before: readonly SetupStep[], stored: (steps: readonly SetupStep[]) => void) {
    const toDo = names.map((step) => ({
      step,
      text: step === NUMBERS_STEP ? NUMBERS_TEXT : textOf(step),
      state: 'pending' as const,
      failure: null,
    }));
    this.#steps = [...before.filter(({ step }) => !names.includes(step)), ...toDo];
    this.#stored = stored;
  }

  get steps(): readonly SetupStep[] {
    return this.#steps;
  }

  /** Of the provider's room; its own step of numbers has none to do, and is ours. */
  take({ step, text, state, failure }: TrunkProgress): void {
    if (step !== NUMBERS_STEP)
      this.#set({ step, text, state, failure: failure === null ? null : failureOfProvider(failure) });
  }

  numbers(state: SetupStep['state'], failure: NumberFailure | null = null): void {
    this.#set({ step: NUMBERS_STEP, text: NUMBERS_TEXT, state, failure });
  }

  #set(step: SetupStep): void {
    const known = this.#steps.some((one) => one.step === step.step);
    this.#steps = known ? this.#steps.map((one) => (one.step === step.step ? step : one)) : [...this.#steps, step];
    this.#stored(this.#steps);
  }
}

/** Until the step begins and says itself what it is. */
function textOf(step: string): string {
  const words = step.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
