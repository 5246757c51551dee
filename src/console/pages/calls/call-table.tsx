// Calls as rows: who, which way, how long, how it ended, what it cost.

import type { Named } from '../../api/named.ts';
import type { Agent, Call } from '../../api/resources.ts';
import { clockOf, durationText } from '../../lib/duration.ts';
import { useWorkspace } from '../../shell/context.ts';
import { go, Link } from '../../shell/history.ts';
import { Icon } from '../../ui/icon.tsx';
import { Money, Phone, Time } from '../../ui/show.tsx';
import { CallStateBadge } from './call-state.tsx';

interface CallTableProps {
  readonly calls: readonly Call[];
  readonly agents: Named<Agent>;
  readonly nowMs: number;
}

export function CallTable({ calls, agents, nowMs }: CallTableProps) {
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th scope="col">Call</th>
          <th scope="col">Agent</th>
          <th scope="col">State</th>
          <th scope="col">Started</th>
          <th scope="col" className="right">
            Duration
          </th>
          <th scope="col" className="right">
            Bill
          </th>
        </tr>
      </thead>
      <tbody>
        {calls.map((call) => (
          <CallRow key={call.id} call={call} agentName={agents.get(call.agentId)?.name ?? call.agentId} nowMs={nowMs} />
        ))}
      </tbody>
    </table>
  );
}

interface CallRowProps {
  readonly call: Call;
  readonly agentName: string | null;
  readonly nowMs: number;
}

function CallRow({ call, agentName, nowMs }: CallRowProps) {
  const { at } = useWorkspace();
  const inbound = call.direction === 'inbound';
  return (
    <tr
      className="clickable"
      onClick={(event) => {
        if ((event.target as HTMLElement).closest('a, button') === null) go(at(`/calls/${call.id}`));
      }}
    >
      <td className="full">
        <Link to={at(`/calls/${call.id}`)} className="row nowrap plain-link" style={{ flexWrap: 'nowrap' }}>
          <span className="faint">
            <Icon name={inbound ? 'inbound' : 'outbound'} label={inbound ? 'Inbound' : 'Outbound'} />
          </span>
          <Phone e164={call.from} />
          <span className="faint" aria-hidden="true">
            →
          </span>
          <span className="visually-hidden">to</span>
          {call.class === 'browser' ? <span>{agentName}</span> : <Phone e164={call.to} />}
        </Link>
      </td>
      <td className="soft">{agentName ?? '—'}</td>
      <td>
        <CallStateBadge call={call} />
      </td>
      <td className="soft">
        <Time at={call.startedAt} />
      </td>
      <td className="right">{durationOf(call, nowMs)}</td>
      <td className="right skip">
        {call.bill === null ? (
          <span className="faint">—</span>
        ) : (
          <Money amount={call.bill.total} currency={call.bill.currency} />
        )}
      </td>
    </tr>
  );
}

function durationOf(call: Call, nowMs: number): string {
  if (call.answeredAt === null) return call.state === 'ended' ? 'Not answered' : '';
  const startMs = Date.parse(call.answeredAt);
  if (call.endedAt === null) return clockOf(nowMs - startMs);
  return durationText(Date.parse(call.endedAt) - startMs);
}
