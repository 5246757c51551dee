import { expect, test } from 'vitest';
import { type HepPacket, hepPacket } from '../../../src/sip-engine/capture/hep.ts';
import { readHep } from './read-hep.ts';

const PACKET: HepPacket = {
  protocol: 'udp',
  from: { address: '192.0.2.1', port: 5060 },
  to: { address: '198.51.100.7', port: 5080 },
  atMs: 1_767_225_600_123.5,
  captureId: 2001,
  password: 'key',
  correlation: 'call@host',
  payload: Buffer.from('OPTIONS sip:a SIP/2.0\r\n\r\n'),
};

test('a packet is the bytes of the specification', () => {
  const bytes = hepPacket({ ...PACKET, password: '', correlation: '', payload: Buffer.from('x') });
  // HEP3, 100 bytes; the chunks in the order of the specification's example.
  expect(bytes?.toString('hex')).toBe(
    [
      '48455033' + '0064',
      '00000001000702',
      '00000002000711',
      '0000' + '0003' + '000a' + 'c0000201',
      '0000' + '0004' + '000a' + 'c6336407',
      '0000' + '0007' + '0008' + '13c4',
      '0000' + '0008' + '0008' + '13d8',
      '0000' + '0009' + '000a' + '6955b900',
      '0000' + '000a' + '000a' + '0001e26c',
      '0000' + '000b' + '0007' + '01',
      '0000' + '000c' + '000a' + '000007d1',
      '0000' + '000f' + '0007' + '78',
    ].join(''),
  );
});

test('what is written can be read', () => {
  expect(readHep(hepPacket(PACKET) as Buffer)).toEqual({
    family: 2,
    protocol: 17,
    from: '192.0.2.1',
    to: '198.51.100.7',
    fromPort: 5060,
    toPort: 5080,
    atMs: 1_767_225_600_123.5,
    kind: 1,
    captureId: 2001,
    password: 'key',
    correlation: 'call@host',
    payload: PACKET.payload.toString(),
  });
});

test.each([
  ['2001:db8::1', '20010db8000000000000000000000001'],
  ['::1', '00000000000000000000000000000001'],
  ['::', '00000000000000000000000000000000'],
  ['fe80::a:b%eth0', 'fe8000000000000000000000000a000b'],
  ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
])('address %s of version 6', (address, hex) => {
  const packet = hepPacket({ ...PACKET, from: { address, port: 1 }, to: { address: '192.0.2.1', port: 2 } }) as Buffer;
  expect(readHep(packet)).toMatchObject({ family: 10, from: hex, to: '00000000000000000000ffffc0000201' });
});

test('what fits into no datagram is none', () => {
  expect(hepPacket({ ...PACKET, payload: Buffer.alloc(65_500) })).toBeUndefined();
});
