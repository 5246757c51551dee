// Everything that was noted about a call, in order.

import type { TimelineEntry } from '../../api/resources.ts';
import { offsetText } from '../../lib/duration.ts';
import { utcText } from '../../lib/time.ts';
import { sentence, wordsOf } from '../../lib/words.ts';

export function Timeline({ entries }: { readonly entries: readonly TimelineEntry[] }) {
  return (
    <section className="card" aria-labelledby="timeline">
      <div className="card-head">
        <h2 id="timeline">Timeline</h2>
      </div>
      <div className="card-body">
        <TimelineList entries={entries} />
      </div>
    </section>
  );
}

export function TimelineList({ entries }: { readonly entries: readonly TimelineEntry[] }) {
  if (entries.length === 0) return <p className="soft">Nothing yet.</p>;
  return (
    <ol className="timeline">
      {entries.map((entry, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: entries are only ever added at the end.
        <li key={index}>
          <time className="at" dateTime={entry.at} title={utcText(entry.at)}>
            {offsetText(entry.offsetMs)}
          </time>
          <span>
            {wordsOf(entry.event)} <span className="detail">{detailText(entry)}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}

function detailText({ detail = {} }: TimelineEntry): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${sentence(name).toLowerCase()} ${String(value)}`)
    .join(', ');
}
