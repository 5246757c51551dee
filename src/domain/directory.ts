// The nouns that customers configure. Times are wall-clock ms; secrets never appear in an API answer (write-only).

import type { DtmfMode } from './dtmf.ts';
import type { E164 } from './e164.ts';
import type { Nano } from './money.ts';
import { SRTP_SUITES, type SrtpSuite } from './srtp.ts';

export interface Workspace {
  readonly id: string;
  readonly createdAt: number;
  readonly name: string;
  readonly billingMode: 'prepaid' | 'postpaid';
  readonly limits: WorkspaceLimits;
  /** For calls whose caller id has no trunk of its own; null or absent: the oldest trunk that can dial out. */
  readonly defaultTrunkId?: string | null;
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
/** `from`: From alone. `pai`: the identity header, and the trunk's user in From. */
export type CallerIdMode = 'from_and_pai' | 'from' | 'pai';
/** `e164`: +12025550100. `digits`: 12025550100. `00`: 0012025550100. `national`: as it is dialled in the trunk's country. */
export type NumberFormat = 'e164' | 'digits' | '00' | 'national';
/** RFC 3325, or what came before it (draft-ietf-sip-privacy). */
export type IdentityHeader = 'p_asserted_identity' | 'p_preferred_identity' | 'remote_party_id';
/** Where a carrier writes the number that was dialled. */
export type CalledNumberSource = 'request_uri' | 'to' | 'p_called_party_id' | 'diversion';
/** `asserted`: the carrier is trusted to know who calls (P-Asserted-Identity, Remote-Party-ID), From counts only without that. */
export type CallerNumberSource = 'from' | 'asserted';

export type InboundEarlyMedia = 'off' | 'ringback';
/** `agent`: the agent hears it and is heard, unbilled; its stream starts then and not at the answer. */
export type OutboundEarlyMedia = 'off' | 'agent';

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
    /** Absent (records of earlier versions): the Request-URI. */
    readonly calledNumberFrom?: CalledNumberSource;
    /** Absent: From. */
    readonly callerNumberFrom?: CallerNumberSource;
    /** ISO 3166-1 code of the country whose national numbers the carrier sends; null or absent: it sends none. */
    readonly country?: string | null;
    /** What the carrier puts before numbers; null or absent: nothing. */
    readonly stripPrefix?: string | null;
    /** What callers hear while their agent is being connected (183 with our description); absent: `off`, the tone of their own network. */
    readonly earlyMedia?: InboundEarlyMedia;
    /** Provisional responses are sent reliably (RFC 3262) to callers that can do it; absent: only to those that demand it. */
    readonly reliableProvisionals?: boolean;
    /** Session timer (RFC 4028) that we ask for where the carrier asks for none; null: none. Absent: 1800. */
    readonly sessionExpiresSec?: number | null;
  };
  readonly outbound: {
    readonly enabled: boolean;
    readonly gateways: readonly Gateway[];
    /** null: as the DNS says of each gateway (NAPTR, SRV). */
    readonly transport: SipTransport | null;
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
    /** How the caller's number is written; null or absent: as `numberFormat` says. */
    readonly callerNumberFormat?: NumberFormat | null;
    /** ISO 3166-1 code of the country whose numbers are written `national`. */
    readonly country?: string | null;
    /** Host in From and in the identity header; null or absent: our address. */
    readonly fromDomain?: string | null;
    /** User in From in place of the number; null or absent: none, but `callerIdMode` says more. */
    readonly fromUser?: string | null;
    /** Name shown beside the number; null or absent: none. */
    readonly displayName?: string | null;
    /** Where the number stands beside From; absent: P-Asserted-Identity. */
    readonly identityHeader?: IdentityHeader;
    /** `id`: the number is for the carrier alone, From is anonymous (RFC 3323, 3325). Absent: `off`. */
    readonly privacy?: 'off' | 'id';
    /** In Diversion: the number that the carrier knows its customer by (RFC 5806); null or absent: none. */
    readonly diversion?: string | null;
    /** `;user=phone` in URIs that hold a number. Absent: false. */
    readonly userPhone?: boolean;
    /** The trunk registers with its carrier. Absent: false. */
    readonly register?: boolean;
    /** How it does; null or absent: as the defaults say. */
    readonly registration?: TrunkRegistration | null;
    /** Final answers after which the next gateway is tried; absent: 408 (also no answer at all), 500, 502, 503 (also no connection), 504. */
    readonly failoverStatuses?: readonly number[];
    /** How long a gateway may be silent before the next one is tried; absent: 6 s. */
    readonly attemptTimeoutMs?: number;
    /** What becomes of the audio before the answer (183 with a description); absent: `off`, nobody hears it. */
    readonly earlyMedia?: OutboundEarlyMedia;
    /** Session timer (RFC 4028) that we ask for; null: none. Absent: 1800. */
    readonly sessionExpiresSec?: number | null;
    /** The only realm whose challenge is answered; null or absent: any that the gateway asks with. */
    readonly authRealm?: string | null;
  };
  /** What an agent's or the API's transfer does; absent: `refer` on a customer's own trunk, `off` on the operator's. */
  readonly transfer?: 'refer' | 'off';
  /** A REFER of the carrier: `follow` calls who it names over this trunk. Absent: `off`, it is declined. A customer's own trunk only. */
  readonly carrierTransfer?: 'follow' | 'off';
  /** A 3xx answer: `follow` calls its contacts over this trunk. Absent: `off`. */
  readonly redirects?: 'follow' | 'off';
  /** Headers of the INVITE that reach the agent: names, or beginnings with `*`. Absent: `X-*`. */
  readonly agentHeaders?: readonly string[];
  /** Whether this carrier's word on who calls (STIR/SHAKEN, verstat) counts as its own. Absent: `trusted`. */
  readonly attestation?: 'trusted' | 'ignored';
  readonly codecs: readonly AudioCodec[];
  readonly limits: { readonly concurrentCalls: number | null; readonly callsPerSecond: number | null };
  /** Accept RTP from another address than the SDP's and the signalling's (carrier behind NAT). */
  readonly natAllowed: boolean;
  /** How keys travel; absent: `auto`. */
  readonly dtmf?: DtmfMode;
  /** Limits of its calls' audio in place of the node's; absent, or one of them: the node's. */
  readonly mediaTimeouts?: TrunkMediaTimeouts;
  /** Where `mediaEncryption` is not `off`; absent, and what is absent in it: the defaults (`srtpOf`). */
  readonly srtp?: Partial<TrunkSrtp>;
}

