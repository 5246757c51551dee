// The two limits of a trunk or a number, side by side.

import type { LimitsDraft } from '../lib/limits.ts';
import { Field, TextInput } from './field.tsx';

interface LimitFieldsProps {
  readonly value: LimitsDraft;
  wrong(field: string): string | undefined;
  onChange(change: Partial<LimitsDraft>): void;
}

export function LimitFields({ value, wrong, onChange }: LimitFieldsProps) {
  return (
    <div className="form-grid">
      <Field
        label="Concurrent calls"
        optional
        error={wrong('limits.concurrentCalls')}
        hint="At the same time, both directions together"
      >
        <TextInput
          inputMode="numeric"
          placeholder="No limit"
          value={value.concurrentCalls}
          onChange={({ target }) => onChange({ concurrentCalls: target.value })}
        />
      </Field>
      <Field
        label="Calls per second"
        optional
        error={wrong('limits.callsPerSecond')}
        hint="New ones, both directions together"
      >
        <TextInput
          inputMode="numeric"
          placeholder="No limit"
          value={value.callsPerSecond}
          onChange={({ target }) => onChange({ callsPerSecond: target.value })}
        />
      </Field>
    </div>
  );
}
