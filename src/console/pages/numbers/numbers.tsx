// Every number of the workspace: found by filters and digits, assigned to its agent in place, added in five ways.

import { useDeferredValue, useState } from 'react';
import { useEvents } from '../../api/events.ts';
import { type Listing, useGet, useList, type PageOf } from '../../api/hooks.ts';
import { useAgents } from '../../api/named.ts';
import type { PhoneNumber } from '../../api/resources.ts';
import { searchDigits } from '../../lib/phone-number.ts';
import { queryText } from '../../lib/route.ts';
import { plural } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Empty, Notice, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { useNarrow } from '../../ui/media.ts';
import { VirtualRows } from '../../ui/virtual-rows.tsx';
import { AddNumber } from './add-number.tsx';
import { ExportNumbers } from './export-numbers.tsx';
import { Filters, hasFilters, type NumberFilters } from './filters.tsx';
import { NumberHead, NumberRow } from './number-row.tsx';
import { NumberSettings } from './number-settings.tsx';
import { RemoveNumber } from './remove-number.tsx';
import { useAssign } from './assign.ts';

const ROW_PX = 52;
const NARROW_ROW_PX = 132;
const PAGE = 200;

export function NumbersPage() {
  const { id: workspaceId } = useWorkspace();
  const { canWrite } = useViewer();
  const [filters, setFilters] = useQuery();
  const q = useDeferredValue(searchDigits(filters['q'] ?? ''));
  const { provider, status, assigned } = filters;
  const path = `/v1/numbers${queryText({ workspaceId, provider, status, assigned, q })}`;
  const list = useList<PhoneNumber>(path, PAGE);

  useEvents((name, data) => {
    if (name === 'reset' || name === 'number_order') list.reload();
    if (name !== 'number') return;
    const number = data as PhoneNumber & { readonly deleted?: boolean };
    if (number.deleted === true) list.edit((item) => (item.id === number.id ? null : item));
    else if (list.items.some(({ id }) => id === number.id))
      list.edit((item) => (item.id === number.id ? number : item));
    else if (!hasFilters(filters)) list.reload();
  });

  return (
    <Page
      title="Numbers"
      lead="Every number connected to this workspace, and the agent that answers it."
      actions={canWrite && <AddNumber onAdded={list.reload} />}
    >
      <UnassignedNotice
        workspaceId={workspaceId}
        filters={filters}
        onShow={() => setFilters({ assigned: 'false', status: 'active' })}
      />
      <Filters value={filters} onChange={setFilters} />
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting rows={8} />
      ) : (
        <NumberTable list={list} path={path} filters={filters} onClear={() => setFilters(NO_FILTERS)} />
      )}
    </Page>
  );
}

const NO_FILTERS = { provider: undefined, status: undefined, assigned: undefined, q: undefined };

/** How many active numbers nobody answers; where there are more than a few, said as "more than". */
function UnassignedNotice({
  workspaceId,
  filters,
  onShow,
}: {
  readonly workspaceId: string;
  readonly filters: NumberFilters;
  onShow(): void;
}) {
  const path = `/v1/numbers?workspaceId=${workspaceId}&assigned=false&status=active&limit=100`;
  const { data, reload } = useGet<PageOf<PhoneNumber>>(path);
  useEvents((name) => {
    if (name === 'number' || name === 'reset') reload();
  });
  const waiting = (data?.items ?? []).filter(({ provider }) => provider !== 'personal');
  if (waiting.length === 0 || filters['assigned'] === 'false') return null;
  const count =
    data?.nextCursor === null ? plural(waiting.length, 'number is', 'numbers are') : 'More than 100 numbers are';
  return (
    <Notice
      tone="warn"
      action={
        <Button size="s" onClick={onShow}>
          Show
        </Button>
      }
    >
      {count} not assigned to any agent: calls to {waiting.length === 1 ? 'it' : 'them'} are refused.
    </Notice>
  );
}

interface NumberTableProps {
  readonly list: Listing<PhoneNumber>;
  readonly path: string;
  readonly filters: NumberFilters;
  onClear(): void;
}

function NumberTable({ list, path, filters, onClear }: NumberTableProps) {
  const { id: workspaceId } = useWorkspace();
  const { canWrite } = useViewer();
  const agents = useAgents(workspaceId);
  const assign = useAssign(list);
  const narrow = useNarrow();
  const [removing, setRemoving] = useState<PhoneNumber | null>(null);
  const [changing, setChanging] = useState<PhoneNumber | null>(null);

  if (list.items.length === 0) {
    if (list.error !== undefined) return null;
    return hasFilters(filters) ? (
      <Empty icon="search" title="No number matches" action={<Button onClick={onClear}>Clear filters</Button>}>
        Nothing here has all of what is asked for.
      </Empty>
    ) : (
      <Empty icon="hash" title="No numbers yet" action={canWrite && <AddNumber onAdded={list.reload} />}>
        Buy a US or Canadian number and take calls within a minute, or bring the numbers you have.
      </Empty>
    );
  }
  return (
    <>
      <VirtualRows
        label="Numbers"
        head={<NumberHead />}
        items={list.items}
        rowHeight={narrow ? NARROW_ROW_PX : ROW_PX}
        more={list.more}
        keyOf={(number) => number.id}
        onEnd={list.loadMore}
        row={(number) => (
          <NumberRow
            number={number}
            agents={agents.items}
            canWrite={canWrite}
            onAssign={assign}
            onRemove={setRemoving}
            onSettings={setChanging}
          />
        )}
        foot={
          <div className="table-foot">
            <span role="status">
              {list.more
                ? `First ${list.items.length.toLocaleString('en-US')} shown`
                : plural(list.items.length, 'number')}
              {list.loadingMore && ' · loading more'}
            </span>
            <ExportNumbers path={path} agents={agents} />
          </div>
        }
      />
      {changing !== null && (
        <NumberSettings
          number={changing}
          onClose={() => setChanging(null)}
          onChanged={(changed) => {
            setChanging(null);
            list.edit((item) => (item.id === changed.id ? changed : item));
          }}
        />
      )}
      {removing !== null && (
        <RemoveNumber
          number={removing}
          onClose={() => setRemoving(null)}
          onRemoved={(removed) => {
            setRemoving(null);
            list.edit((item) => (item.id === removed.id ? null : item));
          }}
        />
      )}
    </>
  );
}