export interface TrunkSrtp {
  /** The only ones that are offered and taken, in order of preference. */
  readonly suites: readonly SrtpSuite[];
  /** Keys may stand in SIP messages over UDP and TCP too, where anybody on the way can read them. */
  readonly keysInClear: boolean;
}

export function srtpOf({ srtp = {} }: Pick<Trunk, 'srtp'>): TrunkSrtp {
  return { suites: srtp.suites ?? SRTP_SUITES, keysInClear: srtp.keysInClear ?? false };
}

/** Calls out have to be encrypted, and over this transport (null: not known yet) their keys must not go. */
export function keysWouldBeRead(trunk: Pick<Trunk, 'outbound' | 'srtp'>, transport: SipTransport | null): boolean {
  const isSafe = transport === 'tls' || transport === null || srtpOf(trunk).keysInClear;
  return trunk.outbound.mediaEncryption === 'required' && !isSafe;
}

/** null: as at the node. */
export interface TrunkMediaTimeouts {
  /** Answered, but no packet at all. */
  readonly firstPacketMs?: number | null;
  /** No packet while audio may come. */
  readonly silenceMs?: number | null;
  /** On hold in one go. */
  readonly heldMs?: number | null;
  /** The agent sends nothing and has nothing left to play. */
  readonly agentSilentMs?: number | null;
}

export interface TrunkRegistration {
  /** Whom the binding is for; null: the username. */
  readonly user: string | null;
  /** Its domain; null: the host of the first gateway. */
  readonly domain: string | null;
  /** Asked for; the registrar decides. */
  readonly expiresSec: number;
  /** The number that calls to our Contact are for; null: the one in To. */
  readonly calledNumber: string | null;
}

export interface Gateway {
  readonly host: string;
  /** null: as the DNS says (SRV), else that of the transport. */
  readonly port: number | null;
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
  /** Calls to and from it, both directions together; absent: none. */
  readonly limits?: { readonly concurrentCalls: number | null; readonly callsPerSecond: number | null };
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
