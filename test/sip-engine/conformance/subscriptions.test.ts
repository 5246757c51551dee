import { describe, expect } from 'vitest';
import { type RawMessage, type RawSipPeer, responseText } from '../../support/raw-sip-peer.ts';
import { clientRequest, respond, unique } from './caller.ts';
import { application, differs, item, SAME, settle, startTarget, type Target, udpPeer } from './target.ts';

const LOST = differs('a NOTIFY ahead of the 2xx finds no dialog');
const EVENT = ['Event: presence', 'Expires: 600'];

function notifyText(peer: RawSipPeer, subscribe: RawMessage, fromTag: string, sequence = 1): string {
  return [
    `NOTIFY ${/<([^>]+)>/.exec(subscribe.header('Contact'))?.[1]} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=${unique('z9hG4bK')}`,
    'Max-Forwards: 70',
    `From: ${subscribe.header('To')};tag=${fromTag}`,
    `To: ${subscribe.header('From')}`,
    `Call-ID: ${subscribe.header('Call-ID')}`,
    `CSeq: ${sequence} NOTIFY`,
    `Contact: <sip:notifier@127.0.0.1:${peer.port}>`,
    'Event: presence',
    'Subscription-State: active;expires=600',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

async function subscribed(options: { fakeClock?: boolean } = {}) {
  const target: Target = await startTarget(options);
  const client = await application(target, 'notify');
  const peer = await udpPeer();
  await client.ask('sip||', clientRequest('SUBSCRIBE', `sip:p@127.0.0.1:${peer.port}`, EVENT));
  return { target, client, peer, subscribe: await peer.next('SUBSCRIBE') };
}

describe('a NOTIFY that comes before the 2xx to our SUBSCRIBE (RFC 6665 4.1.2.4)', () => {
  item(36, 'makes the dialog; the application hears of it after the 2xx, and answers it', LOST, async () => {
    const { target, client, peer, subscribe } = await subscribed();
    peer.send(notifyText(peer, subscribe, 'n1'), target.sipPort);
    await settle();
    expect(await client.rest()).toEqual([]);
    peer.send(responseText(peer, subscribe, 200, { toTag: 'n1', extra: ['Expires: 600'] }), target.sipPort);
    const ok = await client.nextSip('SIP/2.0 200');
    const notify = await client.nextSip('NOTIFY');
    expect([notify.tokens[9], notify.read > ok.read]).toEqual([ok.tokens[9], true]);
    await respond(client, notify, 200);
    await peer.next(200);
    peer.send(notifyText(peer, subscribe, 'n1', 2), target.sipPort);
    await respond(client, await client.nextSip('NOTIFY'), 200);
    await client.ask(
      `sip||${ok.tokens[9]}`,
      clientRequest('SUBSCRIBE', 'sip:placeholder', ['Expires: 0', 'Event: presence']),
    );
    expect((await peer.next('SUBSCRIBE')).tag('To')).toBe('n1');
    expect(target.holds().dialogs).toBe(1);
  });

  item(36, 'is not held longer than half a second where the 2xx does not come', SAME, async () => {
    const { target, client, peer, subscribe } = await subscribed({ fakeClock: true });
    peer.send(notifyText(peer, subscribe, 'n1'), target.sipPort);
    await settle();
    await target.advance(600);
    await client.nextSip('NOTIFY');
  });

  item(36, 'a second notifier gets 481, and so does one after a refusal', LOST, async () => {
    const { target, peer, subscribe } = await subscribed();
    peer.send(notifyText(peer, subscribe, 'n1'), target.sipPort);
    peer.send(notifyText(peer, subscribe, 'n2'), target.sipPort);
    await peer.next(481);
    peer.send(responseText(peer, subscribe, 403, { toTag: 'n1' }), target.sipPort);
    await settle();
    peer.send(notifyText(peer, subscribe, 'n1', 2), target.sipPort);
    await peer.next(481);
    expect(target.holds().dialogs).toBe(0);
  });
});
