// The agents of the workspace: where calls are streamed to.

import { useEvents } from '../../api/events.ts';
import { useGet, useList, type PageOf } from '../../api/hooks.ts';
import type { Agent, PhoneNumber } from '../../api/resources.ts';
import { plural } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go, Link } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Badge, Empty, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Time } from '../../ui/show.tsx';

export function AgentsPage() {
  const { id: workspaceId, at } = useWorkspace();
  const { canWrite } = useViewer();
  const list = useList<Agent>(`/v1/agents?workspaceId=${workspaceId}`);
  useEvents((name) => {
    if (name === 'reset') list.reload();
  });
  const create = canWrite && (
    <Button kind="primary" icon="plus" onClick={() => go(at('/agents/new'))}>
      New agent
    </Button>
  );
  return (
    <Page
      title="Agents"
      lead="An agent is a WebSocket address and the protocol it speaks. Numbers are assigned to agents."
      actions={create}
    >
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting />
      ) : list.items.length === 0 ? (
        list.error === undefined && (
          <Empty icon="agent" title="No agents yet" action={create}>
            Point the gateway at the WebSocket of your agent runtime, then call it from this browser.
          </Empty>
        )
      ) : (
        <div className="table-wrap">
          <AgentTable agents={list.items} />
          {list.more && (
            <div className="table-foot">
              <span>{list.items.length} shown</span>
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

function AgentTable({ agents }: { readonly agents: readonly Agent[] }) {
  const { id: workspaceId, at } = useWorkspace();
  const numbers = useGet<PageOf<PhoneNumber>>(`/v1/numbers?workspaceId=${workspaceId}&assigned=true&limit=200`).data;
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Address</th>
          <th scope="col">Numbers</th>
          <th scope="col">Created</th>
          <th scope="col">
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {agents.map((agent) => (
          <tr key={agent.id}>
            <td>
              <Link to={at(`/agents/${agent.id}`)} className="strong">
                {agent.name}
              </Link>{' '}
              <Badge>{agent.stream.protocol}</Badge>
            </td>
            <td className="full">
              <code className="soft">{agent.stream.url}</code>
            </td>
            <td className="soft nowrap">{numbers === undefined ? '' : countOf(agent, numbers)}</td>
            <td className="soft skip">
              <Time at={agent.createdAt} />
            </td>
            <td className="right full">
              <Button size="s" icon="mic" onClick={() => go(at('/test-call'), { query: { agent: agent.id } })}>
                Test call
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function countOf(agent: Agent, { items, nextCursor }: PageOf<PhoneNumber>): string {
  const count = items.filter(({ agentId }) => agentId === agent.id).length;
  return nextCursor === null ? plural(count, 'number') : `${count}+ numbers`;
}
