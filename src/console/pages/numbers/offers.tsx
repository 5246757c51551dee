// Numbers for sale: where they are, what they cost, and what it comes to.

import type { AvailableNumber } from '../../api/resources.ts';
import { sumOf } from '../../lib/money.ts';
import { Money, Phone } from '../../ui/show.tsx';

interface OffersProps {
  readonly offers: readonly AvailableNumber[];
  readonly chosen: ReadonlySet<string>;
  onChoose(chosen: ReadonlySet<string>): void;
}

export function Offers({ offers, chosen, onChoose }: OffersProps) {
  const toggle = (e164: string): void => {
    const next = new Set(chosen);
    if (!next.delete(e164)) next.add(e164);
    onChoose(next);
  };
  const picked = offers.filter(({ e164 }) => chosen.has(e164));
  const currency = offers[0]?.currency ?? 'USD';
  const setUp = sumOf(picked.map(({ setupFee }) => setupFee));
  const monthly = sumOf(picked.map(({ monthlyFee }) => monthlyFee));
  return (
    <div className="table-wrap">
      <table className="table">
        <thead>
          <tr>
            <th scope="col" style={{ width: '2.5rem' }}>
              <span className="visually-hidden">Choose</span>
            </th>
            <th scope="col">Number</th>
            <th scope="col">Place</th>
            <th scope="col" className="right">
              Monthly
            </th>
            <th scope="col" className="right">
              Set-up
            </th>
          </tr>
        </thead>
        <tbody>
          {offers.map((offer) => (
            <tr
              key={offer.e164}
              className="clickable"
              onClick={({ target }) => {
                if (!(target instanceof HTMLInputElement)) toggle(offer.e164);
              }}
            >
              <td>
                <input
                  type="checkbox"
                  aria-label={`Choose ${offer.e164}`}
                  checked={chosen.has(offer.e164)}
                  onChange={() => toggle(offer.e164)}
                />
              </td>
              <td>
                <Phone e164={offer.e164} />
              </td>
              <td className="soft">
                {[offer.locality, offer.region].filter((part) => part !== null).join(', ')}
                {offer.notices.map(({ code, text }) => (
                  <span className="warn" key={code}>
                    {' '}
                    · {text}
                  </span>
                ))}
              </td>
              <td className="right">
                <Money amount={offer.monthlyFee} currency={offer.currency} />
              </td>
              <td className="right">
                <Money amount={offer.setupFee} currency={offer.currency} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="table-foot" role="status">
        {picked.length === 0 ? (
          <span>Choose one or more. Offers hold for half an hour.</span>
        ) : (
          <span>
            <span className="strong">
              <Money amount={sumOf([setUp, monthly])} currency={currency} />
            </span>{' '}
            now, then <Money amount={monthly} currency={currency} /> a month
          </span>
        )}
      </div>
    </div>
  );
}
