// The record of one trunk while steps are worked off: changed in one place, saved in the order of the changes.
//
// Invariant RK1. A change resolves when it is stored. Where storing fails, so does this change and every later one: nothing more is done at the
//                provider that nobody would remember.

import type { NumberStepRecord, StepRecord, TrunkRecord } from '../provider.ts';

const NEW_STEP: StepRecord = { status: 'pending', keys: [], resourceId: null, created: false, failure: null };
const NEW_NUMBER: NumberStepRecord = { status: 'pending', record: null, failure: null };

export class RecordKeeper {
  #record: TrunkRecord;
  readonly #save: (record: TrunkRecord) => Promise<void>;
  #saved: Promise<void> = Promise.resolve();

  constructor(record: TrunkRecord, save: (record: TrunkRecord) => Promise<void>) {
    this.#record = record;
    this.#save = save;
  }

  get record(): TrunkRecord {
    return this.#record;
  }

  step(name: string): StepRecord | undefined {
    return this.#record.steps[name];
  }

  /** Id of what a step has made or found; undefined before. */
  resourceOf(name: string): string | undefined {
    return this.#record.steps[name]?.resourceId ?? undefined;
  }

  number(providerId: string): NumberStepRecord | undefined {
    return this.#record.numbers[providerId];
  }

  setPhase(phase: TrunkRecord['phase']): Promise<void> {
    return this.#change({ ...this.#record, phase });
  }

  setStep(name: string, change: Partial<StepRecord>): Promise<void> {
    const step = { ...(this.step(name) ?? NEW_STEP), failure: null, ...change };
    return this.#change({ ...this.#record, steps: { ...this.#record.steps, [name]: step } });
  }

  setNumber(providerId: string, change: Partial<NumberStepRecord>): Promise<void> {
    const number = { ...(this.number(providerId) ?? NEW_NUMBER), failure: null, ...change };
    return this.#change({ ...this.#record, numbers: { ...this.#record.numbers, [providerId]: number } });
  }

  #change(record: TrunkRecord): Promise<void> {
    this.#record = record;
    this.#saved = this.#saved.then(() => this.#save(record));
    return this.#saved;
  }
}
