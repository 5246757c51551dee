// + Add number: the five ways a number comes into a workspace.

import { useState } from 'react';
import { useWorkspace } from '../../shell/context.ts';
import { go } from '../../shell/history.ts';
import { Menu } from '../../ui/menu.tsx';
import { ByocNumber } from './byoc-number.tsx';
import { PersonalNumber } from './personal-number.tsx';

export function AddNumber({ onAdded }: { onAdded(): void }) {
  const { at } = useWorkspace();
  const [dialog, setDialog] = useState<'personal' | 'byoc' | null>(null);
  return (
    <>
      <Menu
        label="Add number"
        button={{ kind: 'primary', icon: 'plus' }}
        entries={[
          {
            label: 'Purchase number',
            hint: 'US and Canada at once, other countries by request',
            icon: 'cart',
            onChoose: () => go(at('/numbers/buy')),
          },
          {
            label: 'Import from Twilio',
            hint: 'With your Account SID and Auth Token',
            icon: 'download',
            onChoose: () => go(at('/numbers/twilio')),
          },
          {
            label: 'Add Telnyx number',
            hint: 'From the account connected under BYOC',
            icon: 'download',
            onChoose: () => go(at('/numbers/telnyx')),
          },
          {
            label: 'Add personal number',
            hint: 'Your own phone as caller id, outbound only',
            icon: 'user',
            onChoose: () => setDialog('personal'),
          },
          {
            label: 'Add BYOC number',
            hint: 'On a SIP trunk of your own carrier',
            icon: 'trunk',
            onChoose: () => setDialog('byoc'),
          },
        ]}
      />
      {dialog === 'personal' && <PersonalNumber onClose={() => setDialog(null)} onAdded={onAdded} />}
      {dialog === 'byoc' && <ByocNumber onClose={() => setDialog(null)} onAdded={onAdded} />}
    </>
  );
}
