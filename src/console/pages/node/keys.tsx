// API keys of the workspace: made, shown once, revoked at once.

import { useId, useState } from 'react';
import { useAction, useList } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import type { ApiKey, CreatedKey } from '../../api/resources.ts';
import { sentence } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm, Dialog, FormFoot } from '../../ui/dialog.tsx';
import { Badge, Empty, Notice, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Choices, Field, TextInput } from '../../ui/field.tsx';
import { Address, Time } from '../../ui/show.tsx';
import { sayDone } from '../../ui/toast.tsx';

type Role = NonNullable<ApiKey['role']>;

const ROLES: readonly { readonly value: Role; readonly label: string; readonly hint: string }[] = [
  { value: 'read_only', label: 'Read only', hint: 'Looks at everything, changes nothing' },
  { value: 'member', label: 'Member', hint: 'Works with numbers, agents and calls' },
  { value: 'admin', label: 'Admin', hint: 'Also makes keys and holds provider accounts' },
];

export function KeysPage() {
  const { id } = useWorkspace();
  const { isAdmin } = useViewer();
  const list = useList<ApiKey>(`/v1/workspaces/${id}/keys`);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const create = isAdmin && (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      New key
    </Button>
  );
  return (
    <Page
      title="API keys"
      lead="For this console and for programs. A key opens this workspace and no other."
      actions={create}
    >
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting />
      ) : list.items.length === 0 ? (
        list.error === undefined && (
          <Empty icon="key" title="No keys yet" action={create}>
            Make one for each program and each person, so that each can be revoked alone.
          </Empty>
        )
      ) : (
        <div className="table-wrap">
          <table className="table cards">
            <thead>
              <tr>
                <th scope="col">Label</th>
                <th scope="col">Role</th>
                <th scope="col">Created</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.items.map((key) => (
                <tr key={key.id}>
                  <td className="strong">{key.label}</td>
                  <td>
                    <Badge>{sentence(key.role ?? 'admin')}</Badge>
                  </td>
                  <td className="soft">
                    <Time at={key.createdAt} />
                  </td>
                  <td className="right">
                    {isAdmin && (
                      <Button size="s" kind="danger" onClick={() => setRevoking(key)}>
                        Revoke
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {creating && (
        <NewKey
          onClose={() => {
            setCreating(false);
            list.reload();
          }}
        />
      )}
      {revoking !== null && (
        <RevokeKey
          apiKey={revoking}
          onClose={() => setRevoking(null)}
          onRevoked={() => {
            setRevoking(null);
            list.reload();
          }}
        />
      )}
    </Page>
  );
}

function NewKey({ onClose }: { onClose(): void }) {
  const { id } = useWorkspace();
  const [label, setLabel] = useState('');
  const [role, setRole] = useState<Role>('member');
  const [made, setMade] = useState<CreatedKey>();
  const formId = useId();
  const creating = useAction(() =>
    request<CreatedKey>('POST', `/v1/workspaces/${id}/keys`, { body: { label: label.trim(), role } }),
  );
  if (made !== undefined)
    return (
      <Dialog
        title="Your new key"
        onClose={onClose}
        foot={
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <div className="stack">
          <Notice tone="warn">Copy it now: it is shown this once and kept nowhere.</Notice>
          <Address text={made.token} label="the key" />
        </div>
      </Dialog>
    );
  return (
    <Dialog
      title="New API key"
      onClose={onClose}
      foot={
        <FormFoot form={formId} busy={creating.busy} disabled={label.trim() === ''} onCancel={onClose}>
          Create key
        </FormFoot>
      }
    >
      <form
        id={formId}
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void creating.run().then((key) => setMade(key));
        }}
      >
        <Field label="Label" hint="Who or what uses it">
          <TextInput value={label} maxLength={100} onChange={(event) => setLabel(event.target.value)} />
        </Field>
        <Choices<Role> legend="Role" value={role} options={ROLES} onChange={setRole} />
        {creating.problem !== undefined && <ProblemNotice problem={creating.problem} />}
      </form>
    </Dialog>
  );
}

interface RevokeKeyProps {
  readonly apiKey: ApiKey;
  onClose(): void;
  onRevoked(): void;
}

function RevokeKey({ apiKey, onClose, onRevoked }: RevokeKeyProps) {
  const { id } = useWorkspace();
  const revoking = useAction(async () => {
    await request('DELETE', `/v1/workspaces/${id}/keys/${apiKey.id}`);
    return true;
  });
  const confirm = async (): Promise<void> => {
    if ((await revoking.run()) === undefined) return;
    sayDone(`${apiKey.label} is revoked`);
    onRevoked();
  };
  return (
    <Confirm
      title={`Revoke ${apiKey.label}?`}
      action="Revoke key"
      busy={revoking.busy}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>What uses it is refused from now on, and everybody who signed in with it is signed out.</p>
      {revoking.problem !== undefined && <ProblemNotice problem={revoking.problem} />}
    </Confirm>
  );
}
