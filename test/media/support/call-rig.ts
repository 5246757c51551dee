// One CallMedia without sockets, threads or real time: a clock that the test moves, datagrams in and out as arrays, and an agent
// stream that records what it is told and lets the test speak for the runtime.

import type { AgentDial, AgentNotice, AgentStream, AgentStreamHost } from '../../../src/media/agent-stream.ts';
import { FIELD_COUNT } from '../../../src/media/counters.ts';
import { BlockPool } from '../../../src/media/playout.ts';
import { seededRandom } from '../../../src/media/random.ts';
import { createRtpHeader, looksLikeRtcp, parseRtp, RTP_HEADER_BYTES } from '../../../src/media/rtp/header.ts';
import type { AgentConnectOutcome, MediaEvent, RtpParameters } from '../../../src/media/session.ts';
import type { LatchOptions } from '../../../src/media/latch.ts';
import { CallMedia, type CallMediaOptions } from '../../../src/media/thread/call.ts';
import { LatchedPath } from '../../../src/media/thread/latched-path.ts';
import { rtpPacket } from './rtp-peer.ts';

export interface SentPacket {
  readonly atMs: number;
  readonly port: number;
  readonly address: string;
  readonly sequence: number;
  readonly timestamp: number;
  readonly payloadType: number;
  readonly marker: boolean;
  readonly payload: Buffer;
}

export class FakeAgent implements AgentStream {
  readonly host: AgentStreamHost;
  readonly frames: { readonly atMs: number; readonly timestampMs: number; readonly bytes: Buffer }[] = [];
  readonly log: string[] = [];
  onFrame: (bytes: Buffer) => void = () => undefined;
  readonly #rig: CallRig;

  constructor(rig: CallRig, host: AgentStreamHost) {
    this.#rig = rig;
    this.host = host;
  }

  start(): void {
    this.log.push('start');
  }

