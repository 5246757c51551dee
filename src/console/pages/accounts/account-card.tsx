// The connected account: what it is, another key for it, and letting it go.

import { useId, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { ProviderAccount } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { plural } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Link } from '../../shell/history.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm, Dialog, FormFoot } from '../../ui/dialog.tsx';
import { Badge, Notice, ProblemNotice } from '../../ui/feedback.tsx';
import { Check, Field, SecretInput } from '../../ui/field.tsx';
import { Facts, Time } from '../../ui/show.tsx';
import { sayDone } from '../../ui/toast.tsx';
import { PROVIDER_NAMES } from './account.ts';

export function AccountCard({ account }: { readonly account: ProviderAccount }) {
  const { canWrite } = useViewer();
  const { at } = useWorkspace();
  const [dialog, setDialog] = useState<'key' | 'remove' | null>(null);
  const name = PROVIDER_NAMES[account.provider];
  return (
    <section className="card" aria-labelledby="account">
      <div className="card-head">
        <h2 id="account">{name} account</h2>
        <Badge tone={account.keySet ? 'good' : 'warn'} dot>
          {account.keySet ? 'Connected' : 'Key missing'}
        </Badge>
      </div>
      <div className="card-body stack">
        <Facts
          of={[
            account.label === null ? null : ['Name', account.label],
            account.accountSid === null ? null : ['Account', <code key="sid">{account.accountSid}</code>],
            ['Checked', <Time key="checked" at={account.checkedAt} />],
            ['Imported', plural(account.imports.connected, 'number')],
            account.trunkId === null
              ? null
              : [
                  'Trunk',
                  <Link key="trunk" to={at(`/byoc/${account.trunkId}`)}>
                    Open
                  </Link>,
                ],
          ]}
        />
        {account.notices.map(({ code, text, advice }) => (
          <Notice key={code} tone="warn" title={text}>
            {advice}
          </Notice>
        ))}
        {canWrite && (
          <div className="row">
            <Button size="s" icon="key" onClick={() => setDialog('key')}>
              Replace key
            </Button>
            <Button size="s" kind="danger" onClick={() => setDialog('remove')}>
              Disconnect
            </Button>
          </div>
        )}
      </div>
      {dialog === 'key' && <ReplaceKey account={account} onClose={() => setDialog(null)} />}
      {dialog === 'remove' && <Disconnect account={account} onClose={() => setDialog(null)} />}
    </section>
  );
}

interface AccountDialogProps {
  readonly account: ProviderAccount;
  onClose(): void;
}

function ReplaceKey({ account, onClose }: AccountDialogProps) {
  const [key, setKey] = useState('');
  const formId = useId();
  const isTwilio = account.provider === 'twilio';
  const replacing = useAction(() =>
    call('POST /v1/provider-accounts/{id}/key', {
      params: { id: account.id },
      body: isTwilio ? { authToken: key.trim() } : { apiKey: key.trim() },
    }),
  );
  const submit = async (): Promise<void> => {
    if ((await replacing.run()) === undefined) return;
    refresh('/v1/provider-accounts');
    sayDone('The new key is stored');
    onClose();
  };
  return (
    <Dialog
      title={isTwilio ? 'Replace the Auth Token' : 'Replace the API key'}
      onClose={onClose}
      foot={
        <FormFoot form={formId} busy={replacing.busy} disabled={key.trim() === ''} onCancel={onClose}>
          Replace
        </FormFoot>
      }
    >
      <form
        id={formId}
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label={isTwilio ? 'New Auth Token' : 'New API key'} hint="It must be of the same account">
          <SecretInput value={key} onChange={(event) => setKey(event.target.value)} />
        </Field>
        {replacing.problem !== undefined && <ProblemNotice problem={replacing.problem} />}
      </form>
    </Dialog>
  );
}

function Disconnect({ account, onClose }: AccountDialogProps) {
  const [keepTrunk, setKeep] = useState(false);
  const removing = useAction(async () => {
    await call('DELETE /v1/provider-accounts/{id}', {
      params: { id: account.id },
      query: keepTrunk ? { keepTrunk } : {},
    });
    return true;
  });
  const confirm = async (): Promise<void> => {
    if ((await removing.run()) === undefined) return;
    refresh('/v1/provider-accounts', '/v1/numbers');
    sayDone('The account is disconnected');
    onClose();
  };
  return (
    <Confirm
      title={`Disconnect ${PROVIDER_NAMES[account.provider]}?`}
      action="Disconnect"
      busy={removing.busy}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>
        The key is forgotten here. Undo the set-up first if the numbers shall go back to how they were: without the key
        nothing can be put back.
      </p>
      <Check
        label="Leave trunk and numbers as they are"
        hint="They keep working here; at the provider they can only be changed by hand."
        checked={keepTrunk}
        onChange={setKeep}
      />
      {removing.problem !== undefined && <ProblemNotice problem={removing.problem} />}
    </Confirm>
  );
}
