// The drachtio wire: frames of applications as the engine reads them, and frames of an engine as we read them.

import { FrameReader } from '../../../src/sip-engine/wire/framing.ts';
import { parseClientFrame, parseClientMessage } from '../../../src/sip-engine/wire/client-message.ts';
import { serialise } from '../../../src/sip-engine/message/serialise.ts';
import { SipSerialiseError } from '../../../src/sip-engine/message/errors.ts';
import { countFrame, isReadable } from '../../../src/signalling/frames.ts';
import { type FuzzTarget, promise, same } from '../harness.ts';
import { textTarget } from './text.ts';

const ID = '11111111-1111-4111-8111-111111111111';
const SIP = 'INVITE sip:x@example.com SIP/2.0\r\nfrom: <sip:a@localhost>\r\ncontact: sip:a@localhost\r\n\r\nv=0\r\n';
const frame = (payload: string): string => `${Buffer.byteLength(payload)}#${payload}`;

const engineReads: FuzzTarget = {
  name: 'drachtio-client-frames',
  tokens: ['#', '|sip|', '|route|', '\r\n\r\n', '0#', '99999999#', ID],
  seeds: () => [
    Buffer.from(frame(`${ID}|route|invite`) + frame(`${ID}|sip||\r\n${SIP}`)),
    Buffer.from(frame(`${ID}|ping`)),
  ],
  check(input, random) {
    const read = (chunk: () => number): string[] => {
      const seen: string[] = [];
      let violations = 0;
      const reader = new FrameReader(
        (payload) => void seen.push(payload.toString('hex')),
        () => {
          promise(violations === 0, 'a violation is told once');
          violations += 1;
        },
      );
      for (let at = 0, size = 0; at < input.length; at += size) {
        size = chunk();
        reader.push(input.subarray(at, at + size));
      }
      return seen;
    };
    const whole = read(() => input.length);
    same(
      read(() => 1 + random.below(64)),
      whole,
      'the same however it is cut',
    );
    for (const payload of whole) exerciseFrame(Buffer.from(payload, 'hex'));
    return whole.length > 0;
  },
};

function exerciseFrame(payload: Buffer): void {
  const { sip } = parseClientFrame(payload);
  if (sip === undefined) return;
  const parsed = parseClientMessage(sip);
  if (!parsed.ok) return;
  try {
    const bytes = serialise(parsed.message);
    const lines = bytes.toString('latin1').split('\r\n\r\n', 1)[0]?.split('\r\n') ?? [];
    promise(lines.length <= parsed.message.headers.length + 2, 'no header smuggles another line in');
  } catch (error) {
    if (!(error instanceof SipSerialiseError)) throw error;
  }
}

const META = `${ID}|sip|network|300|udp|192.0.2.1|5060|10:00:00.000|${ID}||192.0.2.2|5060`;

const weRead = textTarget(
  'drachtio-engine-frames',
  [
    `${META}\r\nINVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nCSeq: 1 INVITE\r\n\r\nbody`,
    `${ID}|response|${ID}|OK|application|9|udp|192.0.2.1|5060|t\r\nSIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n`,
  ],
  ['|', '|network|', '|OK|', '\r\n', 'SIP/2.0 200', 'cseq:'],
  (text) => {
    const counted: string[] = [];
    countFrame(text, {
      request: (method) => void counted.push(method),
      response: (method, code) => void counted.push(`${method} ${code}`),
      message: ({ peer }) => promise(peer === null || peer.length <= text.length, 'a peer is a part of the frame'),
    });
    for (const what of counted) promise(/^(?:[A-Z]{3,9}|other)(?: |$)/.test(what), `bounded label: ${what}`);
    return isReadable(text) && counted.length > 0;
  },
);

export const WIRE_TARGETS: readonly FuzzTarget[] = [engineReads, weRead];
