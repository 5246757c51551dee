// The fields of a SIP trunk in the areas that carriers speak of: basic, inbound, outbound; then what both directions share.

import { type FormEvent, useState } from 'react';
import type { ProblemError } from '../../api/problem.ts';
import type { Trunk } from '../../api/resources.ts';
import { useViewer } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { Check, Field, TextArea, TextInput } from '../../ui/field.tsx';
import { LimitFields } from '../../ui/limit-fields.tsx';
import { AudioFields } from './audio-fields.tsx';
import { InboundFields } from './inbound-fields.tsx';
import { OutboundFields } from './outbound-fields.tsx';
import { mistakesOf, type TrunkDraft } from './trunk-draft.ts';

export interface DraftFieldsProps {
  readonly draft: TrunkDraft;
  readonly stored: Trunk | undefined;
  set(change: Partial<TrunkDraft>): void;
  wrong(field: string): string | undefined;
}

interface TrunkFormProps {
  readonly initial: TrunkDraft;
  readonly stored?: Trunk;
  readonly action: string;
  readonly busy: 'check' | 'save' | null;
  readonly problem: ProblemError | undefined;
  onCheck(draft: TrunkDraft): void;
  onSave(draft: TrunkDraft): void;
}

export function TrunkForm({ initial, stored, action, busy, problem, onCheck, onSave }: TrunkFormProps) {
  const { canWrite } = useViewer();
  const [draft, setDraft] = useState(initial);
  const [tried, setTried] = useState(false);
  const mistakes = mistakesOf(draft, stored);
  const set = (change: Partial<TrunkDraft>): void => setDraft((now) => ({ ...now, ...change }));
  const wrong = (field: string): string | undefined =>
    problem?.fields.find((each) => each.field === field || each.field.startsWith(`${field}.`))?.message ??
    (tried ? mistakes[field] : undefined);
  const guarded = (act: (now: TrunkDraft) => void): void => {
    setTried(true);
    if (Object.keys(mistakes).length === 0) act(draft);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    guarded(onSave);
  };
  const fields = { draft, stored, set, wrong };
  return (
    <form className="stack-l" onSubmit={submit} noValidate>
      <fieldset className="card" disabled={!canWrite}>
        <div className="card-head">
          <h2>Basic</h2>
        </div>
        <div className="card-body form">
          <Field label="Label" error={wrong('label')} hint="A name you know it by, such as HQ SIP Trunk">
            <TextInput value={draft.label} maxLength={100} onChange={(event) => set({ label: event.target.value })} />
          </Field>
          {stored === undefined && (
            <Field
              label="Phone numbers"
              optional
              error={wrong('numbers')}
              hint="E.164 such as +15551234567; several by commas or line breaks"
            >
              <TextArea
                className="mono"
                rows={2}
                value={draft.numbers}
                onChange={(event) => set({ numbers: event.target.value })}
              />
            </Field>
          )}
          <div className="row-l">
            <Check label="Supports inbound" checked={draft.inbound} onChange={(inbound) => set({ inbound })} />
            <Check label="Supports outbound" checked={draft.outbound} onChange={(outbound) => set({ outbound })} />
          </div>
        </div>
      </fieldset>
      {draft.inbound && <InboundFields {...fields} />}
      {draft.outbound && <OutboundFields {...fields} />}
      <AudioFields {...fields} />
      <fieldset className="card" disabled={!canWrite}>
        <div className="card-head">
          <h2>Limits</h2>
        </div>
        <div className="card-body">
          <LimitFields value={draft} wrong={wrong} onChange={set} />
        </div>
      </fieldset>
      {problem !== undefined && <ProblemNotice problem={problem} />}
      {canWrite && (
        <div className="form-foot">
          <Button busy={busy === 'check'} disabled={busy !== null} onClick={() => guarded(onCheck)}>
            Check without saving
          </Button>
          <Button type="submit" kind="primary" busy={busy === 'save'} disabled={busy !== null}>
            {action}
          </Button>
        </div>
      )}
    </form>
  );
}
