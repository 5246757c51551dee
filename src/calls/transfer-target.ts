// Whom a call may be transferred or redirected to: a number, judged as if it had been dialled over the trunk; or, on a customer's own trunk, an
// extension at one of the trunk's own hosts (a PBX). Nothing else is called, whatever host or scheme is asked for. Pure.

import type { Trunk } from '../domain/directory.ts';
import { type E164, normaliseE164 } from '../domain/e164.ts';
import { calledUser, destinationOf, hostPort } from '../routing/index.ts';

export type TransferTarget =
  | { readonly ok: true; readonly kind: 'number'; readonly e164: E164; readonly country: string }
  /** `host`: of the trunk, as a URI has it. */
  | { readonly ok: true; readonly kind: 'extension'; readonly user: string; readonly host: string }
  | { readonly ok: false; readonly reason: 'destination_not_allowed' };

export interface AskedTarget {
  readonly user: string;
  /** Lower case, without its port; '' where only a number is asked for. */
  readonly host: string;
}

const EXTENSION = /^[A-Za-z0-9][A-Za-z0-9._*#-]{0,31}$/;
/** A national or international number in some dial plan: a PBX would dial out with it, past our checks. */
const LOOKS_DIALLED = /^(?:\+|0)?\d{7,}$|^(?:0|\+)/;
const REFUSED: TransferTarget = { ok: false, reason: 'destination_not_allowed' };

/** `to` of the API and of agents: a number, or `sip:user@host`. */
export function readTarget(to: string): AskedTarget | undefined {
  const number = normaliseE164(to);
  if (number !== undefined) return { user: number, host: '' };
  const uri = /^sip:([A-Za-z0-9+._*#-]{1,64})@(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253})$/.exec(to);
  return uri === null ? undefined : { user: uri[1] ?? '', host: (uri[2] ?? '').toLowerCase() };
}

export function judgeTarget(trunk: Trunk, { user, host }: AskedTarget, openRanges: readonly string[]): TransferTarget {
  const e164 = normaliseE164(user);
  if (e164 !== undefined) {
    const country = destinationOf({ to: e164, openRanges }, trunk);
    return country === null ? REFUSED : { ok: true, kind: 'number', e164, country };
  }
  const place = trunk.workspaceId === null ? undefined : hostsOf(trunk).find((known) => hostNameOf(known) === host);
  if (place === undefined || !EXTENSION.test(user) || looksDialled(user)) return REFUSED;
  return { ok: true, kind: 'extension', user, host: place };
}

/** Beside the number that can be read: what a PBX leaves out of a number hides none (`9*1900…`, `1900…;ext=1`). */
export function looksDialled(user: string): boolean {
  return LOOKS_DIALLED.test((user.split(';', 1)[0] ?? '').replace(/[^A-Za-z0-9+]/g, ''));
}

/** As the trunk's carrier has it dialled. */
export function writeTarget(trunk: Trunk, e164: E164): { user: string; host: string | null } {
  const [gateway] = trunk.outbound.gateways;
  return {
    user: calledUser(trunk.outbound, e164).replaceAll('%23', '#'),
    host: gateway === undefined ? null : hostPort(gateway),
  };
}

/** `host`: lower case, without its port. */
export function isHostOf(trunk: Trunk, host: string): boolean {
  return hostsOf(trunk).some((known) => hostNameOf(known) === host);
}

function hostsOf({ inbound, outbound }: Trunk): readonly string[] {
  const own = outbound.fromDomain ?? null;
  return [
    ...outbound.gateways.map(hostPort),
    ...inbound.addresses.filter((address) => !address.includes('/')),
    ...(own === null ? [] : [own]),
  ];
}

function hostNameOf(place: string): string {
  return place
    .toLowerCase()
    .replace(/:\d+$/, (port) => (place.includes(']') || place.split(':').length === 2 ? '' : port));
}
