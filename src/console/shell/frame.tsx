// The frame around a page: skip link, navigation, and the page itself; on a phone the navigation is a drawer.

import { Suspense, useEffect, useMemo, useState } from 'react';
import { useEvents } from '../api/events.ts';
import { type PageOf, useGet } from '../api/hooks.ts';
import type { Workspace } from '../api/resources.ts';
import { change, refresh } from '../api/store.ts';
import { matchRoute } from '../lib/route.ts';
import { PAGES } from '../pages/index.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Loaded, Waiting } from '../ui/feedback.tsx';
import { useViewer, WorkspaceContext, type WorkspaceView } from './context.ts';
import { go, Link, usePlace } from './history.ts';
import { Page } from './page.tsx';
import { PageGuard } from './page-guard.tsx';
import { lastWorkspace, rememberWorkspace } from './last-workspace.ts';
import { OPERATOR_PAGES, ROUTES } from './routes.ts';
import { Sidebar } from './sidebar.tsx';

interface BalanceNow {
  readonly workspaceId: string;
  readonly balance: string;
  readonly reserved: string;
}

export function Frame() {
  const { session, isOperator } = useViewer();
  const { pathname } = usePlace();
  const match = matchRoute(ROUTES, pathname);
  const [drawer, setDrawer] = useState(false);
  const lastSeen = useLastWorkspace(match?.params['workspaceId'] ?? session.principal.workspaceId);
  const { data: workspace } = useGet<Workspace>(lastSeen === null ? null : `/v1/workspaces/${lastSeen}`);

  useEvents((name, data) => {
    if (name === 'reset') refresh('/v1/workspaces');
    if (name !== 'balance') return;
    const { workspaceId, balance, reserved } = data as BalanceNow;
    change<Workspace>(`/v1/workspaces/${workspaceId}`, (shown) =>
      shown.id === workspaceId ? { ...shown, balance, reserved } : undefined,
    );
  });
  useEffect(() => {
    if (!drawer) return undefined;
    document.querySelector<HTMLElement>('.sidebar select, .sidebar a')?.focus();
    const close = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') setDrawer(false);
    };
    document.addEventListener('keydown', close);
    return () => document.removeEventListener('keydown', close);
  }, [drawer]);

  return (
    <div className="shell">
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <div className="topbar">
        <Button
          kind="quiet"
          icon="menu"
          aria-label="Navigation"
          aria-expanded={drawer}
          aria-controls="navigation"
          onClick={() => setDrawer(!drawer)}
        />
        <Link to="/" className="brand">
          <img src="/console/mark.svg" alt="" /> Callin Edge
        </Link>
        <span style={{ width: '2.125rem' }} />
      </div>
      {drawer && (
        <button
          type="button"
          className="sidebar-shade"
          aria-label="Close navigation"
          onClick={() => setDrawer(false)}
        />
      )}
      <Sidebar
        page={match?.name}
        workspaceId={lastSeen}
        workspace={workspace}
        open={drawer}
        onNavigate={() => setDrawer(false)}
      />
      <main className="main" id="content" tabIndex={-1}>
        <Content pathname={pathname} isOperator={isOperator} />
      </main>
    </div>
  );
}

/** Pages of the node keep the navigation of the workspace that was looked at before. */
function useLastWorkspace(current: string | null): string | null {
  const [last, setLast] = useState(() => current ?? lastWorkspace());
  if (current !== null && current !== last) setLast(current);
  useEffect(() => {
    if (current !== null) rememberWorkspace(current);
  }, [current]);
  return current ?? last;
}

function Content({ pathname, isOperator }: { readonly pathname: string; readonly isOperator: boolean }) {
  const match = matchRoute(ROUTES, pathname);
  if (match === undefined || (!isOperator && OPERATOR_PAGES.has(match.name))) return <NoSuchPage />;
  if (match.name === 'home') return <Home isOperator={isOperator} />;
  const Shown = PAGES[match.name];
  const page = (
    <PageGuard key={pathname}>
      <Suspense fallback={<Waiting rows={6} />}>
        <Shown params={match.params} />
      </Suspense>
    </PageGuard>
  );
  const { workspaceId } = match.params;
  return workspaceId === undefined ? page : <InWorkspace id={workspaceId}>{page}</InWorkspace>;
}

function InWorkspace({ id, children }: { readonly id: string; readonly children: React.ReactNode }) {
  const { data: workspace, error, reload } = useGet<Workspace>(`/v1/workspaces/${id}`);
  const view = useMemo<WorkspaceView>(() => ({ id, workspace, at: (path) => `/w/${id}${path}` }), [id, workspace]);
  if (error?.status === 404) return <NoSuchPage />;
  if (error !== undefined && workspace === undefined)
    return (
      <Loaded data={undefined} error={error} retry={reload}>
        {() => null}
      </Loaded>
    );
  return <WorkspaceContext value={view}>{children}</WorkspaceContext>;
}

/** The gateway's own, which pays for verification calls: nobody's to work in. */
const VERIFICATION_WORKSPACE = 'verification-calls';

/** To the numbers of a workspace: a key’s own, the operator’s last or only one; else to the list of them. */
function Home({ isOperator }: { readonly isOperator: boolean }) {
  const { session } = useViewer();
  const { data, error, reload } = useGet<PageOf<Workspace>>('/v1/workspaces?limit=200');
  const last = data?.items.find(({ id }) => id === lastWorkspace());
  const customers = (data?.items ?? []).filter(({ id }) => id !== VERIFICATION_WORKSPACE);
  const only = customers.length === 1 ? customers[0] : undefined;
  const target = session.principal.workspaceId ?? (last ?? only)?.id;
  const isOpen = isOperator && data !== undefined && target === undefined;
  useEffect(() => {
    if (target !== undefined) go(`/w/${target}/numbers`, { replace: true });
    else if (isOpen) go('/workspaces', { replace: true });
  }, [target, isOpen]);
  return (
    <Loaded data={undefined} error={error} retry={reload}>
      {() => null}
    </Loaded>
  );
}

function NoSuchPage() {
  return (
    <Page title="Not found">
      <Empty icon="search" title="There is no such page" action={<Link to="/">Go to the start</Link>}>
        The address may be mistyped, or what it showed was removed, or it belongs to another workspace.
      </Empty>
    </Page>
  );
}
