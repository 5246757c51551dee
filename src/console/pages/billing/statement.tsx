// The statement of a month: opening to closing, and as a file.

import { useGet } from '../../api/hooks.ts';
import { download } from '../../api/request.ts';
import type { Statement } from '../../api/resources.ts';
import { minutesText } from '../../lib/duration.ts';
import { plural, wordsOf } from '../../lib/words.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Badge, Loaded } from '../../ui/feedback.tsx';
import { Money } from '../../ui/show.tsx';
import { sayFailed } from '../../ui/toast.tsx';

export function StatementCard({ month }: { readonly month: string }) {
  const { id } = useWorkspace();
  const path = `/v1/workspaces/${id}/statements/${month}`;
  const { data, error, reload } = useGet<Statement>(path);
  const csv = (detail: Record<string, string>, name: string): void =>
    void download(path, detail, `${name}-${id}-${month}.csv`).catch(sayFailed);
  return (
    <section className="card" aria-labelledby="statement">
      <div className="card-head">
        <h2 id="statement">Statement</h2>
        <div className="row">
          {data !== undefined && <Badge tone={data.final ? 'good' : 'info'}>{data.final ? 'Final' : 'So far'}</Badge>}
          <Button size="s" icon="download" onClick={() => csv({}, 'statement')}>
            CSV
          </Button>
          <Button size="s" icon="download" onClick={() => csv({ detail: 'calls' }, 'calls')}>
            Call by call
          </Button>
        </div>
      </div>
      <Loaded data={data} error={error} retry={reload}>
        {(statement) => <Lines statement={statement} />}
      </Loaded>
    </section>
  );
}

function Lines({ statement }: { readonly statement: Statement }) {
  const { currency } = statement;
  const row = (key: string, label: string, note: string, amount: string) => (
    <tr key={key}>
      <td>{label}</td>
      <td className="soft">{note}</td>
      <td className="right">
        <Money amount={amount} currency={currency} />
      </td>
    </tr>
  );
  return (
    <div className="table-wrap">
      <table className="table">
        <caption className="visually-hidden">Statement: negative amounts are charges</caption>
        <thead>
          <tr>
            <th scope="col">Line</th>
            <th scope="col">
              <span className="visually-hidden">How much of it</span>
            </th>
            <th scope="col" className="right">
              Amount
            </th>
          </tr>
        </thead>
        <tbody>
          {row('opening', 'Opening balance', '', statement.opening)}
          {row('topups', 'Top-ups', countOf(statement.topups.count), statement.topups.amount)}
          {statement.charges.map((line) =>
            row(
              `${line.class} ${line.meter}`,
              `${wordsOf(line.meter)}, ${line.class === null ? 'class unknown' : wordsOf(line.class)}`,
              `${plural(line.count, 'call')}, ${minutesText(line.quantityMs)}`,
              line.amount,
            ),
          )}
          {row('fees', 'Number fees', countOf(statement.fees.count), statement.fees.amount)}
          {row('adjustments', 'Adjustments', countOf(statement.adjustments.count), statement.adjustments.amount)}
        </tbody>
        <tfoot>{row('closing', 'Closing balance', '', statement.closing)}</tfoot>
      </table>
    </div>
  );
}

function countOf(count: number): string {
  return count === 0 ? '' : plural(count, 'posting');
}
