// Buying a number: country, type, area code, search, select, purchase. Countries that want documents lead to a request.

import { useRef, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { newIdempotencyKey } from '../../api/request.ts';
import type { AvailableNumber, NumberOrder } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { countryName } from '../../lib/countries.ts';
import { plural } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go, Link, useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Empty, Notice, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Choices, Field, Select, TextInput } from '../../ui/field.tsx';
import { sayDone } from '../../ui/toast.tsx';
import { Offers } from './offers.tsx';
import { Purchased } from './purchased.tsx';
import { useRequirements } from '../requests/requirements.ts';

const INSTANT = ['US', 'CA'];
type Type = 'local' | 'tollfree';

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
      {INSTANT.includes(country) ? <Instant key={country} country={country} /> : <ByRequest country={country} />}
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

function Instant({ country }: { readonly country: string }) {
  const { id: workspaceId, at } = useWorkspace();
  const { canWrite } = useViewer();
  const [type, setType] = useState<Type>('local');
  const [areaCode, setAreaCode] = useState('');
  const [offers, setOffers] = useState<readonly AvailableNumber[]>();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [order, setOrder] = useState<NumberOrder>();
  const key = useRef(newIdempotencyKey());

  const searching = useAction(() =>
    call('GET /v1/available-numbers', {
      query: { workspaceId, country, type, ...(type === 'local' && areaCode !== '' ? { areaCode } : {}) },
    }),
  );
  const buying = useAction(() =>
    call('POST /v1/number-orders', {
      body: { workspaceId, numbers: [...chosen] },
      idempotencyKey: key.current,
    }),
  );
  const search = async (): Promise<void> => {
    buying.clear();
    setChosen(new Set());
    const found = await searching.run();
    setOffers(found?.items);
  };
  const purchase = async (): Promise<void> => {
    const placed = await buying.run();
    if (placed === undefined) {
      // Nothing was charged: the next press is another order. Where no answer came, the same one is asked for again.
      if (buying.problem?.status !== 0) key.current = newIdempotencyKey();
      return;
    }
    refresh('/v1/numbers', '/v1/workspaces', '/v1/ledger');
    sayDone(
      placed.state === 'completed' ? `${plural(placed.numbers.length, 'number')} purchased` : 'Your order is placed',
    );
    setOrder(placed);
  };
  if (order !== undefined)
    return (
      <Purchased
        order={order}
        onMore={() => {
          key.current = newIdempotencyKey();
          setOrder(undefined);
          setOffers(undefined);
          setChosen(new Set());
        }}
        onDone={() => go(at('/numbers'))}
      />
    );
  const areaWrong = areaCode !== '' && !/^\d{3}$/.test(areaCode);
  return (
    <>
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          void search();
        }}
      >
        <div className="card-body form">
          <Choices<Type>
            legend="Type"
            value={type}
            options={[
              { value: 'local', label: 'Local', hint: 'A number of a city or region' },
              { value: 'tollfree', label: 'Toll-free', hint: 'Free for whoever calls it' },
            ]}
            onChange={(next) => {
              setType(next);
              setOffers(undefined);
            }}
          />
          {type === 'local' && (
            <div style={{ maxWidth: '14rem' }}>
              <Field label="Area code" optional error={areaWrong ? 'Three digits such as 415' : null}>
                <TextInput
                  className="mono"
                  inputMode="numeric"
                  maxLength={3}
                  placeholder={country === 'CA' ? '416' : '415'}
                  value={areaCode}
                  onChange={(event) => setAreaCode(event.target.value.replace(/\D/g, ''))}
                />
              </Field>
            </div>
          )}
          <div>
            <Button
              type="submit"
              icon="search"
              busy={searching.busy}
              disabled={areaWrong}
              kind={offers === undefined ? 'primary' : 'plain'}
            >
              Search numbers
            </Button>
          </div>
        </div>
      </form>
      {searching.problem !== undefined && <ProblemNotice problem={searching.problem} />}
      {searching.busy && offers === undefined && <Waiting />}
      {offers !== undefined && offers.length === 0 && (
        <Empty icon="search" title="None is free there right now">
          Try another area code, or none at all. Nothing was charged.
        </Empty>
      )}
      {offers !== undefined && offers.length > 0 && (
        <>
          <Offers offers={offers} chosen={chosen} onChoose={setChosen} />
          {buying.problem !== undefined && <ProblemNotice problem={buying.problem} />}
          {canWrite && (
            <div className="form-foot">
              <Button
                kind="primary"
                icon="cart"
                busy={buying.busy}
                disabled={chosen.size === 0}
                onClick={() => void purchase()}
              >
                {chosen.size > 1 ? `Purchase ${chosen.size} numbers` : 'Purchase selected number'}
              </Button>
            </div>
          )}
        </>
      )}
    </>
  );
}
