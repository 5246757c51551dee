// One webhook: tried out, switched off and on, its secret changed, and every delivery with what came of it.

import { useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction, useGet } from '../../api/hooks.ts';
import type { CreatedWebhook, Webhook } from '../../api/resources.ts';
import { put } from '../../api/store.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Loaded, ProblemNotice } from '../../ui/feedback.tsx';
import { Copy, Facts, Time } from '../../ui/show.tsx';
import { sayDone } from '../../ui/toast.tsx';
import type { PageProps } from '../index.ts';
import { Deliveries } from './deliveries.tsx';
import { WebhookSecret } from './new-webhook.tsx';
import { eventsText, WebhookState } from './webhooks.tsx';

export function WebhookPage({ params }: PageProps) {
  const { at } = useWorkspace();
  const id = params['webhookId'] ?? '';
  const path = `/v1/webhooks/${id}`;
  const { data, error, reload } = useGet<Webhook>(path);
  /** Each one is a delivery more to look at. */
  const [tests, setTests] = useState(0);
  return (
    <Page
      title="Webhook"
      back={{ to: at('/webhooks'), label: 'Webhooks' }}
      lead={data !== undefined && <code>{data.url}</code>}
      actions={
        data !== undefined && (
          <WebhookActions
            webhook={data}
            onTested={() => setTests(tests + 1)}
            onChange={(changed) => put(path, changed)}
          />
        )
      }
    >
      <Loaded data={data} error={error} retry={reload}>
        {(webhook) => (
          <>
            <section className="card" aria-label="Settings">
              <div className="card-body">
                <Facts
                  of={[
                    ['State', <WebhookState key="state" webhook={webhook} />],
                    ['Events', eventsText(webhook)],
                    webhook.description === '' ? null : ['Description', webhook.description],
                    [
                      'Address',
                      <span key="url" className="copyable">
                        <code>{webhook.url}</code>
                        <Copy text={webhook.url} label="Copy the address" />
                      </span>,
                    ],
                    ['Created', <Time key="created" at={webhook.createdAt} full />],
                    webhook.formerSecretUntil === null
                      ? null
                      : [
                          'Former secret',
                          <span key="former">
                            signs too until <Time at={webhook.formerSecretUntil} />
                          </span>,
                        ],
                  ]}
                />
              </div>
            </section>
            <Deliveries key={tests} webhookId={webhook.id} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

interface WebhookActionsProps {
  readonly webhook: Webhook;
  onTested(): void;
  onChange(webhook: Webhook): void;
}

function WebhookActions({ webhook, onTested, onChange }: WebhookActionsProps) {
  const { at } = useWorkspace();
  const { canWrite } = useViewer();
  const [asked, setAsked] = useState<'rotate' | 'delete' | null>(null);
  const [made, setMade] = useState<CreatedWebhook>();
  const params = { id: webhook.id };
  const testing = useAction(() => call('POST /v1/webhooks/{id}/test', { params }));
  const switching = useAction(() => call('PATCH /v1/webhooks/{id}', { params, body: { enabled: !webhook.enabled } }));
  const rotating = useAction(() => call('POST /v1/webhooks/{id}/secret', { params }));
  const deleting = useAction(async () => {
    await call('DELETE /v1/webhooks/{id}', { params });
    return true;
  });
  if (!canWrite) return null;
  const test = async (): Promise<void> => {
    if ((await testing.run()) === undefined) return;
    sayDone('A test event is on its way');
    onTested();
  };
  const toggle = async (): Promise<void> => {
    const changed = await switching.run();
    if (changed !== undefined) onChange(changed);
  };
  const rotate = async (): Promise<void> => {
    const changed = await rotating.run();
    setAsked(null);
    if (changed !== undefined) setMade(changed);
  };
  const remove = async (): Promise<void> => {
    if ((await deleting.run()) === undefined) return;
    sayDone('The webhook is deleted');
    go(at('/webhooks'));
  };
  const problem = testing.problem ?? switching.problem ?? rotating.problem;
  return (
    <>
      <Button icon="send" busy={testing.busy} disabled={!webhook.enabled} onClick={() => void test()}>
        Send test
      </Button>
      <Button busy={switching.busy} onClick={() => void toggle()}>
        {webhook.enabled ? 'Disable' : 'Enable'}
      </Button>
      <Button icon="key" onClick={() => setAsked('rotate')}>
        New secret
      </Button>
      <Button kind="danger" icon="trash" onClick={() => setAsked('delete')}>
        Delete
      </Button>
      {problem !== undefined && <ProblemNotice problem={problem} />}
      {made !== undefined && <WebhookSecret secret={made.secret} onClose={() => setMade(undefined)} />}
      {asked === 'rotate' && (
        <Confirm
          title="Make a new secret?"
          action="Make new secret"
          busy={rotating.busy}
          onConfirm={() => void rotate()}
          onClose={() => setAsked(null)}
        >
          <p>The one before signs beside it for 24 hours, so that your receiver can change over.</p>
        </Confirm>
      )}
      {asked === 'delete' && (
        <Confirm
          title="Delete this webhook?"
          action="Delete webhook"
          busy={deleting.busy}
          onConfirm={() => void remove()}
          onClose={() => setAsked(null)}
        >
          <p>What waits for it is deleted, too. This cannot be undone.</p>
          {deleting.problem !== undefined && <ProblemNotice problem={deleting.problem} />}
        </Confirm>
      )}
    </>
  );
}
