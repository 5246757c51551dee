// What the API needs from the rooms below, handed in by the composition root.

import type { CallManager } from '../calls/manager.ts';
import type { PreparedTestCall, TestCall } from '../calls/test-calls.ts';
import type { Diagnoses } from '../diagnosis/diagnosis.ts';
import type { TrunkChecks } from '../diagnosis/trunk-checks.ts';
import type { Directory } from '../directory/directory.ts';
import type { Clock } from '../domain/clock.ts';
import type { Ids, RandomBytes } from '../domain/ids.ts';
import type { Reason } from '../domain/reasons.ts';
import type { Books } from '../ledger/books.ts';
import type { PostingSums } from '../ledger/sums.ts';
import type { PersonalNumbers } from '../numbers/personal/personal-numbers.ts';
import type { EventHub } from '../observability/event-hub.ts';
import type { Numbers } from '../numbers/numbers.ts';
import type { NumberRequests } from '../numbers/requests/number-requests.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Ladder } from '../observability/sip-ladder.ts';
import type { Reconciliation } from '../reconciliation/reconciliation.ts';
import type { ExplanationStep } from '../routing/explanation.ts';
import type { Ban } from '../sip-engine/index.ts';
import type { WebhookApi } from '../webhooks/webhooks.ts';
import type { StreamLimits } from './event-streams.ts';
import type { HttpLimits } from './limits.ts';
import type { TrunkRegistrationView } from '../signalling/index.ts';
import type { SipListener, TrunkHealth } from './views.ts';

export interface HttpDeps {
  readonly directory: Directory;
  readonly books: Books;
  /** Sums of postings, where the store makes them faster than a reader of all lines. */
  readonly sums?: PostingSums;
  /** Of all money here. */
  readonly currency: string;
  readonly calls: CallManager;
  readonly personalNumbers: PersonalNumbers;
  readonly testCalls: TestCallDesk;
  readonly reconciliation: Reconciliation;
  /** Numbers that are bought, imported and given back. */
  readonly numbers: Numbers;
  /** Numbers that are asked for, with documents and a review. */
  readonly numberRequests: NumberRequests;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly webhooks: WebhookApi;
  /** What happens on this node, as it happens. */
  readonly events: EventHub;
  /** For the tokens of API keys; default: the system's. */
  readonly randomBytes?: RandomBytes;
  readonly auth: { readonly adminToken: string };
  readonly node: () => NodeInfo;
  /** Each check by name; the node is ready when all are true. A text says why one is not. */
  readonly ready: () => Promise<Readonly<Record<string, boolean | string>>>;
  readonly explainRoute: (question: RouteQuestion) => Promise<RouteExplanation>;
  /** The SIP messages of a call, while they are kept. */
  readonly ladder?: (callId: string) => Ladder | undefined;
  /** Absent: nobody guards the SIP ports. */
  readonly sipBans?: { list(): Promise<readonly Ban[]>; lift(network: string): Promise<boolean> };
  readonly trunkHealth?: (trunkId: string) => TrunkHealth | undefined;
  /** Of trunks that register; absent: none does. */
  readonly trunkRegistration?: (trunkId: string) => TrunkRegistrationView | undefined;
  /** What can be found out about a trunk by asking. */
  readonly trunkChecks: Pick<TrunkChecks, 'check' | 'refusedGateway'>;
  readonly diagnoses: Pick<Diagnoses, 'run' | 'get'>;
  /** Where carriers reach us, one per transport that is switched on. */
  readonly sipListeners: () => readonly SipListener[];
  readonly limits?: Partial<HttpLimits>;
  readonly streamLimits?: Partial<StreamLimits>;
  /** Addresses and CIDR blocks of proxies whose X-Forwarded-For says who asks. */
  readonly trustedProxies?: readonly string[];
  /** The console's cookie is for TLS only, also where a proxy does not say that it speaks TLS. */
  readonly secureCookies?: boolean;
  /** Where the built console is; without it there is none. */
  readonly consoleFolder?: string;
  /** Addresses and CIDR blocks that may read /metrics besides loopback. */
  readonly metricsAllowed?: readonly string[];
}

/** Prepares test calls from browsers. */
export interface TestCallDesk {
  /** Where their pages connect; null: this node takes none. */
  readonly wsUrl: string | null;
  prepare(
    testCall: Omit<TestCall, 'id'>,
  ): (PreparedTestCall & { readonly wsUrl: string }) | 'test_calls_off' | 'test_call_limit';
}

export interface NodeInfo {
  readonly id: string;
  readonly version: string;
  readonly engines: { readonly sip: string; readonly webrtc: string; readonly store: string };
  /** By name (`http`, `sipUdp`, …); null = off. */
  readonly ports: Readonly<Record<string, number | null>>;
  readonly state: 'active' | 'draining';
  readonly activeCalls: number;
}

export type RouteQuestion = InboundRouteQuestion | OutboundRouteQuestion;

export interface OutboundRouteQuestion {
  readonly direction: 'outbound';
  readonly workspaceId: string;
  readonly from: string;
  readonly to: string;
}

export interface InboundRouteQuestion {
  readonly direction: 'inbound';
  readonly sourceIp: string;
  readonly from: string;
  readonly to: string;
}

export interface RouteExplanation {
  readonly verdict: 'accepted' | 'refused';
  /** Why it is refused; null when accepted. */
  readonly reason: Reason | null;
  /** Status that the INVITE would get. */
  readonly sipStatus: number;
  /** A sentence for people. */
  readonly text: string;
  readonly trunkId: string | null;
  readonly workspaceId: string | null;
  readonly numberId: string | null;
  readonly agentId: string | null;
  readonly steps: readonly ExplanationStep[];
}
