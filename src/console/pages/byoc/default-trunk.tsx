// Over which trunk calls leave whose caller id has none of its own: asked where the trunks are, said on the trunk itself.

import { useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction } from '../../api/hooks.ts';
import type { Trunk } from '../../api/resources.ts';
import { put } from '../../api/store.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/feedback.tsx';
import { Field, Select } from '../../ui/field.tsx';
import { sayDone, sayFailed } from '../../ui/toast.tsx';

/** `trunkId`: undefined until it is read, null = the oldest that can dial out. */
function useDefaultTrunk() {
  const { id, workspace } = useWorkspace();
  const setting = useAction(async (trunkId: string | null, said: string) => {
    try {
      put(
        `/v1/workspaces/${id}`,
        await call('PUT /v1/workspaces/{id}/default-trunk', { params: { id }, body: { trunkId } }),
      );
      sayDone(said);
    } catch (error) {
      sayFailed(error);
    }
  });
  return { trunkId: workspace?.defaultTrunkId, busy: setting.busy, set: setting.run };
}

export function useIsDefaultTrunk(): (trunk: Trunk) => boolean {
  const { workspace } = useWorkspace();
  return ({ id }) => workspace?.defaultTrunkId === id;
}

const OLDEST = 'calls leave over the oldest trunk that can dial out';

interface DefaultTrunkChoiceProps {
  readonly trunks: readonly Trunk[];
  /** There are more trunks than these. */
  readonly more: boolean;
}

export function DefaultTrunkChoice({ trunks, more }: DefaultTrunkChoiceProps) {
  const { id: workspaceId } = useWorkspace();
  const { canWrite } = useViewer();
  const { trunkId, busy, set } = useDefaultTrunk();
  const [chosen, setChosen] = useState<string>();
  if (trunkId === undefined) return null;
  const own = trunks.filter((trunk) => trunk.workspaceId === workspaceId);
  const current = own.find(({ id }) => id === trunkId);
  const offered = own.filter((trunk) => trunk.outbound.enabled || trunk === current);
  if (trunkId === null && offered.length === 0) return null;
  const options = [
    { value: '', label: 'The oldest that can dial out' },
    ...(trunkId !== null && current === undefined
      ? [{ value: trunkId, label: more ? trunkId : 'A trunk that is gone' }]
      : []),
    ...offered.map(({ id, label, outbound }) => ({
      value: id,
      label: outbound.enabled ? label : `${label}: no outbound`,
    })),
  ];
  const choose = async (value: string): Promise<void> => {
    setChosen(value);
    const label = own.find(({ id }) => id === value)?.label;
    await set(
      value === '' ? null : value,
      label === undefined ? `From now on ${OLDEST}` : `From now on calls leave over ${label}`,
    );
    setChosen(undefined);
  };
  return (
    <div className="half">
      <Field
        label="Default trunk for calls out"
        hint="For calls whose caller id has no trunk of its own. If it cannot carry a call, the others are tried."
      >
        <Select
          value={chosen ?? trunkId ?? ''}
          options={options}
          disabled={!canWrite || busy}
          onChange={({ target }) => void choose(target.value)}
        />
      </Field>
    </div>
  );
}

/** On the trunk's own page, where it is the one. */
export function DefaultTrunkNotice({ trunk }: { readonly trunk: Trunk }) {
  const { canWrite } = useViewer();
  const { trunkId, busy, set } = useDefaultTrunk();
  if (trunkId !== trunk.id) return null;
  return (
    <Notice
      tone={trunk.outbound.enabled ? 'plain' : 'warn'}
      title="Default trunk for calls out"
      action={
        canWrite && (
          <Button size="s" busy={busy} onClick={() => void set(null, `From now on ${OLDEST}`)}>
            No longer
          </Button>
        )
      }
    >
      {trunk.outbound.enabled
        ? 'Calls whose caller id has no trunk of its own leave here.'
        : 'It does not support outbound: calls leave over another trunk.'}
    </Notice>
  );
}

/** Among the trunk's actions, where it could be the one. */
export function MakeDefaultTrunk({ trunk }: { readonly trunk: Trunk }) {
  const { id: workspaceId } = useWorkspace();
  const { canWrite } = useViewer();
  const { trunkId, busy, set } = useDefaultTrunk();
  const isOffered = trunk.workspaceId === workspaceId && trunk.outbound.enabled;
  if (!canWrite || !isOffered || trunkId === undefined || trunkId === trunk.id) return null;
  return (
    <Button
      icon="outbound"
      busy={busy}
      onClick={() => void set(trunk.id, `From now on calls leave over ${trunk.label}`)}
    >
      Make default
    </Button>
  );
}
