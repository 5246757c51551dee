// The numbers that the filters leave, all of them, as a file.

import { useEffect } from 'react';
import { type PageOf, useAction } from '../../api/hooks.ts';
import type { Named } from '../../api/named.ts';
import { request, saveAs } from '../../api/request.ts';
import type { Agent, PhoneNumber } from '../../api/resources.ts';
import { csvText } from '../../lib/csv.ts';
import { wordsOf } from '../../lib/words.ts';
import { Button } from '../../ui/button.tsx';
import { sayFailed } from '../../ui/toast.tsx';

const COLUMNS = ['number', 'country', 'provider', 'status', 'inbound', 'outbound', 'agent', 'warnings', 'id'];
const PAGE = 200;
/** Twice the largest workspace there is. */
const PAGES_MAX = 100;

interface ExportNumbersProps {
  /** With the filters, without a limit. */
  readonly path: string;
  readonly agents: Named<Agent>;
}

export function ExportNumbers({ path, agents }: ExportNumbersProps) {
  const exporting = useAction(async () => {
    const rows = (await allOf(path)).map((number) => ({
      number: number.e164,
      country: number.country,
      provider: wordsOf(number.provider),
      status: number.status,
      inbound: number.supportsInbound,
      outbound: number.supportsOutbound,
      agent: agents.get(number.agentId)?.name ?? number.agentId,
      warnings: number.warnings.map(wordsOf).join('; '),
      id: number.id,
    }));
    saveAs(new Blob([csvText(COLUMNS, rows)], { type: 'text/csv' }), 'numbers.csv');
  });
  const { problem } = exporting;
  useEffect(() => {
    if (problem !== undefined) sayFailed(problem);
  }, [problem]);
  return (
    <Button size="s" icon="download" busy={exporting.busy} onClick={() => void exporting.run()}>
      CSV
    </Button>
  );
}

async function allOf(path: string): Promise<PhoneNumber[]> {
  const all: PhoneNumber[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const rest: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const found: PageOf<PhoneNumber> = await request('GET', `${path}&limit=${PAGE}${rest}`);
    all.push(...found.items);
    cursor = found.nextCursor;
    if (cursor === null) break;
  }
  return all;
}
