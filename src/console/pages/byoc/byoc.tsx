// BYOC: the carriers that a workspace brings along, Telnyx by its key and any other one by SIP.

import { useEvents } from '../../api/events.ts';
import { useList } from '../../api/hooks.ts';
import type { Trunk } from '../../api/resources.ts';
import { plural } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { go, Link, useQuery } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Badge, Empty, ProblemNotice, Waiting } from '../../ui/feedback.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { DefaultTrunkChoice, useIsDefaultTrunk } from './default-trunk.tsx';
import { TelnyxTab } from './telnyx-tab.tsx';
import { HealthBadge } from './trunk-health.tsx';

const TABS = [
  { name: 'telnyx', label: 'Telnyx' },
  { name: 'sip', label: 'Other SIP provider' },
] as const;

export function ByocPage() {
  const [query, setQuery] = useQuery();
  const tab = query['tab'] === 'sip' ? 'sip' : 'telnyx';
  return (
    <Page
      title="BYOC"
      lead="Bring your own carrier: your contract, your rates, your numbers. Calls over it cost no telephony here."
    >
      <Tabs label="Carriers" tabs={TABS} value={tab} onChange={(name) => setQuery({ tab: name })}>
        {tab === 'telnyx' ? <TelnyxTab /> : <SipTab />}
      </Tabs>
    </Page>
  );
}

function SipTab() {
  const { id: workspaceId, at } = useWorkspace();
  const { canWrite } = useViewer();
  const list = useList<Trunk>(`/v1/trunks?workspaceId=${workspaceId}`);
  useEvents((name) => {
    if (name === 'reset' || name === 'trunk' || name === 'trunk_health') list.reload();
  });
  const trunks = list.items.filter(({ kind }) => kind === 'byoc');
  const add = canWrite && (
    <Button kind="primary" icon="plus" onClick={() => go(at('/byoc/new'))}>
      Add SIP trunk
    </Button>
  );
  if (list.waiting) return <Waiting />;
  return (
    <div className="stack">
      {list.error !== undefined && <ProblemNotice problem={list.error} retry={list.reload} />}
      {trunks.length === 0 ? (
        list.error === undefined && (
          <Empty icon="trunk" title="No SIP trunk yet" action={add}>
            Any carrier with a SIP trunk will do. You need its SIP server, and the addresses its calls come from.
          </Empty>
        )
      ) : (
        <>
          <div className="spread">
            <span className="soft small">{plural(trunks.length, 'trunk')}</span>
            {add}
          </div>
          <div className="table-wrap">
            <table className="table cards">
              <thead>
                <tr>
                  <th scope="col">Label</th>
                  <th scope="col">Health</th>
                  <th scope="col">Inbound from</th>
                  <th scope="col">Outbound to</th>
                </tr>
              </thead>
              <tbody>
                {trunks.map((trunk) => (
                  <TrunkRow key={trunk.id} trunk={trunk} />
                ))}
              </tbody>
            </table>
          </div>
          <DefaultTrunkChoice trunks={list.items} more={list.more} />
        </>
      )}
    </div>
  );
}

function TrunkRow({ trunk }: { readonly trunk: Trunk }) {
  const { at } = useWorkspace();
  const isDefault = useIsDefaultTrunk()(trunk);
  const { inbound, outbound } = trunk;
  const [address, ...others] = inbound.addresses;
  const [gateway, ...more] = outbound.gateways;
  return (
    <tr>
      <td>
        <Link to={at(`/byoc/${trunk.id}`)} className="strong">
          {trunk.label}
        </Link>{' '}
        {isDefault && <Badge tone="info">Default</Badge>}
      </td>
      <td>
        <HealthBadge health={trunk.health} />
      </td>
      <td className="full">
        {inbound.enabled && address !== undefined ? (
          <>
            <code>{address}</code> {others.length > 0 && <Badge>+{others.length}</Badge>}
          </>
        ) : (
          <span className="faint">No inbound</span>
        )}
      </td>
      <td className="full">
        {outbound.enabled && gateway !== undefined ? (
          <>
            <code>
              {gateway.host}
              {gateway.port === null ? '' : `:${gateway.port}`}
            </code>{' '}
            {more.length > 0 && <Badge>+{more.length}</Badge>}
          </>
        ) : (
          <span className="faint">No outbound</span>
        )}
      </td>
    </tr>
  );
}
