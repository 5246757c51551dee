// The operator adds money. The key of the request is kept until it has succeeded, so that a second press after a lost answer adds nothing twice.

import { useId, useRef, useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { newIdempotencyKey, request } from '../../api/request.ts';
import type { Posting } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { formatMoney, readAmount } from '../../lib/money.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Dialog, FormFoot } from '../../ui/dialog.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { Field, TextInput } from '../../ui/field.tsx';
import { sayDone } from '../../ui/toast.tsx';

export function TopUp({ onClose }: { onClose(): void }) {
  const { id, workspace } = useWorkspace();
  const currency = workspace?.currency ?? 'USD';
  const [typed, setTyped] = useState('');
  const [note, setNote] = useState('');
  const key = useRef(newIdempotencyKey());
  const formId = useId();
  const amount = readAmount(typed);
  const adding = useAction(() =>
    request<Posting>('POST', `/v1/workspaces/${id}/topups`, {
      body: { amount, ...(note.trim() === '' ? {} : { note: note.trim() }) },
      idempotencyKey: key.current,
    }),
  );
  const submit = async (): Promise<void> => {
    const posting = await adding.run();
    if (posting === undefined) return;
    sayDone(
      `${formatMoney(posting.amount, currency)} added, the balance is ${formatMoney(posting.balanceAfter, currency)}`,
    );
    refresh('/v1/workspaces', '/v1/ledger');
    onClose();
  };
  return (
    <Dialog
      title={`Top up ${workspace?.name ?? id}`}
      onClose={onClose}
      foot={
        <FormFoot form={formId} busy={adding.busy} disabled={amount === undefined} onCancel={onClose}>
          {amount === undefined ? 'Add money' : `Add ${formatMoney(amount, currency)}`}
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
        <Field label="Amount" error={typed !== '' && amount === undefined ? 'A positive amount such as 50.00' : null}>
          <TextInput
            inputMode="decimal"
            placeholder="50.00"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </Field>
        <Field label="Note" optional hint="Stands in the ledger and on the statement">
          <TextInput maxLength={200} value={note} onChange={(event) => setNote(event.target.value)} />
        </Field>
        {adding.problem !== undefined && <ProblemNotice problem={adding.problem} />}
      </form>
    </Dialog>
  );
}
