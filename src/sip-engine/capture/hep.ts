// One packet of HEP version 3, as Homer and its kin take them (HEP3 network protocol specification rev. 12, sections 2 and 3).
//
//   'HEP3' | u16 length of all | chunks: u16 vendor (0 = generic) | u16 type | u16 length with these six bytes | value

import { isIPv4 } from 'node:net';

export interface HepPacket {
  readonly protocol: 'udp' | 'tcp';
  /** IP literals of one family; a wildcard is written as it is. */
  readonly from: HepEnd;
  readonly to: HepEnd;
  /** Wall clock, ms. */
  readonly atMs: number;
  readonly captureId: number;
  /** '' = none. */
  readonly password: string;
  /** Ties the packets of one call together: its Call-ID; '' = none. */
  readonly correlation: string;
  readonly payload: Buffer;
}

export interface HepEnd {
  readonly address: string;
  readonly port: number;
}

const CHUNK = {
  family: 0x01,
  protocol: 0x02,
  from4: 0x03,
  to4: 0x04,
  from6: 0x05,
  to6: 0x06,
  fromPort: 0x07,
  toPort: 0x08,
  seconds: 0x09,
  microseconds: 0x0a,
  kind: 0x0b,
  captureId: 0x0c,
  password: 0x0e,
  payload: 0x0f,
  correlation: 0x11,
} as const;

const AF_INET = 2;
const AF_INET6 = 10;
const IP_PROTOCOL = { udp: 17, tcp: 6 } as const;
const KIND_SIP = 1;
const HEAD_BYTES = 6;
/** What a datagram over IPv4 holds. */
export const HEP_BYTES_MAX = 65_507;

/** Undefined where the message does not fit into one datagram. */
export function hepPacket(packet: HepPacket): Buffer | undefined {
  const { from, to, atMs } = packet;
  const is4 = isIPv4(from.address) && isIPv4(to.address);
  const chunks = [
    number(CHUNK.family, 1, is4 ? AF_INET : AF_INET6),
    number(CHUNK.protocol, 1, IP_PROTOCOL[packet.protocol]),
    chunk(is4 ? CHUNK.from4 : CHUNK.from6, is4 ? bytes4(from.address) : bytes6(from.address)),
    chunk(is4 ? CHUNK.to4 : CHUNK.to6, is4 ? bytes4(to.address) : bytes6(to.address)),
    number(CHUNK.fromPort, 2, from.port),
    number(CHUNK.toPort, 2, to.port),
    number(CHUNK.seconds, 4, Math.floor(atMs / 1000)),
    number(CHUNK.microseconds, 4, Math.floor((atMs % 1000) * 1000)),
    number(CHUNK.kind, 1, KIND_SIP),
    number(CHUNK.captureId, 4, packet.captureId),
    ...(packet.password === '' ? [] : [chunk(CHUNK.password, Buffer.from(packet.password))]),
    ...(packet.correlation === '' ? [] : [chunk(CHUNK.correlation, Buffer.from(packet.correlation))]),
    chunk(CHUNK.payload, packet.payload),
  ];
  const length = chunks.reduce((sum, each) => sum + each.length, HEAD_BYTES);
  if (length > HEP_BYTES_MAX) return undefined;
  const head = Buffer.alloc(HEAD_BYTES);
  head.write('HEP3', 'latin1');
  head.writeUInt16BE(length, 4);
  return Buffer.concat([head, ...chunks], length);
}

function chunk(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(Math.min(HEAD_BYTES + value.length, 0xffff), 4);
  return Buffer.concat([head, value]);
}

function number(type: number, size: 1 | 2 | 4, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value % 2 ** (8 * size), 0, size);
  return chunk(type, bytes);
}

function bytes4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

/** An IPv4 address among IPv6 ones is written as a mapped one. */
function bytes6(address: string): Buffer {
  if (isIPv4(address)) return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), bytes4(address)]);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const plain = dotted === null ? address : `${dotted[1]}${hexOf4(dotted[2]!)}`;
  const [head = '', tail] = plain.replace(/%.*$/, '').split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...before, ...zeros, ...after].slice(0, 8).entries())
    bytes.writeUInt16BE(group, index * 2);
  return bytes;
}

function hexOf4(address: string): string {
  const hex = bytes4(address).toString('hex');
  return `${hex.slice(0, 4)}:${hex.slice(4)}`;
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}
