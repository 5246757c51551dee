// The fields of an agent.

import { type FormEvent, useState } from 'react';
import { useAgents } from '../../api/named.ts';
import type { ProblemError } from '../../api/problem.ts';
import type { AgentProtocol } from '../../api/resources.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { Check, Field, SecretInput, Select, TextInput } from '../../ui/field.tsx';
import { Pairs } from '../../ui/pairs.tsx';
import { type AgentDraft, mistakesOf } from './agent-draft.ts';

interface AgentFormProps {
  readonly initial: AgentDraft;
  /** Not offered as its own fallback. */
  readonly ownId?: string;
  readonly authTokenSet: boolean;
  readonly action: string;
  readonly busy: boolean;
  readonly problem: ProblemError | undefined;
  onSubmit(draft: AgentDraft): void;
}

const PROTOCOLS: readonly { readonly value: AgentProtocol; readonly label: string }[] = [
  { value: 'twilio', label: 'Twilio Media Streams' },
];

export function AgentForm({ initial, ownId, authTokenSet, action, busy, problem, onSubmit }: AgentFormProps) {
  const { id: workspaceId } = useWorkspace();
  const { canWrite } = useViewer();
  const agents = useAgents(workspaceId);
  const [draft, setDraft] = useState(initial);
  const [tried, setTried] = useState(false);
  const mistakes = mistakesOf(draft);
  const set = (change: Partial<AgentDraft>): void => setDraft((now) => ({ ...now, ...change }));
  const wrong = (field: string): string | undefined =>
    problem?.fields.find((each) => each.field === field)?.message ?? (tried ? mistakes[field] : undefined);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(mistakes).length === 0) onSubmit(draft);
  };
  const fallbacks = agents.items.filter(({ id }) => id !== ownId).map(({ id, name }) => ({ value: id, label: name }));

  return (
    <form className="stack-l" onSubmit={submit} noValidate>
      <fieldset className="card" disabled={!canWrite}>
        <div className="card-body form">
          <Field label="Name" error={wrong('name')}>
            <TextInput value={draft.name} maxLength={100} onChange={(event) => set({ name: event.target.value })} />
          </Field>
          <Field
            label="WebSocket address"
            error={wrong('stream.url')}
            hint="wss:// in production; certificates are checked"
          >
            <TextInput
              className="mono"
              inputMode="url"
              placeholder="wss://agent.example.com/media"
              value={draft.url}
              onChange={(event) => set({ url: event.target.value })}
            />
          </Field>
          <div className="form-grid">
            <Field label="Protocol" error={wrong('stream.protocol')}>
              <Select
                value={draft.protocol}
                options={PROTOCOLS}
                onChange={(event) => set({ protocol: event.target.value as AgentProtocol })}
              />
            </Field>
            <Field label="Codec" hint="Where the protocol leaves a choice">
              <Select
                value={draft.codec}
                options={[
                  { value: 'PCMU', label: 'G.711 µ-law (PCMU)' },
                  { value: 'PCMA', label: 'G.711 A-law (PCMA)' },
                ]}
                onChange={(event) => set({ codec: event.target.value as AgentDraft['codec'] })}
              />
            </Field>
          </div>
          <Field
            label="Auth token"
            optional
            error={wrong('stream.authToken')}
            hint={
              authTokenSet
                ? 'One is set. Leave empty to keep it; it is never shown.'
                : 'Key of the signature that your runtime checks at the upgrade.'
            }
          >
            <SecretInput
              value={draft.authToken}
              placeholder={authTokenSet ? '••••••••' : ''}
              onChange={(event) => set({ authToken: event.target.value, clearAuthToken: false })}
            />
          </Field>
          {authTokenSet && (
            <Check
              label="Remove the auth token"
              checked={draft.clearAuthToken}
              onChange={(clearAuthToken) => set({ clearAuthToken, authToken: '' })}
            />
          )}
        </div>
      </fieldset>
      <fieldset className="card" disabled={!canWrite}>
        <div className="card-head">
          <h2>When it cannot be reached</h2>
        </div>
        <div className="card-body form-grid">
          <Field
            label="Ready timeout"
            error={wrong('readyTimeoutMs')}
            hint="Milliseconds until its upgrade must have succeeded"
          >
            <TextInput
              inputMode="numeric"
              value={draft.readyTimeoutMs}
              onChange={(event) => set({ readyTimeoutMs: event.target.value })}
            />
          </Field>
          <Field
            label="Fallback agent"
            error={wrong('fallbackAgentId')}
            hint="Dialled next, before the call is answered"
          >
            <Select
              value={draft.fallbackAgentId}
              options={[{ value: '', label: 'None: the call is refused' }, ...fallbacks]}
              onChange={(event) => set({ fallbackAgentId: event.target.value })}
            />
          </Field>
        </div>
      </fieldset>
      <fieldset className="card" disabled={!canWrite}>
        <div className="card-head">
          <h2>Sent along</h2>
        </div>
        <div className="card-body form">
          <Pairs
            legend="Custom parameters"
            noun="parameter"
            hint="Go to the agent in its start message"
            max={32}
            value={draft.customParameters}
            onChange={(customParameters) => set({ customParameters })}
          />
          <Pairs
            legend="Headers"
            noun="header"
            hint="Added to the upgrade; secret-looking values are shown as ***"
            max={20}
            value={draft.headers}
            onChange={(headers) => set({ headers })}
          />
          <Check
            label="Extension events"
            hint="Also send events of our own, such as the warning before the money ends. Off by default: some runtimes stumble over them."
            checked={draft.extensionEvents}
            onChange={(extensionEvents) => set({ extensionEvents })}
          />
        </div>
      </fieldset>
      {problem !== undefined && <ProblemNotice problem={problem} />}
      {canWrite && (
        <div className="form-foot">
          <Button type="submit" kind="primary" busy={busy}>
            {action}
          </Button>
        </div>
      )}
    </form>
  );
}
