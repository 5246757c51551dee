import { describe, expect, test } from 'vitest';
import type { LinkRequest } from '../../src/signalling/link-requests.ts';
import { type DialogFacts, hangUpOrphans, routeSet, wayBack } from '../../src/signalling/orphans.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { exceptReference } from './engine-under-test.ts';
import { answerTo, Callee, Harness } from './harness.ts';

const clock = new FakeClock();
const dialog = (change: Partial<DialogFacts> = {}): DialogFacts => ({
  id: 'c|ours',
  openedAtMs: clock.wallMs(),
  callId: 'c',
  local: '<sip:+12025550100@edge.example>;tag=ours',
  remote: '"Ann" <sip:+12025550199@carrier.example>;tag=theirs',
  target: 'sip:ann@192.0.2.1:5070',
  routes: [],
  nextHop: 'sip:192.0.2.1:5070;transport=udp',
  ...change,
});

/** Requests that leave, each answered. */
function line(status = 200, own = false) {
  const sent: LinkRequest[] = [];
  const done: string[] = [];
  let open = 0;
  let most = 0;
  const parts = {
    clock,
    send: async (request: LinkRequest) => {
      sent.push(request);
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return { status, reason: '', headers: {}, own };
    },
    done: ({ id }: DialogFacts) => void done.push(id),
  };
  return { parts, sent, done, most: () => most };
}

