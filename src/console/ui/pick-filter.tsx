// A filter kept in the address: one select per question.

import type { Query } from '../lib/route.ts';
import { type Option, Select } from './field.tsx';

interface PickFilterProps {
  readonly name: string;
  readonly label: string;
  readonly options: readonly Option[];
  readonly query: Readonly<Record<string, string>>;
  onChange(change: Query): void;
}

export function PickFilter({ name, label, options, query, onChange }: PickFilterProps) {
  return (
    <Select
      aria-label={label}
      options={options}
      value={query[name] ?? ''}
      onChange={(event) => onChange({ [name]: event.target.value })}
    />
  );
}
