// The operator's customers: their balances, and a new one.

import { useId, useState } from 'react';
import { useAction, useList } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import type { Workspace } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { isNegative, readAmount } from '../../lib/money.ts';
import { sentence } from '../../lib/words.ts';
import { go, Link } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Badge, Empty, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Choices, Field, TextInput } from '../../ui/field.tsx';
import { Money, Time } from '../../ui/show.tsx';
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

function NewWorkspace({ onClose }: { onClose(): void }) {
  const [name, setName] = useState('');
  const [billingMode, setMode] = useState<Workspace['billingMode']>('prepaid');
  const [calls, setCalls] = useState('');
  const [perDay, setPerDay] = useState('');
  const formId = useId();
  const concurrentCalls = /^\d{1,6}$/.test(calls) && Number(calls) > 0 ? Number(calls) : null;
  const spendPerDay = readAmount(perDay) ?? null;
  const creating = useAction(() =>
    request<Workspace>('POST', '/v1/workspaces', {
      body: { name: name.trim(), billingMode, limits: { concurrentCalls, spendPerDay } },
    }),
  );
  const submit = async (): Promise<void> => {
    const workspace = await creating.run();
    if (workspace === undefined) return;
    refresh('/v1/workspaces');
    go(`/w/${workspace.id}/billing`);
  };
  return (
    <Dialog
      title="New workspace"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={formId} kind="primary" busy={creating.busy} disabled={name.trim() === ''}>
            Create workspace
          </Button>
        </>
      }
    >
      <form
        id={formId}
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label="Name">
          <TextInput value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Choices<Workspace['billingMode']>
          legend="Billing"
          value={billingMode}
          options={[
            { value: 'prepaid', label: 'Prepaid', hint: 'Calls end when the money does' },
            { value: 'postpaid', label: 'Postpaid', hint: 'Billed afterwards' },
          ]}
          onChange={setMode}
        />
        <div className="form-grid">
          <Field
            label="Concurrent calls"
            optional
            error={calls !== '' && concurrentCalls === null ? 'A whole number' : null}
          >
            <TextInput
              inputMode="numeric"
              placeholder="No limit"
              value={calls}
              onChange={(event) => setCalls(event.target.value)}
            />
          </Field>
          <Field
            label="Spending per day"
            optional
            error={perDay !== '' && spendPerDay === null ? 'An amount such as 50.00' : null}
          >
            <TextInput
              inputMode="decimal"
              placeholder="No limit"
              value={perDay}
              onChange={(event) => setPerDay(event.target.value)}
            />
          </Field>
        </div>
        {creating.problem !== undefined && <ProblemNotice problem={creating.problem} />}
      </form>
    </Dialog>
  );
}
