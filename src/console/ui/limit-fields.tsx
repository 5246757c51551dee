// The two limits of a trunk or a number, side by side.

import type { LimitsDraft } from '../lib/limits.ts';
import { Field, TextInput } from './field.tsx';

interface LimitFieldsProps {
  readonly value: LimitsDraft;
  wrong(field: string): string | undefined;
  onChange(change: Partial<LimitsDraft>): void;
}

const FIELDS = [
  { name: 'concurrentCalls', label: 'Concurrent calls', hint: 'At the same time, both directions together' },
  { name: 'callsPerSecond', label: 'Calls per second', hint: 'New ones, both directions together' },
] as const;

export function LimitFields({ value, wrong, onChange }: LimitFieldsProps) {
  return (
    <div className="form-grid">
      {FIELDS.map(({ name, label, hint }) => (
        <Field key={name} label={label} optional error={wrong(`limits.${name}`)} hint={hint}>
          <TextInput
            inputMode="numeric"
            placeholder="No limit"
            value={value[name]}
            onChange={({ target }) => onChange({ [name]: target.value })}
          />
        </Field>
      ))}
    </div>
  );
}
