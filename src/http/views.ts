// Records as the API shows them: times as RFC 3339, money as decimal text, no secrets.
//
// Invariant V1. Fields are named one by one: a field that is added to a record is not shown until somebody decides so.

import type { Bill, BillLine, BillRate, CallRecord } from '../domain/call.ts';
import type { Agent, ApiKey, PhoneNumber, SipTransport, Trunk, Workspace } from '../domain/directory.ts';
import { srtpOf } from '../domain/directory.ts';
import { formatMoney, type Nano } from '../domain/money.ts';
import type { Balance, Posting } from '../ledger/books.ts';
import { type WarningSources, warningsOf } from '../numbers/warnings.ts';
import { countryOf } from '../routing/index.ts';
import type { TrunkRegistrationView } from '../signalling/index.ts';
import { hideHeaders } from './agent-headers.ts';
import { viewAttempts } from './trunk-attempts.ts';
import { viewInboundDialog, viewOutboundDialog } from './trunk-dialog.ts';
import { viewSignalling } from './trunk-signalling.ts';
import { NODE_TIMEOUTS } from './media-timeouts.ts';

export interface TrunkHealth {
  readonly state: 'up' | 'down' | 'unknown';
  /** Wall-clock ms. */
  readonly since: number;
  readonly lastError: string | null;
}

