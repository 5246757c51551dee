// The operator's customers: their balances, and a new one.

import { useState } from 'react';
import { useList } from '../../api/hooks.ts';
import type { Workspace } from '../../api/resources.ts';
import { isNegative } from '../../lib/money.ts';
import { sentence } from '../../lib/words.ts';
import { Link } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Badge, Empty, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Money, Time } from '../../ui/show.tsx';
import { NewWorkspace } from './new-workspace.tsx';
import { WorkspaceSettings } from './workspace-settings.tsx';

export function WorkspacesPage() {
  const list = useList<Workspace>('/v1/workspaces');
  const [creating, setCreating] = useState(false);
  const [changing, setChanging] = useState<Workspace | null>(null);
  const create = (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      New workspace
    </Button>
  );
  return (
    <Page title="Workspaces" lead="One per customer: its own numbers, agents, keys and money." actions={create}>
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting />
      ) : list.items.length === 0 ? (
        list.error === undefined && (
          <Empty icon="people" title="No workspaces yet" action={create}>
            Make the first one, top it up, and give its people a key.
          </Empty>
        )
      ) : (
        <div className="table-wrap">
          <WorkspaceTable workspaces={list.items} onSettings={setChanging} />
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
      {changing !== null && (
        <WorkspaceSettings
          workspace={changing}
          onClose={() => setChanging(null)}
          onSaved={(saved) => {
            setChanging(null);
            list.edit((item) => (item.id === saved.id ? saved : item));
          }}
        />
      )}
      {creating && <NewWorkspace onClose={() => setCreating(false)} />}
    </Page>
  );
}

interface WorkspaceTableProps {
  readonly workspaces: readonly Workspace[];
  onSettings(workspace: Workspace): void;
}

function WorkspaceTable({ workspaces, onSettings }: WorkspaceTableProps) {
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Billing</th>
          <th scope="col" className="right">
            Balance
          </th>
          <th scope="col" className="right">
            Held
          </th>
          <th scope="col" className="right">
            Call limit
          </th>
          <th scope="col">Created</th>
          <th scope="col">
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {workspaces.map((workspace) => (
          <tr key={workspace.id}>
            <td>
              <Link to={`/w/${workspace.id}/numbers`} className="strong">
                {workspace.name}
              </Link>
              <div className="tiny faint">{workspace.id}</div>
            </td>
            <td>
              <Badge>{sentence(workspace.billingMode)}</Badge>
            </td>
            <td className={`right ${isNegative(workspace.balance) ? 'bad' : ''}`}>
              <Money amount={workspace.balance} currency={workspace.currency} />
            </td>
            <td className="right soft skip">
              <Money amount={workspace.reserved} currency={workspace.currency} />
            </td>
            <td className="right soft skip">{workspace.limits.concurrentCalls ?? 'None'}</td>
            <td className="soft">
              <Time at={workspace.createdAt} />
            </td>
            <td className="right full">
              <Button size="s" aria-label={`Settings of ${workspace.name}`} onClick={() => onSettings(workspace)}>
                Settings
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
