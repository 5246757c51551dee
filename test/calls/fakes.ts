// Fakes of the rooms below a call: they keep the contracts of leg.ts, session.ts and meter.ts and record what was asked of them.

import { randomBytes } from 'node:crypto';
import type { Bill, CallQuality, CallRecord } from '../../src/domain/call.ts';
import type { Agent, PhoneNumber, Trunk, Workspace } from '../../src/domain/directory.ts';
import type { DtmfOutcome, DtmfRequest } from '../../src/domain/dtmf.ts';
import type { E164 } from '../../src/domain/e164.ts';
import type { Reason } from '../../src/domain/reasons.ts';
import type { CallDeps, LowBalance } from '../../src/calls/deps.ts';
import { createInboundRouter } from '../../src/calls/inbound-router.ts';
import type { Directory } from '../../src/directory/directory.ts';
import type { AgentFailure, AgentNotice } from '../../src/media/agent-stream.ts';
import type {
  AgentConnectOutcome,
  EarlyAudio,
  MediaEvent,
  MediaPolicy,
  MediaPool,
  MediaSession,
  OpenMedia,
  OpenWebRtcOutcome,
  RtpParameters,
  WebRtcSession,
} from '../../src/media/session.ts';
import type { GatewayState } from '../../src/routing/index.ts';
import type { AuthoriseOutcome, CallEnd, CallIntent, MeteredCall } from '../../src/metering/meter.ts';
import type {
  InboundEvent,
  InboundInvite,
  LegDialog,
  OriginateParams,
  OutboundEvent,
  Ringing,
  SessionTimer,
  Signalling,
} from '../../src/signalling/leg.ts';
import type { ReferEvent, ReferRequest } from '../../src/signalling/own-refer.ts';
import { DigestGuard } from '../../src/signalling/digest-guard.ts';
import { FakeClock } from '../support/fake-clock.ts';

export const OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 30000 RTP/AVP 0 8 101',
  'a=rtpmap:101 telephone-event/8000',
  '',
].join('\r\n');

const QUALITY: CallQuality = {
  packetsReceived: 10,
  packetsSent: 10,
  packetsLost: 0,
  packetsLate: 0,
  packetsDuplicate: 0,
  packetsReordered: 0,
  packetsDropped: 0,
  jitterMs: 0,
  framesToAgent: 10,
  framesFromAgent: 10,
  agentFramesDropped: 0,
};

export function billOf(telephonyMs: number, computeMs: number): Bill {
  const line = (billedMs: number) => ({ billedMs, ratePerMinute: 0n, amount: 0n, rule: 'test' });
  return {
    telephony: line(telephonyMs),
    compute: line(computeMs),
    total: 0n,
    currency: 'USD',
    evidence: { start: null, end: null, endedBy: null },
    final: true,
    flags: [],
  };
}

/** One promise that a test settles when it likes, or that is settled from the start. */
export class Gate<T> {
  promise: Promise<T>;
  open!: (value: T) => void;
  constructor(value?: T) {
    this.promise = new Promise((resolve) => {
      this.open = resolve;
    });
    if (value !== undefined) this.open(value);
  }
}

export class FakeLeg {
  readonly acts: string[] = [];
  readonly answerGate = new Gate<'sent' | 'gone'>('sent');
  /** What our INFOs are answered. */
  infoStatus: number | Promise<number> = 200;
  /** Our 200 has arrived. */
  arrived: Promise<boolean> = Promise.resolve(true);
  /** Our BYE is answered. */
  byeGate = new Gate<'answered'>('answered');
  emit: (event: InboundEvent) => void = () => undefined;
  readonly ringings: Ringing[] = [];
  readonly answers: { readonly sdp: string; readonly session: SessionTimer }[] = [];
  readonly refers: FakeRefer[] = [];
}

/** A REFER of ours, and what becomes of it. */
export interface FakeRefer {
  readonly request: ReferRequest;
  readonly emit: (event: ReferEvent) => void;
}

const FAKE_DIALOG: LegDialog = {
  callId: 'fake-call',
  localTag: 'ours',
  remoteTag: 'theirs',
  remoteTarget: 'sip:+12025550199@127.0.0.1:5070',
  localHost: '127.0.0.1:5060',
};

