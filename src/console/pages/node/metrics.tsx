// The figures that tell at a glance whether the node is well. All of them are at /metrics.

import { useGet } from '../../api/hooks.ts';
import { meanOf, readMetrics, type Sample, sumOfSeries } from '../../lib/metrics-text.ts';
import { Loaded, Notice } from '../../ui/feedback.tsx';
import { type Stat, Stats } from '../../ui/show.tsx';

const POLL_MS = 10_000;

export function Metrics() {
  const { data, error, reload } = useGet<string>('/metrics', POLL_MS);
  return (
    <section className="stack-s" aria-labelledby="metrics">
      <div className="spread">
        <h2 id="metrics">Metrics</h2>
        <a className="small" href="/metrics">
          All metrics
        </a>
      </div>
      {error?.status === 403 ? (
        <Notice tone="plain">
          Metrics are shown to loopback and allow-listed addresses only, and this browser is at none of them.
        </Notice>
      ) : (
        <Loaded data={data} error={error} retry={reload} rows={2}>
          {(text) => <Stats of={highlights(readMetrics(text))} />}
        </Loaded>
      )}
    </section>
  );
}

function highlights(samples: readonly Sample[]): Stat[] {
  const count = (name: string, labels: Record<string, string> = {}) => sumOfSeries(samples, name, labels);
  const seconds = (name: string): string => {
    const mean = meanOf(samples, name);
    return mean === undefined ? '—' : `${(mean * 1000).toFixed(mean < 0.01 ? 1 : 0)} ms`;
  };
  const plain = (value: number | undefined): string =>
    value === undefined ? '—' : Math.round(value).toLocaleString('en-US');
  const lost = count('callin_rtp_lost_total') ?? 0;
  const received = count('callin_rtp_packets_total', { direction: 'in' }) ?? count('callin_rtp_packets_total') ?? 0;
  return [
    { label: 'Calls since the start', value: plain(count('callin_calls_total') ?? 0) },
    { label: 'Set-up, mean', value: seconds('callin_call_setup_seconds') },
    { label: 'Agent connects in', value: seconds('callin_agent_connect_seconds') },
    { label: 'Packets lost', value: plain(lost), note: `of ${plain(received)}` },
    { label: 'Unbilled answered calls', value: plain(count('callin_unbilled_answered_calls') ?? 0), note: 'Must be 0' },
    { label: 'Ledger lag', value: `${(count('callin_ledger_lag_seconds') ?? 0).toFixed(1)} s` },
    { label: 'Journal write, mean', value: seconds('callin_journal_fsync_seconds') },
    {
      label: 'Money refused',
      value: plain(count('callin_lease_denied_total') ?? 0),
      note: 'Calls without enough balance or room',
    },
  ];
}
