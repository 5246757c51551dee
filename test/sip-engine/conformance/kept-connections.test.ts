import { describe, expect } from 'vitest';
import { RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, respond } from './caller.ts';
import { application, atEnd, differs, item, SAME, settle, startTarget, tcpPeer } from './target.ts';

const NEEDS_MORE = differs('its clock cannot be moved, and no WebSocket is set up for it here');
/** Nobody listens there: the phone is behind a NAT. */
const CONTACT = '<sip:phone@192.0.2.77:5999;transport=tcp>';
const URI = 'sip:phone@192.0.2.77:5999;transport=tcp';

async function registered(expires: string, options: { fakeClock?: boolean } = {}) {
  const target = await startTarget(options);
  const client = await application(target, 'register');
  const phone = await tcpPeer(target.tcpPort);
  const caller = new Caller(phone, target, { contact: CONTACT });
  caller.send(caller.request('REGISTER', { extra: ['Expires: 3600'] }));
  const register = await client.nextSip('REGISTER');
  await respond(client, register, 200, { headers: [`Contact: ${CONTACT};expires=${expires}`] });
  await phone.next(200);
  return { target, client, phone };
}

describe('the connection of a REGISTER is the way to its Contact (4.9)', () => {
  item(39, 'a call to it goes over that connection, and so does what follows in the call', SAME, async () => {
    const { target, client, phone } = await registered('600');
    const echo = await client.ask('sip||', clientRequest('INVITE', URI, [], SDP));
    const invite = await phone.next('INVITE');
    expect([invite.uri, echo.tokens[6]]).toEqual([URI, 'tcp']);
    phone.send(responseText(phone, invite, 200, { toTag: 'p', contact: CONTACT, body: SDP }), target.tcpPort);
    const ok = await client.nextSip('SIP/2.0 200');
    await client.ask(`sip||${ok.tokens[9]}`, clientRequest('ACK', 'sip:placeholder'));
    await phone.next('ACK');
    await client.ask(`sip||${ok.tokens[9]}`, clientRequest('BYE', 'sip:placeholder'));
    expect((await phone.next('BYE')).uri).toBe(URI);
  });

  item(39, 'until it expires', NEEDS_MORE, async () => {
    const { target, client, phone } = await registered('60', { fakeClock: true });
    await client.ask('sip||', clientRequest('OPTIONS', URI));
    await phone.next('OPTIONS');
    await target.advance(61_000, 5_000);
    await client.ask('sip||', clientRequest('MESSAGE', URI));
    expect(await phone.rest()).not.toContain(`MESSAGE ${URI} SIP/2.0`);
  });

  item(39, 'until it is gone, and not where the application refused it', SAME, async () => {
    const target = await startTarget();
    const client = await application(target, 'register');
    const phone = await tcpPeer(target.tcpPort);
    const caller = new Caller(phone, target, { contact: CONTACT });
    caller.send(caller.request('REGISTER'));
    await respond(client, await client.nextSip('REGISTER'), 403);
    await phone.next(403);
    await client.ask('sip||', clientRequest('OPTIONS', URI));
    await settle();
    expect(await phone.rest()).toEqual([]);
  });

  item(39, 'a browser, whom there is no other way to call', NEEDS_MORE, async () => {
    const target = await startTarget({ engine: { ws: { host: '127.0.0.1', port: 0 } } });
    const client = await application(target, 'register');
    const browser = await RawSipPeer.ws(target.wsPort);
    atEnd(() => browser.close());
    const contact = '<sip:b1@df7jal23ls0d.invalid;transport=ws>';
    const caller = new Caller(browser, target, { contact });
    caller.send(caller.request('REGISTER', { extra: ['Expires: 60'] }));
    await respond(client, await client.nextSip('REGISTER'), 200);
    await browser.next(200);
    await client.ask('sip||', clientRequest('INVITE', 'sip:b1@df7jal23ls0d.invalid;transport=ws', [], SDP));
    const invite = await browser.next('INVITE');
    browser.send(responseText(browser, invite, 200, { toTag: 'b', contact, body: SDP }), target.wsPort);
    const ok = await client.nextSip('SIP/2.0 200');
    await client.ask(`sip||${ok.tokens[9]}`, clientRequest('ACK', 'sip:placeholder'));
    await browser.next('ACK');
    await client.ask(`sip||${ok.tokens[9]}`, clientRequest('BYE', 'sip:placeholder'));
    await browser.next('BYE');
  });
});
