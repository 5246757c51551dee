import { afterEach, describe, expect, test } from 'vitest';
import type { Application } from '../../src/sip-engine/dialog/application.ts';
import { Dialog } from '../../src/sip-engine/dialog/dialog.ts';
import { DIALOGS_MAX, DialogTable } from '../../src/sip-engine/dialog/dialog-table.ts';
import { createEngine, type Engine } from '../../src/sip-engine/engine.ts';
import type { ConnectionId, Flow } from '../../src/sip-engine/transport/flow.ts';
import { TransportStats } from '../../src/sip-engine/transport/stats.ts';
import { UdpPeer } from './support/transport-probe.ts';

// Tables of the engine filled to their bounds (docs/security.md lists all of them; the others are filled in tests of their own: connections in
// transport/tcp, tls and ws, watched peers in transport/udp, the guard's in guard/guard).

const HOST = '127.0.0.1';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(options: { transactionsMax: number; transactionsPerSourceMax: number }): Promise<[Engine, number]> {
  const listen = { host: HOST, port: 0 };
  const engine = await createEngine({ udp: listen, wire: { ...listen, secret: 's' }, ...options });
  closers.push(() => engine.close());
  return [engine, engine.addresses[0]?.port ?? 0];
}

function dialogOf(callId: string, flow: Flow): Dialog {
  return new Dialog({
    role: 'uas',
    method: 'INVITE',
    callId,
    localTag: 'l',
    remoteTag: 'r',
    localParty: '<sip:us@here>;tag=l',
    remoteParty: '<sip:them@there>;tag=r',
    routeSet: [],
    remoteTarget: 'sip:them@there',
    localSequence: 1,
    remoteSequence: 1,
    localContact: '<sip:us@here>',
    flow,
    sendTo: undefined,
    application: {} as Application,
  });
}

async function peer(address: string): Promise<UdpPeer> {
  const opened = await UdpPeer.open(address);
  closers.push(() => opened.close());
  return opened;
}

function request(method: string, id: number, toTag = ''): string {
  const lines = [
    `${method} sip:100@${HOST} SIP/2.0`,
    `Via: SIP/2.0/UDP ${HOST};branch=z9hG4bK${method}${id};rport`,
    'Max-Forwards: 70',
    `From: <sip:a@${HOST}>;tag=${id}`,
    `To: <sip:100@${HOST}>${toTag}`,
    `Call-ID: ${id}@test`,
    `CSeq: 1 ${method}`,
    'Content-Length: 0',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

const statusesOf = ({ received }: UdpPeer) => received.map(({ text }) => Number(text.slice(8, 11)));

describe('security 10: bounded state of the engine', () => {
  test('transactions: full means 503 with Retry-After and nothing kept; what belongs to a call still has room', async () => {
    const [engine, port] = await open({ transactionsMax: 20, transactionsPerSourceMax: 20 });
    const flooding = await peer(HOST);
    for (let id = 0; id < 200; id++) flooding.send(request('OPTIONS', id), port);
    await flooding.receive(200);
    const { openTransactions, refusedOverload } = engine.stats();
    expect([openTransactions, refusedOverload]).toEqual([20, 180]);
    const refused = flooding.received.filter(({ text }) => text.includes('Retry-After:'));
    expect(refused.length).toBeGreaterThanOrEqual(180);
    expect(new Set(statusesOf(flooding))).toEqual(new Set([503]));
    flooding.send(request('BYE', 1, ';tag=x'), port);
    await flooding.receive(201);
    expect(statusesOf(flooding).at(-1)).toBe(481);
  });

  test('transactions of one source: it has a part of them, another its own', async () => {
    const [engine, port] = await open({ transactionsMax: 100, transactionsPerSourceMax: 10 });
    const [greedy, other] = [await peer('127.0.0.5'), await peer('127.0.0.6')];
    for (let id = 0; id < 50; id++) greedy.send(request('OPTIONS', id), port);
    await greedy.receive(50);
    other.send(request('OPTIONS', 99), port);
    await other.receive(1);
    expect(engine.stats()).toMatchObject({ openTransactions: 11, refusedOverload: 40 });
  });

  test('dialogs: the table knows when it is full, and that it no longer is', () => {
    const table = new DialogTable();
    const dialogs = Array.from({ length: DIALOGS_MAX }, (_, i) => {
      const dialog = dialogOf(`c${i}`, { protocol: 'udp', address: HOST, port: 5060 });
      table.add(dialog);
      return dialog;
    });
    expect([table.size, table.full]).toEqual([DIALOGS_MAX, true]);
    dialogs[0]?.end();
    expect([table.size, table.full]).toEqual([DIALOGS_MAX - 1, false]);
  });

  test('dialogs: a connection is used for as long as one lives on it, and whoever asks looks at none', () => {
    const table = new DialogTable();
    let looks = 0;
    const flowOn = (connection: number): Flow => ({
      protocol: 'tcp',
      address: HOST,
      port: 5060,
      get connection() {
        looks += 1;
        return connection as ConnectionId;
      },
    });
    const [one, two] = [dialogOf('one', flowOn(1)), dialogOf('two', flowOn(1))];
    table.add(one);
    table.add(two);
    looks = 0;
    const used = () => [1, 2].filter((id) => table.uses(id as ConnectionId));
    expect([used(), looks]).toEqual([[1], 0]);
    table.move(one, flowOn(2));
    expect(used()).toEqual([1, 2]);
    two.end();
    expect(used()).toEqual([2]);
    one.end();
    table.move(one, flowOn(1));
    expect(used()).toEqual([]);
  });

  test('addresses whose malformed messages are counted: the quiet ones go first', () => {
    const stats = new TransportStats(100);
    stats.countMalformed('192.0.2.1');
    for (let i = 0; i < 10_000; i++) {
      stats.countMalformed(`10.0.${i >> 8}.${i & 255}`);
      if (i % 50 === 0) stats.countMalformed('192.0.2.1');
    }
    expect(stats.malformedBySource.size).toBe(100);
    expect(stats.malformedBySource.get('192.0.2.1')).toBe(201);
    expect(stats.malformed).toBe(10_201);
  });
});
