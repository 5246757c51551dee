// A new customer of the operator's.

import { useId, useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import type { Workspace } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { readAmount } from '../../lib/money.ts';
import { go } from '../../shell/history.ts';
import { Dialog, FormFoot } from '../../ui/dialog.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { Choices, Field, TextInput } from '../../ui/field.tsx';

export function NewWorkspace({ onClose }: { onClose(): void }) {
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
        <FormFoot form={formId} busy={creating.busy} disabled={name.trim() === ''} onCancel={onClose}>
          Create workspace
        </FormFoot>
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
