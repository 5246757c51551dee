import { describe, expect, test } from 'vitest';
import type { SipResponse } from '../../../src/sip-engine/message/message.ts';
import { InviteClientTransaction } from '../../../src/sip-engine/transaction/invite-client.ts';
import { InviteServerTransaction } from '../../../src/sip-engine/transaction/invite-server.ts';
import { NonInviteClientTransaction } from '../../../src/sip-engine/transaction/non-invite-client.ts';
import { NonInviteServerTransaction } from '../../../src/sip-engine/transaction/non-invite-server.ts';
import { type MachineContext, RFC3261_TIMERS } from '../../../src/sip-engine/transaction/timers.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';

const UNRELIABLE = false;
const RELIABLE = true;

/** What a machine did, as text with the time in milliseconds: `500 send invite`. */
class Record {
  readonly clock = new FakeEngineClock();
  readonly log: string[] = [];

  context(reliable: boolean): MachineContext {
    return { clock: this.clock, timers: RFC3261_TIMERS, reliable, send: (bytes) => this.note(`send ${bytes}`) };
  }

  note(what: string): void {
    this.log.push(`${this.clock.now()} ${what}`);
  }

  take(): string[] {
    return this.log.splice(0);
  }

  readonly user = {
    response: (response: SipResponse): void => this.note(`user ${response.status}`),
    failed: (cause: string): void => this.note(`user ${cause}`),
    terminated: (): void => this.note('terminated'),
  };
}

function response(status: number): SipResponse {
  return { kind: 'response', status, reason: '', headers: [], body: Buffer.alloc(0) };
}

function inviteClient(reliable: boolean): { it: InviteClientTransaction<undefined>; record: Record } {
  const record = new Record();
  const it = new InviteClientTransaction<undefined>(
    record.context(reliable),
    record.user,
    Buffer.from('invite'),
    ({ status }) => Buffer.from(`ack ${status}`),
  );
  it.start();
  return { it, record };
}

describe('INVITE client transaction (RFC 3261 17.1.1, RFC 6026)', () => {
  test('timer A doubles and timer B ends it after 32 s', () => {
    const { it, record } = inviteClient(UNRELIABLE);
    record.clock.advance(40_000);
    const sends = [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500].map((at) => `${at} send invite`);
    expect(record.take()).toEqual([...sends, '32000 terminated', '32000 user timeout']);
    expect([it.state, record.clock.pendingTimers]).toEqual(['terminated', 0]);
  });

  test('over a reliable transport nothing is sent twice', () => {
    const { record } = inviteClient(RELIABLE);
    record.clock.advance(31_999);
    expect(record.take()).toEqual(['0 send invite']);
  });

  test('cancelled, it waits 64 T1 for its end and no longer, whatever provisional responses still come', () => {
    const { it, record } = inviteClient(UNRELIABLE);
    it.cancelled();
    it.receive(response(180), undefined);
    record.clock.advance(100_000);
    record.take();
    it.cancelled();
    it.receive(response(180), undefined);
    record.clock.advance(40_000);
    expect(record.take()).toEqual(['100000 user 180', '132000 terminated', '132000 user timeout']);
    expect([it.state, record.clock.pendingTimers]).toEqual(['terminated', 0]);
  });

  test('a provisional stops retransmissions and the deadline', () => {
    const { it, record } = inviteClient(UNRELIABLE);
    it.receive(response(100), undefined);
    it.receive(response(180), undefined);
    record.clock.advance(200_000);
    expect(record.take()).toEqual(['0 send invite', '0 user 100', '0 user 180']);
    expect(it.state).toBe('proceeding');
  });

  test('a 2xx goes up with each retransmission until timer M', () => {
    const { it, record } = inviteClient(UNRELIABLE);
    it.receive(response(200), undefined);
    record.clock.advance(31_000);
    it.receive(response(200), undefined);
    it.receive(response(180), undefined);
    it.receive(response(486), undefined);
    it.transportFailed();
    record.clock.advance(1_000);
    it.receive(response(200), undefined);
    expect(record.take()).toEqual(['0 send invite', '0 user 200', '31000 user 200', '32000 terminated']);
  });

  test('a failure is acknowledged, again for each retransmission, until timer D', () => {
    const { it, record } = inviteClient(UNRELIABLE);
    it.receive(response(486), undefined);
    it.receive(response(486), undefined);
    it.receive(response(200), undefined);
    it.receive(response(180), undefined);
    record.clock.advance(40_000);
    expect(record.take()).toEqual([
      '0 send invite',
      '0 send ack 486',
      '0 user 486',
      '0 send ack 486',
      '32000 terminated',
    ]);
  });

  test('timer D is zero over a reliable transport', () => {
    const { it, record } = inviteClient(RELIABLE);
    it.receive(response(486), undefined);
    record.clock.advance(0);
    expect(record.take()).toContain('0 terminated');
  });

  test('a transport error fails it in calling, and is nothing in proceeding', () => {
    const failing = inviteClient(UNRELIABLE);
    failing.it.transportFailed();
    failing.it.transportFailed();
    expect(failing.record.take()).toEqual(['0 send invite', '0 terminated', '0 user transport']);
    const ringing = inviteClient(UNRELIABLE);
    ringing.it.receive(response(180), undefined);
    ringing.it.transportFailed();
    expect(ringing.it.state).toBe('proceeding');
  });

  test('an abandoned machine is silent for good', () => {
    const { it, record } = inviteClient(UNRELIABLE);
    it.abandon();
    it.receive(response(200), undefined);
    record.clock.advance(60_000);
    expect([record.take(), record.clock.pendingTimers]).toEqual([['0 send invite'], 0]);
  });
});

