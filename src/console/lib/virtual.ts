// Which rows of a long list are drawn: only those in sight and a few around them, all of one height.

export interface VisibleRange {
  /** First and one past the last row to draw. */
  readonly start: number;
  readonly end: number;
  /** Room above and below for the rows that are not drawn, in px. */
  readonly before: number;
  readonly after: number;
}

export interface ListGeometry {
  readonly count: number;
  readonly rowHeight: number;
  readonly scrollTop: number;
  readonly viewportHeight: number;
  /** Rows drawn beyond each edge, so that fast scrolling shows no gap. */
  readonly overscan?: number;
}

export function visibleRange({
  count,
  rowHeight,
  scrollTop,
  viewportHeight,
  overscan = 8,
}: ListGeometry): VisibleRange {
  const top = Math.min(Math.max(0, scrollTop), Math.max(0, count * rowHeight - viewportHeight));
  const start = Math.max(0, Math.floor(top / rowHeight) - overscan);
  const end = Math.min(count, Math.ceil((top + viewportHeight) / rowHeight) + overscan);
  return { start, end, before: start * rowHeight, after: Math.max(0, count - end) * rowHeight };
}
