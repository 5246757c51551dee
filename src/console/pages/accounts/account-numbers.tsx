// The numbers of an account at its provider: which can be imported, chosen, assigned, and how each one went.

import { useCallback, useEffect, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import { useAgents } from '../../api/named.ts';
import type { AccountNumber, ImportedNumber, ProviderAccount } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { plural } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Notice, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Check, Field, Select } from '../../ui/field.tsx';
import { sayDone } from '../../ui/toast.tsx';
import { AccountNumberTable } from './account-number-table.tsx';
import { PROVIDER_NAMES } from './account.ts';
import { canImport, type FoundNumbers, findNumbers } from './find-numbers.ts';

/** So many at once, as the API takes them. */
const BATCH = 100;
export function AccountNumbers({ account }: { readonly account: ProviderAccount }) {
  const { id } = account;
  const [found, setFound] = useState<FoundNumbers>();
  const looking = useAction(() => findNumbers(id));
  const { run } = looking;
  const look = useCallback(() => void run().then((answer) => answer !== undefined && setFound(answer)), [run]);
  // What is attached or put back meanwhile changes what the provider tells.
  const { phase, running } = account.provisioning;
  const state = `${running ? 'running' : phase} ${account.imports.connected}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at anew when that changes.
  useEffect(look, [look, state]);
  const name = PROVIDER_NAMES[account.provider];
  return (
    <section className="stack-s" aria-labelledby="account-numbers">
      <div className="spread">
        <h2 id="account-numbers">Numbers at {name}</h2>
        <Button size="s" icon="refresh" busy={looking.busy} onClick={look}>
          Look again
        </Button>
      </div>
      {found?.notices.map(({ code, text, advice }) => (
        <Notice key={code} tone="warn" title={text}>
          {advice}
        </Notice>
      ))}
      {looking.problem !== undefined && <ProblemNotice problem={looking.problem} retry={look} />}
      {found === undefined ? (
        looking.problem === undefined && <Waiting rows={5} label={`Asking ${name}`} />
      ) : found.items.length === 0 ? (
        <Empty icon="hash" title={`No numbers at ${name}`}>
          Check that the numbers are active there, and that this is the right project or sub-account.
        </Empty>
      ) : (
        <ImportForm account={account} numbers={found.items} onImported={look} />
      )}
    </section>
  );
}

interface ImportFormProps {
  readonly account: ProviderAccount;
  readonly numbers: readonly AccountNumber[];
  onImported(): void;
}

function ImportForm({ account, numbers, onImported }: ImportFormProps) {
  const { id: workspaceId } = useWorkspace();
  const { canWrite } = useViewer();
  const agents = useAgents(workspaceId);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [agentId, setAgentId] = useState('');
  const [takeOver, setTakeOver] = useState(false);
  const [results, setResults] = useState<readonly ImportedNumber[]>([]);
  const elsewhere = numbers.some((number) => chosen.has(number.e164) && number.use === 'elsewhere');
  const importing = useAction(async () => {
    const wanted = [...chosen];
    const all: ImportedNumber[] = [];
    for (let at = 0; at < wanted.length; at += BATCH) {
      const { items } = await call('POST /v1/provider-accounts/{id}/import', {
        params: { id: account.id },
        body: { numbers: wanted.slice(at, at + BATCH), agentId: agentId === '' ? null : agentId, takeOver },
      });
      all.push(...items);
    }
    return all;
  });
  const submit = async (): Promise<void> => {
    const imported = await importing.run();
    refresh('/v1/numbers', '/v1/provider-accounts', '/v1/trunks');
    if (imported === undefined) return;
    setResults(imported);
    setChosen(new Set());
    const good = imported.filter(({ state }) => state !== 'failed').length;
    if (good > 0) sayDone(`${plural(good, 'number')} imported`);
    onImported();
  };
  const failed = results.filter(({ failure }) => failure !== null);
  return (
    <div className="stack">
      {failed.length > 0 && (
        <Notice tone="bad" title={`${plural(failed.length, 'number')} could not be imported`}>
          {failed.map(({ e164, failure }) => (
            <p key={e164}>
              {e164}: {failure?.text} {failure?.advice}
            </p>
          ))}
        </Notice>
      )}
      <AccountNumberTable numbers={numbers} chosen={chosen} disabled={!canWrite} onChoose={setChosen} />
      {importing.problem !== undefined && <ProblemNotice problem={importing.problem} />}
      {canWrite && numbers.some(canImport) && (
        <div className="card card-body stack">
          {elsewhere && (
            <Check
              label="Take over numbers that are in use elsewhere"
              hint="Their calls go to another system now, and come here from then on. Undoing the set-up puts it back."
              checked={takeOver}
              onChange={setTakeOver}
            />
          )}
          <div className="form-grid">
            <Field label="Assign to" hint="You can assign each of them later, too.">
              <Select
                value={agentId}
                options={[
                  { value: '', label: 'No agent yet' },
                  ...agents.items.map(({ id, name }) => ({ value: id, label: name })),
                ]}
                onChange={(event) => setAgentId(event.target.value)}
              />
            </Field>
          </div>
          <div>
            <Button
              kind="primary"
              icon="download"
              busy={importing.busy}
              disabled={chosen.size === 0 || (elsewhere && !takeOver)}
              onClick={() => void submit()}
            >
              {chosen.size === 0 ? 'Import' : `Import ${plural(chosen.size, 'number')}`}
            </Button>
          </div>
        </div>
      )}
    </div>
  );
}
