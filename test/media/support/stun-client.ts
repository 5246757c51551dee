// Binding requests as a browser makes them, byte by byte, and broken ones.

import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

export interface CheckOptions {
  readonly username: string;
  readonly password: string;
  readonly nominates?: boolean;
  /** ICE-CONTROLLED instead of ICE-CONTROLLING. */
  readonly controlled?: boolean;
  /** Further attributes in front of the integrity. */
  readonly extra?: readonly Buffer[];
  readonly type?: number;
  /** Attributes behind the integrity, which it does not cover. */
  readonly behind?: readonly Buffer[];
}

export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

export function bindingRequest(options: CheckOptions): Buffer {
  const attributes = [
    attribute(0x0006, Buffer.from(options.username)),
    attribute(0x0024, Buffer.from('6e7f1eff', 'hex')),
    attribute(options.controlled === true ? 0x8029 : 0x802a, Buffer.alloc(8, 9)),
    ...(options.nominates === true ? [attribute(0x0025, Buffer.alloc(0))] : []),
    ...(options.extra ?? []),
  ];
  const header = Buffer.alloc(20);
  header.writeUInt16BE(options.type ?? 1, 0);
  header.writeUInt32BE(0x2112a442, 4);
  randomBytes(12).copy(header, 8);
  let bytes = Buffer.concat([header, ...attributes]);
  bytes.writeUInt16BE(bytes.length - 20 + 24, 2);
  const integrity = createHmac('sha1', options.password).update(bytes).digest();
  bytes = Buffer.concat([bytes, attribute(0x0008, integrity), ...(options.behind ?? [])]);
  bytes.writeUInt16BE(bytes.length - 20 + 8, 2);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE((crc32(bytes) ^ 0x5354554e) >>> 0, 0);
  return Buffer.concat([bytes, attribute(0x8028, crc)]);
}
