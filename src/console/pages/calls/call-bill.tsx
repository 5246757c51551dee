// The bill of a call: both parts, the rule in words, and what proves it.

import { useGet } from '../../api/hooks.ts';
import type { BillLine, Call, ExplainedBill } from '../../api/resources.ts';
import { durationText } from '../../lib/duration.ts';
import { wordsOf } from '../../lib/words.ts';
import { Badge, Notice } from '../../ui/feedback.tsx';
import { Facts, Money, Time } from '../../ui/show.tsx';

export function CallBill({ call }: { readonly call: Call }) {
  const { bill } = call;
  // The words come with the bill that stands; a live one changes every second.
  const { data: explained } = useGet<ExplainedBill>(
    bill !== null && call.state === 'ended' ? `/v1/calls/${call.id}/bill` : null,
  );
  return (
    <section className="card" aria-labelledby="bill">
      <div className="card-head">
        <h2 id="bill">Bill</h2>
        {bill !== null && <Badge tone={bill.final ? 'good' : 'info'}>{bill.final ? 'Final' : 'Running'}</Badge>}
      </div>
      <div className="card-body">
        {bill === null ? (
          <p className="soft">
            {call.state === 'ended'
              ? 'Nothing: the call ended before it could cost anything.'
              : 'Starts with the answer.'}
          </p>
        ) : (
          <div className="stack">
            <div>
              <Line label="Telephony" line={bill.telephony} currency={bill.currency} />
              <Line label="Agent compute" line={bill.compute} currency={bill.currency} />
              <div className="bill-total">
                <span>Total</span>
                <Money amount={bill.total} currency={bill.currency} />
              </div>
            </div>
            {bill.flags.map((flag) => (
              <Notice key={flag} tone="warn">
                {wordsOf(flag)}
              </Notice>
            ))}
            <Facts
              of={[
                bill.evidence.start === null ? null : ['Begins', <Time key="start" at={bill.evidence.start} full />],
                bill.evidence.end === null ? null : ['Ends', <Time key="end" at={bill.evidence.end} full />],
                bill.evidence.endedBy === null ? null : ['Proved by', wordsOf(bill.evidence.endedBy)],
              ]}
            />
            {explained !== undefined && (
              <details>
                <summary className="strong">Why this much</summary>
                <ul className="sentences">
                  {explained.explanation.map((line) => (
                    <li key={line}>{line}</li>
                  ))}
                </ul>
              </details>
            )}
          </div>
        )}
      </div>
    </section>
  );
}

function Line({
  label,
  line,
  currency,
}: {
  readonly label: string;
  readonly line: BillLine;
  readonly currency: string;
}) {
  return (
    <div className="bill-line">
      <span className="strong">{label}</span>
      <Money amount={line.amount} currency={currency} />
      <span className="small soft">{durationText(line.billedMs)}</span>
      <span className="small soft right">
        <Money amount={line.ratePerMinute} currency={currency} /> / min
      </span>
      <span className="rule">{line.rule}</span>
    </div>
  );
}
