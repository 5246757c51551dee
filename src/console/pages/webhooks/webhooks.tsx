// Webhooks: where the workspace is told of calls and money.

import { useState } from 'react';
import { useList } from '../../api/hooks.ts';
import type { Webhook } from '../../api/resources.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Link } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Badge, Empty, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Time } from '../../ui/show.tsx';
import { NewWebhook } from './new-webhook.tsx';

export function WebhooksPage() {
  const { id: workspaceId, at } = useWorkspace();
  const { canWrite } = useViewer();
  const list = useList<Webhook>(`/v1/webhooks?workspaceId=${workspaceId}`);
  const [creating, setCreating] = useState(false);
  const create = canWrite && (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      New webhook
    </Button>
  );
  return (
    <Page
      title="Webhooks"
      lead="Your systems hear of calls and money as they happen, signed and kept until they are delivered."
      actions={create}
    >
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting />
      ) : list.items.length === 0 ? (
        list.error === undefined && (
          <Empty icon="send" title="No webhooks yet" action={create}>
            Give an https address, and it is told when calls end and are billed, and when the balance gets low.
          </Empty>
        )
      ) : (
        <div className="table-wrap">
          <table className="table cards">
            <thead>
              <tr>
                <th scope="col">Address</th>
                <th scope="col">Events</th>
                <th scope="col">State</th>
                <th scope="col">Created</th>
              </tr>
            </thead>
            <tbody>
              {list.items.map((webhook) => (
                <tr key={webhook.id}>
                  <td className="full">
                    <Link to={at(`/webhooks/${webhook.id}`)}>
                      <code>{webhook.url}</code>
                    </Link>
                    <div className="tiny faint">{webhook.description}</div>
                  </td>
                  <td className="soft">{eventsText(webhook)}</td>
                  <td>
                    <WebhookState webhook={webhook} />
                  </td>
                  <td className="soft skip">
                    <Time at={webhook.createdAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {creating && (
        <NewWebhook
          onClose={() => {
            setCreating(false);
            list.reload();
          }}
        />
      )}
    </Page>
  );
}

export function eventsText({ events }: Pick<Webhook, 'events'>): string {
  return events === 'all' ? 'All events' : events.join(', ');
}

export function WebhookState({ webhook }: { readonly webhook: Webhook }) {
  if (webhook.enabled) return <Badge tone="good">Enabled</Badge>;
  return webhook.disabledReason === 'gone' ? (
    <Badge tone="bad">Disabled: it answered 410</Badge>
  ) : (
    <Badge>Disabled</Badge>
  );
}
