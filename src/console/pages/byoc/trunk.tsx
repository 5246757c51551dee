// One SIP trunk: created, changed, checked, deleted. What the checks found is said at save; saving is possible all the same.

import { useEffect, useState } from 'react';
import { useEvents } from '../../api/events.ts';
import { useAction, useGet } from '../../api/hooks.ts';
import { request } from '../../api/request.ts';
import type { SavedTrunk, Trunk, TrunkCheck } from '../../api/resources.ts';
import { put, refresh } from '../../api/store.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Loaded, Notice, ProblemNotice } from '../../ui/feedback.tsx';
import { sayDone } from '../../ui/toast.tsx';
import type { PageProps } from '../index.ts';
import { Checks } from './checks.tsx';
import { DefaultTrunkNotice, MakeDefaultTrunk } from './default-trunk.tsx';
import { bodyOf, draftOf, EMPTY_TRUNK, type TrunkDraft } from './trunk-draft.ts';
import { TrunkForm } from './trunk-form.tsx';
import { TrunkHealth } from './trunk-health.tsx';
import { TrunkRegistration } from './trunk-registration.tsx';

type Checked = { readonly checks: readonly TrunkCheck[] };

/** Of a trunk that was saved a moment ago on the page before: the same page goes on under its own address. */
let carried: { readonly id: string; readonly checks: readonly TrunkCheck[] } | null = null;

export function NewTrunkPage() {
  const { id: workspaceId, at } = useWorkspace();
  const [checks, setChecks] = useState<readonly TrunkCheck[]>();
  const checking = useAction((draft: TrunkDraft) =>
    request<Checked>('POST', '/v1/trunks', { query: { check: 'only' }, body: { workspaceId, ...bodyOf(draft) } }),
  );
  const saving = useAction((draft: TrunkDraft) =>
    request<SavedTrunk>('POST', '/v1/trunks', { body: { workspaceId, ...bodyOf(draft) } }),
  );
  const save = async (draft: TrunkDraft): Promise<void> => {
    const saved = await saving.run(draft);
    if (saved === undefined) return;
    carried = { id: saved.id, checks: saved.checks };
    refresh('/v1/trunks', '/v1/numbers');
    sayDone(`${saved.label} is saved`);
    go(at(`/byoc/${saved.id}`));
  };
  return (
    <Page
      title="New SIP trunk"
      lead="A SIP trunk is a phone line over the internet between your carrier and us."
      back={{ to: `${at('/byoc')}`, label: 'BYOC' }}
    >
      {checks !== undefined && <Checks checks={checks} />}
      <TrunkForm
        initial={EMPTY_TRUNK}
        action="Save trunk"
        busy={checking.busy ? 'check' : saving.busy ? 'save' : null}
        problem={saving.problem ?? checking.problem}
        onCheck={(draft) => void checking.run(draft).then((found) => setChecks(found?.checks))}
        onSave={(draft) => void save(draft)}
      />
    </Page>
  );
}

export function TrunkPage({ params }: PageProps) {
  const { at } = useWorkspace();
  const { canWrite } = useViewer();
  const trunkId = params['trunkId'] ?? '';
  const path = `/v1/trunks/${trunkId}`;
  const { data: trunk, error, reload } = useGet<Trunk>(path);
  const [deleting, setDeleting] = useState(false);
  useEvents((name, data) => {
    if (name === 'reset') reload();
    const isOfTrunk = name === 'trunk_health' || name === 'trunk_registration';
    if (isOfTrunk && (data as { readonly trunkId: string }).trunkId === trunkId) reload();
  });
  return (
    <Page
      title={trunk?.label ?? 'Trunk'}
      back={{ to: at('/byoc'), label: 'BYOC' }}
      actions={
        trunk !== undefined && (
          <>
            <Button icon="pulse" onClick={() => go(at('/diagnosis'), { query: { trunk: trunkId } })}>
              Diagnose
            </Button>
            <MakeDefaultTrunk trunk={trunk} />
            {canWrite && (
              <Button kind="danger" icon="trash" onClick={() => setDeleting(true)}>
                Delete
              </Button>
            )}
          </>
        )
      }
    >
      <Loaded data={trunk} error={error} retry={reload} rows={8}>
        {(loaded) => <EditTrunk key={loaded.id} trunk={loaded} path={path} />}
      </Loaded>
      {deleting && trunk !== undefined && <DeleteTrunk trunk={trunk} onClose={() => setDeleting(false)} />}
    </Page>
  );
}

function EditTrunk({ trunk, path }: { readonly trunk: Trunk; readonly path: string }) {
  const [checks, setChecks] = useState(carried?.id === trunk.id ? carried.checks : undefined);
  useEffect(() => {
    carried = null;
  }, []);
  const checking = useAction((draft: TrunkDraft) =>
    request<Checked>('PATCH', path, { query: { check: 'only' }, body: bodyOf(draft, trunk) }),
  );
  const saving = useAction((draft: TrunkDraft) => request<SavedTrunk>('PATCH', path, { body: bodyOf(draft, trunk) }));
  const save = async (draft: TrunkDraft): Promise<void> => {
    const saved = await saving.run(draft);
    if (saved === undefined) return;
    setChecks(saved.checks);
    put(path, saved);
    refresh('/v1/trunks?');
    sayDone('Saved. Calls to come use it; live ones go on as they are.');
    scrollTo(0, 0);
  };
  return (
    <>
      <TrunkHealth trunk={trunk} />
      <TrunkRegistration trunk={trunk} />
      <DefaultTrunkNotice trunk={trunk} />
      {checks !== undefined && checks.length > 0 && <Checks checks={checks} />}
      {trunk.kind !== 'byoc' && (
        <Notice tone="plain">
          This trunk was set up at the provider. What is changed here by hand is not changed there.
        </Notice>
      )}
      <TrunkForm
        initial={draftOf(trunk)}
        stored={trunk}
        action="Save changes"
        busy={checking.busy ? 'check' : saving.busy ? 'save' : null}
        problem={saving.problem ?? checking.problem}
        onCheck={(draft) => void checking.run(draft).then((found) => setChecks(found?.checks))}
        onSave={(draft) => void save(draft)}
      />
    </>
  );
}

function DeleteTrunk({ trunk, onClose }: { readonly trunk: Trunk; onClose(): void }) {
  const { at } = useWorkspace();
  const removal = useAction(async () => {
    await request('DELETE', `/v1/trunks/${trunk.id}`);
    return true;
  });
  const confirm = async (): Promise<void> => {
    if ((await removal.run()) === undefined) return;
    refresh('/v1/trunks');
    sayDone(`${trunk.label} is deleted`);
    go(at('/byoc'), { query: { tab: 'sip' } });
  };
  return (
    <Confirm
      title={`Delete ${trunk.label}?`}
      action="Delete trunk"
      busy={removal.busy}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>
        Calls from its carrier are refused from now on, and none goes out through it. Live calls go on to their end.
      </p>
      {removal.problem?.code === 'record_in_use' ? (
        <p className="bad" role="alert">
          It still has numbers. Remove them first.
        </p>
      ) : (
        removal.problem !== undefined && <ProblemNotice problem={removal.problem} />
      )}
    </Confirm>
  );
}
