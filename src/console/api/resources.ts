// What the API answers with, as far as the pages use it.

export interface Session {
  readonly csrfToken: string;
  readonly principal: {
    readonly kind: 'operator' | 'workspace';
    readonly workspaceId: string | null;
    readonly role: 'admin' | 'member' | 'read_only';
  };
  readonly expiresAt: string;
}

export interface Workspace {
  readonly id: string;
  readonly createdAt: string;
  readonly name: string;
  readonly billingMode: 'prepaid' | 'postpaid';
  readonly balance: string;
  readonly reserved: string;
  readonly limits: {
    readonly concurrentCalls: number | null;
    readonly callsPerSecond: number | null;
    readonly spendPerHour: string | null;
    readonly spendPerDay: string | null;
  };
}

export interface ApiKey {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly label: string;
  readonly role?: 'admin' | 'member' | 'read_only';
}

export interface CreatedKey extends ApiKey {
  readonly token: string;
}

export type AgentProtocol = 'twilio' | 'telnyx' | 'jambonz' | 'asterisk' | 'openai' | 'raw';

export interface Agent {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly stream: {
    readonly url: string;
    readonly protocol: AgentProtocol;
    readonly codec: 'PCMU' | 'PCMA';
    readonly headers: Readonly<Record<string, string>>;
    readonly customParameters: Readonly<Record<string, string>>;
    readonly extensionEvents: boolean;
    readonly authTokenSet: boolean;
  };
  readonly fallbackAgentId: string | null;
  readonly readyTimeoutMs: number;
}

export type NumberProvider = 'managed' | 'twilio' | 'telnyx' | 'byoc' | 'personal';
export type NumberStatus = 'active' | 'pending' | 'released';

export interface PhoneNumber {
  readonly id: string;
  readonly createdAt: string;
  readonly e164: string;
  readonly country: string | null;
  readonly workspaceId: string;
  readonly provider: NumberProvider;
  readonly trunkId: string | null;
  readonly agentId: string | null;
  readonly supportsInbound: boolean;
  readonly supportsOutbound: boolean;
  readonly status: NumberStatus;
  readonly warnings: readonly string[];
}

export type Transport = 'udp' | 'tcp' | 'tls';
export type MediaEncryption = 'off' | 'optional' | 'required';

export interface TrunkGateway {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface TrunkCheck {
  readonly field?: string;
  readonly check: string;
  readonly result: string;
  readonly seen: string;
  readonly advice?: string | null;
}

export interface Trunk {
  readonly id: string;
  readonly createdAt: string;
  readonly workspaceId: string | null;
  readonly kind: 'managed' | 'telnyx' | 'byoc';
  readonly label: string;
  readonly inbound: {
    readonly enabled: boolean;
    readonly addresses: readonly string[];
    readonly mediaEncryption: MediaEncryption;
  };
  readonly outbound: {
    readonly enabled: boolean;
    readonly gateways: readonly TrunkGateway[];
    readonly transport: Transport;
    readonly mediaEncryption: MediaEncryption;
    readonly username: string | null;
    readonly passwordSet: boolean;
    readonly allowedCountries: 'worldwide' | readonly string[];
  };
  readonly codecs: readonly ('PCMU' | 'PCMA')[];
  readonly limits: { readonly concurrentCalls: number | null; readonly callsPerSecond: number | null };
  readonly natAllowed: boolean;
  readonly health: {
    readonly state: 'up' | 'down' | 'unknown';
    readonly since: string;
    readonly lastError: string | null;
  } | null;
}

export interface BillLine {
  readonly billedMs: number;
  readonly ratePerMinute: string;
  readonly amount: string;
  readonly rule: string;
}

export interface Bill {
  readonly telephony: BillLine;
  readonly compute: BillLine;
  readonly total: string;
  readonly currency: string;
  readonly evidence: { readonly start: string | null; readonly end: string | null; readonly endedBy: string | null };
  readonly final: boolean;
  readonly flags: readonly string[];
}

export interface ExplainedBill extends Bill {
  readonly callId: string;
  readonly charged: string;
  readonly explanation: readonly string[];
  readonly corrections: readonly Posting[];
}

export interface TimelineEntry {
  readonly at: string;
  readonly offsetMs: number;
  readonly event: string;
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface CallQuality {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly packetsLate: number;
  readonly packetsDuplicate: number;
  readonly packetsReordered: number;
  readonly packetsDropped: number;
  readonly jitterMs: number;
  readonly framesToAgent: number;
  readonly framesFromAgent: number;
  readonly agentFramesDropped: number;
}

export type CallState = 'queued' | 'ringing' | 'answered' | 'ended';

export interface Call {
  readonly id: string;
  readonly createdAt: string;
  readonly direction: 'inbound' | 'outbound';
  readonly from: string;
  readonly to: string;
  readonly workspaceId: string | null;
  readonly trunkId: string | null;
  readonly agentId: string | null;
  readonly class: 'managed' | 'imported' | 'byoc' | 'browser' | null;
  readonly state: CallState;
  readonly startedAt: string;
  readonly ringingAt: string | null;
  readonly answeredAt: string | null;
  readonly endedAt: string | null;
  readonly endReason: string | null;
  readonly sipStatus: number | null;
  readonly quality: CallQuality | null;
  readonly timeline: readonly TimelineEntry[];
  readonly bill: Bill | null;
}

export interface Posting {
  readonly id: string;
  readonly workspaceId: string;
  readonly callId: string | null;
  readonly meter: 'telephony' | 'compute' | 'topup' | 'fee' | 'adjustment';
  readonly quantityMs: number;
  readonly amount: string;
  readonly balanceAfter: string;
  readonly at: string;
  readonly note: string;
}

export interface StatementTotal {
  readonly count: number;
  readonly amount: string;
}

export interface Statement {
  readonly workspaceId: string;
  readonly month: string;
  readonly currency: string;
  readonly final: boolean;
  readonly opening: string;
  readonly topups: StatementTotal;
  readonly fees: StatementTotal;
  readonly charges: readonly (StatementTotal & {
    readonly class: string | null;
    readonly meter: 'telephony' | 'compute';
    readonly quantityMs: number;
  })[];
  readonly adjustments: StatementTotal;
  readonly closing: string;
}

export interface UsageFigures {
  readonly calls: number;
  readonly answered: number;
  readonly telephonyMs: number;
  readonly computeMs: number;
  readonly telephony: string;
  readonly compute: string;
  readonly adjustments: string;
  readonly total: string;
}

export interface Usage {
  readonly groupBy: 'number' | 'agent' | 'day';
  readonly currency: string;
  readonly items: readonly (UsageFigures & { readonly key: string | null })[];
  readonly total: UsageFigures;
}

export interface NodeInfo {
  readonly id: string;
  readonly version: string;
  readonly engines: { readonly sip: string; readonly webrtc: string; readonly store: string };
  readonly ports: Readonly<Record<string, number | null>>;
  readonly state: 'active' | 'draining';
  readonly activeCalls?: number;
}
