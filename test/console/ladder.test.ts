import { describe, expect, test } from 'vitest';
import { type LadderCall, ladderOf } from '../../src/console/lib/ladder.ts';

const CALL: LadderCall = {
  direction: 'inbound',
  answeredAt: '2026-11-25T20:00:00Z',
  endReason: 'remote_hangup',
  sipStatus: 200,
  timeline: [],
};
const at = (event: string, detail?: LadderCall['timeline'][number]['detail']) => ({
  offsetMs: 0,
  event,
  ...(detail === undefined ? {} : { detail }),
});
const drawn = (call: LadderCall) => ladderOf(call).map(({ from, to, label }) => `${from}>${to} ${label}`);

describe('the ladder of a call', () => {
  test('inbound: the far side asks, we ring and answer, the agent comes before the answer', () => {
    const timeline = [
      at('invite', { transport: 'udp' }),
      at('routed', { class: 'managed' }),
      at('authorised'),
      at('ringing'),
      at('agent_connecting', { agentId: 'echo' }),
      at('agent_connected', { connectMs: 3 }),
      at('answered'),
      at('confirmed'),
      at('first_packet'),
      at('ended', { reason: 'remote_hangup', evidence: 'bye' }),
    ];
    expect(drawn({ ...CALL, timeline })).toEqual([
      'far>edge INVITE (udp)',
      'edge>edge Routed as managed',
      'edge>edge Money held',
      'edge>far 180 Ringing',
      'edge>agent WebSocket upgrade',
      'agent>edge 101, connected in 3 ms',
      'edge>far 200 OK',
      'far>edge ACK',
      'far>edge First audio (RTP)',
      'far>edge BYE',
    ]);
  });

  test('outbound: we ask, the far side rings, refuses and answers', () => {
    const timeline = [
      at('inviting', { gateway: 'sip.example:5060' }),
      at('rejected', { status: 503, text: 'Service Unavailable' }),
      at('inviting', { gateway: 'sip2.example:5060' }),
      at('ringing'),
      at('progress', { status: 183, earlyMedia: true }),
      at('answered'),
      at('ended', { reason: 'agent_hangup', evidence: 'agent' }),
    ];
    expect(drawn({ ...CALL, direction: 'outbound', endReason: 'agent_hangup', timeline })).toEqual([
      'edge>far INVITE sip.example:5060',
      'far>edge 503 Service Unavailable',
      'edge>far INVITE sip2.example:5060',
      'far>edge 183 with early audio',
      'far>edge 200 OK',
      'agent>edge Closed by the agent',
    ]);
  });

  test('a refusal ends with its status, a hang-up before the answer with CANCEL', () => {
    const ended = [at('ended', {})];
    const refused = { ...CALL, answeredAt: null, endReason: 'number_unassigned', sipStatus: 480, timeline: ended };
    expect(drawn(refused)).toEqual(['edge>far 480 number_unassigned']);
    expect(drawn({ ...refused, endReason: 'cancelled' })).toEqual(['far>edge CANCEL']);
    expect(drawn({ ...refused, direction: 'outbound', endReason: 'no_answer' })).toEqual(['edge>far CANCEL']);
    const failed = { ...refused, direction: 'outbound', endReason: 'carrier_failed' } as const;
    expect(drawn(failed)).toEqual(['edge>edge The carrier failed']);
    const unreachable = { ...refused, timeline: [at('agent_failed', { code: 'agent_refused' })] };
    expect(drawn(unreachable)).toEqual(['agent>edge Nobody listens there']);
  });

  test('what it does not know is left out and stops nothing', () => {
    expect(drawn({ ...CALL, timeline: [at('something_new'), at('invite')] })).toEqual(['far>edge INVITE']);
  });

  test('while the messages are kept they are drawn as they were, with the agent’s side between them', () => {
    const message = (
      offsetMs: number,
      direction: 'in' | 'out',
      startLine: string,
      method: string,
      status: number | null = null,
    ) => ({
      offsetMs,
      direction,
      startLine,
      method,
      status,
      text: `${startLine}\r\n`,
    });
    const timeline = [
      { offsetMs: 0, event: 'invite' },
      { offsetMs: 5, event: 'agent_connecting' },
      { offsetMs: 9, event: 'answered' },
    ];
    const messages = [
      message(0, 'in', 'INVITE sip:+12025550100@127.0.0.1 SIP/2.0', 'INVITE'),
      message(2, 'out', 'SIP/2.0 407 Proxy Authentication Required', 'INVITE', 407),
      message(9, 'out', 'SIP/2.0 200 OK', 'INVITE', 200),
      message(90, 'in', 'SIP/2.0 481 Call/Transaction Does Not Exist', 'BYE', 481),
    ];
    const steps = ladderOf({ ...CALL, timeline }, messages);
    expect(steps.map(({ from, to, label, tone }) => `${from}>${to} ${label} ${tone}`)).toEqual([
      'far>edge INVITE plain',
      'edge>far 407 Proxy Authentication Required plain',
      'edge>agent WebSocket upgrade plain',
      'edge>far 200 OK good',
      'far>edge 481 Call/Transaction Does Not Exist bad',
    ]);
    expect(steps[0]?.text).toContain('INVITE sip:');
  });

  test('says which server each INVITE went to where several were tried, and why the next one was', () => {
    const to = (offsetMs: number, peer: string) => ({
      offsetMs,
      direction: 'out' as const,
      to: peer,
      startLine: 'INVITE sip:+12025550155@h SIP/2.0',
      method: 'INVITE',
      status: null,
      text: null,
    });
    const timeline = [
      { offsetMs: 3, event: 'carrier_reason', detail: { sip: null, q850: 38, text: 'Network out of order, sorry' } },
      { offsetMs: 3, event: 'next_gateway', detail: { why: 'answered 503', attempt: 2, of: 2 } },
    ];
    const call: LadderCall = { ...CALL, direction: 'outbound', timeline };
    const labels = (messages: Parameters<typeof ladderOf>[1]) => ladderOf(call, messages).map(({ label }) => label);
    expect(labels([to(1, '192.0.2.1:5060'), to(4, '192.0.2.2:5060')])).toEqual([
      'INVITE 192.0.2.1:5060',
      'Q.850 38 Network out of…',
      'Next server: 2 of 2',
      'INVITE 192.0.2.2:5060',
    ]);
    // One server needs no name, and a carrier that is not shown has none.
    expect(labels([to(1, 'carrier'), to(4, 'carrier')])[0]).toBe('INVITE');
  });

  test('has no note of a reason that says nothing', () => {
    const nothing = { sip: null, q850: null, text: null };
    expect(drawn({ ...CALL, timeline: [at('carrier_reason', nothing)] })).toEqual([]);
    expect(drawn({ ...CALL, timeline: [at('carrier_reason', { ...nothing, text: 'Gone' })] })).toEqual([
      'far>far Gone',
    ]);
  });

  test('says what the carrier attests', () => {
    const timeline = [at('attestation', { level: 'B', carrierVerdict: null }), at('attestation', { level: null })];
    expect(drawn({ ...CALL, timeline })).toEqual(['edge>edge STIR/SHAKEN B', 'edge>edge STIR/SHAKEN none']);
  });
});
