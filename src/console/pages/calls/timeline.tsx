// Everything that was noted about a call, in order.

import type { TimelineEntry } from '../../api/resources.ts';
import { offsetText } from '../../lib/duration.ts';
import { utcText } from '../../lib/time.ts';
import { type NameOf, timelineLine } from '../../lib/timeline-words.ts';

interface TimelineProps {
  readonly entries: readonly TimelineEntry[];
  readonly nameOf?: NameOf;
}

export function Timeline(props: TimelineProps) {
  return (
    <section className="card" aria-labelledby="timeline">
      <div className="card-head">
        <h2 id="timeline">Timeline</h2>
      </div>
      <div className="card-body">
        <TimelineList {...props} />
      </div>
    </section>
  );
}

export function TimelineList({ entries, nameOf }: TimelineProps) {
  if (entries.length === 0) return <p className="soft">Nothing yet.</p>;
  return (
    <ol className="timeline">
      {entries.map((entry, index) => {
        const { what, how, isBad } = timelineLine(entry.event, entry.detail, nameOf);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: entries are only ever added at the end.
          <li key={index}>
            <time className="at" dateTime={entry.at} title={utcText(entry.at)}>
              {offsetText(entry.offsetMs)}
            </time>
            <span>
              <span className={isBad ? 'bad' : ''}>{what}</span> <span className="detail">{how}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
