// STUN as a lite ICE agent needs it (RFC 8489, RFC 8445 section 7.3): Binding requests in, success or error out. No state, no socket.
//
//   |0 0|  type 14  |     length 16     |      magic cookie 32      |    transaction id 96    |  then attributes:
//   |  type 16  |  length 16  |  value, padded to 4 bytes  |
//
// Invariants
//   S1. A request is believed only with our user name and a MESSAGE-INTEGRITY made with our password. What follows that attribute is
//       not covered by it and is not looked at, but for the FINGERPRINT.
//   S2. The user name is compared first: a flood of strangers' packets costs no HMAC.
//   S3. A stranger gets no answer, so that we are no reflector.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { crc32 } from 'node:zlib';

const HEADER_BYTES = 20;
const COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
/** Longest request that is looked at; browsers' have about 100 bytes. */
const REQUEST_BYTES_MAX = 1280;

const ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  messageIntegritySha256: 0x001c,
  xorMappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
} as const;
const UNDERSTOOD: ReadonlySet<number> = new Set(Object.values(ATTRIBUTE));
/** Types below must be understood (RFC 8489 section 14). */
const OPTIONAL_FROM = 0x8000;
const INTEGRITY_BYTES = 20;
const FINGERPRINT_XOR = 0x5354554e;

export interface IceCredentials {
  /** Ours, then the peer's: what a request to us carries. */
  readonly username: string;
  /** Ours: signs requests to us and our responses. */
  readonly password: string;
}

export type BindingReading =
  /** Not for us: another message, malformed, or a stranger's. Nothing is answered. */
  | { readonly kind: 'ignored' }
  /** To be answered with this error. */
  | { readonly kind: 'error'; readonly code: 420 | 487; readonly unknown: readonly number[] }
  | { readonly kind: 'check'; readonly nominates: boolean };

const IGNORED: BindingReading = { kind: 'ignored' };

/** RFC 7983: the first byte tells STUN (0-3) from DTLS (20-63) and RTP (128-191). */
export function looksLikeStun(bytes: Buffer): boolean {
  return bytes.length >= HEADER_BYTES && bytes[0]! <= 3 && bytes.readUInt32BE(4) === COOKIE;
}

export function readBindingRequest(bytes: Buffer, credentials: IceCredentials): BindingReading {
  if (bytes.length < HEADER_BYTES || bytes.length > REQUEST_BYTES_MAX || bytes.length % 4 !== 0) return IGNORED;
  if (bytes.readUInt16BE(0) !== BINDING_REQUEST || bytes.readUInt32BE(4) !== COOKIE) return IGNORED;
  if (bytes.readUInt16BE(2) !== bytes.length - HEADER_BYTES) return IGNORED;
  const found = readAttributes(bytes);
  if (found === null || !found.fingerprinted || found.username !== credentials.username) return IGNORED;
  if (found.integrityAt === 0 || !integrityHolds(bytes, found.integrityAt, credentials.password)) return IGNORED;
  if (found.unknown.length > 0) return { kind: 'error', code: 420, unknown: found.unknown };
  if (found.controlled) return { kind: 'error', code: 487, unknown: [] };
  return { kind: 'check', nominates: found.nominates };
}

interface Attributes {
  username: string | null;
  /** Offset of the MESSAGE-INTEGRITY attribute, 0 = none. */
  integrityAt: number;
  nominates: boolean;
  controlled: boolean;
  fingerprinted: boolean;
  readonly unknown: number[];
}

/** Null = malformed. */
function readAttributes(bytes: Buffer): Attributes | null {
  const found: Attributes = {
    username: null,
    integrityAt: 0,
    nominates: false,
    controlled: false,
    fingerprinted: false,
    unknown: [],
  };
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) return null;
    const type = bytes.readUInt16BE(at);
    const length = bytes.readUInt16BE(at + 2);
    const next = at + 4 + Math.ceil(length / 4) * 4;
    if (next > bytes.length) return null;
    if (type === ATTRIBUTE.fingerprint) {
      if (length !== 4 || next !== bytes.length || fingerprintOf(bytes, at) !== bytes.readUInt32BE(at + 4)) return null;
      found.fingerprinted = true;
    } else if (found.integrityAt === 0) {
      if (!note(found, bytes, type, at, length)) return null;
    }
    at = next;
  }
  return found;
}

