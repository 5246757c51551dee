// The call as the API tells it, printed for people.

export interface CallView {
  readonly id: string;
  readonly timeline: readonly {
    readonly offsetMs: number;
    readonly event: string;
    readonly detail?: Readonly<Record<string, unknown>>;
  }[];
  readonly bill: BillView | null;
}

interface BillView {
  readonly telephony: BillLineView;
  readonly compute: BillLineView;
  readonly total: string;
  readonly currency: string;
  readonly final: boolean;
}

interface BillLineView {
  readonly billedMs: number;
  readonly ratePerMinute: string;
  readonly amount: string;
  readonly rule: string;
}

export function renderTimeline(call: CallView): string {
  return call.timeline
    .map((entry) => `  ${String(entry.offsetMs).padStart(6)} ms  ${entry.event.padEnd(18)}${details(entry.detail)}`)
    .join('\n');
}

export function renderBill({ bill }: CallView): string {
  if (bill === null) return '  none';
  const line = (name: string, each: BillLineView) =>
    `  ${name.padEnd(10)} ${String(each.billedMs).padStart(7)} ms at ${each.ratePerMinute} ${bill.currency}/min = ${each.amount} ${bill.currency}\n             ${each.rule}`;
  return [
    line('telephony', bill.telephony),
    line('compute', bill.compute),
    `  ${'total'.padEnd(10)} ${bill.total} ${bill.currency}${bill.final ? '' : ' (not final)'}`,
  ].join('\n');
}

function details(detail: Readonly<Record<string, unknown>> | undefined): string {
  return Object.entries(detail ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
