// Filters of the numbers, kept in the address.

import type { Query } from '../../lib/route.ts';
import { SearchInput, Select } from '../../ui/field.tsx';

export type NumberFilters = Readonly<Record<string, string>>;

const PROVIDERS = [
  { value: '', label: 'All providers' },
  { value: 'managed', label: 'Callin' },
  { value: 'twilio', label: 'Twilio' },
  { value: 'telnyx', label: 'Telnyx' },
  { value: 'byoc', label: 'BYOC' },
  { value: 'personal', label: 'Personal' },
];
const STATUSES = [
  { value: '', label: 'Any status' },
  { value: 'active', label: 'Active' },
  { value: 'pending', label: 'Pending' },
  { value: 'released', label: 'Released' },
];
const ASSIGNED = [
  { value: '', label: 'Assigned or not' },
  { value: 'true', label: 'Assigned' },
  { value: 'false', label: 'Not assigned' },
];

export function hasFilters(filters: NumberFilters): boolean {
  return ['provider', 'status', 'assigned', 'q'].some((name) => (filters[name] ?? '') !== '');
}

export function Filters({ value, onChange }: { readonly value: NumberFilters; onChange(change: Query): void }) {
  const select = (name: string, label: string, options: typeof PROVIDERS) => (
    <Select
      aria-label={label}
      options={options}
      value={value[name] ?? ''}
      onChange={(event) => onChange({ [name]: event.target.value })}
    />
  );
  return (
    <search className="filters">
      <SearchInput
        label="Search by digits"
        placeholder="Search by digits"
        inputMode="tel"
        maxLength={24}
        value={value['q'] ?? ''}
        onChange={(event) => onChange({ q: event.target.value })}
      />
      {select('provider', 'Provider', PROVIDERS)}
      {select('status', 'Status', STATUSES)}
      {select('assigned', 'Assignment', ASSIGNED)}
    </search>
  );
}