describe('signalling 22: dialogs that outlived us', () => {
  test('get a BYE of the dialog, above every CSeq it has seen, back where it came from', async () => {
    const { parts, sent, done } = line();
    expect(await hangUpOrphans([dialog()], parts)).toEqual({ dialogs: 1, ended: 1 });
    expect(sent).toMatchObject([
      {
        method: 'BYE',
        uri: 'sip:ann@192.0.2.1:5070',
        nextHop: 'sip:192.0.2.1:5070;transport=udp',
        headers: {
          from: '<sip:+12025550100@edge.example>;tag=ours',
          to: '"Ann" <sip:+12025550199@carrier.example>;tag=theirs',
          'call-id': 'c',
          Reason: 'SIP;cause=500;text="node_crash"',
        },
      },
    ]);
    const sequence = Number.parseInt(sent[0]?.headers['cseq'] ?? '', 10);
    expect(sequence).toBeGreaterThanOrEqual(2_000_000_000);
    expect(sequence).toBeLessThan(2 ** 31);
    expect(done).toEqual(['c|ours']);
  });

  test('that the other side does not know any more are over as well; what reached nobody is said', async () => {
    expect(await hangUpOrphans([dialog()], line(481).parts)).toEqual({ dialogs: 1, ended: 1 });
    expect(await hangUpOrphans([dialog()], line(503, true).parts)).toEqual({ dialogs: 1, ended: 0 });
  });

  test('are told a bounded number at once', async () => {
    const { parts, sent, most } = line();
    await hangUpOrphans(
      Array.from({ length: 500 }, (_, i) => dialog({ id: String(i) })),
      parts,
    );
    expect([sent.length, most()]).toEqual([500, 50]);
  });

  test.each<[string, Partial<DialogFacts>]>([
    ['a day old', { openedAtMs: clock.wallMs() - 86_400_001 }],
    ['without a tag', { local: '<sip:a@b>' }],
    ['of no address', { remote: 'rubbish' }],
    ['with a target that would break the wire', { target: 'sip:a@b|INVITE' }],
    ['with a line break in its Call-ID', { callId: 'a\r\nb' }],
    ['with a route that is none', { routes: ['sip:a;lr', 'rubbish'] }],
    ['with a next hop that is none', { nextHop: 'http://x' }],
  ])('%s send nothing, and are crossed out', async (_what, change) => {
    const { parts, sent, done } = line();
    expect(await hangUpOrphans([dialog(change)], parts)).toEqual({ dialogs: 1, ended: 0 });
    expect([sent.length, done.length]).toEqual([0, 1]);
  });

  test.each([
    ['udp', 5099, '<sip:ann@10.0.0.1:7000>', 'sip:192.0.2.9:5099;transport=udp'],
    ['tcp', 40_000, '<sip:ann@10.0.0.1:7000;transport=tcp>', 'sip:192.0.2.9:7000;transport=tcp'],
    ['tcp', 40_000, 'sip:ann@10.0.0.1', 'sip:192.0.2.9:5060;transport=tcp'],
    ['tls', 40_000, '<sips:ann@carrier.example>', 'sip:192.0.2.9:5061;transport=tls'],
  ])('OR1 over %s from port %i with the Contact %s: %s', (protocol, port, contact, way) => {
    expect(wayBack({ address: '192.0.2.9', port, protocol }, contact)).toBe(way);
  });

  test.each<[string | undefined, readonly string[]]>([
    [undefined, []],
    [
      '<sip:p1.example;lr>, <sip:p2.example:5080;lr=on;transport=tcp>',
      ['sip:p1.example;lr', 'sip:p2.example:5080;lr=on;transport=tcp'],
    ],
    ['"a, b" <sip:p1.example;transport=tcp;lr>;x=y', ['sip:p1.example;transport=tcp;lr']],
    ['<sip:strict.example>', []],
    ['<sip:p1.example;lr>, rubbish', []],
    [Array(9).fill('<sip:p.example;lr>').join(), []],
  ])('the route set of %s', (header, routes) => {
    expect(routeSet(header)).toEqual(routes);
  });

  exceptReference('7 (13): no Route of an application')(
    'OR2 proxies in between get their Route headers, in the order of each role',
    async () => {
      const harness = await Harness.start();
      try {
        const via = (name: string, port: number) => `<sip:${name}@127.0.0.1:${port};lr>`;
        const peer = await harness.peer();
        const routes = [via('p1', peer.port), via('p2', peer.port)];
        const record = `Record-Route: ${routes.join(', ')}`;
        const inbound = await harness.answered({ extra: [record] });
        const call = harness.place(peer);
        const invite = await peer.next('INVITE');
        new Callee(peer, harness.sipPort, invite).respond(200, { body: answerTo(invite.body), extra: [record] });
        await call.events.take((event) => event.type === 'answered');
        await harness.restartEngine();
        const toCaller = await inbound.caller.peer.next('BYE', 8_000);
        expect(toCaller.headers('Route').join(', ')).toBe(routes.join(', '));
        const toCallee = await peer.next('BYE', 8_000);
        expect(toCallee.headers('Route').join(', ')).toBe(routes.toReversed().join(', '));
      } finally {
        await harness.close();
      }
    },
  );

  test('of an engine that is gone are hung up on over the next one, in both directions; those that were over are not', async () => {
    const harness = await Harness.start();
    try {
      const over = await harness.answered();
      over.caller.inDialog('BYE');
      await over.caller.peer.next(200);
      const inbound = await harness.answered();
      const { callee, call } = await harness.placedAnswered();
      await harness.restartEngine();
      await inbound.call.events.take((event) => event.type === 'lost');
      await call.events.take((event) => event.type === 'lost');

      const toCaller = await inbound.caller.peer.next('BYE', 8_000);
      expect(toCaller.header('Call-ID')).toBe(inbound.caller.callId);
      expect(toCaller.header('To')).toContain('tag=ft');
      expect(toCaller.header('From')).toBe(inbound.ok.header('To'));
      expect(toCaller.header('Reason')).toContain('node_crash');
      const toCallee = await callee.peer.next('BYE', 8_000);
      expect(toCallee.header('Call-ID')).toBe(callee.invite.header('Call-ID'));
      expect(toCallee.header('From')).toBe(callee.invite.header('From'));
      expect(toCallee.header('To')).toContain('tag=callee-tag');
      new Callee(callee.peer, harness.sipPort, toCallee).respond(200);
      expect(over.caller.peer.received.filter((message) => message.text.startsWith('BYE'))).toEqual([]);
    } finally {
      await harness.close();
    }
  });
});
