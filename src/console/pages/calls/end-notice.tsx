// Why a call ended that should not have: what the carrier or the agent said of it, and where to look first.

import type { Call } from '../../api/resources.ts';
import { carrierReasonText } from '../../lib/carrier-words.ts';
import { endAdvice } from '../../lib/end-advice.ts';
import { wordsOf } from '../../lib/words.ts';
import { useWorkspace } from '../../shell/context.ts';
import { go } from '../../shell/history.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/feedback.tsx';

export function EndNotice({ call }: { readonly call: Call }) {
  const { at } = useWorkspace();
  const { endReason } = call;
  const advice = endReason === null ? undefined : endAdvice(endReason);
  if (call.state !== 'ended' || endReason === null || advice === undefined) return null;
  const number = call.direction === 'inbound' ? call.to : call.from;
  const canDiagnose = call.class !== 'browser' && number.startsWith('+');
  return (
    <Notice
      tone={call.answeredAt === null ? 'bad' : 'warn'}
      title={wordsOf(endReason)}
      action={
        canDiagnose && (
          <Button size="s" icon="pulse" onClick={() => go(at('/diagnosis'), { query: { number } })}>
            Diagnose
          </Button>
        )
      }
    >
      {saidOf(call).map((line) => (
        <p key={line}>{line}</p>
      ))}
      <p>{advice}</p>
    </Notice>
  );
}

function saidOf({ direction, answeredAt, sipStatus, carrierReason, timeline }: Call): string[] {
  const failed = timeline.findLast(({ event }) => event === 'agent_failed' || event === 'agent_lost')?.detail ?? {};
  const refused = timeline.findLast(({ event }) => event === 'rejected')?.detail ?? {};
  const reason = carrierReason === null ? '' : carrierReasonText(carrierReason);
  const status = [refused['status'] ?? sipStatus, refused['text'] ?? ''].join(' ').trim();
  const agent = [wordsOf(String(failed['code'] ?? '')), String(failed['detail'] ?? '')].filter((part) => part !== '');
  return [
    direction === 'outbound' && answeredAt === null && refused['status'] !== undefined
      ? `The carrier answered ${status}.`
      : '',
    reason === '' ? '' : `The carrier’s reason: ${reason}.`,
    agent.length === 0 ? '' : `The agent: ${agent.join(', ')}.`,
  ].filter((line) => line !== '');
}
