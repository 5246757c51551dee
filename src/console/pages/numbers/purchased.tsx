// What became of an order, number by number, and the next step: an agent for each.

import { useEvents } from '../../api/events.ts';
import { useGet } from '../../api/hooks.ts';
import { useAgents } from '../../api/named.ts';
import { request } from '../../api/request.ts';
import type { NumberOrder } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { readable } from '../../lib/phone-number.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Select } from '../../ui/field.tsx';
import { type StepItem, Steps } from '../../ui/steps.tsx';
import { sayDone, sayFailed } from '../../ui/toast.tsx';

const POLL_MS = 2_000;
type Ordered = NumberOrder['numbers'][number];

interface PurchasedProps {
  readonly order: NumberOrder;
  onMore(): void;
  onDone(): void;
}

export function Purchased({ order, onMore, onDone }: PurchasedProps) {
  const path = `/v1/number-orders/${order.id}`;
  const known = useGet<NumberOrder>(order.state === 'pending' ? path : null, POLL_MS).data ?? order;
  useEvents((name) => {
    if (name === 'number_order') refresh(path);
  });
  return (
    <section className="card" aria-labelledby="order">
      <div className="card-head">
        <h2 id="order">Your order</h2>
        <code className="tiny faint">{order.id}</code>
      </div>
      <div className="card-body stack">
        <Steps of={known.numbers.map((number) => stepOf(number))} />
        <div className="row">
          <Button kind="primary" onClick={onDone}>
            Go to numbers
          </Button>
          <Button onClick={onMore}>Buy another one</Button>
        </div>
      </div>
    </section>
  );
}

function stepOf(number: Ordered): StepItem {
  const title = readable(number.e164);
  if (number.state === 'failed')
    return {
      title,
      state: 'bad',
      text: `${number.failure?.text ?? 'It could not be bought'}. Nothing was charged for it.`,
      advice: number.failure?.advice,
    };
  if (number.state === 'pending') return { title, state: 'running', text: 'The carrier is switching it on' };
  return { title, state: 'good', text: 'Active. Choose who answers it:', advice: <AssignNew number={number} /> };
}

function AssignNew({ number }: { readonly number: Ordered }) {
  const { id } = useWorkspace();
  const agents = useAgents(id);
  const assign = (agentId: string): void => {
    request('PATCH', `/v1/numbers/${number.numberId}`, { body: { agentId: agentId === '' ? null : agentId } }).then(
      () => {
        refresh('/v1/numbers');
        sayDone(`${readable(number.e164)} is assigned`);
      },
      sayFailed,
    );
  };
  return (
    <Select
      aria-label={`Agent of ${number.e164}`}
      defaultValue=""
      options={[
        { value: '', label: 'Not assigned to any agent' },
        ...agents.items.map(({ id: agentId, name }) => ({ value: agentId, label: name })),
      ]}
      onChange={(event) => assign(event.target.value)}
    />
  );
}
