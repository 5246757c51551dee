// One call, live or past: what happened, how it sounded, what it cost and why.

import { useEvents } from '../../api/events.ts';
import { useAction, useGet, useNow } from '../../api/hooks.ts';
import { useAgents, useTrunks } from '../../api/named.ts';
import { request } from '../../api/request.ts';
import type { Call } from '../../api/resources.ts';
import { carrierReasonText } from '../../lib/carrier-words.ts';
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
import { EndNotice } from './end-notice.tsx';
import { Ladder } from './ladder.tsx';
import { Attestation } from './attestation.tsx';
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
  const { id: workspaceId } = useWorkspace();
  const agents = useAgents(workspaceId);
  const trunks = useTrunks(workspaceId);
  const setUpMs = call.answeredAt === null ? null : Date.parse(call.answeredAt) - Date.parse(call.startedAt);
  return (
    <>
      <EndNotice call={call} />
      <Stats
        of={[
          { label: 'State', value: <CallStateBadge call={call} /> },
          {
            label: 'Talk time',
            value: talkMs === null ? '—' : call.endedAt === null ? clockOf(talkMs) : durationText(talkMs),
            ...(call.answeredAt === null ? { note: 'Never answered' } : {}),
          },
          { label: 'Until answer', value: setUpMs === null ? '—' : durationText(setUpMs) },
          {
            label: 'SIP status',
            value: call.sipStatus ?? '—',
            ...statusNote(call),
          },
        ]}
      />
      <div className="aside">
        <div className="stack">
          <Ladder call={call} />
          <Quality call={call} />
          <Timeline entries={call.timeline} nameOf={(id) => agents.get(id)?.name ?? trunks.get(id)?.label} />
        </div>
        <div className="stack">
          <CallBill call={call} />
          <Parties call={call} />
        </div>
      </div>
    </>
  );
}

/** Whose word the status is, where that is known. */
function statusNote({ direction, sipStatus, timeline }: Call): { readonly note?: string } {
  if (sipStatus === null || sipStatus < 300) return {};
  if (direction === 'inbound') return { note: 'Our answer to the carrier' };
  const isCarriers = timeline.some(({ event, detail }) => event === 'rejected' && detail?.['status'] === sipStatus);
  return isCarriers ? { note: 'The carrier’s answer' } : {};
}

function Parties({ call }: { readonly call: Call }) {
  const { id: workspaceId, at } = useWorkspace();
  const agent = useAgents(workspaceId).get(call.agentId);
  const trunk = useTrunks(workspaceId).get(call.trunkId);
  const said = call.carrierReason === null ? '' : carrierReasonText(call.carrierReason);
  const origId = call.attestation?.origId ?? null;
  const isFromCarrier = call.direction === 'inbound' && call.class !== 'browser';
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
            isFromCarrier ? ['STIR/SHAKEN', <Attestation key="stir" call={call} trunk={trunk} />] : null,
            origId === null
              ? null
              : [
                  'Origination id',
                  <span key="orig" className="copyable">
                    <code>{origId}</code>
                    <Copy text={origId} label="Copy origination id" />
                  </span>,
                ],
            said === '' ? null : ['Carrier’s reason', said],
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
