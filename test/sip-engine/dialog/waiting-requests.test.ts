import { describe, expect, test } from 'vitest';
import type { Environment } from '../../../src/sip-engine/dialog/environment.ts';
import { ServerRequest } from '../../../src/sip-engine/dialog/server-request.ts';
import { WaitingRequests } from '../../../src/sip-engine/dialog/waiting-requests.ts';
import type { SipRequest } from '../../../src/sip-engine/message/message.ts';
import { parseDatagram } from '../../../src/sip-engine/message/parse.ts';
import type { ServerTransaction } from '../../../src/sip-engine/transaction/layer.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { inviteBytes } from '../support/sip-text.ts';

function waitingInvite() {
  const parsed = parseDatagram(inviteBytes());
  if (!parsed.ok) throw parsed.error;
  const clock = new FakeEngineClock();
  const transaction = { onTerminated: undefined } as ServerTransaction;
  const environment: Pick<Environment, 'clock'> & { names: object } = { clock, names: { uuid: () => 'txn' } };
  const server = new ServerRequest(environment as Environment, {
    request: parsed.message as SipRequest,
    source: {} as ServerRequest['source'],
    transaction,
    application: {} as ServerRequest['application'],
    dialog: undefined,
  });
  const waiting = new WaitingRequests();
  waiting.admit(server.request, transaction);
  waiting.add(server);
  return { clock, waiting, server, transaction };
}

describe('requests that wait for an application', () => {
  test('are known by each of their names until their transaction ends, whether anybody has answered them or not', () => {
    const { clock, waiting, server, transaction } = waitingInvite();
    server.patience.start(() => undefined, 64_000);
    expect(waiting.find('txn')).toBe(server);
    expect(waiting.ofTransaction(transaction)).toBe(server);
    expect(waiting.hasOpenInvite(server.dialogId)).toBe(true);
    expect(waiting.isMerged(server.request)).toBe(true);
    transaction.onTerminated?.();
    expect(waiting.find('txn')).toBeUndefined();
    expect(waiting.ofTransaction(transaction)).toBeUndefined();
    expect(waiting.hasOpenInvite(server.dialogId)).toBe(false);
    expect(waiting.isMerged(server.request)).toBe(false);
    expect([waiting.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  test('that were answered and whose ACK is awaited outlive their transaction', () => {
    const { waiting, server, transaction } = waitingInvite();
    const unacknowledged = new Map([[server.sequence, { txnId: server.txnId, stop: () => undefined }]]);
    server.dialog = { unacknowledged } as unknown as NonNullable<ServerRequest['dialog']>;
    transaction.onTerminated?.();
    expect(waiting.find('txn')).toBe(server);
    waiting.forget(server);
    expect(waiting.size).toBe(0);
  });
});
