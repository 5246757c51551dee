// How a number may be used: calls to it, calls from it, and how many of them.

import { useId, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { PhoneNumber } from '../../api/resources.ts';
import { limitMistakes, limitsDraftOf, limitsOf } from '../../lib/limits.ts';
import { readable } from '../../lib/phone-number.ts';
import { Dialog, FormFoot } from '../../ui/dialog.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { Check } from '../../ui/field.tsx';
import { LimitFields } from '../../ui/limit-fields.tsx';
import { sayDone } from '../../ui/toast.tsx';

interface NumberSettingsProps {
  readonly number: PhoneNumber;
  onClose(): void;
  onChanged(number: PhoneNumber): void;
}

export function NumberSettings({ number, onClose, onChanged }: NumberSettingsProps) {
  const [supportsInbound, setInbound] = useState(number.supportsInbound);
  const [supportsOutbound, setOutbound] = useState(number.supportsOutbound);
  const [limits, setLimits] = useState(limitsDraftOf(number.limits));
  const isPersonal = number.provider === 'personal';
  const formId = useId();
  const mistakes = limitMistakes(limits);
  const saving = useAction(() =>
    call('PATCH /v1/numbers/{id}', {
      params: { id: number.id },
      body: { supportsInbound, supportsOutbound, limits: limitsOf(limits) },
    }),
  );
  const { problem } = saving;
  const wrong = (field: string): string | undefined =>
    mistakes[field] ?? problem?.fields.find((each) => each.field === field)?.message;
  const save = async (): Promise<void> => {
    const changed = await saving.run();
    if (changed === undefined) return;
    sayDone(`${readable(number.e164)} is changed, for calls to come`);
    onChanged(changed);
  };
  return (
    <Dialog
      title={`Settings of ${readable(number.e164)}`}
      onClose={onClose}
      foot={
        <FormFoot form={formId} busy={saving.busy} disabled={Object.keys(mistakes).length > 0} onCancel={onClose}>
          Save
        </FormFoot>
      }
    >
      <form
        id={formId}
        className="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <fieldset className="stack">
          <legend>Directions</legend>
          <Check
            label="Supports inbound"
            hint={isPersonal ? 'Personal numbers are outbound only.' : 'Calls to it are answered by its agent.'}
            checked={supportsInbound}
            disabled={isPersonal}
            onChange={setInbound}
          />
          <Check
            label="Supports outbound"
            hint="It may be shown as caller id."
            checked={supportsOutbound}
            onChange={setOutbound}
          />
        </fieldset>
        <fieldset className="stack">
          <legend>Limits</legend>
          <LimitFields
            value={limits}
            wrong={wrong}
            onChange={(change) => setLimits((now) => ({ ...now, ...change }))}
          />
          <p className="small soft">
            Calls above them are refused. The limits of its trunk and of the workspace hold as well.
          </p>
        </fieldset>
        {problem !== undefined && <ProblemNotice problem={problem} />}
      </form>
    </Dialog>
  );
}