/** False = malformed. */
function note(found: Attributes, bytes: Buffer, type: number, at: number, length: number): boolean {
  switch (type) {
    case ATTRIBUTE.username:
      found.username = bytes.toString('utf8', at + 4, at + 4 + length);
      return true;
    case ATTRIBUTE.messageIntegrity:
      found.integrityAt = at;
      return length === INTEGRITY_BYTES;
    case ATTRIBUTE.useCandidate:
      found.nominates = true;
      return true;
    case ATTRIBUTE.iceControlled:
      found.controlled = true;
      return true;
    default:
      if (type < OPTIONAL_FROM && !UNDERSTOOD.has(type)) found.unknown.push(type);
      return true;
  }
}

/** The HMAC covers what is in front of the attribute, under a length that ends with it (RFC 8489 section 14.5). */
function integrityHolds(bytes: Buffer, at: number, password: string): boolean {
  const covered = Buffer.from(bytes.subarray(0, at));
  covered.writeUInt16BE(at + 4 + INTEGRITY_BYTES - HEADER_BYTES, 2);
  const expected = createHmac('sha1', password).update(covered).digest();
  return timingSafeEqual(expected, bytes.subarray(at + 4, at + 4 + INTEGRITY_BYTES));
}

function fingerprintOf(bytes: Buffer, at: number): number {
  return (crc32(bytes.subarray(0, at)) ^ FINGERPRINT_XOR) >>> 0;
}

/** Answer to a check: the address it was seen from. */
export function bindingSuccess(request: Buffer, address: string, port: number, password: string): Buffer {
  const value = addressBytes(address);
  const attribute = Buffer.alloc(8 + value.length);
  attribute.writeUInt16BE(ATTRIBUTE.xorMappedAddress, 0);
  attribute.writeUInt16BE(4 + value.length, 2);
  attribute[5] = value.length === 4 ? 1 : 2;
  attribute.writeUInt16BE(port ^ (COOKIE >>> 16), 6);
  // Cookie and transaction id, as they stand in the header.
  for (let i = 0; i < value.length; i++) attribute[8 + i] = value[i]! ^ request[4 + i]!;
  return sealed(BINDING_SUCCESS, request, [attribute], password);
}

export function bindingError(request: Buffer, code: 420 | 487, unknown: readonly number[], password: string): Buffer {
  const error = Buffer.alloc(8);
  error.writeUInt16BE(ATTRIBUTE.errorCode, 0);
  error.writeUInt16BE(4, 2);
  error[6] = Math.floor(code / 100);
  error[7] = code % 100;
  const attributes = [error];
  if (unknown.length > 0) {
    const list = Buffer.alloc(4 + Math.ceil((unknown.length * 2) / 4) * 4);
    list.writeUInt16BE(ATTRIBUTE.unknownAttributes, 0);
    list.writeUInt16BE(unknown.length * 2, 2);
    for (const [index, type] of unknown.entries()) list.writeUInt16BE(type, 4 + index * 2);
    attributes.push(list);
  }
  return sealed(BINDING_ERROR, request, attributes, password);
}

/** Header, attributes, MESSAGE-INTEGRITY, FINGERPRINT. */
function sealed(type: number, request: Buffer, attributes: readonly Buffer[], password: string): Buffer {
  const header = Buffer.from(request.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(type, 0);
  const content = Buffer.concat([header, ...attributes]);
  content.writeUInt16BE(content.length - HEADER_BYTES + 4 + INTEGRITY_BYTES, 2);
  const integrity = createHmac('sha1', password).update(content).digest();
  const bytes = Buffer.concat([content, attributeHead(ATTRIBUTE.messageIntegrity, INTEGRITY_BYTES), integrity]);
  bytes.writeUInt16BE(bytes.length - HEADER_BYTES + 8, 2);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(fingerprintOf(bytes, bytes.length), 0);
  return Buffer.concat([bytes, attributeHead(ATTRIBUTE.fingerprint, 4), crc]);
}

function attributeHead(type: number, length: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(length, 2);
  return head;
}

/** An address as the kernel writes it, in network order. */
function addressBytes(address: string): Uint8Array {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  const plain = mapped ?? address.split('%', 1)[0]!;
  if (isIPv4(plain)) return Uint8Array.from(plain.split('.'), Number);
  const [head = [], tail = []] = plain
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16))));
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0);
  return Uint8Array.from([...head, ...zeros, ...tail].flatMap((group) => [group >>> 8, group & 0xff]));
}
