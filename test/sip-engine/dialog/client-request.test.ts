import { describe, expect, test } from 'vitest';
import type { Application, Peer } from '../../../src/sip-engine/dialog/application.ts';
import { ClientRequest } from '../../../src/sip-engine/dialog/client-request.ts';
import type { SipResponse } from '../../../src/sip-engine/message/message.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';

const PEER: Peer = { protocol: 'udp', address: '192.0.2.1', port: 5060 };

function request(echoGapMs: number): { it: ClientRequest; shown: number[]; clock: FakeEngineClock } {
  const clock = new FakeEngineClock();
  const shown: number[] = [];
  const application: Application = {
    open: true,
    newRequest: () => undefined,
    requestInContext: () => undefined,
    callRecord: () => undefined,
    response: (_txnId, _dialogId, { status }) => void shown.push(status),
    unsolicited: () => undefined,
  };
  const it = new ClientRequest(
    { clock, echoGapMs },
    {
      txnId: 't',
      application,
      request: { kind: 'request', method: 'INVITE', uri: 'sip:a@b', headers: [], body: Buffer.alloc(0) },
      branch: 'z9hG4bK',
      destination: {
        hop: {
          local: { protocol: 'udp', host: '', localHost: '', port: 0 },
          host: '',
          port: 0,
          literal: true,
          name: '',
        },
        connection: undefined,
      },
      dialogId: 'd',
      dialog: undefined,
    },
  );
  return { it, shown, clock };
}

function response(status: number): SipResponse {
  return { kind: 'response', status, reason: '', headers: [], body: Buffer.alloc(0) };
}

describe('the gate between an echo and its responses', () => {
  test('holds what comes within the gap, in order, and opens for good', () => {
    const { it, shown, clock } = request(5);
    it.deliver(response(180), PEER);
    clock.advance(4);
    it.deliver(response(183), PEER);
    it.deliver(response(200), PEER);
    expect(shown).toEqual([]);
    clock.advance(1);
    expect(shown).toEqual([180, 183, 200]);
  });

  test('is open for a peer that answers later than the gap', () => {
    const { it, shown, clock } = request(5);
    clock.advance(5);
    it.deliver(response(200), PEER);
    expect(shown).toEqual([200]);
  });

  test('keeps a response of the engine itself out of the turn of the echo', async () => {
    const { it, shown } = request(0);
    it.deliver(response(503), undefined);
    await Promise.resolve();
    expect(shown).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(shown).toEqual([503]);
  });

  test('lets one final response through', () => {
    const { it, shown, clock } = request(5);
    clock.advance(10);
    for (const status of [180, 486, 200, 180]) it.deliver(response(status), PEER);
    expect([shown, it.final]).toEqual([[180, 486], true]);
  });
});
