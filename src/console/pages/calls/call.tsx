// One call, live or past: what happened, how it sounded, what it cost and why.

import { useEvents } from '../../api/events.ts';
import { useAction, useGet, useNow } from '../../api/hooks.ts';
import { useAgents, useTrunks } from '../../api/named.ts';
import { request } from '../../api/request.ts';
import type { Call } from '../../api/resources.ts';
import { attestationText, carrierReasonText } from '../../lib/carrier-words.ts';
import { clockOf, durationText } from '../../lib/duration.ts';
import { readable } from '../../lib/phone-number.ts';
import { wordsOf } from '../../lib/words.ts';
import { useViewer, useWorkspace } from '../../shell/context.ts';
import { Link } from '../../shell/history.ts';
import { Page } from '../../shell/page.tsx';
import { Button } from '../../ui/button.tsx';
import { Loaded } from '../../ui/feedback.tsx';
import { Copy, Facts, Phone, Stats, Time } from '../../ui/show.tsx';
import { sayDone, sayFailed } from '../../ui/toast.tsx';
import type { PageProps } from '../index.ts';
import { CallBill } from './call-bill.tsx';
import { CallStateBadge } from './call-state.tsx';
import { Ladder } from './ladder.tsx';
import { Quality } from './quality.tsx';
import { Timeline } from './timeline.tsx';

const LIVE_POLL_MS = 2_000;

export function CallPage({ params }: PageProps) {
  const { at, id } = useWorkspace();
  const callId = params['callId'] ?? '';
  const path = `/v1/calls/${callId}`;
  const { data: call, error, reload } = useGet<Call>(path);
  const isLive = call !== undefined && call.state !== 'ended';
  useGet<Call>(isLive ? path : null, LIVE_POLL_MS);
  useEvents((name, data) => {
    if (name === 'reset' || (name === 'call' && (data as Call).id === callId)) reload();
  });
  const agents = useAgents(id);
  const to =
    call === undefined
      ? ''
      : call.class === 'browser'
        ? (agents.get(call.agentId)?.name ?? call.to)
        : readable(call.to);
  const title = call === undefined ? 'Call' : `${readable(call.from)} → ${to}`;
  return (
    <Page
      title={title}
      back={{ to: at('/calls'), label: 'Calls' }}
      actions={isLive && <HangUp call={call} onDone={reload} />}
    >
      <Loaded data={call} error={error} retry={reload} rows={8}>
        {(loaded) => <CallView call={loaded} />}
      </Loaded>
    </Page>
  );
}

function HangUp({ call, onDone }: { readonly call: Call; onDone(): void }) {
  const { canWrite } = useViewer();
  const hanging = useAction(() => request('POST', `/v1/calls/${call.id}/hangup`));
  if (!canWrite) return null;
  const hangUp = async (): Promise<void> => {
    await hanging.run().catch(sayFailed);
    sayDone('Hanging up');
    onDone();
  };
  return (
    <Button kind="danger" icon="hangup" busy={hanging.busy} onClick={() => void hangUp()}>
      Hang up
    </Button>
  );
}

function CallView({ call }: { readonly call: Call }) {
  const now = useNow(call.state === 'ended' ? null : 1_000);
  const talkMs =
    call.answeredAt === null
      ? null
      : (call.endedAt === null ? now : Date.parse(call.endedAt)) - Date.parse(call.answeredAt);
  const setUpMs = call.answeredAt === null ? null : Date.parse(call.answeredAt) - Date.parse(call.startedAt);
  return (
    <>
      <Stats
        of={[
          { label: 'State', value: <CallStateBadge call={call} /> },
          {
            label: 'Talk time',
            value: talkMs === null ? '—' : call.endedAt === null ? clockOf(talkMs) : durationText(talkMs),
            ...(call.answeredAt === null ? { note: 'Never answered' } : {}),
          },
          { label: 'Until answer', value: setUpMs === null ? '—' : durationText(setUpMs) },
          { label: 'SIP status', value: call.sipStatus ?? '—' },
        ]}
      />
      <div className="aside">
        <div className="stack">
          <Ladder call={call} />
          <Quality call={call} />
          <Timeline entries={call.timeline} />
        </div>
        <div className="stack">
          <CallBill call={call} />
          <Parties call={call} />
        </div>
      </div>
    </>
  );
}

function Parties({ call }: { readonly call: Call }) {
  const { id: workspaceId, at } = useWorkspace();
  const agent = useAgents(workspaceId).get(call.agentId);
  const trunk = useTrunks(workspaceId).get(call.trunkId);
  const attested = attestationText(call);
  const said = carrierReasonText(call);
  return (
    <section className="card" aria-labelledby="parties">
      <div className="card-head">
        <h2 id="parties">Details</h2>
      </div>
      <div className="card-body">
        <Facts
          of={[
            ['From', <Phone key="from" e164={call.from} copy />],
            ['To', <Phone key="to" e164={call.to} copy />],
            ['Direction', wordsOf(call.direction)],
            attested === null ? null : ['Caller attested', attested],
            said === null ? null : ['Carrier’s reason', said],
            call.class === null ? null : ['Class', wordsOf(call.class)],
            call.agentId === null
              ? null
              : [
                  'Agent',
                  <Link key="agent" to={at(`/agents/${call.agentId}`)}>
                    {agent?.name ?? call.agentId}
                  </Link>,
                ],
            call.trunkId === null
              ? null
              : [
                  'Trunk',
                  trunk === undefined ? (
                    call.trunkId
                  ) : (
                    <Link key="trunk" to={at(`/byoc/${trunk.id}`)}>
                      {trunk.label}
                    </Link>
                  ),
                ],
            ['Started', <Time key="started" at={call.startedAt} full />],
            call.answeredAt === null ? null : ['Answered', <Time key="answered" at={call.answeredAt} full />],
            call.endedAt === null ? null : ['Ended', <Time key="ended" at={call.endedAt} full />],
            [
              'Call id',
              <span key="id" className="copyable">
                <code>{call.id}</code>
                <Copy text={call.id} label="Copy call id" />
              </span>,
            ],
          ]}
        />
      </div>
    </section>
  );
}