export function viewTime(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

export function viewWorkspace(workspace: Workspace, { balance, reserved }: Balance, currency: string): object {
  const { concurrentCalls, callsPerSecond, spendPerHour, spendPerDay } = workspace.limits;
  return {
    id: workspace.id,
    createdAt: viewTime(workspace.createdAt),
    name: workspace.name,
    billingMode: workspace.billingMode,
    balance: formatMoney(balance),
    reserved: formatMoney(reserved),
    currency,
    limits: {
      concurrentCalls,
      callsPerSecond,
      spendPerHour: moneyOrNull(spendPerHour),
      spendPerDay: moneyOrNull(spendPerDay),
    },
    defaultTrunkId: workspace.defaultTrunkId ?? null,
  };
}

export function viewKey({ id, createdAt, workspaceId, label, role = 'admin' }: ApiKey): object {
  return { id, createdAt: viewTime(createdAt), workspaceId, label, role };
}

export function viewAgent(agent: Agent): object {
  const { url, protocol, codec, headers, authToken, customParameters, extensionEvents = false } = agent.stream;
  return {
    id: agent.id,
    createdAt: viewTime(agent.createdAt),
    workspaceId: agent.workspaceId,
    name: agent.name,
    stream: {
      url,
      protocol,
      codec,
      headers: hideHeaders(headers),
      authTokenSet: authToken !== null,
      customParameters,
      extensionEvents,
    },
    fallbackAgentId: agent.fallbackAgentId,
    readyTimeoutMs: agent.readyTimeoutMs,
  };
}

/** Where carriers reach us. */
export interface SipListener {
  readonly host: string;
  readonly port: number;
  readonly transport: SipTransport;
}

/** `listeners`: all of this gateway. */
export function viewTrunk(
  trunk: Trunk,
  health: TrunkHealth | undefined,
  listeners: readonly SipListener[] = [],
  registration?: TrunkRegistrationView,
): object {
  const { enabled, addresses, mediaEncryption, transport = null, auth = null } = trunk.inbound;
  const { outbound } = trunk;
  return {
    id: trunk.id,
    createdAt: viewTime(trunk.createdAt),
    workspaceId: trunk.workspaceId,
    kind: trunk.kind,
    label: trunk.label,
    inbound: {
      enabled,
      addresses,
      transport,
      mediaEncryption,
      auth: auth === null ? null : { username: auth.username, passwordSet: true },
      ...viewInboundNumbers(trunk.inbound),
      ...viewInboundDialog(trunk),
      sbc: listeners
        .filter((listener) => transport === null || listener.transport === transport)
        .map(({ host, port, transport: over }) => ({ host, port, transport: over })),
    },
    outbound: {
      enabled: outbound.enabled,
      gateways: outbound.gateways.map(({ host, port, priority, weight }) => ({ host, port, priority, weight })),
      transport: outbound.transport,
      ...viewOutboundDialog(trunk),
      mediaEncryption: outbound.mediaEncryption,
      username: outbound.username,
      passwordSet: outbound.password !== null,
      ...viewAttempts(outbound),
      ...viewIdentity(outbound),
      allowedCountries: outbound.allowedCountries,
    },
    codecs: trunk.codecs,
    limits: { concurrentCalls: trunk.limits.concurrentCalls, callsPerSecond: trunk.limits.callsPerSecond },
    natAllowed: trunk.natAllowed,
    srtp: srtpOf(trunk),
    ...viewSignalling(trunk),
    dtmf: trunk.dtmf ?? 'auto',
    mediaTimeouts: { ...NODE_TIMEOUTS, ...trunk.mediaTimeouts },
    registration: registration === undefined || outbound.register !== true ? null : viewRegistration(registration),
    health: health === undefined ? null : { ...health, since: viewTime(health.since) },
  };
}

export function viewRegistration({ state, since, expiresAt, registrar, lastError }: TrunkRegistrationView): object {
  return {
    state,
    since: viewTime(since),
    expiresAt: expiresAt === null ? null : viewTime(expiresAt),
    registrar,
    lastError,
  };
}

function viewInboundNumbers(inbound: Trunk['inbound']): object {
  const { calledNumberFrom = 'request_uri', callerNumberFrom = 'from', country = null, stripPrefix = null } = inbound;
  return { calledNumberFrom, callerNumberFrom, country, stripPrefix };
}

/** Who the carrier is told calls, and how numbers are written to it. */
function viewIdentity(outbound: Trunk['outbound']): object {
  return {
    callerIdMode: outbound.callerIdMode ?? 'from_and_pai',
    techPrefix: outbound.techPrefix ?? null,
    numberFormat: outbound.numberFormat ?? 'e164',
    callerNumberFormat: outbound.callerNumberFormat ?? null,
    country: outbound.country ?? null,
    fromDomain: outbound.fromDomain ?? null,
    fromUser: outbound.fromUser ?? null,
    displayName: outbound.displayName ?? null,
    identityHeader: outbound.identityHeader ?? 'p_asserted_identity',
    privacy: outbound.privacy ?? 'off',
    diversion: outbound.diversion ?? null,
    userPhone: outbound.userPhone ?? false,
    authRealm: outbound.authRealm ?? null,
  };
}

/** Without its trunks only what the number itself lacks is told. */
export function viewNumber(number: PhoneNumber, sources?: WarningSources): object {
  return {
    id: number.id,
    createdAt: viewTime(number.createdAt),
    e164: number.e164,
    country: countryOf(number.e164) ?? null,
    workspaceId: number.workspaceId,
    provider: number.provider,
    trunkId: number.trunkId,
    agentId: number.agentId,
    supportsInbound: number.supportsInbound,
    supportsOutbound: number.supportsOutbound,
    status: number.status,
    limits: number.limits ?? { concurrentCalls: null, callsPerSecond: null },
    warnings: warningsOf(number, sources),
  };
}

/** Of a call's timeline: where a carrier is. */
const CARRIER_FIELDS = new Set(['gateway', 'server', 'sourceAddress', 'sourcePort']);

/** `isWhole`: the carrier is the viewer's own. The operator's carriers are the operator's business, here as in the ladder. */
export function viewCall(call: CallRecord, isWhole = true): object {
  return {
    ...viewSnapshot(call),
    quality: call.quality,
    timeline: call.timeline.map(({ detail, ...entry }) => ({
      ...entry,
      at: viewTime(entry.at),
      ...(detail === undefined ? {} : { detail: isWhole ? detail : withoutCarrier(detail) }),
    })),
  };
}

function withoutCarrier(detail: object): object {
  return Object.fromEntries(Object.entries(detail).filter(([name]) => !CARRIER_FIELDS.has(name)));
}

/** Without its history. */
export function viewSnapshot(call: Omit<CallRecord, 'timeline' | 'quality'>): object {
  return {
    id: call.id,
    createdAt: viewTime(call.createdAt),
    direction: call.direction,
    from: call.from,
    to: call.to,
    workspaceId: call.workspaceId,
    trunkId: call.trunkId,
    agentId: call.agentId,
    class: call.class,
    state: call.state,
    startedAt: viewTime(call.startedAt),
    ringingAt: timeOrNull(call.ringingAt),
    answeredAt: timeOrNull(call.answeredAt),
    endedAt: timeOrNull(call.endedAt),
    endReason: call.endReason,
    sipStatus: call.sipStatus,
    bill: call.bill === null ? null : viewBill(call.bill),
    attestation: call.attestation ?? null,
    carrierReason: call.carrierReason ?? null,
  };
}

export function viewPosting(posting: Posting): Record<string, string | number | null> {
  return {
    id: posting.id,
    workspaceId: posting.workspaceId,
    callId: posting.callId,
    meter: posting.meter,
    quantityMs: posting.quantityMs,
    amount: formatMoney(posting.amount),
    balanceAfter: formatMoney(posting.balanceAfter),
    at: viewTime(posting.at),
    note: posting.note,
  };
}

export function viewBill(bill: Bill): object {
  const { start, end, endedBy } = bill.evidence;
  return {
    telephony: viewLine(bill.telephony),
    compute: viewLine(bill.compute),
    total: formatMoney(bill.total),
    currency: bill.currency,
    rate: bill.rate === undefined ? null : viewRate(bill.rate),
    evidence: { start: timeOrNull(start), end: timeOrNull(end), endedBy },
    final: bill.final,
    flags: bill.flags,
  };
}

function viewRate({ version, number, prefix, effectiveFrom, connectFee, initialMs, incrementMs }: BillRate): object {
  return {
    version,
    number,
    prefix,
    // A row without a date has always held.
    effectiveFrom: timeOrNull(effectiveFrom === 0 ? null : effectiveFrom),
    connectFee: moneyOrNull(connectFee),
    initialMs,
    incrementMs,
  };
}

function viewLine({ billedMs, ratePerMinute, amount, rule }: BillLine): object {
  return { billedMs, ratePerMinute: formatMoney(ratePerMinute), amount: formatMoney(amount), rule };
}

function timeOrNull(wallMs: number | null): string | null {
  return wallMs === null ? null : viewTime(wallMs);
}

function moneyOrNull(amount: Nano | null): string | null {
  return amount === null ? null : formatMoney(amount);
}
