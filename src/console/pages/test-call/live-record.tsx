// The gateway's own record of the test call while it goes on: timeline and running bill.

import { useState } from 'react';
import { useEvents } from '../../api/events.ts';
import { type PageOf, useGet } from '../../api/hooks.ts';
import type { Call } from '../../api/resources.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Link } from '../../shell/history.ts';
import { CallBill } from '../calls/call-bill.tsx';
import { TimelineList } from '../calls/timeline.tsx';

const POLL_MS = 1_000;

interface LiveRecordProps {
  readonly testCallId: string | null;
  readonly isLive: boolean;
}

export function LiveRecord({ testCallId, isLive }: LiveRecordProps) {
  const { at } = useWorkspace();
  const call = useRecord(testCallId, isLive);
  if (call === undefined)
    return (
      <section className="card" aria-labelledby="record">
        <div className="card-head">
          <h2 id="record">What happens</h2>
        </div>
        <div className="card-body">
          <p className="soft">The call’s timeline and its running bill appear here as you talk.</p>
        </div>
      </section>
    );
  return (
    <div className="stack">
      <CallBill call={call} />
      <section className="card" aria-labelledby="record">
        <div className="card-head">
          <h2 id="record">Timeline</h2>
          <Link className="small" to={at(`/calls/${call.id}`)}>
            Whole record
          </Link>
        </div>
        <div className="card-body">
          <TimelineList entries={call.timeline} />
        </div>
      </section>
    </div>
  );
}

/** A test call is called by its id: the record whose `to` is that one. It is told by an event, or else found in the list. */
function useRecord(testCallId: string | null, isLive: boolean): Call | undefined {
  const { id: workspaceId } = useWorkspace();
  const [told, setTold] = useState<{ readonly testCallId: string; readonly callId: string }>();
  useEvents((name, data) => {
    const call = data as Call;
    if (name === 'call' && testCallId !== null && call.to === testCallId) setTold({ testCallId, callId: call.id });
  });
  const known = told !== undefined && told.testCallId === testCallId ? told.callId : undefined;
  const list = useGet<PageOf<Call>>(
    known === undefined && testCallId !== null && isLive ? `/v1/calls?workspaceId=${workspaceId}&limit=20` : null,
    POLL_MS,
  ).data;
  const callId = known ?? (testCallId === null ? undefined : list?.items.find(({ to }) => to === testCallId)?.id);
  const path = callId === undefined ? null : `/v1/calls/${callId}`;
  const { data, reload } = useGet<Call>(path);
  useGet<Call>(data === undefined || data.state !== 'ended' ? path : null, POLL_MS);
  useEvents((name, changed) => {
    if (name === 'call' && (changed as Call).id === callId) reload();
  });
  return data;
}