  audio(bytes: Buffer, start: number, end: number, timestampMs: number): void {
    const copy = Buffer.from(bytes.subarray(start, end));
    this.frames.push({ atMs: this.#rig.nowMs, timestampMs, bytes: copy });
    this.onFrame(copy);
  }

  dtmf(digit: string): void {
    this.log.push(`dtmf ${digit}`);
  }

  markPlayed(name: string): void {
    this.log.push(`mark ${name} @${this.#rig.nowMs}`);
  }

  notify(notice: AgentNotice): void {
    const amount = 'remainingMs' in notice ? notice.remainingMs : 'heldMs' in notice ? notice.heldMs : '';
    this.log.push(`notice ${notice.type} ${amount}`.trim());
  }

  tick(): void {
    this.log.push('tick');
  }

  close(): void {
    this.log.push('close');
  }

  say(bytes: Buffer): void {
    this.host.audio(bytes, 0, bytes.length);
  }
}

export type RigOptions = Partial<CallMediaOptions & LatchOptions>;

export const PEER = { address: '192.0.2.10', port: 4000 } as const;

export class CallRig {
  nowMs = 100_000;
  readonly row = new Float64Array(FIELD_COUNT);
  readonly sent: SentPacket[] = [];
  readonly sentControl: { readonly bytes: Buffer; readonly port: number }[] = [];
  readonly events: MediaEvent[] = [];
  readonly agents: FakeAgent[] = [];
  readonly outcomes: AgentConnectOutcome[] = [];
  readonly call: CallMedia;
  readonly path: LatchedPath;
  /** What left for the RTP port, as it was sent. */
  readonly wire: Buffer[] = [];
  ssrc = 0x55;
  sequence = 65_530;
  timestamp = 0xffff_ff00;
  payloadType = 0;
  failToCreate = false;
  #slowMs = 100_000;
  #secondMs = 100_000;

  constructor(options: RigOptions = {}) {
    const { natAllowed = false, signallingAddress = null, ...call } = options;
    this.path = new LatchedPath(
      { natAllowed, signallingAddress },
      {
        sendRtp: (bytes, port, address) => this.#sentRtp(bytes, port, address),
        sendRtcp: (bytes, port) => this.sentControl.push({ bytes: Buffer.from(bytes), port }),
      },
    );
    this.call = new CallMedia(
      {
        callId: 'call_rig',
        timeouts: { firstPacketMs: 5000, silenceMs: 3000 },
        ...call,
      },
      {
        nowMs: () => this.nowMs,
        wallMs: () => 1_700_000_000_000 + this.nowMs,
        random: seededRandom(9),
        blocks: new BlockPool(),
        row: this.row,
        createAgentStream: (_: AgentDial, host: AgentStreamHost) => {
          if (this.failToCreate) throw new Error('no such dialect');
          const agent = new FakeAgent(this, host);
          this.agents.push(agent);
          return agent;
        },
        path: this.path,
        emit: (event) => this.events.push(event),
      },
    );
    this.path.join(this.call, () => this.nowMs);
  }

  /** A call in progress: negotiated, agent ready, started. */
  static running(
    remote: Partial<RtpParameters> = {},
    dial: Partial<AgentDial> = {},
    options: RigOptions = {},
  ): CallRig {
    const rig = new CallRig(options);
    rig.negotiate(remote);
    rig.connect(dial).host.ready();
    rig.call.start();
    return rig;
  }

  get agent(): FakeAgent {
    return this.agents.at(-1)!;
  }

  get eventTypes(): string[] {
    return this.events.map((event) => event.type);
  }

  negotiate(change: Partial<RtpParameters> = {}): void {
    this.call.negotiate({
      remoteAddress: PEER.address,
      remotePort: PEER.port,
      rtcpMux: false,
      codec: 'PCMU',
      payloadType: 0,
      receivePayloadType: 0,
      telephoneEventPayloadType: 101,
      receiveTelephoneEventPayloadType: 101,
      direction: 'sendrecv',
      ...change,
    });
  }

  connect(change: Partial<AgentDial> = {}): FakeAgent {
    const dial: AgentDial = {
      protocol: 'fake',
      url: 'fake://',
      headers: {},
      codec: 'PCMU',
      readyTimeoutMs: 1000,
      callId: 'call_rig',
      accountId: 'ws_rig',
      customParameters: {},
      extensionEvents: false,
      ...change,
    };
    this.call.connectAgent(dial, (outcome) => this.outcomes.push(outcome));
    return this.agent;
  }

  /** The peer's next packet; `lost` = it never arrives. */
  packet(payload: Buffer, lost = false): void {
    if (!lost) this.arrive(this.sequence, this.timestamp, payload);
    this.sequence = (this.sequence + 1) & 0xffff;
    this.timestamp = (this.timestamp + payload.length) >>> 0;
  }

  arrive(sequence: number, timestamp: number, payload: Buffer, payloadType = this.payloadType): void {
    const bytes = rtpPacket({ sequence, timestamp, payload, payloadType, ssrc: this.ssrc });
    this.call.rtp(bytes, PEER.address, PEER.port);
  }

  /** Lets time pass in the 2 ms ticks of a media thread. */
  run(forMs: number): void {
    const end = this.nowMs + forMs;
    while (this.nowMs < end) {
      this.nowMs = Math.min(end, this.nowMs + 2);
      if (this.call.dueMs <= this.nowMs + 1) this.call.tick(this.nowMs);
      if (this.nowMs - this.#slowMs >= 100) {
        this.#slowMs = this.nowMs;
        this.call.slowTick(this.nowMs);
      }
      if (this.nowMs - this.#secondMs >= 1000) {
        this.#secondMs = this.nowMs;
        this.call.secondTick(this.nowMs);
      }
    }
  }

  #sentRtp(bytes: Buffer, port: number, address: string): void {
    this.wire.push(Buffer.from(bytes));
    if (looksLikeRtcp(bytes)) {
      this.sentControl.push({ bytes: Buffer.from(bytes), port });
      return;
    }
    const header = createRtpHeader();
    if (!parseRtp(bytes, header)) throw new Error('the call sent what is not RTP');
    const { sequence, payloadType, marker } = header;
    const timestamp = header.timestamp >>> 0;
    const payload = Buffer.from(bytes.subarray(RTP_HEADER_BYTES));
    this.sent.push({ atMs: this.nowMs, port, address, sequence, timestamp, payloadType, marker, payload });
  }
}
