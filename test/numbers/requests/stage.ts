import { randomBytes } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import type { Directory } from '../../../src/directory/directory.ts';
import type { Clock } from '../../../src/domain/clock.ts';
import { createIds } from '../../../src/domain/ids.ts';
import type { Books } from '../../../src/ledger/books.ts';
import { createNumberRequests } from '../../../src/numbers/requests/parts.ts';
import { loadRequirements } from '../../../src/numbers/requests/requirement-files.ts';
import type { GrantedNumber } from '../../../src/numbers/requests/settler.ts';
import { sweepRequests, type SweepReport } from '../../../src/numbers/requests/sweep.ts';

// Requests as the node has them, with the requirement files that are shipped; and real files, small ones.

const FOLDER = new URL('../../../config/number-requirements/', import.meta.url).pathname;
export const REQUIREMENTS = loadRequirements(FOLDER, 'USD');
export const DAY_MS = 86_400_000;
export const TIMES = { keptMs: 90 * DAY_MS, abandonedMs: 60 * DAY_MS };

export interface TestRequestsOptions {
  readonly directory: Directory;
  readonly books: Pick<Books, 'postFee' | 'settle'>;
  readonly clock: Clock;
  readonly onGranted?: (number: GrantedNumber) => Promise<void>;
}

export function openTestRequests({ directory, books, clock, onGranted = async () => undefined }: TestRequestsOptions) {
  const errors: unknown[] = [];
  const log = { info: () => undefined, warn: () => undefined, error: (fields: object) => void errors.push(fields) };
  const { service, parts } = createNumberRequests({
    directory,
    books,
    clock,
    onGranted,
    requirements: REQUIREMENTS,
    ids: createIds(randomBytes),
    randomBytes,
  });
  const sweep = (): Promise<SweepReport> => sweepRequests(service, parts, TIMES, log);
  return { service, parts, sweep, errors };
}

/** One page with one line of text: written as ISO 32000-1 has it, with a table of cross-references that fits. */
export function pdf(text = 'Recibo de la luz, Calle Gran Via 12, Madrid', padding = 0): Buffer {
  const stream = `BT /F1 12 Tf 72 720 Td (${text}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let body = `%PDF-1.4\n%\u00e2\u00e3\u00cf\u00d3\n${padding === 0 ? '' : `%${'x'.repeat(padding)}\n`}`;
  const offsets = objects.map((object, index) => {
    const offset = body.length;
    body += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const tail = `trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`;
  return Buffer.from(`${body}xref\n0 6\n0000000000 65535 f \n${rows}${tail}`, 'latin1');
}

/** Grey pixels. */
export function png(width = 2, height = 2): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((Math.min(width, 4) + 1) * Math.min(height, 4));
  const chunks = [pngChunk('IHDR', header), pngChunk('IDAT', deflateSync(rows)), pngChunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...chunks]);
}

export function pngChunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

/** The smallest baseline JPEG: one grey pixel. */
export function jpeg(): Buffer {
  const parts = [
    'ffd8',
    'ffe000104a46494600010101004800480000',
    `ffdb004300${'ff'.repeat(64)}`,
    'ffc0000b080001000101011100',
    'ffc40014000100000000000000000000000000000003',
    'ffc40014100100000000000000000000000000000000',
    'ffda0008010100003f00',
    '37',
    'ffd9',
  ];
  return Buffer.from(parts.join(''), 'hex');
}
