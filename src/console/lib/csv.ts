// What is on a page as a CSV file (RFC 4180). Cells that a spreadsheet would take for a formula are made harmless.

export type CsvCell = string | number | boolean | null;

export function csvText(columns: readonly string[], rows: readonly Readonly<Record<string, CsvCell>>[]): string {
  const lines = [columns.map(cellText), ...rows.map((row) => columns.map((column) => cellText(row[column] ?? null)))];
  return `${lines.map((line) => line.join(',')).join('\r\n')}\r\n`;
}

function cellText(value: CsvCell): string {
  if (value === null) return '';
  const text = typeof value === 'string' ? harmless(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A number in E.164 form begins with + and is no formula; a negative amount begins with - and is none either. */
function harmless(text: string): string {
  if (/^\+\d+$/.test(text) || /^-\d+(\.\d+)?$/.test(text)) return text;
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
