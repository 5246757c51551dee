// Navigation: the workspace that is looked at, its pages, and what belongs to the node.

import { signOut } from '../api/session.ts';
import { useLiveState } from '../api/events.ts';
import type { Workspace } from '../api/resources.ts';
import { isNegative } from '../lib/money.ts';
import { Button } from '../ui/button.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { Money } from '../ui/show.tsx';
import { sayFailed } from '../ui/toast.tsx';
import { useViewer } from './context.ts';
import { Link } from './history.ts';
import type { PageName } from './routes.ts';
import { useTheme } from './theme.ts';
import { WorkspaceSwitch } from './workspace-switch.tsx';

interface NavItem {
  readonly label: string;
  readonly icon: IconName;
  /** After `/w/{workspaceId}`. */
  readonly path: string;
  readonly pages: readonly PageName[];
}

const WORKSPACE_NAV: readonly NavItem[] = [
  { label: 'Numbers', icon: 'hash', path: '/numbers', pages: ['numbers', 'buy', 'twilio', 'telnyx'] },
  { label: 'Requests', icon: 'doc', path: '/requests', pages: ['requests', 'new-request', 'request'] },
  { label: 'BYOC', icon: 'trunk', path: '/byoc', pages: ['byoc', 'new-trunk', 'trunk'] },
  { label: 'Agents', icon: 'agent', path: '/agents', pages: ['agents', 'new-agent', 'agent'] },
  { label: 'Calls', icon: 'phone', path: '/calls', pages: ['calls', 'call'] },
  { label: 'Test call', icon: 'mic', path: '/test-call', pages: ['test-call'] },
  { label: 'Diagnosis', icon: 'pulse', path: '/diagnosis', pages: ['diagnosis'] },
  { label: 'Billing', icon: 'wallet', path: '/billing', pages: ['billing'] },
  { label: 'Webhooks', icon: 'send', path: '/webhooks', pages: ['webhooks', 'webhook'] },
  { label: 'API keys', icon: 'key', path: '/keys', pages: ['keys'] },
];

const OPERATOR_NAV: readonly NavItem[] = [
  { label: 'Workspaces', icon: 'people', path: '/workspaces', pages: ['workspaces'] },
  { label: 'Review', icon: 'check', path: '/review', pages: ['review', 'review-request'] },
  { label: 'Node', icon: 'node', path: '/node', pages: ['node'] },
];

interface SidebarProps {
  readonly page: PageName | undefined;
  readonly workspaceId: string | null;
  readonly workspace: Workspace | undefined;
  readonly open: boolean;
  onNavigate(): void;
}

export function Sidebar({ page, workspaceId, workspace, open, onNavigate }: SidebarProps) {
  const { isOperator } = useViewer();
  const nodeNav = isOperator ? OPERATOR_NAV : OPERATOR_NAV.filter(({ path }) => path === '/node');
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: following a link by key clicks it, too.
    // biome-ignore lint/a11y/noStaticElementInteractions: closes behind the links, which are what is pressed.
    <div
      className={`sidebar ${open ? 'open' : ''}`}
      onClick={(event) => {
        if ((event.target as HTMLElement).closest('a') !== null) onNavigate();
      }}
    >
      <Link to="/" className="brand">
        <img src="/console/mark.svg" alt="" /> Callin Edge
      </Link>
      {isOperator && workspaceId !== null && <WorkspaceSwitch current={workspaceId} page={page} />}
      <nav className="nav" aria-label="Main" id="navigation">
        {workspaceId !== null &&
          WORKSPACE_NAV.map((item) => <NavLink key={item.path} item={item} base={`/w/${workspaceId}`} page={page} />)}
        <p className="nav-group">{isOperator ? 'Operator' : 'Gateway'}</p>
        {nodeNav.map((item) => (
          <NavLink key={item.path} item={item} base="" page={page} />
        ))}
      </nav>
      <div className="sidebar-foot">
        {workspace !== undefined && (
          <Link to={`/w/${workspace.id}/billing`} className="balance-box">
            <span className="tiny faint">{workspace.billingMode === 'prepaid' ? 'Balance' : 'Postpaid balance'}</span>
            <span className={`amount ${isNegative(workspace.balance) ? 'bad' : ''}`}>
              <Money amount={workspace.balance} currency={workspace.currency} cents />
            </span>
          </Link>
        )}
        <Foot />
      </div>
    </div>
  );
}

function NavLink({
  item,
  base,
  page,
}: {
  readonly item: NavItem;
  readonly base: string;
  readonly page: PageName | undefined;
}) {
  const isHere = page !== undefined && item.pages.includes(page);
  return (
    <Link to={base + item.path} {...(isHere ? { 'aria-current': 'page' as const } : {})}>
      <Icon name={item.icon} /> {item.label}
    </Link>
  );
}

const LIVE_WORDS = { live: 'Live', connecting: 'Connecting…', off: 'Not live' } as const;

function Foot() {
  const { isDark, toggle } = useTheme();
  const { signedOut } = useViewer();
  const live = useLiveState();
  return (
    <div className="spread">
      <span className="live-note tiny faint" role="status" title="Changes show up as they happen">
        <span
          className={`dot ${live === 'live' ? 'good' : live === 'connecting' ? 'warn pulse' : ''}`}
          aria-hidden="true"
        />
        {LIVE_WORDS[live]}
      </span>
      <span className="row">
        <Button
          kind="quiet"
          size="s"
          icon={isDark ? 'sun' : 'moon'}
          aria-label={isDark ? 'Use the light theme' : 'Use the dark theme'}
          onClick={toggle}
        />
        <Button
          kind="quiet"
          size="s"
          icon="out"
          aria-label="Sign out"
          title="Sign out"
          onClick={() => void signOut().then(signedOut, sayFailed)}
        />
      </span>
    </div>
  );
}
