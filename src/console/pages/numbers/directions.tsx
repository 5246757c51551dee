// Which way a number is used: calls to it, calls from it.

import { useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { PhoneNumber } from '../../api/resources.ts';
import { readable } from '../../lib/phone-number.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { Check } from '../../ui/field.tsx';
import { sayDone } from '../../ui/toast.tsx';

interface DirectionsProps {
  readonly number: PhoneNumber;
  onClose(): void;
  onChanged(number: PhoneNumber): void;
}

export function Directions({ number, onClose, onChanged }: DirectionsProps) {
  const [supportsInbound, setInbound] = useState(number.supportsInbound);
  const [supportsOutbound, setOutbound] = useState(number.supportsOutbound);
  const isPersonal = number.provider === 'personal';
  const saving = useAction(() =>
    call('PATCH /v1/numbers/{id}', { params: { id: number.id }, body: { supportsInbound, supportsOutbound } }),
  );
  const save = async (): Promise<void> => {
    const changed = await saving.run();
    if (changed === undefined) return;
    sayDone(`${readable(number.e164)} is changed, for calls to come`);
    onChanged(changed);
  };
  return (
    <Dialog
      title={`Directions of ${readable(number.e164)}`}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={saving.busy} onClick={() => void save()}>
            Save
          </Button>
        </>
      }
    >
      <div className="stack">
        <Check
          label="Supports inbound"
          hint={isPersonal ? 'Personal numbers are outbound only.' : 'Calls to it are answered by its agent.'}
          checked={supportsInbound}
          disabled={isPersonal}
          onChange={setInbound}
        />
        <Check
          label="Supports outbound"
          hint="It may be shown as caller id."
          checked={supportsOutbound}
          onChange={setOutbound}
        />
        {saving.problem !== undefined && <ProblemNotice problem={saving.problem} />}
      </div>
    </Dialog>
  );
}
