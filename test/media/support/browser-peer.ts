// A browser for tests: werift's RTCPeerConnection in Node, on loopback only, with the RTP in the test's own hands: sequence, timestamp and
// payload of each packet are what the test says.

import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, type RtpPacket } from 'werift';

export interface BrowserPeerOptions {
  readonly codecs?: readonly ('PCMU' | 'PCMA' | 'opus')[];
  readonly sequence?: number;
}

export interface HeardPacket {
  readonly atMs: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly payloadType: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

const PAYLOAD_TYPE = { PCMU: 0, PCMA: 8, opus: 111 } as const;
export const EVENT_PAYLOAD_TYPE = 126;

export class BrowserPeer {
  readonly heard: HeardPacket[] = [];
  readonly states: string[] = [];
  controlPackets = 0;
  offerSdp = '';
  sequence: number;
  timestamp = 4000;
  readonly #pc: RTCPeerConnection;

  private constructor(pc: RTCPeerConnection, sequence: number) {
    this.#pc = pc;
    this.sequence = sequence;
    pc.connectionStateChange.subscribe((state) => this.states.push(state));
  }

  static async create(options: BrowserPeerOptions = {}): Promise<BrowserPeer> {
    const { codecs = ['PCMU'], sequence = 100 } = options;
    const pc = new RTCPeerConnection({
      iceServers: [],
      iceUseIpv4: false,
      iceUseIpv6: false,
      iceAdditionalHostAddresses: ['127.0.0.1'],
      codecs: { audio: [...codecs.map(codecParameters), telephoneEvent()] },
    });
    const peer = new BrowserPeer(pc, sequence);
    pc.addTransceiver(new MediaStreamTrack({ kind: 'audio' }), { direction: 'sendrecv' });
    await pc.setLocalDescription(await pc.createOffer());
    peer.offerSdp = pc.localDescription?.sdp ?? '';
    return peer;
  }

  async accept(answerSdp: string): Promise<void> {
    await this.#pc.setRemoteDescription({ type: 'answer', sdp: answerSdp });
    const transport = this.#transport;
    transport.onRtp.subscribe((packet: RtpPacket) => this.#hear(packet));
    transport.onRtcp.subscribe(() => {
      this.controlPackets++;
    });
  }

  get connected(): boolean {
    return this.states.includes('connected');
  }

  /** SSRC of the packets sent, as the offer names it. */
  get ssrc(): number {
    return this.#pc.getSenders()[0]!.ssrc;
  }

  /** The next packet in order; `skip` = it was lost on the way. */
  send(payload: Buffer, skip = false): void {
    if (!skip) this.sendAs(this.sequence, this.timestamp, payload);
    this.sequence = (this.sequence + 1) & 0xffff;
    this.timestamp = (this.timestamp + payload.length) >>> 0;
  }

  sendAs(sequence: number, timestamp: number, payload: Buffer, payloadType = 0): void {
    const header = new RtpHeader({ sequenceNumber: sequence, timestamp, payloadType, ssrc: this.ssrc, marker: false });
    void this.#transport.sendRtp(payload, header);
  }

  /** SRTP bytes of a packet, not sent. */
  secured(sequence: number, payload: Buffer): Buffer {
    const header = new RtpHeader({
      sequenceNumber: sequence,
      timestamp: this.timestamp,
      payloadType: 0,
      ssrc: this.ssrc,
      marker: false,
    });
    return this.#transport.srtp.encrypt(payload, header);
  }

  /** Any bytes, from the browser's own socket. */
  sendRaw(bytes: Buffer): void {
    void this.#pc.iceTransports[0]!.connection.send(bytes);
  }

  get srtpProfile(): number | undefined {
    return this.#transport.dtls?.srtp.srtpProfile;
  }

  get dtlsState(): string {
    return this.#transport.state;
  }

  /** What a browser sends when its page closes the connection; werift's own close sends nothing. */
  sendCloseNotify(): void {
    const { dtls, cipher, sessionType } = this.#transport.dtls!;
    const header = { type: 21, version: 0xfefd, epoch: dtls.epoch, sequenceNumber: ++dtls.recordSequenceNumber };
    const sealed = cipher.cipher.encrypt(sessionType, Buffer.from([1, 0]), header);
    const record = Buffer.alloc(13 + sealed.length);
    record.writeUInt8(header.type, 0);
    record.writeUInt16BE(header.version, 1);
    record.writeUInt16BE(header.epoch, 3);
    record.writeUIntBE(header.sequenceNumber, 5, 6);
    record.writeUInt16BE(sealed.length, 11);
    sealed.copy(record, 13);
    this.sendRaw(record);
  }

  async close(): Promise<void> {
    await this.#pc.close();
  }

  get #transport() {
    return this.#pc.dtlsTransports[0]!;
  }

  #hear(packet: RtpPacket): void {
    const { sequenceNumber: sequence, timestamp, payloadType, ssrc } = packet.header;
    this.heard.push({
      atMs: performance.now(),
      sequence,
      timestamp,
      payloadType,
      ssrc,
      payload: Buffer.from(packet.payload),
    });
  }
}

function codecParameters(name: 'PCMU' | 'PCMA' | 'opus'): RTCRtpCodecParameters {
  const opus = name === 'opus';
  return new RTCRtpCodecParameters({
    mimeType: `audio/${name}`,
    clockRate: opus ? 48_000 : 8000,
    channels: opus ? 2 : 1,
    payloadType: PAYLOAD_TYPE[name],
  });
}

function telephoneEvent(): RTCRtpCodecParameters {
  return new RTCRtpCodecParameters({
    mimeType: 'audio/telephone-event',
    clockRate: 8000,
    channels: 1,
    payloadType: EVENT_PAYLOAD_TYPE,
  });
}
