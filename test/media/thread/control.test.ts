import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/media/random.ts';
import { buildRtcp } from '../../../src/media/rtp/rtcp.ts';
import { Control } from '../../../src/media/thread/control.ts';
import type { Inbound } from '../../../src/media/thread/inbound.ts';
import type { Outbound } from '../../../src/media/thread/outbound.ts';
import type { RtpPath } from '../../../src/media/thread/path.ts';

const PEER = '192.0.2.10';

function stage(ready: boolean) {
  const sent: Buffer[] = [];
  const inbound = { dropped: 0, reception: { ssrc: 0x55, started: false } };
  const outbound = { ssrc: 0x77, packetsSent: 10, octetsSent: 1_600, timestamp: 1_600 };
  const path = {
    ready,
    acceptsControlFrom: (address: string) => address === PEER,
    sendRtcp: (packet: Buffer) => void sent.push(Buffer.from(packet)),
  };
  const control = new Control({
    nowMs: () => 100_000,
    wallMs: () => 1_700_000_000_000,
    random: seededRandom(9),
    path: path as unknown as RtpPath,
    inbound: inbound as unknown as Inbound,
    outbound: outbound as unknown as Outbound,
  });
  return { control, inbound, sent };
}

test.each([true, false])('a report leaves only where packets could: %s', (ready) => {
  const { control, sent } = stage(ready);
  control.start(100_000);
  const { dueMs } = control;
  expect(dueMs).toBeGreaterThan(100_000);
  control.report(dueMs, false);
  expect(sent).toHaveLength(ready ? 1 : 0);
  // It stays due until it could be sent.
  expect(control.dueMs > dueMs).toBe(ready);
});

test('a stranger’s control packet is dropped, one that is none is counted, and neither says anything about the line', () => {
  const { control, inbound } = stage(true);
  const report = { ssrc: 0x55, sender: null, block: null, cname: 'peer', bye: false };
  const bytes = Buffer.alloc(512);
  const packet = bytes.subarray(0, buildRtcp(bytes, report));
  control.received(packet, '192.0.2.66');
  control.received(Buffer.from('nonsense'), PEER);
  expect([inbound.dropped, control.malformed, control.unheardReports]).toEqual([1, 1, 0]);
  control.received(packet, PEER);
  expect([inbound.dropped, control.malformed, control.unheardReports, control.roundTripMs]).toEqual([1, 1, 1, null]);
});
