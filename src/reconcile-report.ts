// The reports of reconciliation for people: a table of counts and values, then what they must look at.

interface Group {
  readonly count: number;
  readonly carrierMs: number;
  readonly ourMs: number;
  readonly carrierCost: string;
  readonly revenue: string;
}

interface Report {
  readonly carrierCurrency: string | null;
  readonly matched: Group;
  readonly withinTolerance: Group;
  readonly corrected: Group;
  readonly correctionsCharged: string;
  readonly unanswered: Group;
  readonly unansweredOnly: Group;
  readonly pending: number;
  readonly exceptions: Readonly<Record<string, Group>>;
  readonly total: Group;
}

interface ImportView {
  readonly id: string;
  readonly carrier: string;
  readonly trunkId: string;
  readonly fileName: string;
  readonly from: string;
  readonly to: string;
  readonly state: string;
  readonly repeated: boolean;
  readonly report:
    | (Report & {
        readonly rows: {
          readonly rows: number;
          readonly bad: number;
          readonly skipped: number;
          readonly outOfRange: number;
          readonly repeated: number;
          readonly known: number;
          readonly revised: number;
          readonly imported: number;
          readonly badRows: readonly { readonly line: number; readonly reason: string }[];
        };
      })
    | null;
}

interface SweepView {
  readonly carrier: string;
  readonly trunkId: string;
  readonly report: Report | null;
  readonly problem: string | null;
}

interface ExceptionView {
  readonly id: string;
  readonly kind: string;
  readonly at: string;
  readonly carrier: string;
  readonly callId: string | null;
  readonly recordId: string | null;
  readonly carrierMs: number | null;
  readonly ourMs: number | null;
  readonly value: string;
  readonly detail: string;
}

const BAD_ROWS_SHOWN_MAX = 20;

export function hasDifferences(report: Report | null): boolean {
  return report === null || Object.values(report.exceptions).some(({ count }) => count > 0);
}

export function renderImport(view: ImportView): string {
  const { report } = view;
  const state = view.repeated ? 'imported before; this is the first report' : view.state;
  const head = [
    `${view.id}  ${view.carrier}  ${view.trunkId}  ${view.fileName}`,
    `${view.from} to ${view.to}: ${state}`,
  ];
  if (report === null) return head.join('\n');
  const { rows } = report;
  const counts = `rows ${rows.rows}: imported ${rows.imported} (revised ${rows.revised}), known ${rows.known}, repeated ${rows.repeated}, skipped ${rows.skipped}, out of range ${rows.outOfRange}, bad ${rows.bad}`;
  const bad = rows.badRows.slice(0, BAD_ROWS_SHOWN_MAX).map(({ line, reason }) => `  line ${line}: ${reason}`);
  const more = rows.bad > bad.length ? [`  … and ${rows.bad - bad.length} more bad rows`] : [];
  return [...head, counts, ...bad, ...more, '', ...renderRun(report)].join('\n');
}

export function renderSweep(items: readonly SweepView[]): string {
  if (items.length === 0) return 'nothing was imported yet';
  return items
    .map(({ carrier, trunkId, report, problem }) =>
      [
        `${carrier}  ${trunkId}${problem === null ? '' : `: not done, ${problem}`}`,
        ...(report ? renderRun(report) : []),
      ].join('\n'),
    )
    .join('\n\n');
}

export function renderExceptions(page: {
  readonly items: readonly ExceptionView[];
  readonly nextCursor: string | null;
}): string {
  if (page.items.length === 0) return 'nothing is open';
  const lines = page.items.map(
    (each) =>
      `${each.id}  ${each.at}  ${each.kind.padEnd(18)}${each.value.padStart(12)}  ${each.callId ?? '-'}  ${each.carrier} ${each.recordId ?? '-'}  ` +
      `${seconds(each.carrierMs)} there, ${seconds(each.ourMs)} here: ${each.detail}`,
  );
  return [...lines, ...(page.nextCursor === null ? [] : ['… and more; the API lists all'])].join('\n');
}

function renderRun(report: Report): string[] {
  const groups: [string, Group][] = [
    ['matched', report.matched],
    ['  within tolerance', report.withinTolerance],
    ['  corrected', report.corrected],
    ['  not answered', report.unanswered],
    ['not answered, only there', report.unansweredOnly],
    ...Object.entries(report.exceptions).filter(([, group]) => group.count > 0),
    ['total', report.total],
  ];
  const cost = `cost${report.carrierCurrency === null ? '' : ` ${report.carrierCurrency}`}`;
  const notes = [
    ...(report.pending > 0 ? [`${report.pending} records wait for their call to be in the ledger`] : []),
    ...(report.corrected.count > 0 ? [`corrections charged ${report.correctionsCharged}`] : []),
  ];
  return [row('', 'count', 'there', 'here', cost, 'revenue'), ...groups.map(groupRow), ...notes];
}

function groupRow([name, group]: [string, Group]): string {
  return row(
    name,
    String(group.count),
    seconds(group.carrierMs),
    seconds(group.ourMs),
    group.carrierCost,
    group.revenue,
  );
}

function row(name: string, ...cells: readonly string[]): string {
  return `${name.padEnd(26)}${cells.map((cell) => cell.padStart(14)).join('')}`;
}

function seconds(ms: number | null): string {
  return ms === null ? '-' : `${(ms / 1000).toFixed(1)} s`;
}
