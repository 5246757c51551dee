// Numbers to choose from: what cannot be imported says why and what to do.

import type { AccountNumber } from '../../api/resources.ts';
import { countryName } from '../../lib/countries.ts';
import { wordsOf } from '../../lib/words.ts';
import { Badge } from '../../ui/feedback.tsx';
import { Phone } from '../../ui/show.tsx';
import { canImport } from './find-numbers.ts';

interface AccountNumberTableProps {
  readonly numbers: readonly AccountNumber[];
  readonly chosen: ReadonlySet<string>;
  readonly disabled: boolean;
  onChoose(chosen: ReadonlySet<string>): void;
}

export function AccountNumberTable({ numbers, chosen, disabled, onChoose }: AccountNumberTableProps) {
  const free = numbers.filter(canImport).map(({ e164 }) => e164);
  const isAll = free.length > 0 && free.every((e164) => chosen.has(e164));
  const toggle = (e164: string): void => {
    const next = new Set(chosen);
    if (!next.delete(e164)) next.add(e164);
    onChoose(next);
  };
  return (
    <div className="table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col" style={{ width: '2.5rem' }}>
              <input
                type="checkbox"
                aria-label="Choose all that can be imported"
                checked={isAll}
                disabled={disabled || free.length === 0}
                onChange={() => onChoose(new Set(isAll ? [] : free))}
              />
            </th>
            <th scope="col">Number</th>
            <th scope="col">Type</th>
            <th scope="col">Now</th>
          </tr>
        </thead>
        <tbody>
          {numbers.map((number) => (
            <tr key={number.e164}>
              <td>
                <input
                  type="checkbox"
                  aria-label={`Choose ${number.e164}`}
                  checked={chosen.has(number.e164)}
                  disabled={disabled || !canImport(number)}
                  onChange={() => toggle(number.e164)}
                />
              </td>
              <td>
                <Phone e164={number.e164} />
                <div className="tiny faint">{number.label ?? ''}</div>
              </td>
              <td className="soft">
                {[
                  number.type === null ? null : wordsOf(number.type),
                  number.country === null ? null : countryName(number.country),
                ]
                  .filter((part) => part !== null)
                  .join(', ')}
              </td>
              <td>
                <Use number={number} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Use({ number }: { readonly number: AccountNumber }) {
  if (number.numberId !== null) return <Badge tone="good">Imported</Badge>;
  if (number.refusal !== null)
    return (
      <span className="small">
        <span className="bad">{number.refusal.text}</span> <span className="soft">{number.refusal.advice}</span>
      </span>
    );
  return (
    <span className="small soft">
      {number.use === 'elsewhere'
        ? `In use: ${number.usedBy ?? 'another system'}`
        : number.use === 'ours'
          ? 'On our trunk'
          : 'Free'}
      {number.notices.map(({ code, text }) => (
        <span className="warn" key={code}>
          {' '}
          · {text}
        </span>
      ))}
    </span>
  );
}
