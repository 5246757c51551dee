// Withdrawing a request: what was paid comes back, what was typed and uploaded is erased.

import { useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { NumberRequest } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { sayDone } from '../../ui/toast.tsx';

interface CancelRequestProps {
  readonly request: NumberRequest;
  onChange(request: NumberRequest): void;
}

export function CancelRequest({ request, onChange }: CancelRequestProps) {
  const [open, setOpen] = useState(false);
  const cancelling = useAction(() => call('POST /v1/number-requests/{id}/cancel', { params: { id: request.id } }));
  const confirm = async (): Promise<void> => {
    const cancelled = await cancelling.run();
    if (cancelled === undefined) return;
    onChange(cancelled);
    refresh('/v1/number-requests?', '/v1/workspaces');
    sayDone('The request is withdrawn');
    setOpen(false);
  };
  return (
    <>
      <Button kind="danger" onClick={() => setOpen(true)}>
        Withdraw request
      </Button>
      {open && (
        <Confirm
          title="Withdraw this request?"
          action="Withdraw"
          busy={cancelling.busy}
          onConfirm={() => void confirm()}
          onClose={() => setOpen(false)}
        >
          <p>What was typed and uploaded is erased. What was paid goes back to your balance. This cannot be undone.</p>
          {cancelling.problem !== undefined && <ProblemNotice problem={cancelling.problem} />}
        </Confirm>
      )}
    </>
  );
}
