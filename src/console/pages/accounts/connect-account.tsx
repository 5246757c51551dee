// Connecting an account: what the provider calls its credentials, checked there before anything is stored.

import { type FormEvent, type ReactNode, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { ProviderAccount } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Notice, ProblemNotice } from '../../ui/feedback.tsx';
import { Field, SecretInput, TextInput } from '../../ui/field.tsx';
import type { AccountProvider } from './account.ts';

interface ConnectAccountProps {
  readonly provider: AccountProvider;
  readonly action: string;
  /** More to choose before it begins. */
  readonly children?: ReactNode;
  onConnected?(account: ProviderAccount): void;
}

export function ConnectAccount({ provider, action, children, onConnected }: ConnectAccountProps) {
  const { id: workspaceId } = useWorkspace();
  const { canWrite } = useViewer();
  const [accountSid, setSid] = useState('');
  const [key, setKey] = useState('');
  const isTwilio = provider === 'twilio';
  const connecting = useAction(() =>
    call('POST /v1/provider-accounts', {
      body: {
        workspaceId,
        provider,
        ...(isTwilio ? { accountSid: accountSid.trim(), authToken: key.trim() } : { apiKey: key.trim() }),
      },
    }),
  );
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const account = await connecting.run();
    if (account === undefined) return;
    setKey('');
    refresh('/v1/provider-accounts');
    onConnected?.(account);
  };
  const error = (field: string) => connecting.problem?.fields.find((each) => each.field === field)?.message;
  if (!canWrite)
    return <Notice tone="plain">Your key only looks. Somebody with the role admin can connect an account.</Notice>;
  return (
    <form className="card" onSubmit={(event) => void submit(event)}>
      <div className="card-body form">
        {isTwilio && (
          <Field
            label="Account SID"
            error={error('accountSid')}
            hint="Begins with AC; on the first page of the Twilio console"
          >
            <TextInput
              className="mono"
              placeholder="AC…"
              value={accountSid}
              required
              onChange={(event) => setSid(event.target.value)}
            />
          </Field>
        )}
        <Field
          label={isTwilio ? 'Auth Token' : 'Telnyx API key'}
          error={error(isTwilio ? 'authToken' : 'apiKey')}
          hint={
            isTwilio
              ? 'The live one beside the Account SID, not that of the test credentials'
              : 'From Telnyx, under API Keys. It must be allowed to read numbers and to manage SIP connections.'
          }
        >
          <SecretInput
            value={key}
            placeholder={isTwilio ? '' : 'KEY…'}
            required
            onChange={(event) => setKey(event.target.value)}
          />
        </Field>
        {children}
        <p className="small soft">It is checked at the provider, stored encrypted, and never shown again.</p>
        {connecting.problem !== undefined && <ProblemNotice problem={connecting.problem} />}
        <div>
          <Button type="submit" kind="primary" busy={connecting.busy} disabled={key.trim() === ''}>
            {action}
          </Button>
        </div>
      </div>
    </form>
  );
}
