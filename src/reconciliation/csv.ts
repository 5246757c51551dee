// A CSV reader for files of strangers (RFC 4180), fed with bytes in pieces of any size.
//
//   field ::= any bytes but quote, delimiter, CR, LF      or      " any bytes, quotes doubled "
//   row   ::= field *( delimiter field ) ( CRLF | LF )
//
// Invariants
//   C1. Every row comes out once: as cells, or as a bad row with the line it begins on and why. Nothing is repaired or guessed.
//   C2. A bad row ends at the next line feed; what follows is read again as usual.
//   C3. Memory is bounded by one row; a longer row is a bad row.
//   C4. The same bytes give the same rows however they are cut.

import { LIMITS } from './limits.ts';

export interface CsvRow {
  /** Line of the file that the row begins on, from 1; a quoted field may hold more lines. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface BadRow {
  readonly line: number;
  readonly reason: string;
}

export type CsvItem = CsvRow | BadRow;

export function isBadRow(item: CsvItem): item is BadRow {
  return 'reason' in item;
}

const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 *   state    input                     next      what is done
 *   start    quote                     quoted    -
 *   start    delimiter                 start     an empty cell
 *   start    CR                        return    -
 *   start    LF                        start     row
 *   start    other                     bare      byte
 *   bare     delimiter / CR / LF       as start  cell
 *   bare     quote                     broken    bad row
 *   quoted   quote                     closed    -
 *   quoted   other                     quoted    byte
 *   closed   quote                     quoted    one quote
 *   closed   delimiter / CR / LF       as start  cell
 *   closed   other                     broken    bad row
 *   return   LF                        start     row
 *   return   other                     broken    bad row
 *   broken   LF                        start     -
 */
type State = 'start' | 'bare' | 'quoted' | 'closed' | 'return' | 'broken';

export class CsvReader {
  readonly #delimiter: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** Bytes of the row so far, unquoted; ours, used again for each row. */
  readonly #bytes = Buffer.allocUnsafe(LIMITS.rowBytesMax);
  #length = 0;
  /** Where each finished cell ends in `#bytes`. */
  #ends: number[] = [];
  #state: State = 'start';
  #line = 1;
  #rowLine = 1;
  /** Bytes of the byte order mark seen so far; 3 = past the place where one may stand. */
  #mark = 0;
  #items: CsvItem[] = [];

  /** `delimiter` is one ASCII character. */
  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** The rows that these bytes complete. */
  push(bytes: Uint8Array): CsvItem[] {
    for (const byte of bytes) {
      if (this.#mark < BYTE_ORDER_MARK.length && this.#skipMark(byte)) continue;
      this.#take(byte);
    }
    return this.#drain();
  }

  /** The last row, where no line feed follows it. */
  end(): CsvItem[] {
    if (this.#mark < BYTE_ORDER_MARK.length) this.#takeMark();
    if (this.#state === 'quoted') this.#break('a quoted field is never closed');
    else if (this.#state === 'return') this.#break('a carriage return without a line feed');
    else if (this.#state !== 'broken' && !this.#isEmpty()) {
      this.#endCell();
      this.#endRow();
    }
    return this.#drain();
  }

  #take(byte: number): void {
    if (byte === LF) this.#line += 1;
    switch (this.#state) {
      case 'broken':
        if (byte === LF) this.#startRow();
        return;
      case 'return':
        if (byte !== LF) return this.#break('a carriage return without a line feed');
        this.#endCell();
        return this.#endRow();
      case 'quoted':
        if (byte === QUOTE) this.#state = 'closed';
        else this.#add(byte);
        return;
      case 'closed':
        if (byte === QUOTE) {
          this.#state = 'quoted';
          return this.#add(byte);
        }
        if (!this.#endsCell(byte)) return this.#break('text after a closing quote');
        return this.#separate(byte);
      case 'bare':
        if (byte === QUOTE) return this.#break('a quote inside an unquoted field');
        return this.#endsCell(byte) ? this.#separate(byte) : this.#add(byte);
      case 'start':
        if (byte === QUOTE) this.#state = 'quoted';
        else if (this.#endsCell(byte)) this.#separate(byte);
        else {
          this.#state = 'bare';
          this.#add(byte);
        }
    }
  }

  #endsCell(byte: number): boolean {
    return byte === this.#delimiter || byte === CR || byte === LF;
  }

  /** Delimiter, CR or LF after a cell. */
  #separate(byte: number): void {
    if (byte === CR) {
      this.#state = 'return';
      return;
    }
    this.#endCell();
    if (byte === LF) this.#endRow();
  }

  #add(byte: number): void {
    if (byte === 0) return this.#break('a NUL byte');
    if (this.#length - (this.#ends.at(-1) ?? 0) >= LIMITS.fieldBytesMax)
      return this.#break(`a field of more than ${LIMITS.fieldBytesMax} bytes (or a quote that is never closed)`);
    if (this.#length >= LIMITS.rowBytesMax) return this.#break(`more than ${LIMITS.rowBytesMax} bytes`);
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  #endCell(): void {
    this.#state = 'start';
    this.#ends.push(this.#length);
    if (this.#ends.length > LIMITS.columnsMax) this.#break(`more than ${LIMITS.columnsMax} columns`);
  }

  #endRow(): void {
    // The last cell was one too many, and its line feed is this one.
    if (this.#state === 'broken') return this.#startRow();
    const cells = this.#decode();
    const isBlank = cells?.length === 1 && cells[0] === '';
    if (cells === undefined) this.#items.push({ line: this.#rowLine, reason: 'not UTF-8 text' });
    else if (!isBlank) this.#items.push({ line: this.#rowLine, cells });
    this.#startRow();
  }

  /** Undefined where a cell is not UTF-8. */
  #decode(): string[] | undefined {
    let from = 0;
    try {
      return this.#ends.map((to) => {
        const text = this.#decoder.decode(this.#bytes.subarray(from, to));
        from = to;
        return text;
      });
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }

  #break(reason: string): void {
    this.#items.push({ line: this.#rowLine, reason });
    this.#state = 'broken';
  }

  #startRow(): void {
    this.#state = 'start';
    this.#length = 0;
    this.#ends = [];
    this.#rowLine = this.#line;
  }

  #isEmpty(): boolean {
    return this.#state === 'start' && this.#ends.length === 0;
  }

  /** True while the bytes are the mark's; one that is cut short is text like any other. */
  #skipMark(byte: number): boolean {
    if (byte === BYTE_ORDER_MARK[this.#mark]) {
      this.#mark += 1;
      return true;
    }
    this.#takeMark();
    return false;
  }

  #takeMark(): void {
    const seen = BYTE_ORDER_MARK.slice(0, this.#mark);
    this.#mark = BYTE_ORDER_MARK.length;
    for (const byte of seen) this.#take(byte);
  }

  #drain(): CsvItem[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
