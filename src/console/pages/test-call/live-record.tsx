// The gateway's own record of the test call while it goes on: timeline and running bill.

import { useState } from 'react';
import { useEvents } from '../../api/events.ts';
import { type PageOf, useGet } from '../../api/hooks.ts';
import type { Call } from '../../api/resources.ts';
import { refresh } from '../../api/store.ts';
import { useWorkspace } from '../../shell/context.ts';
import { Link } from '../../shell/history.ts';
import { CallBill } from '../calls/call-bill.tsx';
import { TimelineList } from '../calls/timeline.tsx';

const POLL_MS = 1_000;

interface LiveRecordProps {
  readonly testCallId: string | null;
}

export function LiveRecord({ testCallId }: LiveRecordProps) {
  const { at } = useWorkspace();
  const call = useRecord(testCallId);
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

/** The record whose timeline names the test call: looked for as soon as an event tells of a call of a browser, and every second beside that. */
function useRecord(testCallId: string | null): Call | undefined {
  const { id: workspaceId } = useWorkspace();
  const [found, setFound] = useState<{ readonly testCallId: string; readonly callId: string }>();
  const known = found !== undefined && found.testCallId === testCallId ? found.callId : undefined;
  const listPath = `/v1/calls?workspaceId=${workspaceId}&limit=20`;
  const list = useGet<PageOf<Call>>(known === undefined && testCallId !== null ? listPath : null, POLL_MS).data;
  useEvents((name, data) => {
    if (name === 'call' && known === undefined && (data as Call).class === 'browser') refresh(listPath);
  });
  const listed = testCallId === null ? undefined : list?.items.find((call) => isOf(call, testCallId))?.id;
  if (testCallId !== null && listed !== undefined && known === undefined) setFound({ testCallId, callId: listed });
  const callId = known ?? listed;
  const path = callId === undefined ? null : `/v1/calls/${callId}`;
  const { data, reload } = useGet<Call>(path);
  useGet<Call>(data === undefined || data.state !== 'ended' ? path : null, POLL_MS);
  useEvents((name, changed) => {
    if (name === 'call' && (changed as Call).id === callId) reload();
  });
  return data;
}

function isOf({ timeline }: Call, testCallId: string): boolean {
  return timeline.some(({ event, detail }) => event === 'test_call' && detail?.['testCallId'] === testCallId);
}
