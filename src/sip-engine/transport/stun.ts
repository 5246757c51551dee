// The STUN of UDP keepalives: a Binding request on the SIP port is answered with where it came from (RFC 5626 sections 4.4.2, 8; RFC 8489).
//
// Invariants
//   ST1. No state, no credentials: who asks learns his own address and nothing else.
//   ST2. An answer is at most 24 bytes longer than what asked for it: nobody is hit harder through us than directly.

import { isIPv4 } from 'node:net';

const HEADER_BYTES = 20;
const COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const ERROR_CODE = 0x0009;
const UNKNOWN_ATTRIBUTES = 0x000a;
const XOR_MAPPED_ADDRESS = 0x0020;
/** Types below must be understood, and none of them means anything here (RFC 8489 section 14). */
const OPTIONAL_FROM = 0x8000;
/** Keepalives have no attributes, or few. */
const REQUEST_BYTES_MAX = 548;
const UNKNOWN_MAX = 4;
const UNKNOWN_ATTRIBUTE = Buffer.from([0, 0, 4, 20]);

/** The first byte of SIP is a letter or a line end; of STUN it is 0 or 1. */
export function looksLikeStun(bytes: Buffer): boolean {
  return bytes.length >= HEADER_BYTES && bytes[0]! <= 1 && bytes.readUInt32BE(4) === COOKIE;
}

/** Undefined: nothing that is to be answered. */
export function answerStun(bytes: Buffer, address: string, port: number): Buffer | undefined {
  if (!looksLikeStun(bytes) || bytes.length > REQUEST_BYTES_MAX || bytes.readUInt16BE(0) !== BINDING_REQUEST)
    return undefined;
  if (bytes.readUInt16BE(2) !== bytes.length - HEADER_BYTES) return undefined;
  const unknown = unknownAttributes(bytes);
  if (unknown === undefined) return undefined;
  const transaction = bytes.subarray(4, HEADER_BYTES);
  if (unknown.length === 0) return message(BINDING_SUCCESS, transaction, [mappedAddress(transaction, address, port)]);
  const types = Buffer.alloc(unknown.length * 2);
  for (const [index, type] of unknown.entries()) types.writeUInt16BE(type, index * 2);
  const attributes = [attribute(ERROR_CODE, UNKNOWN_ATTRIBUTE), attribute(UNKNOWN_ATTRIBUTES, types)];
  return message(BINDING_ERROR, transaction, attributes);
}

/** Undefined = malformed. */
function unknownAttributes(bytes: Buffer): number[] | undefined {
  const unknown: number[] = [];
  let at = HEADER_BYTES;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return undefined;
    const type = bytes.readUInt16BE(at);
    if (type < OPTIONAL_FROM && unknown.length < UNKNOWN_MAX) unknown.push(type);
    at += 4 + Math.ceil(bytes.readUInt16BE(at + 2) / 4) * 4;
  }
  return at === bytes.length ? unknown : undefined;
}

/** XORed with cookie and transaction id, so that no NAT "corrects" it on the way (RFC 8489 section 14.2). */
function mappedAddress(transaction: Buffer, address: string, port: number): Buffer {
  const plain = addressBytes(address);
  const value = Buffer.alloc(4 + plain.length);
  value[1] = plain.length === 4 ? 1 : 2;
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  for (let i = 0; i < plain.length; i++) value[4 + i] = plain[i]! ^ transaction[i]!;
  return attribute(XOR_MAPPED_ADDRESS, value);
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser knows every way to write one; a zone (`%eth0`) is ours and nobody else's.
  const [head = '', tail = ''] = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: missing }, () => 0), ...groups(tail)];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function message(type: number, transaction: Buffer, attributes: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(
    attributes.reduce((sum, { length }) => sum + length, 0),
    2,
  );
  return Buffer.concat([header, transaction, ...attributes]);
}

/** Padded to four bytes; the length is that of the value. */
function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}
