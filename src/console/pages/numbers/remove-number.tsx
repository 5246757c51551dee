// Giving a number up: a purchased one is released for good, any other one is detached here and stays with its provider.

import { useAction } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import type { PhoneNumber } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { readable } from '../../lib/phone-number.ts';
import { wordsOf } from '../../lib/words.ts';
import { Confirm } from '../../ui/dialog.tsx';
import { ProblemNotice } from '../../ui/feedback.tsx';
import { sayDone } from '../../ui/toast.tsx';

interface RemoveNumberProps {
  readonly number: PhoneNumber;
  onClose(): void;
  onRemoved(number: PhoneNumber): void;
}

export function RemoveNumber({ number, onClose, onRemoved }: RemoveNumberProps) {
  const shown = readable(number.e164);
  const isPurchased = number.provider === 'managed';
  const removal = useAction(async () => {
    await request('DELETE', `/v1/numbers/${number.id}`);
    return true;
  });
  const confirm = async (): Promise<void> => {
    if ((await removal.run()) === undefined) return;
    sayDone(isPurchased ? `${shown} is released` : `${shown} is removed`);
    refresh('/v1/numbers');
    onRemoved(number);
  };
  return (
    <Confirm
      title={isPurchased ? `Release ${shown}?` : `Remove ${shown}?`}
      action={isPurchased ? 'Release number' : 'Remove number'}
      busy={removal.busy}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      {isPurchased ? (
        <p>
          It goes back to the carrier and others may buy it. It cannot be called or dial out any more, and its monthly
          fee ends. Live calls go on to their end.
        </p>
      ) : (
        <p>
          It is taken out of this workspace and stays yours{' '}
          {number.provider === 'byoc' || number.provider === 'personal' ? '' : `at ${wordsOf(number.provider)}`}. Live
          calls go on to their end. You can add it again at any time.
        </p>
      )}
      {removal.problem !== undefined && <ProblemNotice problem={removal.problem} />}
    </Confirm>
  );
}
