// Connecting Telnyx: the key is checked, the active numbers are fetched, the trunk is set up both ways, the numbers are attached; each step shown as it goes.

import { useState } from 'react';
import type { ProviderAccount } from '../../api/resources.ts';
import { plural } from '../../lib/words.ts';
import { useWorkspace } from '../../shell/context.ts';
import { ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Check } from '../../ui/field.tsx';
import type { StepItem } from '../../ui/steps.tsx';
import { AccountCard } from '../accounts/account-card.tsx';
import { AccountNumbers } from '../accounts/account-numbers.tsx';
import { useAccount } from '../accounts/account.ts';
import { ConnectAccount } from '../accounts/connect-account.tsx';
import { SetupCard } from '../accounts/setup-card.tsx';
import { type TelnyxStart, useTelnyxStart } from './use-telnyx-start.ts';

export function TelnyxTab() {
  const { id } = useWorkspace();
  const { account, waiting, error, reload } = useAccount(id, 'telnyx');
  const starting = useTelnyxStart(account);
  const [attachAll, setAttachAll] = useState(true);

  if (waiting) return <Waiting />;
  if (account === undefined)
    return (
      <div className="columns">
        {error === undefined ? (
          <ConnectAccount
            provider="telnyx"
            action="Start"
            onConnected={(connected) => starting.start(connected, attachAll)}
          >
            <Check
              label="Attach all active numbers"
              hint="Those that are in use elsewhere are left alone; they can be chosen afterwards."
              checked={attachAll}
              onChange={setAttachAll}
            />
          </ConnectAccount>
        ) : (
          <ProblemNotice problem={error} retry={reload} />
        )}
        <WhatHappens />
      </div>
    );
  return (
    <div className="aside">
      <div className="stack">
        {starting.problem !== undefined && <ProblemNotice problem={starting.problem} />}
        <SetupCard account={account} before={before(starting)} after={attached(account, starting.attaching)} />
        <AccountNumbers account={account} />
      </div>
      <AccountCard account={account} />
    </div>
  );
}

function before({ found }: TelnyxStart): StepItem[] {
  const key: StepItem = { title: 'API key checked and stored', state: 'good' };
  if (found === null) return [key];
  const title = 'Active numbers fetched';
  return [
    key,
    found === 'asking' ? { title, state: 'running' } : { title, state: 'good', text: plural(found, 'number') },
  ];
}

/** The numbers come last: all at once, or those that are chosen below. */
function attached({ imports, provisioning }: ProviderAccount, attaching: boolean): StepItem[] {
  const open = imports.open.filter(({ state }) => state === 'pending').length;
  const count = imports.connected + imports.open.length;
  const title = 'Numbers attached';
  if (open > 0 || attaching) return [{ title, state: 'running', text: `${imports.connected} of ${count}` }];
  if (imports.connected > 0) return [{ title, state: 'good', text: `${imports.connected} in this workspace` }];
  return [{ title, state: 'waiting', ...(provisioning.phase === 'ready' ? { text: 'Choose them below' } : {}) }];
}

function WhatHappens() {
  return (
    <section className="card" aria-labelledby="what-happens">
      <div className="card-head">
        <h2 id="what-happens">What happens then</h2>
      </div>
      <div className="card-body">
        <ol className="stack-s soft" style={{ listStyle: 'decimal', paddingLeft: '1.25rem' }}>
          <li>The API key is checked and stored encrypted.</li>
          <li>Your active Telnyx numbers are fetched.</li>
          <li>A SIP trunk is set up both ways: connection, outbound voice profile, credentials.</li>
          <li>The numbers are attached, and can be assigned to agents.</li>
        </ol>
        <p className="small soft" style={{ marginTop: '0.75rem' }}>
          If anything fails half-way, it can be gone on with or undone; nothing is left behind at Telnyx.
        </p>
      </div>
    </section>
  );
}
