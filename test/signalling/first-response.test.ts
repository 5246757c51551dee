import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { responseText } from '../support/raw-sip-peer.ts';
import { exceptReference } from './engine-under-test.ts';
import { Harness } from './harness.ts';

// A gateway that says nothing: the next hop has a word for how long that is borne.

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
});
afterAll(() => harness.close());

async function silentGateway() {
  const peer = await harness.peer();
  const nextHop = `sip:127.0.0.1:${peer.port};transport=udp;first-response=300`;
  const startedMs = performance.now();
  const { events } = harness.place(peer, { nextHop });
  const invite = await peer.next((message) => message.method === 'INVITE');
  return { peer, events, invite, startedMs };
}

describe('signalling 3: a Service-Route (RFC 3608)', () => {
  async function invited(routes: string) {
    const peer = await harness.peer();
    const { events } = harness.place(peer, { nextHop: `sip:127.0.0.1:${peer.port};transport=udp;routes=${routes}` });
    const invite = await peer.next((message) => message.method === 'INVITE');
    return { peer, events, invite };
  }

  exceptReference('no Route')(
    'is the Route of the INVITE and of the ACK to a refusal; where it goes is said by the next hop alone',
    async () => {
      const uris = ['sip:orig@scscf.example:5060;lr', 'sip:b.example;lr'];
      const { peer, events, invite } = await invited(encodeURIComponent(uris.join(' ')));
      expect(invite.headers('Route')).toEqual(uris.map((uri) => `<${uri}>`));
      peer.send(responseText(peer, invite, 486, { toTag: 'g', contact: '' }), harness.sipPort);
      expect((await peer.next((message) => message.method === 'ACK')).headers('Route')).toEqual(
        uris.map((uri) => `<${uri}>`),
      );
      expect(await events.take()).toMatchObject({ type: 'rejected', status: 486 });
    },
  );

  test.each(['%3Csip:a%3E', 'sip:a%0d%0aX-Evil:1', 'tel:1'])('%s is none', async (routes) => {
    const { peer, invite } = await invited(routes);
    expect(invite.headers('Route')).toEqual([]);
    expect(invite.text).not.toContain('Evil');
    peer.send(responseText(peer, invite, 486, { toTag: 'g', contact: '' }), harness.sipPort);
  });
});

describe('signalling 4: a dead first target costs seconds', () => {
  exceptReference('its own timers')(
    'an INVITE without any answer is given up after the time, and what it carries is not told to the gateway',
    async () => {
      const { events, invite, startedMs } = await silentGateway();
      expect(await events.take()).toMatchObject({ type: 'rejected', status: 408 });
      expect(performance.now() - startedMs).toBeLessThan(2_000);
      expect(invite.text).not.toContain('first-response');
    },
  );

  test('100 is an answer: then it may ring as long as it likes', async () => {
    const { peer, events, invite } = await silentGateway();
    peer.send(responseText(peer, invite, 100, { contact: '' }), harness.sipPort);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(events.items).toEqual([]);
    peer.send(responseText(peer, invite, 486, { toTag: 'g', contact: '' }), harness.sipPort);
    expect(await events.take()).toMatchObject({ type: 'rejected', status: 486 });
  });

  exceptReference('its own timers')(
    'what comes too late is undone: CANCEL to a ringing, ACK and BYE to an answer',
    async () => {
      const late = await silentGateway();
      await late.events.take();
      late.peer.send(responseText(late.peer, late.invite, 180, { toTag: 'g' }), harness.sipPort);
      expect((await late.peer.next((message) => message.method === 'CANCEL')).method).toBe('CANCEL');

      const answered = await silentGateway();
      await answered.events.take();
      answered.peer.send(responseText(answered.peer, answered.invite, 200, { toTag: 'g' }), harness.sipPort);
      expect((await answered.peer.next((message) => message.method === 'ACK')).method).toBe('ACK');
      expect((await answered.peer.next((message) => message.method === 'BYE')).method).toBe('BYE');
      expect(answered.events.items).toEqual([]);
    },
  );
});
