// IP addresses and prefixes as numbers, for matching sources of calls. Text is read by hand, digit by digit: this runs for every
// INVITE, wanted or not.
//
// Invariant AD1. An IPv4 address mapped into IPv6 (::ffff:1.2.3.4, RFC 4291 section 2.5.5.2) is the IPv4 address: a dual-stack socket shows IPv4
//                peers so, and they must match the same trunks.

export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

export interface IpPrefix {
  readonly family: 4 | 6;
  readonly length: number;
  /** The leading `length` bits. */
  readonly network: bigint;
}

const MAPPED_HIGH_BITS = 0xffffn;
const IPV4_MASK = 0xffff_ffffn;

export function widthOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Undefined for anything that is not exactly one address: no port, no zone, no leading zeros in IPv4 (they are octal to some). */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(':')) {
    const value = parseIpv4(text);
    return value === undefined ? undefined : { family: 4, value: BigInt(value) };
  }
  const value = parseIpv6(text);
  if (value === undefined) return undefined;
  return value >> 32n === MAPPED_HIGH_BITS ? { family: 4, value: value & IPV4_MASK } : { family: 6, value };
}

/** `10.0.0.0/8`, `2001:db8::/32`, or a single address. Bits after the prefix are ignored. */
export function parsePrefix(text: string): IpPrefix | undefined {
  const slash = text.indexOf('/');
  const address = parseIp(slash === -1 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const width = widthOf(address.family);
  const length = slash === -1 ? width : parseDecimal(text, slash + 1, text.length, 3);
  if (length === undefined || length > width) return undefined;
  return { family: address.family, length, network: address.value >> BigInt(width - length) };
}

function parseIpv4(text: string): number | undefined {
  let value = 0;
  let start = 0;
  for (let part = 0; part < 4; part++) {
    const dot = part === 3 ? text.length : text.indexOf('.', start);
    if (dot === -1) return undefined;
    const octet = parseDecimal(text, start, dot, 3);
    if (octet === undefined || octet > 255) return undefined;
    value = value * 256 + octet;
    start = dot + 1;
  }
  return value;
}

function parseIpv6(text: string): bigint | undefined {
  const gap = text.indexOf('::');
  if (gap === -1) return groupsValue(text, 8);
  const head = text.slice(0, gap);
  const tail = text.slice(gap + 2);
  // A dotted tail stands at the very end only.
  if (head.includes('.') || tail.startsWith(':') || tail.includes('::')) return undefined;
  const headGroups = countGroups(head);
  const tailGroups = countGroups(tail);
  if (headGroups + tailGroups > 7) return undefined;
  const high = groupsValue(head, headGroups);
  const low = groupsValue(tail, tailGroups);
  if (high === undefined || low === undefined) return undefined;
  return (high << BigInt(16 * (8 - headGroups))) | low;
}

/** Sixteen-bit groups that `text` stands for; a dotted IPv4 tail is two. */
function countGroups(text: string): number {
  if (text === '') return 0;
  return text.split(':').length + (text.includes('.') ? 1 : 0);
}

function groupsValue(text: string, expected: number): bigint | undefined {
  if (countGroups(text) !== expected) return undefined;
  if (expected === 0) return 0n;
  let value = 0n;
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const dotted = index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (dotted === undefined) return undefined;
      value = (value << 32n) | BigInt(dotted);
    } else {
      const group = parseHexGroup(part);
      if (group === undefined) return undefined;
      value = (value << 16n) | BigInt(group);
    }
  }
  return value;
}

function parseHexGroup(text: string): number | undefined {
  if (text.length === 0 || text.length > 4) return undefined;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = hexDigit(text.charCodeAt(i));
    if (digit === undefined) return undefined;
    value = value * 16 + digit;
  }
  return value;
}

function hexDigit(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : undefined;
}

function parseDecimal(text: string, from: number, to: number, digitsMax: number): number | undefined {
  const digits = to - from;
  if (digits < 1 || digits > digitsMax || (digits > 1 && text.charCodeAt(from) === 0x30)) return undefined;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
