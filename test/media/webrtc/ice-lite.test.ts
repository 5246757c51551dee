import { describe, expect, test } from 'vitest';
import { parseMessage } from 'werift';
import { seededRandom } from '../../../src/media/random.ts';
import { IceLite } from '../../../src/media/webrtc/ice-lite.ts';
import { bindingSuccess, looksLikeStun, readBindingRequest } from '../../../src/media/webrtc/stun.ts';
import { attribute, bindingRequest, type CheckOptions } from '../support/stun-client.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const CREDENTIALS = { username: 'ours:them', password: 'ourPasswordIsLongEnough' };
const request = (change: Partial<CheckOptions> = {}) => bindingRequest({ ...CREDENTIALS, ...change });

describe('RFC 5769', () => {
  const sample = hex(`
    00010058 2112a442 b7e7a701 bc34d686 fa87dfae
    80220010 5354554e 20746573 7420636c 69656e74
    00240004 6e0001ff 80290008 932ff9b1 51263b36
    00060009 6576746a 3a683676 59202020
    00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2
    80280004 e57a3bcf`);
  const credentials = { username: 'evtj:h6vY', password: 'VOkJxbRl1RmTxUk/WvJxBt' };

  test('2.1: its request is authentic, and of one that is controlled as we are', () => {
    expect(looksLikeStun(sample)).toBe(true);
    expect(readBindingRequest(sample, credentials)).toEqual({ kind: 'error', code: 487, unknown: [] });
    expect(readBindingRequest(sample, { ...credentials, password: 'another' })).toEqual({ kind: 'ignored' });
  });

  test('2.2 and 2.3: the mapped address in a response', () => {
    const four = bindingSuccess(sample, '192.0.2.1', 32_853, credentials.password);
    expect(four.indexOf(hex('00200008 0001a147 e112a643'))).toBe(20);
    const six = bindingSuccess(sample, '2001:db8:1234:5678:11:2233:4455:6677', 32_853, credentials.password);
    expect(six.indexOf(hex('00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9'))).toBe(20);
    expect(bindingSuccess(sample, '::ffff:192.0.2.1', 32_853, credentials.password)).toEqual(four);
  });
});

describe('the lite side of ICE', () => {
  test('answers an authentic check so that others can read it, and lets its source speak', () => {
    const ice = new IceLite(CREDENTIALS);
    expect(ice.accepts('192.0.2.7', 5000)).toBe(false);
    const answer = ice.stun(request(), '192.0.2.7', 5000, 123);
    const message = parseMessage(answer!, Buffer.from(CREDENTIALS.password));
    expect(message?.getAttributeValue('XOR-MAPPED-ADDRESS')).toEqual(['192.0.2.7', 5000]);
    expect([ice.accepts('192.0.2.7', 5000), ice.accepts('192.0.2.7', 5001), ice.accepts('192.0.2.8', 5000)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(ice.lastCheckMs).toBe(123);
  });

  test('sends where the last nomination came from, before it to the first that was authentic', () => {
    const ice = new IceLite(CREDENTIALS);
    expect(ice.target).toBeNull();
    ice.stun(request(), '192.0.2.7', 5000, 1);
    expect(ice.target).toEqual({ address: '192.0.2.7', port: 5000 });
    ice.stun(request(), '192.0.2.7', 6000, 2);
    expect(ice.target?.port).toBe(5000);
    ice.stun(request({ nominates: true }), '192.0.2.7', 6000, 3);
    expect(ice.target?.port).toBe(6000);
    expect(ice.accepts('192.0.2.7', 5000), 'the path before is still one of the browser').toBe(true);
  });

  test.each([
    ['another user name', request({ username: 'ours:else' })],
    ['another password', request({ password: 'notOursButLongEnough' })],
    ['another method', request({ type: 3 })],
    ['a response', request({ type: 0x0101 })],
    ['bytes behind its end', Buffer.concat([request(), Buffer.alloc(4)])],
    ['no integrity', hex('00010000 2112a442 b7e7a701 bc34d686 fa87dfae')],
    ['an attribute that is longer than the packet', truncated(request())],
  ])('ignores a packet with %s', (_what, bytes) => {
    const ice = new IceLite(CREDENTIALS);
    expect(ice.stun(bytes, '192.0.2.7', 5000, 9)).toBeNull();
    expect([ice.lastCheckMs, ice.target, ice.accepts('192.0.2.7', 5000)]).toEqual([0, null, false]);
  });

  test('does not take a nomination that stands behind the integrity', () => {
    const behind = request({ behind: [attribute(0x0025, Buffer.alloc(0))] });
    expect(readBindingRequest(behind, CREDENTIALS)).toEqual({ kind: 'check', nominates: false });
  });

  test('answers 420 to an attribute that must be understood and is not', () => {
    const answer = new IceLite(CREDENTIALS).stun(
      request({ extra: [attribute(0x0031, Buffer.alloc(4))] }),
      '192.0.2.7',
      5000,
      9,
    );
    expect(answer?.readUInt16BE(0)).toBe(0x0111);
    expect(answer?.indexOf(hex('00090004 00000414 000a0002 00310000'))).toBe(20);
  });

  test('skips attributes that need not be understood', () => {
    const goog = attribute(0xc057, Buffer.from('0000000a', 'hex'));
    expect(readBindingRequest(request({ extra: [goog] }), CREDENTIALS)).toEqual({ kind: 'check', nominates: false });
  });

  test('knows the last eight sources, and where it sends to', () => {
    const ice = new IceLite(CREDENTIALS);
    for (let port = 1; port <= 10; port++) ice.stun(request(), '192.0.2.7', port, port);
    expect([1, 2, 3, 10].map((port) => ice.accepts('192.0.2.7', port))).toEqual([true, false, true, true]);
  });

  test('survives packets damaged at random', () => {
    const random = seededRandom(5);
    let checks = 0;
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(request({ nominates: true }));
      const hits = Math.floor(random() * 3);
      for (let hit = 0; hit < hits; hit++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      const cut = random() < 0.3 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
      if (looksLikeStun(cut) && readBindingRequest(cut, CREDENTIALS).kind === 'check') checks++;
    }
    expect(checks).toBeGreaterThan(500);
    expect(checks).toBeLessThan(1500);
  });
});

function truncated(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(400, 22);
  return copy;
}
