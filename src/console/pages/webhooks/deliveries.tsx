// What was sent to a webhook and what waits: each attempt's answer, and sending it again.

import { useEffect, useRef } from 'react';
import { call } from '../../api/client.ts';
import { useAction, useList } from '../../api/hooks.ts';
import type { WebhookDelivery } from '../../api/resources.ts';
import { sentence } from '../../lib/words.ts';
import { useViewer } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Badge, ProblemNotice, type Tone, Waiting } from '../../ui/feedback.tsx';
import { Time } from '../../ui/show.tsx';
import { sayDone, sayFailed } from '../../ui/toast.tsx';

const TONES: Readonly<Record<WebhookDelivery['status'], Tone>> = {
  waiting: 'info',
  pending: 'info',
  delivered: 'good',
  failed: 'bad',
};
const POLL_MS = 5_000;

export function Deliveries({ webhookId }: { readonly webhookId: string }) {
  const list = useList<WebhookDelivery>(`/v1/webhooks/${webhookId}/deliveries`, 25);
  const latest = useRef(list);
  latest.current = list;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') latest.current.reload();
    }, POLL_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <section className="card" aria-labelledby="deliveries">
      <div className="card-head">
        <h2 id="deliveries">Deliveries</h2>
        <Button size="s" icon="refresh" onClick={list.reload}>
          Look again
        </Button>
      </div>
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {list.waiting ? (
        <Waiting />
      ) : list.items.length === 0 ? (
        <div className="card-body">
          <p className="soft">Nothing was sent yet. Send a test event to see whether it arrives.</p>
        </div>
      ) : (
        <div className="table-wrap">
          <table className="table cards">
            <thead>
              <tr>
                <th scope="col">Event</th>
                <th scope="col">State</th>
                <th scope="col">Last answer</th>
                <th scope="col">When</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.items.map((delivery) => (
                <DeliveryRow key={delivery.id} webhookId={webhookId} delivery={delivery} onRetried={list.reload} />
              ))}
            </tbody>
          </table>
          {list.more && (
            <div className="table-foot">
              <span>{list.items.length} shown</span>
              <Button size="s" busy={list.loadingMore} onClick={list.loadMore}>
                Load more
              </Button>
            </div>
          )}
        </div>
      )}
    </section>
  );
}

interface DeliveryRowProps {
  readonly webhookId: string;
  readonly delivery: WebhookDelivery;
  onRetried(): void;
}

function DeliveryRow({ webhookId, delivery, onRetried }: DeliveryRowProps) {
  const { canWrite } = useViewer();
  const { id, type, status, attempts, lastStatus, lastError, nextAttemptAt, createdAt } = delivery;
  const retrying = useAction(() =>
    call('POST /v1/webhooks/{id}/deliveries/{deliveryId}/retry', { params: { id: webhookId, deliveryId: id } })
      .then(() => {
        sayDone('It is sent again');
        onRetried();
      })
      .catch(sayFailed),
  );
  return (
    <tr>
      <td>
        <code>{type}</code>
      </td>
      <td>
        <Badge tone={TONES[status]}>{sentence(status)}</Badge>
      </td>
      <td className="soft full">
        {lastStatus ?? ''} {lastError === null ? '' : sentence(lastError)}
        {attempts > 1 && ` · ${attempts} attempts`}
        {nextAttemptAt !== null && (
          <>
            {' '}
            · next <Time at={nextAttemptAt} />
          </>
        )}
      </td>
      <td className="soft">
        <Time at={createdAt} />
      </td>
      <td className="right">
        {canWrite && (
          <Button size="s" busy={retrying.busy} onClick={() => void retrying.run()}>
            Send again
          </Button>
        )}
      </td>
    </tr>
  );
}
