// What a page says about itself: notices, badges, empty, waiting and failing states.

import type { ReactNode } from 'react';
import type { ProblemError } from '../api/problem.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

export type Tone = 'plain' | 'info' | 'good' | 'warn' | 'bad';

const TONE_ICON: Readonly<Record<Tone, IconName>> = {
  plain: 'info',
  info: 'info',
  good: 'check',
  warn: 'warning',
  bad: 'warning',
};

interface NoticeProps {
  readonly tone?: Tone;
  readonly title?: ReactNode;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

export function Notice({ tone = 'info', title, children, action }: NoticeProps) {
  return (
    <div className={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={TONE_ICON[tone]} />
      <div>
        {title !== undefined && <p className="strong">{title}</p>}
        {children !== undefined && <div className={title === undefined ? '' : 'soft'}>{children}</div>}
      </div>
      {action}
    </div>
  );
}

/** Why something did not work, with what the support needs. */
export function ProblemNotice({ problem, retry }: { readonly problem: ProblemError; readonly retry?: () => void }) {
  const said = new Set([problem.title, problem.detail]);
  const stray = problem.fields
    .filter(({ message }) => !said.has(message))
    .map(({ field, message }) => `${field}: ${message}`);
  return (
    <Notice
      tone="bad"
      title={problem.title}
      action={
        retry !== undefined && (
          <Button size="s" onClick={retry}>
            Try again
          </Button>
        )
      }
    >
      {problem.detail !== null && problem.detail !== problem.title && <p>{problem.detail}</p>}
      {problem.advice !== null && <p>{problem.advice}</p>}
      {stray.length > 0 && <p>{stray.join('; ')}</p>}
      {problem.retryAfterSec !== null && <p>Try again in {problem.retryAfterSec} s.</p>}
      {problem.requestId !== null && <p className="tiny">Request {problem.requestId}</p>}
    </Notice>
  );
}

interface BadgeProps {
  readonly tone?: Tone;
  readonly dot?: boolean | 'pulse';
  readonly children: ReactNode;
}

export function Badge({ tone = 'plain', dot = false, children }: BadgeProps) {
  return (
    <span className={`badge ${tone}`}>
      {dot !== false && <span className={`dot ${dot === 'pulse' ? 'pulse' : ''}`} aria-hidden="true" />}
      {children}
    </span>
  );
}

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

export function Empty({ icon, title, children, action }: EmptyProps) {
  return (
    <div className="empty">
      <span className="art">
        <Icon name={icon} />
      </span>
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
      {action}
    </div>
  );
}

const ROW_WIDTHS = ['82%', '64%', '73%', '58%', '78%', '69%'];

export function Waiting({ rows = 5, label = 'Loading' }: { readonly rows?: number; readonly label?: string }) {
  return (
    <div className="skeleton-rows" role="status">
      <span className="visually-hidden">{label}</span>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: grey bars have no identity.
        <span className="skeleton" key={index} style={{ width: ROW_WIDTHS[index % ROW_WIDTHS.length] }} />
      ))}
    </div>
  );
}

interface LoadedProps<T> {
  readonly data: T | undefined;
  readonly error: ProblemError | undefined;
  readonly retry?: () => void;
  readonly rows?: number;
  readonly children: (data: T) => ReactNode;
}

/** Waiting, failed or there; an error beside old data is said above it. */
export function Loaded<T>({ data, error, retry, rows = 5, children }: LoadedProps<T>) {
  const again = retry === undefined ? {} : { retry };
  if (data === undefined)
    return error === undefined ? <Waiting rows={rows} /> : <ProblemNotice problem={error} {...again} />;
  return (
    <>
      {error !== undefined && <ProblemNotice problem={error} {...again} />}
      {children(data)}
    </>
  );
}
