// Hot path: character classes and top-level scanning shared by the header parsers. No regular expressions here, so nothing
// can backtrack on hostile input; every function is one pass over the text. (RFC 3261 section 25.1)

const TOKEN = 1;
const ALPHANUM = 2;
const HEX = 4;

const CLASS = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  if ('0123456789ABCDEFabcdef'.includes(char)) CLASS[code]! |= HEX;
  if (/[0-9A-Za-z]/.test(char)) CLASS[code]! |= ALPHANUM | TOKEN;
  if ("-.!%*_+`'~".includes(char)) CLASS[code]! |= TOKEN;
}

/** `token`, at least one character. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 128 || (CLASS[code]! & TOKEN) === 0) return false;
  }
  return text.length > 0;
}

export function isAlphanumeric(code: number): boolean {
  return code < 128 && (CLASS[code]! & ALPHANUM) !== 0;
}

export function isHex(code: number): boolean {
  return code < 128 && (CLASS[code]! & HEX) !== 0;
}

export function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text.length > 0;
}

/** Decimal integer of at most `max`, leading zeros allowed (RFC 4475 3.1.1.1); undefined when it is anything else. */
export function parseUint(text: string, max: number): number | undefined {
  if (!isDigits(text)) return undefined;
  // Past 2^53 the double is rounded, but stays far above every `max` in use.
  const value = Number(text);
  return value <= max ? value : undefined;
}

/** A port, 1 to 65535. */
export function parsePort(text: string): number | undefined {
  const port = parseUint(text, 65_535);
  return port === 0 ? undefined : port;
}

/**
 * Index just past the quoted string that opens at `open`, or -1 when it never closes.
 * A backslash takes the next character with it (quoted-pair).
 */
export function quotedEnd(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x22) return i + 1;
  }
  return -1;
}

/**
 * First index at or after `from` of the character code `wanted` outside quotes and angle brackets; `text.length` when there is
 * none; -1 when a quote or bracket never closes.
 */
export function topLevelIndexOf(text: string, wanted: number, from = 0): number {
  let inBrackets = false;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inBrackets) {
      if (code === 0x3e) inBrackets = false;
    } else if (code === wanted) {
      return i;
    } else if (code === 0x22) {
      const end = quotedEnd(text, i);
      if (end === -1) return -1;
      i = end - 1;
    } else if (code === 0x3c) {
      inBrackets = true;
    }
  }
  return inBrackets ? -1 : text.length;
}

/** Text inside a quoted string (with its quotes), quoted-pairs resolved. */
export function unquote(quoted: string): string {
  if (quoted.length < 2 || !quoted.startsWith('"')) return quoted;
  const inner = quoted.slice(1, -1);
  if (!inner.includes('\\')) return inner;
  let out = '';
  for (let i = 0; i < inner.length; i++) {
    if (inner.charCodeAt(i) === 0x5c) i++;
    out += inner[i] ?? '';
  }
  return out;
}

/** A quoted string holding `text`. CR and LF cannot be quoted in SIP: the serialiser refuses them. */
export function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
