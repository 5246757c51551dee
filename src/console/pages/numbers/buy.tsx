// Buying a number: country, type, area code, search, select, purchase. Countries that want documents lead to a request.

import { countryName } from '../../lib/countries.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Link, useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Notice } from '../../ui/feedback.tsx';
import { Field, Select } from '../../ui/field.tsx';
import { useRequirements } from '../requests/requirements.ts';
import { InstantPurchase } from './instant-purchase.tsx';

const INSTANT = ['US', 'CA'];

export function BuyPage() {
  const { at } = useWorkspace();
  const [query, setQuery] = useQuery();
  const { countries } = useRequirements();
  const country = query['country'] ?? 'US';
  const codes = [...INSTANT, ...countries.filter((code) => !INSTANT.includes(code))];
  return (
    <Page
      title="Purchase a number"
      lead="US and Canadian numbers are active at once. Other countries want documents first."
      back={{ to: at('/numbers'), label: 'Numbers' }}
    >
      <section className="card">
        <div className="card-body" style={{ maxWidth: '24rem' }}>
          <Field label="Country">
            <Select
              value={country}
              options={codes.map((code) => ({ value: code, label: countryName(code) }))}
              onChange={(event) => setQuery({ country: event.target.value })}
            />
          </Field>
        </div>
      </section>
      {INSTANT.includes(country) ? (
        <InstantPurchase key={country} country={country} />
      ) : (
        <ByRequest country={country} />
      )}
    </Page>
  );
}

function ByRequest({ country }: { readonly country: string }) {
  const { at } = useWorkspace();
  return (
    <Notice
      tone="info"
      title={`Numbers in ${countryName(country)} are given on request`}
      action={
        <Link className="button primary" to={at('/requests/new')} query={{ country }}>
          Start a request
        </Link>
      }
    >
      The country wants to know who uses a number. You fill in a form, upload documents and pay; an operator reviews it
      and the number appears in your list.
    </Notice>
  );
}
