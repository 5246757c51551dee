// Placing a call from one of the workspace's numbers; its agent talks to whoever answers. It costs money, so it is asked for once.

import { useId, useRef, useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { useAgents, useSomeNumbers } from '../../api/named.ts';
import { newIdempotencyKey, request } from '../../api/request.ts';
import type { Call } from '../../api/resources.ts';
import { readable, toE164 } from '../../lib/phone-number.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go } from '../../shell/history.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, FormFoot } from '../../ui/dialog.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { Field, Select, TextInput } from '../../ui/field.tsx';

export function PlaceCall() {
  const { canWrite } = useViewer();
  const [open, setOpen] = useState(false);
  if (!canWrite) return null;
  return (
    <>
      <Button kind="primary" icon="outbound" onClick={() => setOpen(true)}>
        Place a call
      </Button>
      {open && <PlaceCallDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function PlaceCallDialog({ onClose }: { onClose(): void }) {
  const { id: workspaceId, at } = useWorkspace();
  const agents = useAgents(workspaceId);
  const numbers = useSomeNumbers(workspaceId).items.filter((each) => each.supportsOutbound && each.status === 'active');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [agentId, setAgentId] = useState('');
  const formId = useId();
  const key = useRef(newIdempotencyKey());
  const caller = numbers.find(({ e164 }) => e164 === from) ?? numbers[0];
  const target = toE164(to);
  const placing = useAction(() =>
    request<Call>('POST', '/v1/calls', {
      body: { workspaceId, from: caller?.e164, to: target, ...(agentId === '' ? {} : { agentId }) },
      idempotencyKey: key.current,
    }),
  );
  const place = async (): Promise<void> => {
    const call = await placing.run();
    if (call !== undefined) return go(at(`/calls/${call.id}`));
    // Refused before anything was dialled: the next try is another call.
    key.current = newIdempotencyKey();
  };
  return (
    <Dialog
      title="Place a call"
      onClose={onClose}
      foot={
        <FormFoot
          form={formId}
          icon="phone"
          busy={placing.busy}
          disabled={caller === undefined || target === undefined}
          onCancel={onClose}
        >
          Call
        </FormFoot>
      }
    >
      <form
        id={formId}
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void place();
        }}
      >
        <Field label="From" hint="The caller id that is shown">
          <Select
            value={caller?.e164 ?? ''}
            options={
              numbers.length === 0
                ? [{ value: '', label: 'No active number that can call out' }]
                : numbers.map(({ e164 }) => ({ value: e164, label: readable(e164) }))
            }
            onChange={(event) => setFrom(event.target.value)}
          />
        </Field>
        <Field label="To" hint="With country code, such as +12025550123">
          <TextInput inputMode="tel" value={to} onChange={(event) => setTo(event.target.value)} />
        </Field>
        <Field label="Agent" hint="Who talks to whoever answers">
          <Select
            value={agentId}
            options={[
              { value: '', label: caller?.agentId ? 'The agent of the number' : 'Choose an agent' },
              ...agents.items.map(({ id, name }) => ({ value: id, label: name })),
            ]}
            onChange={(event) => setAgentId(event.target.value)}
          />
        </Field>
        {placing.problem !== undefined && <ProblemNotice problem={placing.problem} />}
      </form>
    </Dialog>
  );
}
