// Assigning a number to an agent: shown at once, taken back where the gateway refuses.

import type { Listing } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import type { PhoneNumber } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { readable } from '../../lib/phone-number.ts';
import { sayDone, sayFailed } from '../../ui/toast.tsx';

export type Assign = (number: PhoneNumber, agentId: string | null, agentName: string) => void;

export function useAssign(list: Pick<Listing<PhoneNumber>, 'edit'>): Assign {
  return (number, agentId, agentName) => {
    const put = (changed: PhoneNumber): void => list.edit((item) => (item.id === number.id ? changed : item));
    put({ ...number, agentId, warnings: agentId === null ? ['not_assigned_to_agent'] : [] });
    request<PhoneNumber>('PATCH', `/v1/numbers/${number.id}`, { body: { agentId } }).then(
      (changed) => {
        put(changed);
        refresh('/v1/numbers');
        const shown = readable(number.e164);
        sayDone(agentId === null ? `${shown} is not assigned any more` : `${shown} is answered by ${agentName}`);
      },
      (error: unknown) => {
        put(number);
        sayFailed(error);
      },
    );
  };
}
