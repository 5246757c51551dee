// Requests as rows, for customers and for the operator.

import type { Listing } from '../../api/hooks.ts';
import type { NumberRequest } from '../../api/resources.ts';
import { countryName } from '../../lib/countries.ts';
import { plural, wordsOf } from '../../lib/words.ts';
import { Link } from '../../shell/history.ts';
import { Button } from '../../ui/button.tsx';
import { Money, Time } from '../../ui/show.tsx';
import { RequestStatus } from './request-status.tsx';

interface RequestTableProps {
  readonly list: Listing<NumberRequest>;
  /** For the operator, who sees all of them. */
  readonly withWorkspace?: boolean;
  pathOf(request: NumberRequest): string;
}

export function RequestTable({ list, withWorkspace = false, pathOf }: RequestTableProps) {
  return (
    <div className="table-wrap">
      <table className="table cards">
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Kind</th>
            {withWorkspace && <th scope="col">Workspace</th>}
            <th scope="col">Status</th>
            <th scope="col" className="right">
              Fees
            </th>
            <th scope="col">Begun</th>
          </tr>
        </thead>
        <tbody>
          {list.items.map((request) => (
            <tr key={request.id}>
              <td>
                <Link to={pathOf(request)} className="strong">
                  {countryName(request.country)}, {wordsOf(request.type).toLowerCase()}
                </Link>
                <div className="tiny faint">
                  <code>{request.id}</code>
                </div>
              </td>
              <td className="soft skip">
                {wordsOf(request.requestType)}, {plural(request.quantity, 'number')}
              </td>
              {withWorkspace && <td className="soft skip">{request.workspaceId}</td>}
              <td>
                <RequestStatus status={request.status} />
              </td>
              <td className="right skip">
                <Money amount={request.fees.total} currency={request.fees.currency} />
              </td>
              <td className="soft">
                <Time at={request.createdAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.more && (
        <div className="table-foot">
          <span>{list.items.length} shown</span>
          <Button size="s" busy={list.loadingMore} onClick={list.loadMore}>
            Load more
          </Button>
        </div>
      )}
    </div>
  );
}
