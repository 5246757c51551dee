// The ladder, drawn: three lines for the parties, an arrow per message, time running down. Each SIP message can be opened; readers have a list.

import { useMemo, useState } from 'react';
import { useGet } from '../../api/hooks.ts';
import type { Call, SipLadder } from '../../api/resources.ts';
import { offsetText } from '../../lib/duration.ts';
import { type LadderStep, ladderOf, type Party } from '../../lib/ladder.ts';
import { readable } from '../../lib/phone-number.ts';
import { plural } from '../../lib/words.ts';
import { Copy } from '../../ui/show.tsx';
import { LadderDrawing } from './ladder-drawing.tsx';

export function Ladder({ call }: { readonly call: Call }) {
  const isLive = call.state !== 'ended';
  const path = `/v1/calls/${call.id}/ladder`;
  const { data } = useGet<SipLadder>(path, isLive ? 2_000 : undefined);
  const steps = useMemo(() => ladderOf(call, data?.items), [call, data]);
  const [chosen, setChosen] = useState<number | null>(null);
  const farSide = call.direction === 'inbound' ? call.from : call.to;
  const names: Readonly<Record<Party, string>> = { far: readable(farSide), edge: 'Callin Edge', agent: 'Agent' };
  const opened = chosen === null ? undefined : steps[chosen];
  const nameOf = (step: LadderStep): string =>
    `${step.from === step.to ? names[step.from] : `${names[step.from]} to ${names[step.to]}`}: ${step.label}`;
  return (
    <section className="card" aria-labelledby="ladder">
      <div className="card-head">
        <h2 id="ladder">SIP ladder</h2>
        <span className="small soft">
          {data?.kept === false
            ? 'From the timeline: the messages are forgotten after some hours'
            : 'Choose a message to read it'}
        </span>
      </div>
      <section
        className="card-body"
        style={{ overflowX: 'auto' }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone, which keys must be able to do.
        tabIndex={0}
        aria-label="SIP ladder"
      >
        <LadderDrawing steps={steps} names={names} chosen={chosen} onChoose={setChosen} />
        <ol className="visually-hidden">
          {steps.map((step, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is what it is by its place.
            <li key={index}>
              {offsetText(step.offsetMs)}: {nameOf(step)}
            </li>
          ))}
        </ol>
      </section>
      {opened?.text !== undefined && (
        <div className="card-foot">
          <div className="spread">
            <span className="small strong">{nameOf(opened)}</span>
            <Copy text={opened.text} label="Copy this message" />
          </div>
          <pre className="sip-message">{opened.text.trimEnd()}</pre>
        </div>
      )}
      {data !== undefined && data.dropped > 0 && (
        <div className="card-foot small soft">
          {plural(data.dropped, 'more message was', 'more messages were')} not kept.
        </div>
      )}
    </section>
  );
}
