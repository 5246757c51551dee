// Names with values, line by line: headers, parameters.

import { newPair, type Pair } from '../lib/pair.ts';
import { Button } from './button.tsx';
import { TextInput } from './field.tsx';

interface PairsProps {
  readonly legend: string;
  readonly hint: string;
  readonly noun: string;
  readonly value: readonly Pair[];
  readonly max: number;
  onChange(value: readonly Pair[]): void;
}

export function Pairs({ legend, hint, noun, value, max, onChange }: PairsProps) {
  const put = (key: number, change: Partial<Pair>): void =>
    onChange(value.map((pair) => (pair.key === key ? { ...pair, ...change } : pair)));
  return (
    <fieldset className="stack-s">
      <legend>
        {legend} <span className="optional faint">(optional)</span>
      </legend>
      {value.map((pair) => (
        <div className="row" key={pair.key} style={{ flexWrap: 'nowrap' }}>
          <TextInput
            className="mono"
            aria-label={`Name of the ${noun}`}
            placeholder="name"
            value={pair.name}
            onChange={(event) => put(pair.key, { name: event.target.value })}
          />
          <TextInput
            className="mono"
            aria-label={`Value of the ${noun} ${pair.name}`}
            placeholder="value"
            value={pair.value}
            onChange={(event) => put(pair.key, { value: event.target.value })}
          />
          <Button
            kind="quiet"
            icon="trash"
            aria-label={`Remove the ${noun} ${pair.name}`}
            onClick={() => onChange(value.filter(({ key }) => key !== pair.key))}
          />
        </div>
      ))}
      <div className="row">
        <Button size="s" icon="plus" disabled={value.length >= max} onClick={() => onChange([...value, newPair()])}>
          Add {noun}
        </Button>
        <span className="small soft">{hint}</span>
      </div>
    </fieldset>
  );
}
