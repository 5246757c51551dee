// The operator's review: what customers handed in, approved with numbers or sent back with a reason.

import { useEvents } from '../../api/events.ts';
import { useGet, useList } from '../../api/hooks.ts';
import type { NumberRequest } from '../../api/resources.ts';
import { put } from '../../api/store.ts';
import { countryName } from '../../lib/countries.ts';
import { queryText } from '../../lib/route.ts';
import { wordsOf } from '../../lib/words.ts';
import { Link, useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Empty, Loaded, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { PickFilter } from '../../ui/pick-filter.tsx';
import { Copy, Facts, Phone, Time } from '../../ui/show.tsx';
import type { PageProps } from '../index.ts';
import { Decide } from './decide.tsx';
import { DocumentLine } from './documents.tsx';
import { RequestStatus } from './request-status.tsx';
import { RequestTable } from './request-table.tsx';
import { STATUS_OPTIONS } from './requests.tsx';
import { requirementOf, useRequirements } from './requirements.ts';

export function ReviewPage() {
  const [query, setQuery] = useQuery();
  const status = query['status'] ?? 'in_review';
  const list = useList<NumberRequest>(
    `/v1/number-requests${queryText({ status: status === 'all' ? undefined : status })}`,
    50,
  );
  useEvents((name) => {
    if (name === 'number_request' || name === 'reset') list.reload();
  });
  const options = STATUS_OPTIONS.map((option) => (option.value === '' ? { ...option, value: 'all' } : option));
  return (
    <Page title="Review" lead="Requests of all workspaces. The oldest ones have waited longest.">
      <search className="filters">
        <PickFilter name="status" label="Status" options={options} query={{ status }} onChange={setQuery} />
      </search>
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting />
      ) : list.items.length === 0 ? (
        list.error === undefined && (
          <Empty icon="check" title={status === 'in_review' ? 'Nothing to review' : 'No request matches'}>
            Requests appear here when customers have submitted and paid them.
          </Empty>
        )
      ) : (
        <RequestTable list={list} withWorkspace pathOf={({ id }) => `/review/${id}`} />
      )}
    </Page>
  );
}

export function ReviewRequestPage({ params }: PageProps) {
  const requestId = params['requestId'] ?? '';
  const path = `/v1/number-requests/${requestId}`;
  const { data: request, error, reload } = useGet<NumberRequest>(path);
  useEvents((name, data) => {
    if (name === 'reset' || (name === 'number_request' && (data as NumberRequest).id === requestId)) reload();
  });
  return (
    <Page
      title={
        request === undefined ? 'Request' : `${countryName(request.country)}, ${wordsOf(request.type).toLowerCase()}`
      }
      back={{ to: '/review', label: 'Review' }}
      lead={
        request !== undefined && (
          <span className="row">
            <RequestStatus status={request.status} />
            <Link to={`/w/${request.workspaceId}/requests/${request.id}`}>{request.workspaceId}</Link>
            <span className="copyable">
              <code>{request.id}</code>
              <Copy text={request.id} label="Copy request id" />
            </span>
          </span>
        )
      }
      actions={
        request?.status === 'in_review' && <Decide request={request} onChange={(changed) => put(path, changed)} />
      }
    >
      <Loaded data={request} error={error} retry={reload} rows={8}>
        {(shown) => <Handed request={shown} />}
      </Loaded>
    </Page>
  );
}

/** Everything that was handed in, as it is reviewed. */
function Handed({ request }: { readonly request: NumberRequest }) {
  const { all } = useRequirements();
  const requirement = requirementOf(all, request);
  const labelOf = (name: string): string => requirement?.fields.find((rule) => rule.name === name)?.label ?? name;
  const kindOf = (kind: string): string => requirement?.documents.find((rule) => rule.kind === kind)?.label ?? kind;
  const filled = Object.entries(request.fields).filter(([, { value }]) => value !== null);
  return (
    <div className="columns">
      <section className="card" aria-labelledby="handed">
        <div className="card-head">
          <h2 id="handed">Information</h2>
        </div>
        <div className="card-body">
          <Facts
            of={[
              ['Request', `${wordsOf(request.requestType)}, ${request.quantity}`],
              ...filled.map(([name, { value }]) => [labelOf(name), value] as const),
              ...request.numbers.map((e164) => ['To port', <Phone key={e164} e164={e164} copy />] as const).slice(0, 1),
            ]}
          />
          {request.numbers.length > 1 && <p className="small mono">{request.numbers.join(', ')}</p>}
        </div>
      </section>
      <div className="stack">
        <section className="card" aria-labelledby="handed-documents">
          <div className="card-head">
            <h2 id="handed-documents">Documents</h2>
          </div>
          <div className="card-body stack">
            {request.documents.length === 0 && <p className="soft">None.</p>}
            {request.documents.map((document) => (
              <div key={document.id} className="stack-s">
                <h3>{kindOf(document.kind)}</h3>
                <DocumentLine request={request} document={document} />
              </div>
            ))}
          </div>
        </section>
        <section className="card" aria-labelledby="history">
          <div className="card-head">
            <h2 id="history">History</h2>
          </div>
          <div className="card-body">
            <Facts
              of={request.history.map(({ at, status, by }) => [
                wordsOf(status),
                <span key={at}>
                  <Time at={at} /> <span className="faint">by {by}</span>
                </span>,
              ])}
            />
          </div>
        </section>
      </div>
    </div>
  );
}
