import { describe, expect, test } from 'vitest';
import {
  SRTP_KEY_SIZES,
  SRTP_SUITES,
  type SrtpKey,
  type SrtpParameters,
  type SrtpSuite,
} from '../../../src/domain/srtp.ts';
import { FIELD } from '../../../src/media/counters.ts';
import { ForeignSrtp } from '../../support/foreign-srtp.ts';
import { CallRig, PEER } from '../support/call-rig.ts';
import { rtpPacket } from '../support/rtp-peer.ts';

/** A key that is told apart by its fill byte. */
function keyOf(suite: SrtpSuite, fill: number): SrtpKey {
  const { keyBytes, saltBytes } = SRTP_KEY_SIZES[suite];
  return { key: Buffer.alloc(keyBytes, fill), salt: Buffer.alloc(saltBytes, fill + 1) };
}

function foreign(suite: SrtpSuite, fill: number): ForeignSrtp {
  const { key, salt } = keyOf(suite, fill);
  return new ForeignSrtp(suite, Buffer.concat([key, salt]).toString('base64'));
}

function keys(suite: SrtpSuite, change: { local?: number; remote?: number; mki?: Uint8Array } = {}): SrtpParameters {
  const { local = 0x10, remote = 0x20, mki = null } = change;
  return { suite, local: keyOf(suite, local), remote: keyOf(suite, remote), remoteMki: mki };
}

const SUITE = 'AES_CM_128_HMAC_SHA1_80';
const SILENCE = 0xff;
const PLACE: { address: string; port: number } = PEER;
const STRANGER = { address: '198.51.100.66', port: 6666 };

/** A call on SRTP whose other side is somebody else's implementation. */
class SecureCall {
  readonly rig: CallRig;
  peer: ForeignSrtp;
  counter = 0;
  ssrc = 0x55;

  constructor(suite: SrtpSuite = SUITE, options: ConstructorParameters<typeof CallRig>[0] = {}, mux = false) {
    this.rig = CallRig.running({ srtp: keys(suite), rtcpMux: mux }, {}, options);
    this.peer = foreign(suite, 0x20);
  }

  packet(sequence: number, fill = sequence & 0xff): Buffer {
    return rtpPacket({ sequence, timestamp: sequence * 160, payload: Buffer.alloc(160, fill), ssrc: this.ssrc });
  }

  /** Sends the peer's packets of these numbers, one each 20 ms. */
  speak(sequences: readonly number[], from = PLACE, peer = this.peer): void {
    for (const sequence of sequences) {
      this.rig.path.rtp(peer.protect(this.packet(sequence), this.counter), from.address, from.port);
      this.rig.run(20);
    }
  }

  /** The first byte of each frame that is no silence of ours. */
  get heard(): number[] {
    return this.rig.agent.frames.map(({ bytes }) => bytes[0]!).filter((fill) => fill !== SILENCE);
  }

