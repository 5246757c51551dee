// Setting up the trunk at the provider, step by step as it happens; what stopped half-way is gone on with or undone.

import { useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { ProviderAccount, SetupStep } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { useViewer } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Badge, Notice, ProblemNotice, type Tone } from '../../ui/feedback.tsx';
import { type StepItem, type StepState, Steps } from '../../ui/steps.tsx';
import { PROVIDER_NAMES } from './account.ts';

type Phase = ProviderAccount['provisioning']['phase'];

const PHASES: Readonly<Record<Phase, { readonly words: string; readonly tone: Tone }>> = {
  new: { words: 'Not set up', tone: 'plain' },
  provisioning: { words: 'Setting up', tone: 'info' },
  stopped: { words: 'Stopped', tone: 'bad' },
  ready: { words: 'Ready', tone: 'good' },
  undoing: { words: 'Undoing', tone: 'info' },
  undone: { words: 'Undone', tone: 'plain' },
};
const STATES: Readonly<Record<SetupStep['state'], StepState>> = {
  pending: 'waiting',
  started: 'running',
  waiting: 'running',
  found: 'good',
  done: 'good',
  failed: 'bad',
};

interface SetupCardProps {
  readonly account: ProviderAccount;
  /** What was done before, such as the key that was checked. */
  readonly before?: readonly StepItem[];
  readonly after?: readonly StepItem[];
}

export function SetupCard({ account, before = [], after = [] }: SetupCardProps) {
  const { provisioning } = account;
  const { words, tone } = PHASES[provisioning.phase];
  const isUndo = provisioning.phase === 'undoing' || provisioning.phase === 'undone';
  const steps: StepItem[] = provisioning.steps.map(({ text, state, failure }) => ({
    title: text,
    state: STATES[state],
    ...(failure === null
      ? {}
      : { text: [failure.text, failure.detail].filter(Boolean).join(': '), advice: failure.advice }),
    ...noteOf(state, isUndo),
  }));
  return (
    <section className="card" aria-labelledby="setup">
      <div className="card-head">
        <h2 id="setup">
          {isUndo ? 'Undoing the set-up' : 'Set-up'} at {PROVIDER_NAMES[account.provider]}
        </h2>
        <span role="status">
          <Badge tone={tone} dot={provisioning.running ? 'pulse' : false}>
            {words}
          </Badge>
        </span>
      </div>
      <div className="card-body stack">
        <Steps of={isUndo ? steps : [...before, ...steps, ...after]} />
        {provisioning.failure !== null && !steps.some(({ state }) => state === 'bad') && (
          <Notice tone="bad" title={provisioning.failure.text}>
            {provisioning.failure.advice}
          </Notice>
        )}
        <SetupActions account={account} />
      </div>
    </section>
  );
}

function noteOf(state: SetupStep['state'], isUndo: boolean): { readonly note?: string } {
  if (state === 'waiting') return { note: 'Waiting for the provider' };
  if (isUndo) return state === 'done' || state === 'found' ? { note: 'Put back' } : {};
  return state === 'found' ? { note: 'Was there' } : {};
}

function SetupActions({ account }: { readonly account: ProviderAccount }) {
  const { canWrite } = useViewer();
  const [undoing, setUndoing] = useState(false);
  const { phase, running, failure } = account.provisioning;
  // What was deleted by hand at the provider has to be agreed to before going on without it.
  const isGone = failure !== null && /gone/.test(failure.code);
  const params = { id: account.id };
  const going = useAction(async (acceptGone: boolean) => {
    await call('POST /v1/provider-accounts/{id}/provision', { params, body: acceptGone ? { acceptGone } : {} });
    refresh('/v1/provider-accounts');
  });
  const undo = useAction(async () => {
    await call('POST /v1/provider-accounts/{id}/undo', { params, body: isGone ? { acceptGone: true } : {} });
    refresh('/v1/provider-accounts');
    return true;
  });
  if (!canWrite || running) return null;
  const label = {
    new: 'Set up trunk',
    stopped: 'Resume',
    undone: 'Set up again',
    provisioning: 'Resume',
    undoing: null,
    ready: null,
  }[phase];
  return (
    <>
      <div className="row">
        {label !== null && (
          <Button
            kind={phase === 'stopped' ? 'primary' : 'plain'}
            icon="refresh"
            busy={going.busy}
            onClick={() => void going.run(isGone)}
          >
            {isGone ? `${label} without what was deleted` : label}
          </Button>
        )}
        {phase !== 'new' && phase !== 'undone' && (
          <Button kind="danger" onClick={() => setUndoing(true)}>
            Undo set-up
          </Button>
        )}
      </div>
      {going.problem !== undefined && <ProblemNotice problem={going.problem} />}
      {undoing && (
        <Confirm
          title="Undo the set-up?"
          action="Undo set-up"
          busy={undo.busy}
          onConfirm={() => void undo.run().then((done) => done === true && setUndoing(false))}
          onClose={() => setUndoing(false)}
        >
          <p>
            The imported numbers go back to how they were at {PROVIDER_NAMES[account.provider]} and leave this
            workspace; what was made there for the trunk is deleted. Nothing is left behind.
          </p>
          {undo.problem !== undefined && <ProblemNotice problem={undo.problem} />}
        </Confirm>
      )}
    </>
  );
}
