// A new webhook: its address, what it hears of, and its secret, shown once.

import { useId, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { CreatedWebhook, Webhook } from '../../api/resources.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, FormFoot } from '../../ui/dialog.tsx';
import { Notice, ProblemNotice } from '../../ui/feedback.tsx';
import { Check, Field, TextInput } from '../../ui/field.tsx';
import { Address } from '../../ui/show.tsx';

type WebhookEvent = Exclude<Webhook['events'], 'all'>[number];

export const EVENTS: readonly { readonly name: WebhookEvent; readonly label: string }[] = [
  { name: 'call.ended', label: 'A call has ended' },
  { name: 'call.billed', label: 'A call has its final bill' },
  { name: 'balance.low', label: 'The balance ends a call soon' },
  { name: 'balance.exhausted', label: 'The balance is used up' },
];

export function NewWebhook({ onClose }: { onClose(): void }) {
  const { id: workspaceId } = useWorkspace();
  const [url, setUrl] = useState('');
  const [description, setDescription] = useState('');
  const [events, setEvents] = useState<readonly WebhookEvent[]>(EVENTS.map(({ name }) => name));
  const [made, setMade] = useState<CreatedWebhook>();
  const formId = useId();
  const creating = useAction(() =>
    call('POST /v1/webhooks', {
      body: {
        workspaceId,
        url: url.trim(),
        events: events.length === EVENTS.length ? 'all' : events,
        description: description.trim(),
      },
    }),
  );
  if (made !== undefined) return <WebhookSecret secret={made.secret} onClose={onClose} />;
  const error = (field: string) => creating.problem?.fields.find((each) => each.field === field)?.message;
  return (
    <Dialog
      title="New webhook"
      onClose={onClose}
      foot={
        <FormFoot
          form={formId}
          busy={creating.busy}
          disabled={url.trim() === '' || events.length === 0}
          onCancel={onClose}
        >
          Create webhook
        </FormFoot>
      }
    >
      <form
        id={formId}
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void creating.run().then((webhook) => setMade(webhook));
        }}
      >
        <Field label="Address" error={error('url')} hint="https://, reachable from the gateway">
          <TextInput
            className="mono"
            inputMode="url"
            placeholder="https://example.com/callin"
            value={url}
            onChange={(event) => setUrl(event.target.value)}
          />
        </Field>
        <Field label="Description" optional error={error('description')}>
          <TextInput maxLength={200} value={description} onChange={(event) => setDescription(event.target.value)} />
        </Field>
        <fieldset className="stack-s">
          <legend>Tell it when</legend>
          {EVENTS.map(({ name, label }) => (
            <Check
              key={name}
              label={label}
              hint={<code>{name}</code>}
              checked={events.includes(name)}
              onChange={(on) => setEvents(on ? [...events, name] : events.filter((each) => each !== name))}
            />
          ))}
        </fieldset>
        {creating.problem !== undefined && <ProblemNotice problem={creating.problem} />}
      </form>
    </Dialog>
  );
}

export function WebhookSecret({ secret, onClose }: { readonly secret: string; onClose(): void }) {
  return (
    <Dialog
      title="The webhook’s secret"
      onClose={onClose}
      foot={
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="stack">
        <Notice tone="warn">Copy it now: it is shown this once. Your receiver checks each signature with it.</Notice>
        <Address text={secret} label="the secret" />
        <p className="small soft">
          Signed as Standard Webhooks: headers webhook-id, webhook-timestamp, webhook-signature.
        </p>
      </div>
    </Dialog>
  );
}