export class FakeMediaSession implements MediaSession {
  readonly localAddress = '127.0.0.1';
  localPort = 40_000;
  renewals = 0;
  /** Of each attempt. */
  readonly signallingAddresses: (string | null)[] = [];
  readonly row = 0;
  readonly negotiated: RtpParameters[] = [];
  readonly dialled: string[] = [];
  readonly notices: AgentNotice[] = [];
  readonly policies: MediaPolicy[] = [];
  readonly keysSent: DtmfRequest[] = [];
  readonly keysHeard: string[] = [];
  dtmfOutcome: DtmfOutcome = 'queued';
  agentOutcomes: (AgentConnectOutcome | Gate<AgentConnectOutcome>)[] = [];
  readonly early: EarlyAudio[] = [];
  starts = 0;
  closes = 0;
  readonly emit: (event: MediaEvent) => void;
  readonly #clock: FakeClock;

  constructor(params: Pick<OpenMedia, 'onEvent'>, clock: FakeClock) {
    this.emit = params.onEvent;
    this.#clock = clock;
  }
  async connectAgent(dial: { url: string }): Promise<AgentConnectOutcome> {
    this.dialled.push(dial.url);
    const next = this.agentOutcomes.shift();
    if (next instanceof Gate) return next.promise;
    return next ?? { ok: true, attachedAtMs: this.#clock.monotonicMs(), connectMs: 3 };
  }
  async renew(signallingAddress: string | null): Promise<{ readonly ok: true }> {
    this.signallingAddresses.push(signallingAddress);
    this.renewals += 1;
    this.localPort += 2;
    return { ok: true };
  }
  negotiate(remote: RtpParameters): void {
    this.negotiated.push(remote);
  }
  startEarly(early: EarlyAudio): void {
    this.early.push(early);
  }
  start(): void {
    this.starts += 1;
  }
  notifyAgent(notice: AgentNotice): void {
    this.notices.push(notice);
  }
  setPolicy(policy: MediaPolicy): void {
    this.policies.push(policy);
  }
  async sendDtmf(request: DtmfRequest): Promise<DtmfOutcome> {
    this.keysSent.push(request);
    return this.dtmfOutcome;
  }
  heardDtmf(key: string): void {
    this.keysHeard.push(key);
  }
  async close(): Promise<CallQuality> {
    this.closes += 1;
    return QUALITY;
  }
}

export const BROWSER_OFFER = 'the offer of a browser';
export const BROWSER_ANSWER = 'the answer to a browser';

export class FakeWebRtcSession extends FakeMediaSession implements WebRtcSession {
  readonly offers: string[] = [];
  reofferRefused = false;

