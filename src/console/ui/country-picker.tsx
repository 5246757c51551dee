// A list of countries: the chosen ones as chips that can be taken away, the rest in a select.

import { byName, COUNTRY_CODES, countryName } from '../lib/countries.ts';
import { Select } from './field.tsx';
import { Icon } from './icon.tsx';

interface CountryPickerProps {
  readonly label: string;
  readonly value: readonly string[];
  onChange(value: readonly string[]): void;
}

export function CountryPicker({ label, value, onChange }: CountryPickerProps) {
  const rest = byName(COUNTRY_CODES.filter((code) => !value.includes(code)));
  return (
    <div className="stack-s">
      <ul className="row" aria-label={label}>
        {value.map((code) => (
          <li key={code}>
            <button
              type="button"
              className="button s"
              aria-label={`Remove ${countryName(code)}`}
              onClick={() => onChange(value.filter((each) => each !== code))}
            >
              {countryName(code)} <Icon name="cross" />
            </button>
          </li>
        ))}
        {value.length === 0 && <li className="soft small">None: no outbound call is allowed.</li>}
      </ul>
      <Select
        aria-label="Add a country"
        value=""
        options={[
          { value: '', label: 'Add a country…' },
          ...rest.map((code) => ({ value: code, label: countryName(code) })),
        ]}
        onChange={({ target }) => {
          if (target.value !== '') onChange([...value, target.value]);
        }}
      />
    </div>
  );
}
