// Live calls above, past ones below: both change while they are looked at.

import { useEffect, useRef } from 'react';
import { useEvents } from '../../api/events.ts';
import { type Listing, useList, useNow } from '../../api/hooks.ts';
import { useAgents } from '../../api/named.ts';
import type { Call } from '../../api/resources.ts';
import { queryText } from '../../lib/route.ts';
import { useWorkspace } from '../../shell/context.ts';
import { go, useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Empty, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { PickFilter } from '../../ui/pick-filter.tsx';
import { CallTable } from './call-table.tsx';
import { PlaceCall } from './place-call.tsx';

const STATES = [
  { value: '', label: 'Live and past' },
  { value: 'answered', label: 'Talking' },
  { value: 'ringing', label: 'Ringing' },
  { value: 'ended', label: 'Ended' },
];
const DIRECTIONS = [
  { value: '', label: 'Both directions' },
  { value: 'inbound', label: 'Inbound' },
  { value: 'outbound', label: 'Outbound' },
];
interface Figures {
  readonly calls: readonly { readonly id: string; readonly total: string }[];
}

/** The running bills of live calls. */
function showFigures(list: Listing<Call>, { calls }: Figures): void {
  const totals = new Map(calls.map(({ id, total }) => [id, total]));
  list.edit((call) => {
    const total = totals.get(call.id);
    return total === undefined || call.bill === null ? call : { ...call, bill: { ...call.bill, total } };
  });
}

/** Without the event stream the list is read again so often. */
const POLL_MS = 5_000;

export function CallsPage() {
  const { id: workspaceId, at } = useWorkspace();
  const [query, setQuery] = useQuery();
  const { state, direction } = query;
  const list = useList<Call>(`/v1/calls${queryText({ workspaceId, state, direction })}`, 50);
  const agents = useAgents(workspaceId);
  const hasLive = list.items.some((call) => call.state !== 'ended');
  const now = useNow(hasLive ? 1_000 : null);
  const isFiltered = state !== undefined || direction !== undefined;

  useEvents((name, data) => {
    if (name === 'reset') list.reload();
    if (name === 'call_figures') return showFigures(list, data as Figures);
    if (name !== 'call') return;
    const call = data as Call;
    if (list.items.some(({ id }) => id === call.id))
      list.edit((item) => (item.id === call.id ? { ...item, ...call } : item));
    else if (!isFiltered) list.add(call);
  });
  const latest = useRef(list);
  latest.current = list;
  useEffect(() => {
    if (!hasLive) return undefined;
    const timer = setInterval(() => latest.current.reload(), POLL_MS);
    return () => clearInterval(timer);
  }, [hasLive]);

  return (
    <Page
      title="Calls"
      lead="Live and past calls, each with its ladder, audio quality and bill."
      actions={<PlaceCall />}
    >
      <search className="filters">
        <PickFilter name="state" label="State" options={STATES} query={query} onChange={setQuery} />
        <PickFilter name="direction" label="Direction" options={DIRECTIONS} query={query} onChange={setQuery} />
      </search>
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting rows={8} />
      ) : list.items.length === 0 ? (
        list.error === undefined && (
          <Empty
            icon="phone"
            title={isFiltered ? 'No call matches' : 'No calls yet'}
            action={<Button onClick={() => go(at('/test-call'))}>Make a test call</Button>}
          >
            {isFiltered
              ? 'Try another state or direction.'
              : 'Call one of your numbers, or talk to an agent from this browser. Calls appear here as they ring.'}
          </Empty>
        )
      ) : (
        <div className="table-wrap">
          <CallTable calls={list.items} agents={agents} nowMs={now} />
          {list.more && (
            <div className="table-foot">
              <span>{list.items.length} shown, newest first</span>
              <Button size="s" busy={list.loadingMore} onClick={list.loadMore}>
                Load more
              </Button>
            </div>
          )}
        </div>
      )}
    </Page>
  );
}
