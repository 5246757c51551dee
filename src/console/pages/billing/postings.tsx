// The ledger behind the figures: every posting of the month, newest first.

import { useList } from '../../api/hooks.ts';
import { download } from '../../api/request.ts';
import type { Posting } from '../../api/resources.ts';
import { isNegative } from '../../lib/money.ts';
import { monthRange } from '../../lib/time.ts';
import { queryText } from '../../lib/route.ts';
import { wordsOf } from '../../lib/words.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Link } from '../../shell/history.ts';
import { Button } from '../../ui/button.tsx';
import { ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Money, Time } from '../../ui/show.tsx';
import { sayFailed } from '../../ui/toast.tsx';

export function Postings({ month }: { readonly month: string }) {
  const { id: workspaceId, at, workspace } = useWorkspace();
  const currency = workspace?.currency ?? 'USD';
  const query = { workspaceId, ...monthRange(month) };
  const list = useList<Posting>(`/v1/ledger${queryText(query)}`, 25);
  return (
    <section className="card" aria-labelledby="ledger">
      <div className="card-head">
        <h2 id="ledger">Ledger</h2>
        <Button
          size="s"
          icon="download"
          onClick={() => void download('/v1/ledger', query, `ledger-${workspaceId}-${month}.csv`).catch(sayFailed)}
        >
          CSV
        </Button>
      </div>
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting />
      ) : list.items.length === 0 ? (
        <div className="card-body">
          <p className="soft">Nothing was posted in this month.</p>
        </div>
      ) : (
        <div className="table-wrap">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">What</th>
                <th scope="col" className="right">
                  Amount
                </th>
                <th scope="col" className="right">
                  Balance
                </th>
              </tr>
            </thead>
            <tbody>
              {list.items.map((posting) => (
                <tr key={posting.id}>
                  <td className="soft">
                    <Time at={posting.at} />
                  </td>
                  <td title={posting.note}>
                    {posting.callId === null ? (
                      wordsOf(posting.meter)
                    ) : (
                      <Link to={at(`/calls/${posting.callId}`)}>{wordsOf(posting.meter)}</Link>
                    )}
                  </td>
                  <td className={`right ${isNegative(posting.amount) ? '' : 'good'}`}>
                    <Money amount={posting.amount} currency={currency} />
                  </td>
                  <td className="right soft">
                    <Money amount={posting.balanceAfter} currency={currency} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {list.more && (
            <div className="table-foot">
              <span />
              <Button size="s" busy={list.loadingMore} onClick={list.loadMore}>
                Load more
              </Button>
            </div>
          )}
        </div>
      )}
    </section>
  );
}
