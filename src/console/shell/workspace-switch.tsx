// The operator's way from one workspace to another: the same page of the other one.

import { useGet, type PageOf } from '../api/hooks.ts';
import type { Workspace } from '../api/resources.ts';
import { Select } from '../ui/field.tsx';
import { go } from './history.ts';
import { type PageName, ROUTES } from './routes.ts';

export function WorkspaceSwitch({ current, page }: { readonly current: string; readonly page: PageName | undefined }) {
  const { data } = useGet<PageOf<Workspace>>('/v1/workspaces?limit=200');
  const known = data?.items ?? [];
  const options = known.map(({ id, name }) => ({ value: id, label: name }));
  if (!known.some(({ id }) => id === current)) options.unshift({ value: current, label: current });
  const path = ROUTES.find(({ name }) => name === page)?.path ?? '/w/:workspaceId/numbers';
  // A page of one thing is not there in another workspace: its list is.
  const list = path.split('/').slice(0, 4).join('/');
  return (
    <Select
      aria-label="Workspace"
      value={current}
      options={options}
      onChange={(event) => go(list.replace(':workspaceId', event.target.value))}
    />
  );
}
