// A part of a form that few need: closed until somebody opens it, it says what is set in it; an error inside opens it.

import { type ReactNode, useEffect, useState } from 'react';

interface FoldedProps {
  readonly title: string;
  /** What differs from how it is for everybody, in words. */
  readonly set: readonly string[];
  readonly isWrong: boolean;
  readonly children: ReactNode;
}

export function Folded({ title, set, isWrong, children }: FoldedProps) {
  const [open, setOpen] = useState(isWrong);
  useEffect(() => {
    if (isWrong) setOpen(true);
  }, [isWrong]);
  return (
    <details className="folded" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="strong">{title}</span>{' '}
        <span className="said small soft">{set.length === 0 ? 'nothing set' : set.join(' · ')}</span>
      </summary>
      <div className="form">{children}</div>
    </details>
  );
}
