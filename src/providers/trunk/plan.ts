// What a plan must be before anything is asked of a provider.

import { BlockList, isIP, isIPv4 } from 'node:net';
import { parsePrefix } from '../../routing/address.ts';
import type { ProviderErrorCode } from '../errors.ts';
import type { OutboundAuth, TrunkPlan } from '../provider.ts';

const REFERENCE = /^[a-z0-9][a-z0-9_-]{2,28}[a-z0-9]$/;
/** RFC 1123, at least two labels, the last one not a number. */
const HOST_NAME = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z])[a-z0-9-]{2,63}$/i;
/** Names that mean something only in a private network. */
const PRIVATE_NAME = /\.(?:local|localhost|internal|lan|home|test|invalid)$/i;
/** What both providers take. */
const USERNAME = /^[A-Za-z0-9]{4,32}$/;
const PASSWORD = /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\x21-\x7e]{12,128}$/;
const COUNTRY = /^[A-Z]{2}$/;

/** As many as the two providers let one trunk have, and more than one run should take. */
const NUMBERS_MAX = 1_000;
const ADDRESSES_MAX = 100;
const COUNTRIES_MAX = 260;

const unreachable = new BlockList();
for (const [address, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
] as const) {
  unreachable.addSubnet(address, prefix, 'ipv4');
}

export interface PlanProblem {
  readonly code: ProviderErrorCode;
  readonly detail: string;
}

/** The first thing that is wrong, by name and not by value; null = nothing is. */
export function checkPlan({ reference, gateway, outbound, allowedCountries, numbers }: TrunkPlan): PlanProblem | null {
  if (!REFERENCE.test(reference)) return invalid('reference');
  if (!isReachable(gateway.host)) return { code: 'gateway_address_invalid', detail: `the address is ${gateway.host}` };
  if (!Number.isInteger(gateway.port) || gateway.port < 1 || gateway.port > 65_535) return invalid('gateway.port');
  if (numbers.length > NUMBERS_MAX) return invalid('numbers');
  const isCountries = allowedCountries.length > 0 && allowedCountries.length <= COUNTRIES_MAX;
  if (!isCountries || !allowedCountries.every((code) => COUNTRY.test(code))) return invalid('allowedCountries');
  return checkOutbound(outbound);
}

function checkOutbound(outbound: OutboundAuth): PlanProblem | null {
  if (outbound.kind === 'credentials') {
    if (!USERNAME.test(outbound.username)) return invalid('outbound.username');
    return PASSWORD.test(outbound.password) ? null : invalid('outbound.password');
  }
  const { addresses } = outbound;
  const isCount = addresses.length > 0 && addresses.length <= ADDRESSES_MAX;
  return isCount && addresses.every(isIpv4Network) ? null : invalid('outbound.addresses');
}

function isReachable(host: string): boolean {
  if (isIPv4(host)) return !unreachable.check(host, 'ipv4');
  return isIP(host) === 0 && HOST_NAME.test(host) && !PRIVATE_NAME.test(host);
}

function isIpv4Network(text: string): boolean {
  return parsePrefix(text)?.family === 4;
}

function invalid(detail: string): PlanProblem {
  return { code: 'setup_invalid', detail };
}
