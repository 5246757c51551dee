import { describe, expect, test } from 'vitest';
import type { AgentDial, AgentStreamHost } from '../../../src/media/agent-stream.ts';
import { FIELD, FIELD_COUNT } from '../../../src/media/counters.ts';
import type { AgentConnectOutcome, MediaEvent } from '../../../src/media/session.ts';
import { AgentSeat } from '../../../src/media/thread/agent-seat.ts';
import type { Inbound } from '../../../src/media/thread/inbound.ts';
import type { Outbound } from '../../../src/media/thread/outbound.ts';

/** A seat whose call, audio and streams are lists of what was asked of them. */
function stage() {
  const log: string[] = [];
  const events: MediaEvent[] = [];
  const hosts: AgentStreamHost[] = [];
  const outcomes: AgentConnectOutcome[] = [];
  const row = new Float64Array(FIELD_COUNT);
  const clock = { nowMs: 1_000 };
  const call = {
    isAgentHeard: false,
    takesKeys: false,
    agentStarted: (nowMs: number) => void log.push(`started ${nowMs}`),
    agentKeys: () => call.takesKeys,
    reschedule: () => void log.push('reschedule'),
  };
  const stream = (name: string) => ({
    start: () => void log.push(`${name} starts`),
    audio: () => void log.push(`${name} hears`),
    dtmf: (digit: string) => void log.push(`${name} key ${digit}`),
    markPlayed: (mark: string) => void log.push(`${name} mark ${mark}`),
    notify: ({ type }: { type: string }) => void log.push(`${name} ${type}`),
    tick: () => void log.push(`${name} tick`),
    close: () => void log.push(`${name} closes`),
  });
  const audio = {
    stop: () => void log.push('audio stops'),
    start: (nowMs: number) => void log.push(`audio starts ${nowMs}`),
    restart: () => void log.push('audio restarts'),
  };
  const outbound = {
    attach: (codec: string) => void log.push(`outbound ${codec}`),
    audio: (_bytes: Buffer, _start: number, _end: number, nowMs: number) => void log.push(`said ${nowMs}`),
    mark: (name: string) => void log.push(`mark ${name}`),
    clear: () => void log.push('clear'),
  };
  const seat = new AgentSeat(call, {
    nowMs: () => clock.nowMs,
    createAgentStream: (_dial, host) => {
      hosts.push(host);
      return stream(`agent ${hosts.length}`);
    },
    emit: (event) => void events.push(event),
    row,
    inbound: { audio, attach: (codec: string) => void log.push(`inbound ${codec}`) } as unknown as Inbound,
    outbound: outbound as unknown as Outbound,
  });
  const take = () => {
    seat.take({ codec: 'PCMU' } as AgentDial, (outcome) => void outcomes.push(outcome));
    return hosts.at(-1)!;
  };
  /** What was asked since the last look. */
  const seen = () => log.splice(0);
  return { call, clock, events, outcomes, row, seat, seen, take };
}

const START = ['agent 1 starts', 'started 1000', 'audio restarts', 'audio starts 1000'];

describe('an agent begins once, when it is ready and its call is heard', () => {
  test('ready first', () => {
    const { call, outcomes, seat, seen, take } = stage();
    const host = take();
    host.ready();
    expect(outcomes).toEqual([{ ok: true, attachedAtMs: 1_000, connectMs: 0 }]);
    expect(seen()).toEqual(['outbound PCMU', 'audio stops', 'inbound PCMU', 'reschedule']);
    call.isAgentHeard = true;
    seat.start(1_000);
    expect(seen()).toEqual(START);
  });

  test('heard first', () => {
    const { call, seat, seen, take } = stage();
    const host = take();
    seen();
    call.isAgentHeard = true;
    seat.start(1_000);
    expect(seen()).toEqual([]);
    host.ready();
    expect(seen()).toEqual([...START, 'reschedule']);
  });

  test('nobody sits there', () => {
    const { seat, seen } = stage();
    seat.start(1_000);
    seat.hear(Buffer.alloc(160), 0, 160, 0);
    seat.notify({ type: 'answered' });
    seat.leave();
    expect([seat.isTaken, seat.framesToAgent, seen()]).toEqual([false, 1, []]);
  });
});

test('what passes between the agent and its call', () => {
  const { call, clock, events, row, seat, seen, take } = stage();
  call.isAgentHeard = true;
  const host = take();
  host.ready();
  seen();
  clock.nowMs = 2_000;
  seat.hear(Buffer.alloc(160), 0, 160, 0);
  seat.key('5');
  seat.notify({ type: 'hold' });
  seat.markPlayed('m');
  seat.tick(2_000);
  expect(seen()).toEqual(['agent 1 hears', 'agent 1 key 5', 'agent 1 hold', 'agent 1 mark m', 'agent 1 tick']);
  host.audio(Buffer.alloc(160), 0, 160);
  host.mark('n');
  host.clear();
  host.alive();
  host.dropped();
  host.malformed();
  host.sendDtmf({ text: '1' } as Parameters<AgentStreamHost['sendDtmf']>[0]);
  expect(seen()).toEqual(['said 2000', 'reschedule', 'mark n', 'clear', 'reschedule']);
  expect([seat.framesToAgent, seat.framesDropped, seat.malformed]).toEqual([1, 1, 2]);
  expect(row[FIELD.lastAgentProofMs]).toBe(2_000);
  call.takesKeys = true;
  host.sendDtmf({ text: '1' } as Parameters<AgentStreamHost['sendDtmf']>[0]);
  expect([seat.malformed, events]).toEqual([2, []]);
});

describe('its end', () => {
  test('in order', () => {
    const { clock, events, seat, seen, take } = stage();
    const host = take();
    host.ready();
    seen();
    clock.nowMs = 3_000;
    host.ended(null);
    expect([seat.isTaken, events, seen()]).toEqual([
      false,
      [{ type: 'agent-closed', atMs: 3_000 }],
      ['audio stops', 'reschedule'],
    ]);
  });

  test('broken: up to its last sign of life', () => {
    const { clock, events, seat, take } = stage();
    const host = take();
    host.ready();
    clock.nowMs = 2_500;
    host.alive();
    clock.nowMs = 3_000;
    const failure = { code: 'agent_broken', detail: 'x' } as const;
    host.ended(failure);
    expect(events).toEqual([{ type: 'agent-lost', atMs: 3_000, lastProofMs: 2_500, failure }]);
    expect(seat.isTaken).toBe(false);
  });

  test('before it was ready: its dial says so, and the call hears of no end', () => {
    const { events, outcomes, seat, take } = stage();
    take().ended(null);
    expect([seat.isTaken, events]).toEqual([false, []]);
    expect(outcomes).toMatchObject([{ ok: false, failure: { code: 'agent_broken' } }]);
  });
});

test('a link that sits there no more does nothing', () => {
  const { call, events, outcomes, seat, seen, take } = stage();
  call.isAgentHeard = true;
  const first = take();
  const second = take();
  expect(seen().slice(3)).toEqual(['agent 1 closes', 'outbound PCMU', 'audio stops', 'inbound PCMU']);
  first.ready();
  first.audio(Buffer.alloc(160), 0, 160);
  first.ended(null);
  expect([seen(), events, outcomes, seat.isTaken]).toEqual([[], [], [], true]);
  second.ready();
  expect(seen()[0]).toBe('agent 2 starts');
  seat.leave();
  second.ended(null);
  expect([seen(), events, seat.isTaken]).toEqual([['agent 2 closes'], [], false]);
});
