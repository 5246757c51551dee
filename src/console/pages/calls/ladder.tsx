// The ladder, drawn: three lines for the parties, an arrow per message, time running down. A list of the same for readers.

import { useMemo } from 'react';
import type { Call } from '../../api/resources.ts';
import { offsetText } from '../../lib/duration.ts';
import { type LadderStep, ladderOf, type Party } from '../../lib/ladder.ts';
import { readable } from '../../lib/phone-number.ts';

const WIDTH = 680;
const ROW = 34;
const HEAD = 52;
const TIME_WIDTH = 76;
const LANES: Readonly<Record<Party, number>> = { far: 160, edge: 380, agent: 600 };
const ORDER: readonly Party[] = ['far', 'edge', 'agent'];

export function Ladder({ call }: { readonly call: Call }) {
  const steps = useMemo(() => ladderOf(call), [call]);
  const farSide = call.direction === 'inbound' ? call.from : call.to;
  const names: Readonly<Record<Party, string>> = { far: readable(farSide), edge: 'Callin Edge', agent: 'Agent' };
  const height = HEAD + steps.length * ROW + 8;
  return (
    <section className="card" aria-labelledby="ladder">
      <div className="card-head">
        <h2 id="ladder">SIP ladder</h2>
        <span className="small soft">Times from the first message</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone, which keys must be able to do. */}
      <div className="card-body" style={{ overflowX: 'auto' }} tabIndex={0} role="group" aria-label="SIP ladder">
        <svg className="ladder" viewBox={`0 0 ${WIDTH} ${height}`} aria-hidden="true">
          {ORDER.map((party) => (
            <g key={party}>
              <line className="lane" x1={LANES[party]} x2={LANES[party]} y1={HEAD - 14} y2={height} />
              <rect className="party-box" x={LANES[party] - 74} y={4} width={148} height={28} rx={6} />
              <text className="party" x={LANES[party]} y={22} textAnchor="middle">
                {names[party]}
              </text>
            </g>
          ))}
          {steps.map((step, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is what it is by its place.
            <Step key={index} step={step} y={HEAD + index * ROW + 20} />
          ))}
        </svg>
        <ol className="visually-hidden">
          {steps.map((step, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is what it is by its place.
            <li key={index}>
              {offsetText(step.offsetMs)}: {names[step.from]}
              {step.from === step.to ? '' : ` to ${names[step.to]}`}: {step.label}
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}

function Step({ step, y }: { readonly step: LadderStep; readonly y: number }) {
  const [from, to] = [LANES[step.from], LANES[step.to]];
  return (
    <g className={step.tone}>
      <text className="time" x={TIME_WIDTH - 8} y={y + 4} textAnchor="end">
        {offsetText(step.offsetMs)}
      </text>
      {from === to ? (
        <>
          <rect className="note-box" x={from - 70} y={y - 12} width={140} height={23} rx={11} />
          <text className="label" x={from} y={y + 4} textAnchor="middle">
            {step.label}
          </text>
        </>
      ) : (
        <>
          <path className="arrow" d={`M${from} ${y}H${to + (to > from ? -5 : 5)}`} />
          <path className="head" d={to > from ? `M${to} ${y}l-8 -4v8z` : `M${to} ${y}l8 -4v8z`} />
          <text className="label" x={(from + to) / 2} y={y - 6} textAnchor="middle">
            {step.label}
          </text>
        </>
      )}
    </g>
  );
}
