// One agent: created, changed, deleted. Secrets go in and are never shown again.

import { useAction, useGet } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import type { Agent } from '../../api/resources.ts';
import { put, refresh } from '../../api/store.ts';
import { useState } from 'react';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Loaded, ProblemNotice } from '../../ui/feedback.tsx';
import { sayDone } from '../../ui/toast.tsx';
import type { PageProps } from '../index.ts';
import { type AgentDraft, bodyOf, draftOf, EMPTY_AGENT } from './agent-draft.ts';
import { AgentForm } from './agent-form.tsx';

export function NewAgentPage() {
  const { id: workspaceId, at } = useWorkspace();
  const creating = useAction((draft: AgentDraft) =>
    request<Agent>('POST', '/v1/agents', { body: { workspaceId, ...bodyOf(draft) } }),
  );
  const create = async (draft: AgentDraft): Promise<void> => {
    const agent = await creating.run(draft);
    if (agent === undefined) return;
    refresh('/v1/agents');
    sayDone(`${agent.name} is created`);
    go(at(`/agents/${agent.id}`));
  };
  return (
    <Page
      title="New agent"
      lead="The gateway dials this WebSocket for every call and streams the audio both ways."
      back={{ to: at('/agents'), label: 'Agents' }}
    >
      <AgentForm
        initial={EMPTY_AGENT}
        authTokenSet={false}
        action="Create agent"
        busy={creating.busy}
        problem={creating.problem}
        onSubmit={(draft) => void create(draft)}
      />
    </Page>
  );
}

export function AgentPage({ params }: PageProps) {
  const { at } = useWorkspace();
  const { canWrite } = useViewer();
  const path = `/v1/agents/${params['agentId'] ?? ''}`;
  const { data, error, reload } = useGet<Agent>(path);
  const [deleting, setDeleting] = useState(false);
  const back = { to: at('/agents'), label: 'Agents' };
  if (data === undefined)
    return (
      <Page title="Agent" back={back}>
        <Loaded data={data} error={error} retry={reload}>
          {() => null}
        </Loaded>
      </Page>
    );
  return (
    <Page
      title={data.name}
      back={back}
      actions={
        <>
          <Button icon="mic" onClick={() => go(at('/test-call'), { query: { agent: data.id } })}>
            Test call
          </Button>
          {canWrite && (
            <Button kind="danger" icon="trash" onClick={() => setDeleting(true)}>
              Delete
            </Button>
          )}
        </>
      }
    >
      <EditAgent key={data.id} agent={data} path={path} />
      {deleting && <DeleteAgent agent={data} onClose={() => setDeleting(false)} />}
    </Page>
  );
}

function EditAgent({ agent, path }: { readonly agent: Agent; readonly path: string }) {
  const saving = useAction((draft: AgentDraft) => request<Agent>('PATCH', path, { body: bodyOf(draft) }));
  const save = async (draft: AgentDraft): Promise<void> => {
    const saved = await saving.run(draft);
    if (saved === undefined) return;
    put(path, saved);
    refresh('/v1/agents?');
    sayDone('Saved. Calls to come use it; live ones go on as they are.');
  };
  return (
    <AgentForm
      initial={draftOf(agent)}
      ownId={agent.id}
      authTokenSet={agent.stream.authTokenSet}
      action="Save changes"
      busy={saving.busy}
      problem={saving.problem}
      onSubmit={(draft) => void save(draft)}
    />
  );
}

function DeleteAgent({ agent, onClose }: { readonly agent: Agent; onClose(): void }) {
  const { at } = useWorkspace();
  const removal = useAction(async () => {
    await request('DELETE', `/v1/agents/${agent.id}`);
    return true;
  });
  const confirm = async (): Promise<void> => {
    if ((await removal.run()) === undefined) return;
    refresh('/v1/agents');
    sayDone(`${agent.name} is deleted`);
    go(at('/agents'));
  };
  return (
    <Confirm
      title={`Delete ${agent.name}?`}
      action="Delete agent"
      busy={removal.busy}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>This cannot be undone. Live calls with this agent go on to their end.</p>
      {removal.problem?.code === 'record_in_use' ? (
        <p className="bad" role="alert">
          A number or another agent still points at it. Assign those numbers to another agent first.
        </p>
      ) : (
        removal.problem !== undefined && <ProblemNotice problem={removal.problem} />
      )}
    </Confirm>
  );
}
