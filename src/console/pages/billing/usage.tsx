// Usage of a month: a column per day, a bar per number or agent.

import { useGet } from '../../api/hooks.ts';
import { useAgents } from '../../api/named.ts';
import { download } from '../../api/request.ts';
import type { Usage } from '../../api/resources.ts';
import { minutesText } from '../../lib/duration.ts';
import { nanoOf, shareOf } from '../../lib/money.ts';
import { readable } from '../../lib/phone-number.ts';
import { queryText } from '../../lib/route.ts';
import { daysOf, monthRange } from '../../lib/time.ts';
import { plural } from '../../lib/words.ts';
import { useWorkspace } from '../../shell/context.ts';
import { useQuery } from '../../shell/history.ts';
import { BarChart } from '../../ui/bar-chart.tsx';
import { Button } from '../../ui/button.tsx';
import { Empty, Loaded } from '../../ui/feedback.tsx';
import { Money, Stats } from '../../ui/show.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { sayFailed } from '../../ui/toast.tsx';

const GROUPS = [
  { name: 'day', label: 'By day' },
  { name: 'number', label: 'By number' },
  { name: 'agent', label: 'By agent' },
] as const;
type Group = (typeof GROUPS)[number]['name'];

export function UsageCard({ month }: { readonly month: string }) {
  const { id: workspaceId } = useWorkspace();
  const [query, setQuery] = useQuery();
  const groupBy: Group = GROUPS.find(({ name }) => name === query['by'])?.name ?? 'day';
  const asked = { workspaceId, groupBy, ...monthRange(month) };
  const { data, error, reload } = useGet<Usage>(`/v1/usage${queryText(asked)}`);
  return (
    <section className="card" aria-labelledby="usage">
      <div className="card-head">
        <h2 id="usage">Usage</h2>
        <Button
          size="s"
          icon="download"
          onClick={() => void download('/v1/usage', asked, `usage-${groupBy}-${month}.csv`).catch(sayFailed)}
        >
          CSV
        </Button>
      </div>
      <div className="card-body">
        <Tabs label="Usage" tabs={GROUPS} value={groupBy} onChange={(by) => setQuery({ by })}>
          <Loaded data={data} error={error} retry={reload}>
            {(usage) => <UsageView usage={usage} month={month} />}
          </Loaded>
        </Tabs>
      </div>
    </section>
  );
}

function UsageView({ usage, month }: { readonly usage: Usage; readonly month: string }) {
  const { total, currency } = usage;
  if (usage.items.length === 0)
    return (
      <Empty icon="wallet" title="No usage in this month">
        What calls cost appears here when they have ended.
      </Empty>
    );
  return (
    <div className="stack">
      <Stats
        of={[
          {
            label: 'Calls',
            value: total.calls.toLocaleString('en-US'),
            note: `${total.answered.toLocaleString('en-US')} answered`,
          },
          {
            label: 'Telephony',
            value: <Money amount={total.telephony} currency={currency} />,
            note: minutesText(total.telephonyMs),
          },
          {
            label: 'Agent compute',
            value: <Money amount={total.compute} currency={currency} />,
            note: minutesText(total.computeMs),
          },
          { label: 'Total', value: <Money amount={total.total} currency={currency} /> },
        ]}
      />
      {usage.groupBy === 'day' ? <ByDay usage={usage} month={month} /> : <ByName usage={usage} />}
    </div>
  );
}

function ByDay({ usage, month }: { readonly usage: Usage; readonly month: string }) {
  const days = daysOf(month, Date.now()).map((day) => {
    const row = usage.items.find(({ key }) => key === day);
    const amount = row?.total ?? '0.00';
    return {
      label: day.slice(8).replace(/^0/, ''),
      // For the height of a column only; the text has the exact amount.
      value: Number(nanoOf(amount) ?? 0n),
      text: `${day}: ${plural(row?.calls ?? 0, 'call')}`,
      amount,
    };
  });
  return <BarChart title="Cost per day in UTC" bars={days} currency={usage.currency} />;
}

function ByName({ usage }: { readonly usage: Usage }) {
  const { id } = useWorkspace();
  const agents = useAgents(id);
  const rows = usage.items.toSorted((a, b) => Number((nanoOf(b.total) ?? 0n) - (nanoOf(a.total) ?? 0n)));
  const most = rows[0]?.total ?? '0';
  const nameOf = (key: string | null): string => {
    if (key === null) return 'No agent';
    return usage.groupBy === 'number' ? readable(key) : (agents.get(key)?.name ?? key);
  };
  return (
    <ul className="bar-list">
      {rows.map((row) => (
        <li key={row.key ?? ''}>
          <div className="spread">
            <span className="num">{nameOf(row.key)}</span>
            <span className="soft small">
              {plural(row.calls, 'call')}, {minutesText(row.computeMs)} ·{' '}
              <span className="strong">
                <Money amount={row.total} currency={usage.currency} />
              </span>
            </span>
          </div>
          <div className="track" aria-hidden="true">
            <div className="fill" style={{ width: `${shareOf(row.total, most) * 100}%` }} />
          </div>
        </li>
      ))}
    </ul>
  );
}
