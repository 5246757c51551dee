// Numbers that are active at once: type, area code, search, select, purchase.

import { useRef, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { newIdempotencyKey } from '../../api/request.ts';
import type { AvailableNumber, NumberOrder } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { plural } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go } from '../../shell/history.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Choices, Field, TextInput } from '../../ui/field.tsx';
import { sayDone } from '../../ui/toast.tsx';
import { Offers } from './offers.tsx';
import { Purchased } from './purchased.tsx';

type Type = 'local' | 'tollfree';

export function InstantPurchase({ country }: { readonly country: string }) {
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
