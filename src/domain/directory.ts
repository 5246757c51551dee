// The nouns that customers configure. Times are wall-clock ms; secrets never appear in an API answer (write-only).

import type { E164 } from './e164.ts';
import type { Nano } from './money.ts';

export interface Workspace {
  readonly id: string;
  readonly createdAt: number;
  readonly name: string;
  readonly billingMode: 'prepaid' | 'postpaid';
  readonly limits: WorkspaceLimits;
}

/** null = no limit of its own (the node's limits still hold). */
export interface WorkspaceLimits {
  readonly concurrentCalls: number | null;
  readonly callsPerSecond: number | null;
  /** Within an hour and a day of UTC, on calls. */
  readonly spendPerHour: Nano | null;
  readonly spendPerDay: Nano | null;
}

export type AgentProtocol = 'twilio' | 'telnyx' | 'jambonz' | 'asterisk' | 'openai' | 'raw';
export type AudioCodec = 'PCMU' | 'PCMA';

export interface Agent {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  readonly name: string;
  readonly stream: AgentStreamConfig;
  readonly fallbackAgentId: string | null;
  /** Longest wait for the agent's WebSocket upgrade. */
  readonly readyTimeoutMs: number;
}

export interface AgentStreamConfig {
  readonly url: string;
  readonly protocol: AgentProtocol;
  readonly codec: AudioCodec;
  readonly headers: Readonly<Record<string, string>>;
  /** Secret: signs or authorises the upgrade. */
  readonly authToken: string | null;
  readonly customParameters: Readonly<Record<string, string>>;
  /** The runtime understands events that are ours and not its dialect's; absent in records of earlier versions, which is false. */
  readonly extensionEvents?: boolean;
}

export type TrunkKind = 'managed' | 'telnyx' | 'byoc';
export type MediaEncryption = 'off' | 'optional' | 'required';
export type SipTransport = 'udp' | 'tcp' | 'tls';
/** `from`: From alone. `pai`: P-Asserted-Identity, and the trunk's username in From. */
export type CallerIdMode = 'from_and_pai' | 'from' | 'pai';
/** `e164`: +12025550100. `digits`: 12025550100. */
export type NumberFormat = 'e164' | 'digits';

export interface Trunk {
  readonly id: string;
  readonly createdAt: number;
  /** null = a managed carrier of the operator. */
  readonly workspaceId: string | null;
  readonly kind: TrunkKind;
  readonly label: string;
  readonly inbound: {
    readonly enabled: boolean;
    /** IP addresses, CIDR blocks or host names of the carrier. */
    readonly addresses: readonly string[];
    readonly mediaEncryption: MediaEncryption;
    /** The only transport that calls are taken over; null or absent (records of earlier versions): any. */
    readonly transport?: SipTransport | null;
    /** Digest that the carrier must give beside its address; null or absent: none. The password is a secret. */
    readonly auth?: { readonly username: string; readonly password: string } | null;
  };
  readonly outbound: {
    readonly enabled: boolean;
    readonly gateways: readonly Gateway[];
    readonly transport: SipTransport;
    readonly mediaEncryption: MediaEncryption;
    readonly username: string | null;
    /** Secret. */
    readonly password: string | null;
    readonly allowedCountries: 'worldwide' | readonly string[];
    /** Where the caller's number stands; absent (records of earlier versions): `from_and_pai`. */
    readonly callerIdMode?: CallerIdMode;
    /** Before the called number, which is then digits alone; null or absent: none. */
    readonly techPrefix?: string | null;
    /** How numbers are written to the carrier; absent: `e164`. */
    readonly numberFormat?: NumberFormat;
  };
  readonly codecs: readonly AudioCodec[];
  readonly limits: { readonly concurrentCalls: number | null; readonly callsPerSecond: number | null };
  /** Accept RTP from another address than the SDP's and the signalling's (carrier behind NAT). */
  readonly natAllowed: boolean;
}

export interface Gateway {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export type NumberProvider = 'managed' | 'twilio' | 'telnyx' | 'byoc' | 'personal';

export interface PhoneNumber {
  readonly id: string;
  readonly createdAt: number;
  readonly e164: E164;
  readonly workspaceId: string;
  readonly provider: NumberProvider;
  readonly trunkId: string | null;
  readonly agentId: string | null;
  readonly supportsInbound: boolean;
  readonly supportsOutbound: boolean;
  readonly status: 'active' | 'pending' | 'released';
  /** A month of its fee is owed; `suspended`: for so long that it may not be shown in calls out. Absent: nothing is owed. */
  readonly feeState?: 'unpaid' | 'suspended';
}

/** What a key may do: `read_only` looks, `member` works, `admin` also decides who else has access. */
export type KeyRole = 'admin' | 'member' | 'read_only';

export interface ApiKey {
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string;
  readonly label: string;
  /** Absent in records of earlier versions, which is `admin`. */
  readonly role?: KeyRole;
  /** SHA-256 of the token, hex; the token itself is shown once and never stored. */
  readonly tokenHash: string;
}
