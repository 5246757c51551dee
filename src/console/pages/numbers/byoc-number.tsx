// Numbers of one's own carrier: which trunk they are on, and which way they are used.

import { useId, useState } from 'react';
import { useAction } from '../../api/hooks.ts';
import { useAgents, useTrunks } from '../../api/named.ts';
import { asProblem } from '../../api/problem.ts';
import { request } from '../../api/request.ts';
import { refresh } from '../../api/store.ts';
import { readNumbers } from '../../lib/phone-number.ts';
import { limitMistakes, limitsOf, limitsText, NO_LIMITS } from '../../lib/limits.ts';
import { plural } from '../../lib/words.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Link } from '../../shell/history.ts';
import { Dialog, FormFoot } from '../../ui/dialog.tsx';
import { Empty, Notice, ProblemNotice } from '../../ui/feedback.tsx';
import { Check, Field, Select, TextArea } from '../../ui/field.tsx';
import { Folded } from '../../ui/folded.tsx';
import { LimitFields } from '../../ui/limit-fields.tsx';
import { sayDone } from '../../ui/toast.tsx';

export function ByocNumber({ onClose, onAdded }: { onClose(): void; onAdded(): void }) {
  const { id: workspaceId, at } = useWorkspace();
  const trunks = useTrunks(workspaceId);
  const own = trunks.items.filter(({ kind }) => kind === 'byoc');
  const formId = useId();
  return trunks.loaded && own.length === 0 ? (
    <Dialog title="Add BYOC number" onClose={onClose}>
      <Empty
        icon="trunk"
        title="No trunk yet"
        action={
          <Link className="button primary" to={at('/byoc/new')}>
            Connect a carrier
          </Link>
        }
      >
        A number of your own carrier comes in over a SIP trunk. Connect it first, then add its numbers.
      </Empty>
    </Dialog>
  ) : (
    <ByocForm formId={formId} trunks={own} workspaceId={workspaceId} onClose={onClose} onAdded={onAdded} />
  );
}

interface ByocFormProps {
  readonly formId: string;
  readonly workspaceId: string;
  readonly trunks: readonly { readonly id: string; readonly label: string }[];
  onClose(): void;
  onAdded(): void;
}

function ByocForm({ formId, workspaceId, trunks, onClose, onAdded }: ByocFormProps) {
  const agents = useAgents(workspaceId);
  const [typed, setTyped] = useState('');
  const [trunkId, setTrunkId] = useState('');
  const [agentId, setAgentId] = useState('');
  const [supportsInbound, setInbound] = useState(true);
  const [supportsOutbound, setOutbound] = useState(true);
  const [limits, setLimits] = useState(NO_LIMITS);
  const [refused, setRefused] = useState<readonly string[]>([]);
  const { numbers, wrong } = readNumbers(typed);
  const mistakes = limitMistakes(limits);
  const hasMistake = Object.keys(mistakes).length > 0;
  const limitWords = hasMistake ? null : limitsText(limitsOf(limits));
  const trunk = trunkId === '' ? trunks[0]?.id : trunkId;

  const adding = useAction(async () => {
    const failures: string[] = [];
    for (const e164 of numbers) {
      const body = {
        workspaceId,
        e164,
        provider: 'byoc',
        trunkId: trunk,
        agentId: agentId || null,
        supportsInbound,
        supportsOutbound,
        limits: limitsOf(limits),
      };
      try {
        await request('POST', '/v1/numbers', { body });
      } catch (error) {
        failures.push(`${e164}: ${asProblem(error).sentence}`);
      }
    }
    return failures;
  });
  const submit = async (): Promise<void> => {
    const failures = await adding.run();
    if (failures === undefined) return;
    const added = numbers.length - failures.length;
    if (added > 0) {
      sayDone(`${plural(added, 'number')} added`);
      refresh('/v1/numbers');
      onAdded();
    }
    if (failures.length === 0) onClose();
    else setRefused(failures);
  };

  return (
    <Dialog
      title="Add BYOC number"
      onClose={onClose}
      foot={
        <FormFoot
          form={formId}
          busy={adding.busy}
          disabled={numbers.length === 0 || wrong.length > 0 || hasMistake}
          onCancel={onClose}
        >
          {numbers.length > 1 ? `Add ${numbers.length} numbers` : 'Add number'}
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
        <Field
          label="Phone numbers"
          hint="E.164 such as +15551234567; several by commas or line breaks"
          error={wrong.length === 0 ? null : `Not a number in E.164 form: ${wrong.join(', ')}`}
        >
          <TextArea className="mono" value={typed} onChange={(event) => setTyped(event.target.value)} required />
        </Field>
        <Field label="Trunk">
          <Select
            value={trunk ?? ''}
            options={trunks.map(({ id, label }) => ({ value: id, label }))}
            onChange={(event) => setTrunkId(event.target.value)}
          />
        </Field>
        <Field label="Agent" optional hint="Who answers calls to it; you can assign it later.">
          <Select
            value={agentId}
            options={[
              { value: '', label: 'None yet' },
              ...agents.items.map(({ id, name }) => ({ value: id, label: name })),
            ]}
            onChange={(event) => setAgentId(event.target.value)}
          />
        </Field>
        <div className="row-l">
          <Check label="Supports inbound" checked={supportsInbound} onChange={setInbound} />
          <Check label="Supports outbound" checked={supportsOutbound} onChange={setOutbound} />
        </div>
        <Folded title="Limits" set={limitWords === null ? [] : [limitWords]} isWrong={hasMistake}>
          <LimitFields
            value={limits}
            wrong={(field) => mistakes[field]}
            onChange={(change) => setLimits((now) => ({ ...now, ...change }))}
          />
          {numbers.length > 1 && <p className="small soft">Of each of the numbers.</p>}
        </Folded>
        {adding.problem !== undefined && <ProblemNotice problem={adding.problem} />}
        {refused.length > 0 && (
          <Notice tone="bad" title="Not added">
            {refused.map((line) => (
              <p key={line}>{line}</p>
            ))}
          </Notice>
        )}
      </form>
    </Dialog>
  );
}
