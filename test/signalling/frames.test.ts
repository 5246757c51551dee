import { describe, expect, test } from 'vitest';
import { countFrame, type WireMessage } from '../../src/signalling/frames.ts';

const INVITE = 'INVITE sip:bob@[2001:db8::9]:5070;transport=tcp SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n';
const OK = 'SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n';

function seenIn(frame: string): { messages: WireMessage[]; counted: number } {
  const messages: WireMessage[] = [];
  let counted = 0;
  const count = (): void => {
    counted += 1;
  };
  countFrame(frame, { request: count, response: count, message: (message) => void messages.push(message) });
  return { messages, counted };
}

describe('messages at the wire', () => {
  test.each([
    [
      'a request that came in',
      `x|sip|network|498|tcp|192.0.2.1|5061|08:06:21.4|t|d|\r\n${INVITE}`,
      'in',
      'tcp',
      '192.0.2.1:5061',
    ],
    [
      'over IPv6',
      `x|sip|network|498|udp|2001:db8::1|5060|08:06:21.4|t|d|\r\n${INVITE}`,
      'in',
      'udp',
      '[2001:db8::1]:5060',
    ],
    ['without an address', `x|sip|network|90||||08:06:21.4|t|d|\r\n${OK}`, 'in', '', null],
    [
      'an echoed response',
      `x|response|y|OK|application|445|udp|192.0.2.1|5070|08:04|t|d||Msg sent:|\r\n${OK}`,
      'out',
      'udp',
      '192.0.2.1:5070',
    ],
    [
      'an echoed request',
      `x|response|y|OK|application|445|udp|10.0.0.1|5060|08:04|t|Msg sent:|\r\n${INVITE}`,
      'out',
      'udp',
      '[2001:db8::9]:5070',
    ],
  ] as const)('%s', (_what, frame, direction, transport, peer) => {
    const { messages, counted } = seenIn(frame);
    expect(messages).toMatchObject([{ direction, transport, peer }]);
    expect([messages[0]?.text.length, counted]).toEqual([frame.split('|\r\n')[1]?.length, 1]);
  });

  test.each([
    ['what the engine answered itself', `x|sip|network|0|||0|08:06|t|d|\r\n${OK}`, 1],
    ['a refusal of the engine', 'x|response|y|NOK|Server error: no', 0],
    ['an answer without a message', 'x|response|y|OK|pong', 0],
  ])('%s is none', (_what, frame, times) => {
    const { messages, counted } = seenIn(frame);
    expect([messages, counted]).toEqual([[], times]);
  });
});
