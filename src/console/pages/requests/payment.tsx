// The fees of a request, paid once from the balance.

import { useRef } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { newIdempotencyKey } from '../../api/request.ts';
import type { NumberRequest } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { formatMoney } from '../../lib/money.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Badge, ProblemNotice } from '../../ui/feedback.tsx';
import { Facts, Money } from '../../ui/show.tsx';
import { sayDone } from '../../ui/toast.tsx';

const WORDS = { none: 'Nothing to pay', unpaid: 'Not paid', paid: 'Paid', refunded: 'Given back' } as const;

interface PaymentProps {
  readonly request: NumberRequest;
  onChange(request: NumberRequest): void;
}

export function Payment({ request, onChange }: PaymentProps) {
  const { workspace } = useWorkspace();
  const { canWrite } = useViewer();
  const key = useRef(newIdempotencyKey());
  const { fees, quantity, status } = request;
  const paying = useAction(() =>
    call('POST /v1/number-requests/{id}/pay', { params: { id: request.id }, idempotencyKey: key.current }),
  );
  const pay = async (): Promise<void> => {
    const paid = await paying.run();
    if (paid === undefined) return;
    onChange(paid);
    refresh('/v1/workspaces', '/v1/number-requests?', '/v1/ledger');
    sayDone(`${formatMoney(fees.total, fees.currency)} paid`);
  };
  if (fees.status === 'none') return null;
  return (
    <section className="card" aria-labelledby="fees">
      <div className="card-head">
        <h2 id="fees">Fees</h2>
        <Badge tone={fees.status === 'paid' ? 'good' : fees.status === 'unpaid' ? 'warn' : 'plain'}>
          {WORDS[fees.status]}
        </Badge>
      </div>
      <div className="card-body stack">
        <Facts
          of={[
            ['Activation', <Money key="activation" amount={fees.activation} currency={fees.currency} />],
            ['First month', <Money key="monthly" amount={fees.monthly} currency={fees.currency} />],
            quantity > 1 ? ['Numbers', quantity] : null,
          ]}
        />
        <div className="bill-total">
          <span>Total</span>
          <Money amount={fees.total} currency={fees.currency} />
        </div>
        {workspace !== undefined && fees.status === 'unpaid' && (
          <p className="small soft">
            Paid from your balance of <Money amount={workspace.balance} currency={workspace.currency} cents />.
          </p>
        )}
        {paying.problem !== undefined && <ProblemNotice problem={paying.problem} />}
        {canWrite && fees.status === 'unpaid' && (
          <Button
            kind="primary"
            wide
            busy={paying.busy}
            disabled={status !== 'awaiting_payment'}
            onClick={() => void pay()}
          >
            Pay {formatMoney(fees.total, fees.currency)}
          </Button>
        )}
        {fees.status === 'unpaid' && status !== 'awaiting_payment' && (
          <p className="small soft">It can be paid once everything is submitted.</p>
        )}
      </div>
    </section>
  );
}
