// The decision on a request: approve with its numbers, or send it back with what is to be corrected.

import { useId, useState } from 'react';
import { call } from '../../api/client.ts';
import { type PageOf, useAction, useGet } from '../../api/hooks.ts';
import type { NumberRequest, Trunk } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { readNumbers } from '../../lib/phone-number.ts';
import { plural } from '../../lib/words.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, FormFoot } from '../../ui/dialog.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { Field, Select, TextArea } from '../../ui/field.tsx';
import { sayDone } from '../../ui/toast.tsx';

interface DecideProps {
  readonly request: NumberRequest;
  onChange(request: NumberRequest): void;
}

export function Decide({ request, onChange }: DecideProps) {
  const [dialog, setDialog] = useState<'approve' | 'reject' | null>(null);
  const close = (): void => setDialog(null);
  const decided = (changed: NumberRequest, text: string): void => {
    onChange(changed);
    refresh('/v1/number-requests?', '/v1/numbers');
    sayDone(text);
    close();
  };
  return (
    <>
      <Button kind="danger" onClick={() => setDialog('reject')}>
        Reject…
      </Button>
      <Button kind="primary" icon="check" onClick={() => setDialog('approve')}>
        Approve…
      </Button>
      {dialog === 'approve' && <Approve request={request} onClose={close} onDecided={decided} />}
      {dialog === 'reject' && <Reject request={request} onClose={close} onDecided={decided} />}
    </>
  );
}

interface DecisionProps {
  readonly request: NumberRequest;
  onClose(): void;
  onDecided(request: NumberRequest, text: string): void;
}

function Approve({ request, onClose, onDecided }: DecisionProps) {
  const [typed, setTyped] = useState(request.numbers.join('\n'));
  const [trunkId, setTrunkId] = useState('');
  const formId = useId();
  const managed = (useGet<PageOf<Trunk>>('/v1/trunks?limit=200').data?.items ?? []).filter(
    ({ kind }) => kind === 'managed',
  );
  const { numbers, wrong } = readNumbers(typed);
  const isRight = numbers.length === request.quantity && wrong.length === 0;
  const approving = useAction(() =>
    call('POST /v1/number-requests/{id}/approve', {
      params: { id: request.id },
      body: { numbers, ...(trunkId === '' ? {} : { trunkId }) },
    }),
  );
  const submit = async (): Promise<void> => {
    const changed = await approving.run();
    if (changed !== undefined) onDecided(changed, `Approved with ${plural(numbers.length, 'number')}`);
  };
  return (
    <Dialog
      title="Approve with numbers"
      onClose={onClose}
      foot={
        <FormFoot form={formId} busy={approving.busy} disabled={!isRight} onCancel={onClose}>
          Approve
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
        <Field
          label="Numbers"
          hint={`${plural(request.quantity, 'number')} in E.164; they are in the workspace from then on`}
          error={wrong.length === 0 ? null : `Not a number in E.164 form: ${wrong.join(', ')}`}
        >
          <TextArea className="mono" value={typed} onChange={(event) => setTyped(event.target.value)} />
        </Field>
        <Field label="Trunk" optional hint="The managed carrier that has them">
          <Select
            value={trunkId}
            options={[{ value: '', label: 'None yet' }, ...managed.map(({ id, label }) => ({ value: id, label }))]}
            onChange={(event) => setTrunkId(event.target.value)}
          />
        </Field>
        {approving.problem !== undefined && <ProblemNotice problem={approving.problem} />}
      </form>
    </Dialog>
  );
}

function Reject({ request, onClose, onDecided }: DecisionProps) {
  const [reason, setReason] = useState('');
  const formId = useId();
  const rejecting = useAction(() =>
    call('POST /v1/number-requests/{id}/reject', { params: { id: request.id }, body: { reason: reason.trim() } }),
  );
  const submit = async (): Promise<void> => {
    const changed = await rejecting.run();
    if (changed !== undefined) onDecided(changed, 'Sent back to the customer');
  };
  return (
    <Dialog
      title="Send it back"
      onClose={onClose}
      foot={
        <FormFoot
          form={formId}
          kind="danger primary"
          busy={rejecting.busy}
          disabled={reason.trim() === ''}
          onCancel={onClose}
        >
          Reject
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
        <Field label="What is to be corrected" hint="The customer reads this, corrects it and submits again">
          <TextArea rows={4} maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
        </Field>
        {rejecting.problem !== undefined && <ProblemNotice problem={rejecting.problem} />}
      </form>
    </Dialog>
  );
}
