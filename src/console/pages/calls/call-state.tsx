// The state of a call in one badge: what a person wants to know first.

import type { Call } from '../../api/resources.ts';
import { wordsOf } from '../../lib/words.ts';
import { Badge, type Tone } from '../../ui/feedback.tsx';

/** Ends of answered calls that are nobody's fault. */
const NORMAL = new Set(['remote_hangup', 'agent_hangup', 'api_hangup', 'max_duration', 'cancelled', 'api_cancelled']);

export function CallStateBadge({ call }: { readonly call: Pick<Call, 'state' | 'answeredAt' | 'endReason'> }) {
  if (call.state === 'queued') return <Badge tone="info">Connecting</Badge>;
  if (call.state === 'ringing')
    return (
      <Badge tone="info" dot="pulse">
        Ringing
      </Badge>
    );
  if (call.state === 'answered')
    return (
      <Badge tone="good" dot="pulse">
        Talking
      </Badge>
    );
  return <Badge tone={toneOf(call)}>{call.endReason === null ? 'Ended' : wordsOf(call.endReason)}</Badge>;
}

function toneOf({ answeredAt, endReason }: Pick<Call, 'answeredAt' | 'endReason'>): Tone {
  if (endReason !== null && NORMAL.has(endReason)) return 'plain';
  if (endReason === 'no_answer' || endReason === 'busy') return 'warn';
  return answeredAt === null ? 'bad' : 'warn';
}
