// The drawing of a ladder. What can be opened is a button: Tab goes through the messages, Enter opens one.

import type { KeyboardEvent } from 'react';
import { offsetText } from '../../lib/duration.ts';
import type { LadderStep, Party } from '../../lib/ladder.ts';

const WIDTH = 680;
const ROW = 34;
const HEAD = 52;
const TIME_WIDTH = 76;
const NOTE_WIDTH = 140;
/** About what a letter of a label takes. */
const LETTER_WIDTH = 6.4;
const LANES: Readonly<Record<Party, number>> = { far: 160, edge: 380, agent: 600 };
const ORDER: readonly Party[] = ['far', 'edge', 'agent'];

interface LadderDrawingProps {
  readonly steps: readonly LadderStep[];
  readonly names: Readonly<Record<Party, string>>;
  readonly chosen: number | null;
  onChoose(index: number | null): void;
}

export function LadderDrawing({ steps, names, chosen, onChoose }: LadderDrawingProps) {
  const height = HEAD + steps.length * ROW + 8;
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: the list beside it says the same in words.
    <svg className="ladder" viewBox={`0 0 ${WIDTH} ${height}`}>
      {ORDER.map((party) => (
        // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it can be focused.
        <g key={party} aria-hidden="true">
          <line className="lane" x1={LANES[party]} x2={LANES[party]} y1={HEAD - 14} y2={height} />
          <rect className="party-box" x={LANES[party] - 74} y={4} width={148} height={28} rx={6} />
          <text className="party" x={LANES[party]} y={22} textAnchor="middle">
            {names[party]}
          </text>
        </g>
      ))}
      {steps.map((step, index) => {
        const y = HEAD + index * ROW + 20;
        const toggle = (): void => onChoose(chosen === index ? null : index);
        const opens = {
          role: 'button',
          tabIndex: 0,
          'aria-label': `Read ${step.label} at ${offsetText(step.offsetMs)}`,
          'aria-pressed': chosen === index,
          onClick: toggle,
          onKeyDown: (event: KeyboardEvent) => {
            if (event.key !== 'Enter' && event.key !== ' ') return;
            event.preventDefault();
            toggle();
          },
        };
        return (
          <g
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is what it is by its place.
            key={index}
            className={`step-${step.tone} ${step.text === undefined ? '' : 'opens'} ${chosen === index ? 'chosen' : ''}`}
            {...(step.text === undefined ? { 'aria-hidden': true } : opens)}
          >
            <rect className="row-hit" x={0} y={y - 21} width={WIDTH} height={ROW} rx={6} />
            <Step step={step} y={y} />
          </g>
        );
      })}
    </svg>
  );
}

function Step({ step, y }: { readonly step: LadderStep; readonly y: number }) {
  const [from, to] = [LANES[step.from], LANES[step.to]];
  const noteWidth = Math.max(NOTE_WIDTH, step.label.length * LETTER_WIDTH + 16);
  return (
    <>
      <text className="time" x={TIME_WIDTH - 8} y={y + 4} textAnchor="end">
        {offsetText(step.offsetMs)}
      </text>
      {from === to ? (
        <>
          <rect className="note-box" x={from - noteWidth / 2} y={y - 12} width={noteWidth} height={23} rx={11} />
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
    </>
  );
}
