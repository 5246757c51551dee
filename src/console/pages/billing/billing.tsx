// Money: what there is, what it went to, and the statement of each month.

import { useState } from 'react';
import { useEvents } from '../../api/events.ts';
import { refresh } from '../../api/store.ts';
import { nanoOf, decimalOf } from '../../lib/money.ts';
import { monthName, monthsBack } from '../../lib/time.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Waiting } from '../../ui/feedback.tsx';
import { Select } from '../../ui/field.tsx';
import { Money, Stats } from '../../ui/show.tsx';
import { Postings } from './postings.tsx';
import { StatementCard } from './statement.tsx';
import { TopUp } from './top-up.tsx';
import { UsageCard } from './usage.tsx';

const MONTHS = 13;

export function BillingPage() {
  const { id: workspaceId } = useWorkspace();
  const { isOperator } = useViewer();
  const [query, setQuery] = useQuery();
  const [topping, setTopping] = useState(false);
  const months = monthsBack(Date.now(), MONTHS);
  const month = months.find((each) => each === query['month']) ?? months[0] ?? '';
  useEvents((name) => {
    if (name === 'balance' || name === 'reset')
      refresh(`/v1/workspaces/${workspaceId}/statements`, '/v1/usage', '/v1/ledger');
  });
  return (
    <Page
      title="Billing"
      lead="Prepaid money, what calls and numbers took of it, and every posting behind it."
      actions={
        isOperator && (
          <Button kind="primary" icon="plus" onClick={() => setTopping(true)}>
            Top up
          </Button>
        )
      }
    >
      <Balance />
      <div className="spread">
        <h2>{monthName(month)}</h2>
        <Select
          aria-label="Month"
          style={{ width: 'auto' }}
          value={month}
          options={months.map((each) => ({ value: each, label: monthName(each) }))}
          onChange={(event) => setQuery({ month: event.target.value })}
        />
      </div>
      <UsageCard month={month} />
      <div className="columns">
        <StatementCard month={month} />
        <Postings month={month} />
      </div>
      {topping && <TopUp onClose={() => setTopping(false)} />}
    </Page>
  );
}

function Balance() {
  const { workspace } = useWorkspace();
  if (workspace === undefined) return <Waiting rows={2} />;
  const { balance, reserved, currency, billingMode, limits } = workspace;
  const free = decimalOf((nanoOf(balance) ?? 0n) - (nanoOf(reserved) ?? 0n));
  const limit = (value: string | null) => (value === null ? 'None' : <Money amount={value} currency={currency} />);
  return (
    <Stats
      of={[
        {
          label: 'Balance',
          value: <Money amount={balance} currency={currency} cents />,
          note: billingMode === 'prepaid' ? 'Prepaid' : 'Postpaid',
        },
        {
          label: 'Held by live calls',
          value: <Money amount={reserved} currency={currency} cents />,
          note: 'Given back where it is not used',
        },
        { label: 'Free for new calls', value: <Money amount={free} currency={currency} cents /> },
        { label: 'Spending limit per day', value: limit(limits.spendPerDay) },
      ]}
    />
  );
}