  get rejected(): number {
    this.rig.call.publish();
    return this.rig.row[FIELD.srtpRejected]!;
  }
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

describe.each(SRTP_SUITES)('media 5: a call on %s', (suite) => {
  test('hears and is heard by an implementation of others; nothing leaves in clear', () => {
    const call = new SecureCall(suite);
    call.rig.agent.say(Buffer.alloc(1600, 0x77));
    call.speak(range(1, 20));
    expect(call.heard.slice(0, 15)).toEqual(range(1, 15));
    expect(call.rig.wire.length).toBeGreaterThan(10);
    const ears = foreign(suite, 0x10);
    const heard = call.rig.wire.map((packet) => ears.unprotect(packet));
    expect(heard.every((packet) => packet !== null)).toBe(true);
    expect(heard.some((packet) => packet?.subarray(12).equals(Buffer.alloc(160, 0x77)))).toBe(true);
    expect(call.rig.wire.some((packet) => packet.includes(Buffer.alloc(8, 0x77)))).toBe(false);
    expect(call.rejected).toBe(0);
  });

  test.each([false, true])('reports go and come as SRTCP; multiplexed: %s', (mux) => {
    const call = new SecureCall(suite, {}, mux);
    const report = Buffer.from('80c80006000000550000000100000002000000030000000400000005', 'hex');
    const bye = Buffer.from('80c900010000005581cb000100000055', 'hex');
    call.speak(range(1, 5));
    const send = (bytes: Buffer) =>
      mux ? call.rig.path.rtp(bytes, PEER.address, PEER.port) : call.rig.path.rtcp(bytes, PEER.address);
    send(call.peer.protectReport(report));
    expect(call.rejected).toBe(0);
    // In clear, or of somebody without the key.
    send(bye);
    send(foreign(suite, 0x66).protectReport(bye));
    expect(call.rejected).toBe(2);
    call.rig.run(12_000);
    call.rig.call.close();
    expect(call.rig.sentControl.length).toBeGreaterThan(1);
    const ears = foreign(suite, 0x10);
    for (const { bytes, port } of call.rig.sentControl) {
      expect(port).toBe(mux ? PEER.port : PEER.port + 1);
      expect(ears.unprotectReport(bytes)?.readUInt8(0)).toBeGreaterThanOrEqual(0x80);
    }
  });
});

describe('media 5: SRTP within a call', () => {
  test('plain packets, packets of another key and replayed ones are not heard, and counted; the first is told', () => {
    const call = new SecureCall();
    call.rig.path.rtp(call.packet(1), PEER.address, PEER.port);
    call.speak(range(2, 3), PEER, foreign(SUITE, 0x66));
    call.rig.path.rtp(Buffer.alloc(5), PEER.address, PEER.port);
    expect(call.rejected).toBe(5);
    expect(call.rig.events.filter(({ type }) => type === 'srtp-rejected')).toHaveLength(1);
    expect(call.rig.eventTypes).not.toContain('first-packet');
    call.speak([10, 11, 12, 11, 10, 13]);
    expect(call.rejected).toBe(7);
    call.rig.run(100);
    expect(call.heard.filter((fill) => fill >= 10 && fill <= 13)).toEqual([10, 11, 12, 13]);
  });

  test('audio of another key alone is no proof of media: the call ends by its timeout', () => {
    const call = new SecureCall();
    for (let i = 0; i < 300; i++) call.speak([i], PEER, foreign(SUITE, 0x66));
    expect(call.rig.events).toContainEqual(expect.objectContaining({ type: 'media-timeout', lastProofMs: null }));
  });

  test('the roll-over counter is followed over more than 65 536 packets, both ways', () => {
    const call = new SecureCall();
    call.speak(range(65_500, 30));
    call.rig.run(100);
    call.counter = 0;
    call.speak(range(65_530, 6));
    call.counter = 1;
    call.speak(range(0, 65_536).filter((sequence) => sequence % 1009 === 0 || sequence > 65_530));
    call.counter = 2;
    call.speak(range(0, 20));
    expect(call.rejected).toBe(0);

    const ours = new SecureCall();
    ours.rig.agent.say(Buffer.alloc(160, 1));
    const ears = foreign(SUITE, 0x10);
    let last = -1;
    let counter = 0;
    let seen = 0;
    while (counter < 2) {
      ours.rig.run(20_000);
      // The same keys in a re-INVITE: our counter goes on.
      ours.rig.negotiate({ srtp: keys(SUITE) });
      for (const packet of ours.rig.wire.splice(0)) {
        const sequence = packet.readUInt16BE(2);
        if (sequence < last) counter++;
        last = sequence;
        seen++;
        if (seen % 997 === 0 || sequence < 3 || sequence > 65_533)
          expect(ears.unprotect(packet, counter)).not.toBeNull();
      }
      ours.rig.sent.length = 0;
      ours.rig.events.length = 0;
    }
    expect(seen).toBeGreaterThan(65_536);
  });

  test('a re-INVITE with the same keys keeps the counters, at another address too', () => {
    const call = new SecureCall();
    call.speak(range(65_530, 6));
    call.counter = 1;
    call.speak(range(0, 10));
    call.rig.negotiate({ srtp: keys(SUITE), direction: 'recvonly' });
    // A former key would open them for five seconds only.
    call.rig.run(6000);
    call.speak(range(10, 5));
    expect(call.rejected).toBe(0);
    call.rig.negotiate({ srtp: keys(SUITE), remotePort: 4444 });
    call.speak(range(15, 5), { ...PEER, port: 4444 });
    // What was received before the re-INVITE is not taken again.
    call.rig.path.rtp(call.peer.protect(call.packet(9), 1), PEER.address, 4444);
    expect(call.rejected).toBe(1);
    expect(call.rig.wire.every((packet) => foreign(SUITE, 0x10).unprotect(packet) !== null)).toBe(true);
  });

  test('a re-INVITE with new keys begins anew; what was under way with the old ones is heard for five seconds', () => {
    const call = new SecureCall();
    call.speak(range(65_530, 6));
    call.counter = 1;
    call.speak(range(0, 10));
    const before = call.peer;
    call.rig.wire.length = 0;
    call.rig.negotiate({ srtp: keys(SUITE, { local: 0x30, remote: 0x40 }) });
    call.peer = foreign(SUITE, 0x40);
    call.speak([10, 11], PEER, before);
    call.counter = 0;
    call.speak(range(12, 10));
    expect(call.rejected).toBe(0);
    expect(call.rig.wire.every((packet) => foreign(SUITE, 0x30).unprotect(packet) !== null)).toBe(true);
    call.rig.run(5000);
    call.counter = 1;
    call.speak([22], PEER, before);
    expect(call.rejected).toBe(1);
  });

  test('another suite, and back to the first: old packets are not taken twice', () => {
    const call = new SecureCall();
    call.speak(range(1, 10));
    const old = call.peer.protect(call.packet(5));
    const gcm = 'AEAD_AES_256_GCM';
    call.rig.negotiate({ srtp: keys(gcm) });
    call.speak(range(11, 5), PEER, foreign(gcm, 0x20));
    call.rig.negotiate({ srtp: keys(SUITE) });
    call.rig.path.rtp(old, PEER.address, PEER.port);
    expect(call.rejected).toBe(1);
    call.speak(range(16, 5));
    expect(call.rejected).toBe(1);
  });

  test('another source (SSRC) under the same key has a counter of its own', () => {
    const call = new SecureCall();
    call.speak(range(65_530, 6));
    call.counter = 1;
    call.speak(range(0, 10));
    call.ssrc = 0x77;
    call.counter = 0;
    call.speak(range(4000, 10));
    call.rig.run(100);
    expect(call.rejected).toBe(0);
    expect(call.heard.at(-1)).toBe(4009 & 0xff);
  });

  test('packets that overtake one another are heard in their order', () => {
    const call = new SecureCall();
    call.speak([1, 2, 4, 3, 5, 7, 6, 8, 9]);
    call.rig.run(200);
    expect(call.heard).toEqual(range(1, 9));
  });

  test('another attempt of the call: nothing leaves until its own keys are there, and the former are worth nothing', () => {
    const call = new SecureCall();
    call.speak(range(1, 5));
    const wire: Buffer[] = [];
    const reports: Buffer[] = [];
    const sockets = {
      sendRtp: (bytes: Buffer) => void wire.push(Buffer.from(bytes)),
      sendRtcp: (bytes: Buffer) => void reports.push(Buffer.from(bytes)),
    };
    call.rig.path.renew(sockets, null);
    call.rig.run(6000);
    expect([wire.length, reports.length]).toEqual([0, 0]);
    call.rig.negotiate({ srtp: keys(SUITE, { local: 0x30, remote: 0x40 }) });
    call.speak(range(6, 5));
    expect(call.rejected).toBe(5);
    expect(wire.length).toBeGreaterThan(3);
    expect(wire.map((packet) => foreign(SUITE, 0x30).unprotect(packet))).not.toContain(null);
    for (const report of reports) expect(foreign(SUITE, 0x30).unprotectReport(report)).not.toBeNull();
  });

  test('packets with a master key identifier are taken with it only', () => {
    const mki = Buffer.from([0, 0, 0, 1]);
    const rig = CallRig.running({ srtp: keys(SUITE, { mki }) });
    const peer = foreign(SUITE, 0x20);
    const bytes = peer.protect(rtpPacket({ sequence: 1, timestamp: 1, payload: Buffer.alloc(160, 1) }));
    rig.path.rtp(bytes, PEER.address, PEER.port);
    expect(rig.eventTypes).toContain('srtp-rejected');
    rig.path.rtp(Buffer.concat([bytes.subarray(0, -10), mki, bytes.subarray(-10)]), PEER.address, PEER.port);
    expect(rig.eventTypes).toContain('first-packet');
  });

  test('optional: a call that becomes plain by a re-INVITE is plain, and encrypted again by the next', () => {
    const call = new SecureCall();
    call.speak(range(1, 5));
    call.rig.negotiate();
    call.rig.path.rtp(call.packet(6), PEER.address, PEER.port);
    call.rig.run(20);
    expect(call.rejected).toBe(0);
    call.rig.negotiate({ srtp: keys(SUITE, { local: 0x30, remote: 0x40 }) });
    call.rig.wire.length = 0;
    call.rig.path.rtp(call.packet(7), PEER.address, PEER.port);
    call.speak([8], PEER, foreign(SUITE, 0x40));
    expect(call.rejected).toBe(1);
    expect(call.rig.wire.map((packet) => foreign(SUITE, 0x30).unprotect(packet))).not.toContain(null);
  });
});

describe('media 5, security 4: latching counts authentic packets only', () => {
  test('a stranger never latches, however long he sends, in clear or with another key', () => {
    const call = new SecureCall(SUITE, { natAllowed: true });
    for (let sequence = 1; sequence < 40; sequence++) {
      call.rig.path.rtp(call.packet(sequence), STRANGER.address, STRANGER.port);
      call.rig.path.rtp(foreign(SUITE, 0x66).protect(call.packet(sequence)), STRANGER.address, STRANGER.port + 1);
      call.rig.run(20);
    }
    expect(call.rejected).toBe(78);
    expect(new Set(call.rig.sent.map(({ address }) => address))).toEqual(new Set([PEER.address]));
    expect(call.heard).toEqual([]);
    // The peer behind NAT is found beside him.
    for (const sequence of range(100, 10)) {
      call.rig.path.rtp(call.packet(sequence), STRANGER.address, STRANGER.port);
      call.speak([sequence], { address: '203.0.113.5', port: 5555 });
    }
    call.rig.sent.length = 0;
    call.rig.run(100);
    expect(new Set(call.rig.sent.map(({ address, port }) => `${address}:${port}`))).toEqual(
      new Set(['203.0.113.5:5555']),
    );
  });

  test('his packets from the announced address itself move nothing and keep no call alive', () => {
    const call = new SecureCall();
    call.speak(range(1, 10));
    const { lastRtpMs } = FIELD;
    const proof = call.rig.row[lastRtpMs];
    call.speak(range(11, 10), PEER, foreign(SUITE, 0x66));
    expect(call.rig.row[lastRtpMs]).toBe(proof);
  });

  test('who may not speak at all costs no decryption: he is a stranger, not a wrong key', () => {
    const call = new SecureCall();
    call.speak(range(1, 10), STRANGER, foreign(SUITE, 0x66));
    expect(call.rejected).toBe(0);
    expect(call.rig.row[FIELD.packetsDropped]).toBe(10);
  });
});
