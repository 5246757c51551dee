// Addresses in networks, looked up without a walk: one set per prefix length, so that thousands of carriers' addresses cost a datagram no more
// than a few do.
//
// Invariants
//   NW1. What is no address or no CIDR block is left out and told; nothing else is trusted in its place.

import { isIPv4, isIPv6 } from 'node:net';

const V4_BITS = 32;
const V6_BITS = 128;
/** What ::ffff:0:0/96 begins with: an IPv4 address follows. */
const MAPPED = 0xffffn;

interface Address {
  readonly bits: typeof V4_BITS | typeof V6_BITS;
  readonly value: bigint;
}

export class NetworkSet {
  /** Prefix length -> network numbers; the v4 ones and the v6 ones apart. */
  readonly #v4 = new Map<number, Set<bigint>>();
  readonly #v6 = new Map<number, Set<bigint>>();

  /** @returns false for what is no address and no CIDR block. */
  add(network: string): boolean {
    const parsed = parseNetwork(network);
    if (parsed === undefined) return false;
    const { bits, value, prefix } = parsed;
    const table = bits === V4_BITS ? this.#v4 : this.#v6;
    const known = table.get(prefix) ?? new Set<bigint>();
    known.add(value >> BigInt(bits - prefix));
    table.set(prefix, known);
    return true;
  }

  has(address: string): boolean {
    const parsed = parseAddress(address);
    if (parsed === undefined) return false;
    const { bits, value } = parsed;
    for (const [prefix, networks] of bits === V4_BITS ? this.#v4 : this.#v6) {
      if (networks.has(value >> BigInt(bits - prefix))) return true;
    }
    return false;
  }
}

export interface Network extends Address {
  readonly prefix: number;
}

/** `192.0.2.0/24`, `2001:db8::/32`, or an address, which is a network of one. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const parsed = parseAddress(address);
  if (parsed === undefined || rest.length > 0) return undefined;
  if (length === undefined) return { ...parsed, prefix: parsed.bits };
  if (!/^\d{1,3}$/.test(length) || Number(length) > parsed.bits) return undefined;
  return { ...parsed, prefix: Number(length) };
}

/** One name for each address: peers write IPv6 in many ways. What is no address stays as it is. */
export function plainName(address: string): string {
  if (!address.includes(':')) return address;
  const parsed = parseAddress(address);
  if (parsed === undefined) return address;
  const { value } = parsed;
  return value >> 32n === MAPPED ? v4Name(Number(value & 0xffff_ffffn)) : value.toString(16);
}

function parseAddress(address: string): Address | undefined {
  if (isIPv4(address)) return { bits: V4_BITS, value: BigInt(v4Number(address)) };
  const bare = address.split('%', 1)[0] ?? '';
  if (!isIPv6(bare)) return undefined;
  return { bits: V6_BITS, value: BigInt(`0x${groupsOf(bare).join('')}`) };
}

function v4Number(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function v4Name(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
}

/** Eight groups of four hex digits. */
function groupsOf(address: string): string[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (dotted !== null) {
    const low = v4Number(dotted[2] ?? '0.0.0.0');
    return groupsOf(`${dotted[1]}${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}`);
  }
  const [head = '', tail] = address.split('::', 2);
  const split = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = split(head);
  const after = split(tail ?? '');
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after].map((group) => group.padStart(4, '0'));
}
