// Requests for numbers of countries that want to know who uses them.

import { useEvents } from '../../api/events.ts';
import { useList } from '../../api/hooks.ts';
import type { NumberRequest } from '../../api/resources.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go, useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { queryText } from '../../lib/route.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { PickFilter } from '../../ui/pick-filter.tsx';
import { RequestTable } from './request-table.tsx';

export const STATUS_OPTIONS = [
  { value: '', label: 'Any status' },
  { value: 'draft', label: 'Draft' },
  { value: 'awaiting_documents', label: 'Documents missing' },
  { value: 'awaiting_payment', label: 'Payment due' },
  { value: 'in_review', label: 'In review' },
  { value: 'approved', label: 'Approved' },
  { value: 'rejected', label: 'Rejected' },
  { value: 'cancelled', label: 'Cancelled' },
];

export function RequestsPage() {
  const { id: workspaceId, at } = useWorkspace();
  const { canWrite } = useViewer();
  const [query, setQuery] = useQuery();
  const { status } = query;
  const list = useList<NumberRequest>(`/v1/number-requests${queryText({ workspaceId, status })}`, 50);
  useEvents((name) => {
    if (name === 'number_request' || name === 'reset') list.reload();
  });
  const start = canWrite && (
    <Button kind="primary" icon="plus" onClick={() => go(at('/requests/new'))}>
      New request
    </Button>
  );
  return (
    <Page
      title="Requests"
      lead="Numbers of countries that want to know who uses them, and numbers ported from another carrier."
      actions={start}
    >
      <search className="filters">
        <PickFilter name="status" label="Status" options={STATUS_OPTIONS} query={query} onChange={setQuery} />
      </search>
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting />
      ) : list.items.length === 0 ? (
        list.error === undefined && (
          <Empty icon="doc" title={status === undefined ? 'No requests yet' : 'No request matches'} action={start}>
            Choose a country and a type; we say what is needed, what it costs and how long it takes.
          </Empty>
        )
      ) : (
        <RequestTable list={list} pathOf={({ id }) => at(`/requests/${id}`)} />
      )}
    </Page>
  );
}
