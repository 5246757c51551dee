// What the operator decides about a workspace: its name, how it pays, how much at once.

import { useId, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { Workspace } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { limitMistake, limitsDraftOf, limitsOf } from '../../lib/limits.ts';
import { readAmount } from '../../lib/money.ts';
import { Dialog, FormFoot } from '../../ui/dialog.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { Choices, Field, TextInput } from '../../ui/field.tsx';
import { sayDone } from '../../ui/toast.tsx';

interface WorkspaceSettingsProps {
  readonly workspace: Workspace;
  onClose(): void;
  onSaved(workspace: Workspace): void;
}

type Limits = Record<keyof Workspace['limits'], string>;

const FIELDS: readonly { readonly name: keyof Limits; readonly label: string; readonly isMoney: boolean }[] = [
  { name: 'concurrentCalls', label: 'Concurrent calls', isMoney: false },
  { name: 'callsPerSecond', label: 'Calls per second', isMoney: false },
  { name: 'spendPerHour', label: 'Spending per hour', isMoney: true },
  { name: 'spendPerDay', label: 'Spending per day', isMoney: true },
];

export function WorkspaceSettings({ workspace, onClose, onSaved }: WorkspaceSettingsProps) {
  const [name, setName] = useState(workspace.name);
  const [billingMode, setMode] = useState(workspace.billingMode);
  const [limits, setLimits] = useState<Limits>({
    ...limitsDraftOf(workspace.limits),
    spendPerHour: workspace.limits.spendPerHour ?? '',
    spendPerDay: workspace.limits.spendPerDay ?? '',
  });
  const formId = useId();
  const wrong = FIELDS.filter(({ name: field }) => mistakeOf(field, limits[field]) !== null);
  const saving = useAction(() =>
    call('PATCH /v1/workspaces/{id}', {
      params: { id: workspace.id },
      body: {
        name: name.trim(),
        billingMode,
        limits: {
          ...limitsOf(limits),
          spendPerHour: readAmount(limits.spendPerHour) ?? null,
          spendPerDay: readAmount(limits.spendPerDay) ?? null,
        },
      },
    }),
  );
  const save = async (): Promise<void> => {
    const saved = await saving.run();
    if (saved === undefined) return;
    refresh('/v1/workspaces');
    sayDone(`${saved.name} is saved`);
    onSaved(saved);
  };
  return (
    <Dialog
      title={`Settings of ${workspace.name}`}
      onClose={onClose}
      foot={
        <FormFoot form={formId} busy={saving.busy} disabled={name.trim() === '' || wrong.length > 0} onCancel={onClose}>
          Save
        </FormFoot>
      }
    >
      <form
        id={formId}
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
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
          {FIELDS.map(({ name: field, label, isMoney }) => (
            <Field key={field} label={label} optional error={mistakeOf(field, limits[field])}>
              <TextInput
                inputMode={isMoney ? 'decimal' : 'numeric'}
                placeholder="No limit"
                value={limits[field]}
                onChange={(event) => setLimits({ ...limits, [field]: event.target.value })}
              />
            </Field>
          ))}
        </div>
        {saving.problem !== undefined && <ProblemNotice problem={saving.problem} />}
      </form>
    </Dialog>
  );
}

function mistakeOf(name: keyof Limits, typed: string): string | null {
  if (name === 'concurrentCalls' || name === 'callsPerSecond') return limitMistake(name, typed);
  return typed.trim() === '' || readAmount(typed) !== undefined ? null : 'An amount such as 50.00';
}
