// CSV as RFC 4180 has it, for spreadsheets.

import type { Reply } from './route.ts';

export const CSV_TYPE = 'text/csv';

export type CsvCell = string | number | boolean | null;

/** CSV only where it is asked for by name: a browser's wildcard gets JSON. */
export function wantsCsv(accept: string | undefined): boolean {
  return (accept ?? '')
    .split(',')
    .some((part) => /^\s*text\/csv\s*(?:;|$)/i.test(part) && !/;\s*q=0(?:\.0*)?\s*$/i.test(part));
}

export interface CsvFile {
  /** Without the ending. */
  readonly name: string;
  readonly columns: readonly string[];
  /** Each row by column; what a row has beyond the columns is left out. */
  readonly rows: Iterable<Readonly<Record<string, CsvCell | undefined>>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export function csvReply({ name, columns, rows, headers = {} }: CsvFile): Reply {
  const lines = [columns.join(',')];
  for (const row of rows) lines.push(columns.map((column) => csvCell(row[column] ?? null)).join(','));
  return {
    body: lines.map((line) => `${line}\r\n`).join(''),
    contentType: `${CSV_TYPE}; charset=utf-8; header=present`,
    headers: { 'content-disposition': `attachment; filename="${name}.csv"`, ...headers },
  };
}

/** A text that a spreadsheet would run as a formula is led by an apostrophe. Amounts and telephone numbers stay. */
export function csvCell(value: CsvCell): string {
  if (value === null) return '';
  const text = String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(?:\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