function requestClient(reliable: boolean): { it: NonInviteClientTransaction<undefined>; record: Record } {
  const record = new Record();
  const it = new NonInviteClientTransaction<undefined>(record.context(reliable), record.user, Buffer.from('bye'));
  it.start();
  return { it, record };
}

describe('non-INVITE client transaction (RFC 3261 17.1.2)', () => {
  test('timer E doubles up to T2 and timer F ends it', () => {
    const { record } = requestClient(UNRELIABLE);
    record.clock.advance(33_000);
    const at = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    expect(record.take()).toEqual([...at.map((ms) => `${ms} send bye`), '32000 terminated', '32000 user timeout']);
  });

  test('after a provisional it is repeated every T2, and timer F still counts', () => {
    const { it, record } = requestClient(UNRELIABLE);
    it.receive(response(100), undefined);
    record.clock.advance(9_000);
    expect(record.take()).toEqual(['0 send bye', '0 user 100', '4000 send bye', '8000 send bye']);
    record.clock.advance(30_000);
    expect(record.take().slice(-2)).toEqual(['32000 terminated', '32000 user timeout']);
  });

  test('a final goes up once; timer K absorbs its retransmissions', () => {
    const { it, record } = requestClient(UNRELIABLE);
    it.receive(response(200), undefined);
    it.receive(response(200), undefined);
    it.transportFailed();
    record.clock.advance(6_000);
    it.receive(response(200), undefined);
    expect(record.take()).toEqual(['0 send bye', '0 user 200', '5000 terminated']);
  });

  test('a transport error fails it once', () => {
    const { it, record } = requestClient(RELIABLE);
    it.transportFailed();
    it.receive(response(200), undefined);
    expect(record.take()).toEqual(['0 send bye', '0 terminated', '0 user transport']);
  });
});

function inviteServer(reliable: boolean): { it: InviteServerTransaction; record: Record } {
  const record = new Record();
  return { it: new InviteServerTransaction(record.context(reliable), record.user), record };
}

describe('INVITE server transaction (RFC 3261 17.2.1, RFC 6026)', () => {
  test('a retransmitted INVITE gets the last provisional again', () => {
    const { it, record } = inviteServer(UNRELIABLE);
    it.receiveAgain();
    it.respond(100, Buffer.from('100'));
    it.respond(180, Buffer.from('180'));
    it.receiveAgain();
    expect(record.take()).toEqual(['0 send 100', '0 send 180', '0 send 180']);
  });

  test('a failure is repeated by timer G until the ACK; timer I absorbs more ACKs', () => {
    const { it, record } = inviteServer(UNRELIABLE);
    it.respond(486, Buffer.from('486'));
    it.receiveAgain();
    record.clock.advance(8_000);
    expect(record.take()).toEqual([
      '0 send 486',
      '0 send 486',
      '500 send 486',
      '1500 send 486',
      '3500 send 486',
      '7500 send 486',
    ]);
    expect(it.receiveAck()).toBe('absorbed');
    expect(it.receiveAck()).toBe('absorbed');
    it.receiveAgain();
    record.clock.advance(10_000);
    expect(record.take()).toEqual(['13000 terminated']);
  });

  test('timer H gives up on the ACK', () => {
    const { it, record } = inviteServer(RELIABLE);
    it.respond(486, Buffer.from('486'));
    record.clock.advance(40_000);
    expect(record.take()).toEqual(['0 send 486', '32000 terminated']);
  });

  test('after a 2xx the INVITE is absorbed, the 2xx is repeated by the user only, the ACK is for the user', () => {
    const { it, record } = inviteServer(UNRELIABLE);
    it.respond(200, Buffer.from('200'));
    it.receiveAgain();
    record.clock.advance(10_000);
    it.respond(200, Buffer.from('200'));
    it.respond(486, Buffer.from('486'));
    expect(it.receiveAck()).toBe('for user');
    record.clock.advance(30_000);
    expect(record.take()).toEqual(['0 send 200', '10000 send 200', '32000 terminated']);
  });

  test('a second final is not sent', () => {
    const { it, record } = inviteServer(UNRELIABLE);
    it.respond(486, Buffer.from('486'));
    it.respond(200, Buffer.from('200'));
    it.respond(180, Buffer.from('180'));
    expect([record.take(), it.open]).toEqual([['0 send 486'], false]);
  });
});

function requestServer(reliable: boolean): { it: NonInviteServerTransaction; record: Record } {
  const record = new Record();
  return { it: new NonInviteServerTransaction(record.context(reliable), record.user), record };
}

describe('non-INVITE server transaction (RFC 3261 17.2.2)', () => {
  test('nothing is sent before the user answers; then each retransmission gets that answer until timer J', () => {
    const { it, record } = requestServer(UNRELIABLE);
    it.receiveAgain();
    it.respond(200, Buffer.from('200'));
    it.receiveAgain();
    it.respond(500, Buffer.from('500'));
    record.clock.advance(33_000);
    it.receiveAgain();
    expect(record.take()).toEqual(['0 send 200', '0 send 200', '32000 terminated']);
  });

  test('timer J is zero over a reliable transport', () => {
    const { it, record } = requestServer(RELIABLE);
    it.respond(200, Buffer.from('200'));
    record.clock.advance(0);
    expect(record.take()).toEqual(['0 send 200', '0 terminated']);
  });

  test('a transport error ends it once it has answered, not before', () => {
    const { it, record } = requestServer(UNRELIABLE);
    it.transportFailed();
    expect(it.open).toBe(true);
    it.respond(200, Buffer.from('200'));
    it.transportFailed();
    expect(record.take()).toEqual(['0 send 200', '0 terminated']);
  });
});
