// Steps with how each one went: of a diagnosis, of setting up a trunk, of checks.

import type { ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';

export type StepState = 'good' | 'bad' | 'warn' | 'running' | 'current' | 'waiting' | 'plain' | 'skipped';

export interface StepItem {
  readonly title: string;
  readonly state: StepState;
  readonly text?: ReactNode;
  readonly advice?: ReactNode;
  readonly note?: ReactNode;
}

const ICONS: Readonly<Record<StepState, IconName | null>> = {
  good: 'check',
  bad: 'cross',
  warn: 'warning',
  running: null,
  current: null,
  waiting: null,
  plain: 'info',
  skipped: null,
};
const WORDS: Readonly<Record<StepState, string>> = {
  good: 'Done',
  bad: 'Failed',
  warn: 'Warning',
  running: 'Under way',
  current: 'Next',
  waiting: 'Not yet',
  plain: 'Note',
  skipped: 'Skipped',
};

export function Steps({ of }: { readonly of: readonly StepItem[] }) {
  return (
    <ol className="steps">
      {of.map((step, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: steps keep their order.
        <li className={`step ${step.state}`} key={index}>
          <span className="mark">
            <Mark state={step.state} index={index} />
            <span className="visually-hidden">{WORDS[step.state]}</span>
          </span>
          <div>
            <p className={step.state === 'waiting' || step.state === 'skipped' ? 'soft' : 'strong'}>{step.title}</p>
            {step.text !== undefined && <p className="small soft">{step.text}</p>}
            {step.advice !== undefined && step.advice !== null && <p className="small advice">{step.advice}</p>}
          </div>
          <span className="small faint">{step.note ?? (step.state === 'skipped' ? 'Skipped' : '')}</span>
        </li>
      ))}
    </ol>
  );
}

function Mark({ state, index }: { readonly state: StepState; readonly index: number }) {
  const icon = ICONS[state];
  if (state === 'running') return <span className="spinner" aria-hidden="true" />;
  if (icon !== null) return <Icon name={icon} />;
  return (
    <span className="tiny" aria-hidden="true">
      {state === 'skipped' ? '–' : index + 1}
    </span>
  );
}
