import { describe, expect, test } from 'vitest';
import { strongestTone, decode } from '../../../src/phone/tone.ts';
import { CallRig } from '../support/call-rig.ts';

const FRAME = Buffer.alloc(160, 0x21);

describe('audio before the answer', () => {
  test('the ringing tone: two seconds of six, in the codec of the caller, and over with the answer', () => {
    for (const codec of ['PCMU', 'PCMA'] as const) {
      const rig = new CallRig();
      rig.negotiate({ codec, payloadType: codec === 'PCMU' ? 0 : 8 });
      rig.call.startEarly('ringback');
      rig.run(7_000);
      const payloads = rig.sent.map(({ payload }) => payload);
      const isSilent = (payload: Buffer) => payload.every((byte) => byte === payload[0]);
      expect(isSilent(payloads[10]!)).toBe(false);
      expect(payloads.slice(105, 295).every(isSilent)).toBe(true);
      expect(isSilent(payloads[305]!)).toBe(false);
      const heard = strongestTone(decode(Buffer.concat(payloads.slice(0, 95)), codec), { stepHz: 10 });
      expect([440, 480]).toContain(heard.frequencyHz);
      rig.connect().host.ready();
      rig.call.start();
      const before = rig.sent.length;
      rig.run(400);
      expect(rig.sent.slice(before + 1).every(({ payload }) => isSilent(payload))).toBe(true);
      expect(rig.agent.log).toEqual(['start']);
      const sequences = rig.sent.map(({ sequence }) => sequence);
      expect(
        sequences.every((sequence, index) => index === 0 || ((sequence - sequences[index - 1]!) & 0xffff) === 1),
      ).toBe(true);
    }
  });

  test('of a callee: heard by the agent and answered by it; the answer is told, and nothing starts anew', () => {
    const rig = new CallRig();
    rig.connect().host.ready();
    rig.negotiate();
    expect(rig.agent.log).toEqual([]);
    rig.call.startEarly('agent');
    for (let i = 0; i < 20; i++) {
      rig.packet(FRAME);
      rig.run(20);
    }
    rig.agent.say(Buffer.concat([FRAME, FRAME]));
    rig.run(100);
    expect(rig.agent.frames.length).toBeGreaterThanOrEqual(15);
    expect(rig.sent.filter(({ payload }) => payload.equals(FRAME))).toHaveLength(2);
    rig.negotiate({ remotePort: 30_002 });
    rig.call.start();
    rig.call.startEarly('agent');
    expect(rig.agent.log.filter((line) => line !== 'tick')).toEqual(['start', 'notice answered']);
  });

  test('an agent that comes later hears it, too; silence before the answer ends nothing, after it does', () => {
    const rig = new CallRig();
    rig.negotiate();
    rig.call.startEarly('agent');
    rig.connect().host.ready();
    expect(rig.agent.log).toEqual(['start']);
    rig.run(120_000);
    expect(rig.eventTypes).not.toContain('media-timeout');
    rig.call.start();
    rig.run(120_000);
    expect(rig.eventTypes).toContain('media-timeout');
  });
});