  reanswer(offerSdp: string): ReturnType<WebRtcSession['reanswer']> {
    this.offers.push(offerSdp);
    if (!this.reofferRefused) return { ok: true, answerSdp: `${BROWSER_ANSWER} again` };
    return { ok: false, code: 'offer_refused', reason: 'bad_offer', fault: 'ice_restart', detail: 'another ICE' };
  }
}

export class FakeMetered implements MeteredCall {
  readonly intent: CallIntent;
  readonly log: string[] = [];
  readonly ends: CallEnd[] = [];
  readonly flags: string[] = [];
  /** That answered in the place of the dialled one. */
  readonly numbers: string[] = [];
  readonly extraAnswers: Parameters<NonNullable<MeteredCall['extraAnswer']>>[0][] = [];
  failAnswered = false;
  constructor(intent: CallIntent) {
    this.intent = intent;
  }
  async answered(at: { class?: string; number?: string }): Promise<void> {
    if (at.number !== undefined) this.numbers.push(at.number);
    if (this.failAnswered) throw new Error('disk full');
    this.log.push(`answered ${at.class ?? ''}`.trim());
  }
  agentAttached(_atMs: number, agentId: string): void {
    this.log.push(`attached ${agentId}`);
  }
  agentDetached(atMs: number, agentId: string): void {
    this.log.push(`detached ${agentId} ${atMs}`);
  }
  extraAnswer(at: Parameters<NonNullable<MeteredCall['extraAnswer']>>[0]): void {
    this.extraAnswers.push(at);
  }
  flag(name: string): void {
    this.flags.push(name);
  }
  async ended(end: CallEnd): Promise<Bill> {
    this.ends.push(end);
    const bill = billOf(60_000, 1_000);
    await end.onBilled?.(bill);
    return bill;
  }
  running(): Bill {
    return { ...billOf(0, 0), final: false };
  }
}

export interface World {
  readonly deps: CallDeps;
  readonly clock: FakeClock;
  readonly records: Map<string, CallRecord>;
  /** Of every answered leg. */
  dialog: LegDialog;
  readonly sessions: FakeMediaSession[];
  readonly metered: FakeMetered[];
  readonly originated: {
    params: OriginateParams;
    emit: (event: OutboundEvent) => void;
    acts: string[];
    refers: FakeRefer[];
  }[];
  readonly observed: string[];
  /** Records that others were told of as ended, and warnings of low balance. */
  readonly told: CallRecord[];
  readonly warned: LowBalance[];
  /** While set, nobody can be told of an end. */
  eventsFailure: Error | null;
  readonly errors: string[];
  /** Changes what the next acquisition answers. */
  mediaRefusal: 'media_ports_exhausted' | null;
  readonly webRtcOffers: { readonly offerSdp: string; readonly agentCodec: string }[];
  webRtcRefusal: Extract<OpenWebRtcOutcome, { ok: false }> | null;
  authorise: ((intent: CallIntent) => Promise<AuthoriseOutcome>) | null;
  nextAgentOutcomes: FakeMediaSession['agentOutcomes'];
  agentFailure: AgentFailure | null;
  /** By port of the gateway, and what calls found out about them. */
  readonly gatewayStates: Map<number, GatewayState>;
  /** Of every gateway; null = its Request-URI. */
  nextHop: string | null;
  readonly reported: string[];
  /** By port of the gateway: as they are shown; and what each has asked for. */
  readonly servers: Map<number, readonly string[]>;
  readonly resting: Map<string, number>;
  readonly trunks: Trunk[];
  readonly numbers: PhoneNumber[];
  readonly agents: Map<string, Agent>;
  workspace: Workspace | undefined;
  /** A carrier sends an INVITE; returns its leg. */
  invite(overrides?: Partial<InboundInvite>): FakeLeg;
}

export function createWorld(): World {
  const clock = new FakeClock();
  let onInvite: (invite: InboundInvite) => void = () => undefined;
  let nextId = 0;
  const claims = new Map<string, string>();
  const world: World = {
    deps: undefined as unknown as CallDeps,
    clock,
    dialog: FAKE_DIALOG,
    records: new Map(),
    sessions: [],
    metered: [],
    originated: [],
    observed: [],
    told: [],
    warned: [],
    eventsFailure: null,
    errors: [],
    mediaRefusal: null,
    webRtcOffers: [],
    webRtcRefusal: null,
    authorise: null,
    nextAgentOutcomes: [],
    agentFailure: null,
    gatewayStates: new Map(),
    nextHop: null,
    reported: [],
    servers: new Map(),
    resting: new Map(),
    trunks: [trunkOf('managed'), trunkOf('byoc', { id: 'trunk_byoc', label: 'byoc', workspaceId: 'demo' })],
    numbers: [
      numberOf('+12025550100'),
      numberOf('+12025550101', { trunkId: 'trunk_byoc', provider: 'byoc' }),
      numberOf('+12025550102', { agentId: null }),
    ],
    workspace: undefined,
    agents: new Map([agentOf('echo'), agentOf('spare')].map((agent) => [agent.id, agent])),
    invite(overrides = {}) {
      const leg = new FakeLeg();
      onInvite({
        source: { address: '127.0.0.1', port: 5070, protocol: 'udp' },
        sipCallId: `sip-${nextId}`,
        requestUri: 'sip:+12025550100@127.0.0.1',
        fromBrowser: false,
        calledUser: '+12025550100',
        callerUser: '+12025550199',
        callerDisplay: null,
        offer: OFFER,
        headers: { 'x-order': '42', subject: 'no' },
        ...overrides,
        accept(onEvent) {
          leg.emit = onEvent;
          return {
            ringing(how = {}) {
              leg.acts.push(how.earlyMedia ? '183' : '180');
              leg.ringings.push(how);
            },
            answer(sdp, session = {}) {
              leg.answers.push({ sdp, session });
              const expected = sdp.includes('m=audio 40000') || sdp === BROWSER_ANSWER;
              leg.acts.push(expected ? '200' : '200 with another port');
              return leg.answerGate.promise;
            },
            reject: (reason) => void leg.acts.push(`reject ${reason}`),
            challenge: (challenges) => void leg.acts.push(`401 ${challenges.join(' | ')}`),
            modify: async () => ({ ok: false, status: 488 }),
            async sendKey(key, toneMs) {
              leg.acts.push(`info ${key} ${toneMs}`);
              return leg.infoStatus;
            },
            async probe() {
              leg.acts.push('probe');
              return 'alive';
            },
            refer(request, onEvent) {
              leg.refers.push({ request, emit: onEvent });
              return true;
            },
            setByeHeaders: (headers) => void leg.acts.push(`bye headers ${JSON.stringify(headers)}`),
            dialog: world.dialog,
            lastDialog: world.dialog,
            get arrived() {
              return leg.arrived;
            },
            async bye(reason) {
              leg.acts.push(`bye ${reason}`);
              await leg.byeGate.promise;
            },
          };
        },
      });
      return leg;
    },
  };
  const signalling: Signalling = {
    onInvite: (handler) => {
      onInvite = handler;
    },
    originate(params, emit) {
      const acts: string[] = [];
      const refers: FakeRefer[] = [];
      world.originated.push({ params, emit, acts, refers });
      return {
        cancel: (reason) => void acts.push(`cancel ${reason}`),
        bye: async (reason) => void acts.push(`bye ${reason}`),
        modify: async () => ({ ok: false, status: 488 }),
        async sendKey(key, toneMs) {
          acts.push(`info ${key} ${toneMs}`);
          return 200;
        },
        async probe() {
          acts.push('probe');
          return 'alive';
        },
        refer(request, onEvent) {
          refers.push({ request, emit: onEvent });
          return true;
        },
        setByeHeaders: (headers) =>
          void (Object.keys(headers).length > 0 && acts.push(`bye headers ${JSON.stringify(headers)}`)),
        dialog: world.dialog,
        lastDialog: world.dialog,
      };
    },
    connected: true,
    addresses: [],
    setDraining: () => undefined,
    close: async () => undefined,
  };
  const media: Pick<MediaPool, 'open' | 'openWebRtc'> = {
    async open(params) {
      if (world.mediaRefusal !== null) return { ok: false, code: world.mediaRefusal };
      const session = new FakeMediaSession(params, clock);
      session.agentOutcomes = world.nextAgentOutcomes;
      session.signallingAddresses.push(params.signallingAddress);
      world.sessions.push(session);
      return { ok: true, session };
    },
    async openWebRtc(params) {
      world.webRtcOffers.push({ offerSdp: params.offerSdp, agentCodec: params.agentCodec });
      if (world.webRtcRefusal !== null) return world.webRtcRefusal;
      const session = new FakeWebRtcSession(params, clock);
      session.agentOutcomes = world.nextAgentOutcomes;
      world.sessions.push(session);
      return { ok: true, session, answerSdp: BROWSER_ANSWER };
    },
  };
  const directory = {
    agents: { get: async (id: string) => world.agents.get(id) },
    numbers: { byE164: async (e164: E164) => world.numbers.filter((number) => number.e164 === e164) },
    calls: {
      save: async (record: CallRecord) => void world.records.set(record.id, record),
      get: async (id: string) => world.records.get(id),
      list: async () => ({ items: [...world.records.values()], nextCursor: null }),
    },
    idempotency: {
      async claim(scope: string, key: string, value: string) {
        const existing = claims.get(`${scope}/${key}`);
        if (existing === undefined) claims.set(`${scope}/${key}`, value);
        return { first: existing === undefined, value: existing ?? value };
      },
    },
    workspaces: { get: async () => world.workspace },
    allTrunks: async () => world.trunks,
  };
  (world as { deps: CallDeps }).deps = {
    clock,
    ids: { next: (prefix) => `${prefix}_${++nextId}` },
    directory: directory as unknown as Directory,
    media: media as MediaPool,
    meter: {
      openCalls: 0,
      isOpen: () => false,
      unbilled: () => ({ oldestMs: 0, answeredCalls: 0 }),
      reassertHolds: async () => undefined,
      endTaken: () => undefined,
      close: async () => undefined,
      async authorise(intent) {
        if (world.authorise !== null) return world.authorise(intent);
        const call = new FakeMetered(intent);
        world.metered.push(call);
        return { ok: true, call };
      },
    },
    signalling,
    routeInbound: createInboundRouter({ directory: directory as unknown as Directory, resolvedHosts: () => new Map() }),
    hasRate: (_class, to) => !to.startsWith('+1555'),
    digest: {
      judge: ({ authorization = 'absent' }) => authorization as ReturnType<CallDeps['digest']['judge']>,
      challenges: (isStale) => [isStale ? 'stale' : 'fresh'],
    },
    testCalls: {
      judge: ({ authorization }) =>
        authorization === undefined
          ? { kind: 'challenged', challenges: ['Digest realm="callin-edge"'] }
          : authorization === 'blocked'
            ? { kind: 'refused' }
            : { kind: 'accepted', testCall: { id: 'test_1', workspaceId: 'demo', agentId: authorization } },
    },
    digestGuard: new DigestGuard({ clock }),
    gateways: {
      stateOf: (_trunk, gateway) => world.gatewayStates.get(gateway.port ?? 0) ?? 'unknown',
      servers: async ({ outbound }, { port }) => {
        if (world.gatewayStates.get(port ?? 0) === 'refused') return [];
        const shown = world.servers.get(port ?? 0) ?? [`udp 192.0.2.1:${port}`];
        const transport = outbound.transport ?? 'udp';
        return shown.map((each) => ({
          nextHop: world.nextHop,
          shown: each,
          transport,
          address: /(\S+):\d+$/.exec(each)?.[1] ?? '',
          restMs: world.resting.get(each) ?? 0,
        }));
      },
      report: (_trunk, { port }, server, { status, retryAfterMs }) => {
        world.reported.push(`${port} ${status}`);
        if (retryAfterMs !== null) world.resting.set(server.shown, retryAfterMs);
      },
    },
    agentDial: (agent, call) =>
      world.agentFailure !== null
        ? { ok: false, failure: world.agentFailure }
        : {
            ok: true,
            dial: {
              protocol: 'twilio',
              url: agent.stream.url,
              headers: {},
              codec: 'PCMU',
              readyTimeoutMs: 1000,
              callId: call.callId,
              accountId: call.accountId,
              customParameters: call.parameters,
              extensionEvents: false,
            },
          },
    random: () => 0,
    randomBytes,
    limits: {
      ringTimeoutMs: 45_000,
      maxDurationMs: 14_400_000,
      concurrentMax: 3,
      media: { firstPacketMs: 30_000, silenceMs: 30_000 },
    },
    observer: {
      started: (direction) => void world.observed.push(`started ${direction}`),
      withdrawn: (direction) => void world.observed.push(`withdrawn ${direction}`),
      ringing: () => void world.observed.push('ringing'),
      answered: (_callId, _direction, setupMs) => void world.observed.push(`answered ${Math.round(setupMs)}`),
      agentConnected: () => undefined,
      ended: (_call, reason: Reason, talkMs) => void world.observed.push(`ended ${reason} ${talkMs}`),
    },
    events: {
      async ended(record) {
        if (world.eventsFailure !== null) throw world.eventsFailure;
        world.told.push(record);
      },
      lowBalance: (warning) => void world.warned.push(warning),
    },
    log: { info: () => undefined, warn: () => undefined, error: (_fields, message) => void world.errors.push(message) },
  };
  return world;
}

function trunkOf(kind: Trunk['kind'], overrides: Partial<Trunk> = {}): Trunk {
  return {
    id: 'trunk_loop',
    createdAt: 0,
    workspaceId: null,
    kind,
    label: 'loopback',
    inbound: { enabled: true, addresses: ['127.0.0.0/8'], mediaEncryption: 'off' },
    outbound: {
      enabled: true,
      gateways: [
        { host: '127.0.0.1', port: 5080, priority: 1, weight: 1 },
        { host: '127.0.0.1', port: 5081, priority: 2, weight: 1 },
      ],
      transport: 'udp',
      mediaEncryption: 'off',
      username: null,
      password: null,
      allowedCountries: 'worldwide',
    },
    codecs: ['PCMU', 'PCMA'],
    limits: { concurrentCalls: null, callsPerSecond: null },
    natAllowed: false,
    ...overrides,
  };
}

function numberOf(e164: string, overrides: Partial<PhoneNumber> = {}): PhoneNumber {
  return {
    id: `num_${e164}`,
    createdAt: 0,
    e164: e164 as E164,
    workspaceId: 'demo',
    provider: 'managed',
    trunkId: 'trunk_loop',
    agentId: 'echo',
    supportsInbound: true,
    supportsOutbound: true,
    status: 'active',
    ...overrides,
  };
}

function agentOf(id: string): Agent {
  return {
    id,
    createdAt: 0,
    workspaceId: 'demo',
    name: id,
    stream: {
      url: `ws://127.0.0.1:9/${id}`,
      protocol: 'twilio',
      codec: 'PCMU',
      headers: {},
      authToken: null,
      customParameters: {},
    },
    fallbackAgentId: null,
    readyTimeoutMs: 1000,
  };
}

/** Lets everything that is ready to run, run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
