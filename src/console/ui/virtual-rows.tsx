// A long table of rows of one height: only those in sight are drawn, and the next page is asked for before its end is reached. Readers are told how
// many rows there are and where they stand (WAI-ARIA table).

import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { visibleRange } from '../lib/virtual.ts';

interface VirtualRowsProps<T> {
  readonly label: string;
  readonly head: ReactNode;
  readonly items: readonly T[];
  readonly rowHeight: number;
  /** There is more than `items`. */
  readonly more: boolean;
  readonly foot?: ReactNode;
  keyOf(item: T): string;
  row(item: T): ReactNode;
  onEnd(): void;
}

/** As many as fit a page anyway: drawn plainly, the page itself scrolls. */
const PLAIN_MAX = 40;
/** Rows before the end at which the next page is asked for. */
const AHEAD = 30;

export function VirtualRows<T>({ label, head, items, rowHeight, more, foot, keyOf, row, onEnd }: VirtualRowsProps<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 700 });
  const isPlain = items.length <= PLAIN_MAX && !more;

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const look = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const range = isPlain
    ? { start: 0, end: items.length, before: 0, after: 0 }
    : visibleRange({ count: items.length, rowHeight, scrollTop: view.top, viewportHeight: view.height });
  const nearEnd = more && range.end >= items.length - AHEAD;
  useEffect(() => {
    if (nearEnd) onEnd();
  });

  return (
    <div className="rows" role="table" aria-label={label} aria-rowcount={more ? -1 : items.length + 1}>
      {head}
      <div
        ref={scroller}
        className={`rows-scroll ${isPlain ? 'short' : ''}`}
        role="rowgroup"
        onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
        {...(isPlain ? {} : { tabIndex: 0, style: { height: items.length * rowHeight } })}
      >
        <div style={{ height: range.before }} aria-hidden="true" />
        {items.slice(range.start, range.end).map((item, index) => (
          <div className="rows-row" role="row" key={keyOf(item)} aria-rowindex={range.start + index + 2}>
            {row(item)}
          </div>
        ))}
        <div style={{ height: range.after }} aria-hidden="true" />
      </div>
      {foot}
    </div>
  );
}
