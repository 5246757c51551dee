import { describe, expect } from 'vitest';
import { type RawMessage, type RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, txnOf } from './caller.ts';
import { type Library, type LibraryRequest, library } from './library.ts';
import { application, differs, freePort, item, SAME, settle, startTarget, type Target, udpPeer } from './target.ts';

const OTHERWISE = differs('2.8: silence, a second order and what comes by in the dialog are otherwise');
const uriOf = (peer: RawSipPeer): string => `sip:callee@127.0.0.1:${peer.port}`;

interface ProxyResults {
  readonly connected: boolean;
  readonly finalStatus: number;
  readonly responses: readonly { readonly port: number; readonly msgs: readonly { readonly status: number }[] }[];
}

type Proxying = Library & {
  proxyRequest(request: LibraryRequest, targets: string | string[], options?: object): Promise<ProxyResults>;
  message(handler: (request: LibraryRequest) => void): void;
};

/** The unmodified library passes every INVITE and MESSAGE on. */
async function proxying(target: Target, targets: () => string[], options: object = {}) {
  const results: Promise<ProxyResults>[] = [];
  await library(target, (srf) => {
    const proxy = (request: LibraryRequest): void =>
      void results.push((srf as Proxying).proxyRequest(request, targets(), { ...options }).catch((error) => error));
    srf.invite(proxy);
    (srf as Proxying).message(proxy);
  });
  return results;
}

const respond = (
  target: Target,
  peer: RawSipPeer,
  request: RawMessage,
  status: number,
  extra: readonly string[] = [],
): void =>
  peer.send(
    responseText(peer, request, status, { toTag: `t${peer.port}`, extra, ...(status === 200 ? { body: SDP } : {}) }),
    target.sipPort,
  );

describe('proxy (2.8)', () => {
  item(
    41,
    'srf.proxyRequest: the request goes on with our Via, one hop less and nothing else changed',
    SAME,
    async () => {
      const [target, alice, bob] = [await startTarget(), await udpPeer(), await udpPeer()];
      const results = await proxying(target, () => [uriOf(bob)]);
      const caller = new Caller(alice, target, { extra: ['X-Kept: yes'] });
      caller.send(caller.invite());
      const invite = await bob.next('INVITE');
      expect([
        invite.uri,
        invite.header('Max-Forwards'),
        invite.headers('Via').length,
        invite.header('X-Kept'),
      ]).toEqual([uriOf(bob), '69', 2, 'yes']);
      expect([invite.headers('Record-Route'), invite.body, invite.header('Contact')]).toEqual([
        [],
        SDP,
        caller.contact,
      ]);
      respond(target, bob, invite, 100);
      respond(target, bob, invite, 180);
      const ringing = await alice.next(180);
      expect(ringing.headers('Via')).toHaveLength(1);
      respond(target, bob, invite, 200);
      const ok = await alice.next(200);
      expect([ok.header('Contact'), ok.headers('Via').length]).toEqual([`<sip:callee@127.0.0.1:${bob.port}>`, 1]);
      expect(await results[0]).toMatchObject({
        connected: true,
        finalStatus: 200,
        responses: [{ port: bob.port, msgs: [{ status: 200 }] }],
      });
      expect(alice.received.filter(({ status }) => status === 100)).toHaveLength(1);
    },
  );

  item(
    41,
    'one after the other: the next is tried after a refusal and after silence; the best refusal goes back',
    OTHERWISE,
    async () => {
      const [target, alice] = [await startTarget(), await udpPeer()];
      const [busy, silent, last] = [await udpPeer(), await udpPeer(), await udpPeer()];
      const targets = () => [busy, silent, last].map(uriOf);
      const results = await proxying(target, targets, { provisionalTimeout: '100ms' });
      const caller = new Caller(alice, target);
      caller.send(caller.invite());
      respond(target, busy, await busy.next('INVITE'), 503);
      await busy.next('ACK');
      await silent.next('INVITE');
      respond(target, last, await last.next('INVITE'), 404);
      await last.next('ACK');
      expect((await alice.next((message) => (message.status ?? 0) >= 200)).status).toBe(404);
      caller.ack(caller.inviteBranch);
      const { responses } = (await results[0])!;
      // Of one address, whatever the port: the library takes them for one target.
      expect(responses.flatMap(({ msgs }) => msgs.map(({ status }) => status))).toEqual([503, 408, 404]);
    },
  );

  item(41, 'all at once: the first 200 wins, the others are cancelled', SAME, async () => {
    const [target, alice] = [await startTarget(), await udpPeer()];
    const [fast, slow] = [await udpPeer(), await udpPeer()];
    const results = await proxying(target, () => [fast, slow].map(uriOf), { forking: 'simultaneous' });
    const caller = new Caller(alice, target);
    caller.send(caller.invite());
    const [won, lost] = [await fast.next('INVITE'), await slow.next('INVITE')];
    expect(won.branch).not.toBe(lost.branch);
    respond(target, slow, lost, 180);
    await alice.next(180);
    respond(target, fast, won, 200);
    await alice.next(200);
    const cancel = await slow.next('CANCEL');
    expect(cancel.branch).toBe(lost.branch);
    respond(target, slow, cancel, 200);
    respond(target, slow, lost, 487);
    await slow.next('ACK');
    expect((await results[0])?.connected).toBe(true);
    expect((await alice.rest()).filter((line) => line.includes('487'))).toEqual([]);
  });

  item(41, 'the caller’s CANCEL goes on, and its 487 comes back', SAME, async () => {
    const [target, alice, bob] = [await startTarget(), await udpPeer(), await udpPeer()];
    await proxying(target, () => [uriOf(bob)]);
    const caller = new Caller(alice, target);
    caller.send(caller.invite());
    const invite = await bob.next('INVITE');
    respond(target, bob, invite, 180);
    await alice.next(180);
    caller.send(caller.request('CANCEL', { branch: caller.inviteBranch }));
    await alice.next((message) => message.status === 200 && message.header('CSeq').endsWith('CANCEL'));
    respond(target, bob, await bob.next('CANCEL'), 200);
    respond(target, bob, invite, 487);
    await alice.next(487);
  });

  item(41, 'a redirect is followed where that was asked for', SAME, async () => {
    const [target, alice] = [await startTarget(), await udpPeer()];
    const [old, moved] = [await udpPeer(), await udpPeer()];
    await proxying(target, () => [uriOf(old)], { followRedirects: true });
    const caller = new Caller(alice, target);
    caller.send(caller.invite());
    const invite = await old.next('INVITE');
    const contact = `<${uriOf(moved)}>`;
    old.send(responseText(old, invite, 302, { toTag: 'o', extra: [`Contact: ${contact}`] }), target.sipPort);
    respond(target, moved, await moved.next('INVITE'), 200);
    await alice.next(200);
  });

  item(41, 'nobody there: 408, or 503 where that is known', OTHERWISE, async () => {
    const [target, alice] = [await startTarget({ fakeClock: true }), await udpPeer()];
    const silent = await udpPeer();
    const closed = await freePort();
    const results = await proxying(target, () => [uriOf(silent)]);
    const caller = new Caller(alice, target);
    caller.send(caller.invite());
    await silent.next('INVITE');
    await target.advance(33_000);
    await alice.next(408);
    expect((await results[0])?.finalStatus).toBe(408);
    const client = await application(target, 'options');
    const other = new Caller(alice, target);
    other.send(other.request('OPTIONS'));
    const options = await client.nextSip('OPTIONS');
    const order = `proxy|${txnOf(options)}||fullResponse||serial|||sip:x@127.0.0.1:${closed};transport=tcp`;
    const progress = await client.ask(order, clientRequest('OPTIONS', 'sip:x@127.0.0.1'));
    expect([progress.tokens[3], progress.tokens[12], progress.sip.slice(0, 11)]).toEqual([
      'OK',
      'continue',
      'SIP/2.0 503',
    ]);
    await alice.next(503);
  });

  item(41, 'an order that cannot be followed is NOK', OTHERWISE, async () => {
    const [target, alice] = [await startTarget(), await udpPeer()];
    const client = await application(target, 'options');
    const proxy = async (txnId: string, rest = '||serial|||sip:a@127.0.0.1') =>
      (
        await client.ask(`proxy|${txnId}||fullResponse${rest}`, clientRequest('OPTIONS', 'sip:a@127.0.0.1'))
      ).tokens.slice(3);
    expect(await proxy('nobody')).toEqual(['NOK', 'Unknown transaction id: nobody']);
    const caller = new Caller(alice, target);
    caller.send(caller.request('OPTIONS').replace('Max-Forwards: 70', 'Max-Forwards: 0'));
    const options = await client.nextSip('OPTIONS');
    expect(await proxy(txnOf(options), '||serial|soon||sip:a@127.0.0.1')).toEqual([
      'NOK',
      'Invalid proxy request: bad timeout',
    ]);
    expect(await proxy(txnOf(options))).toEqual([
      'NOK',
      'Rejected with 483 Too Many Hops due to Max-Forwards value of 0',
    ]);
    await alice.next(483);
  });

  item(41, 'remainInDialog: ACK, re-INVITE and BYE come by us both ways; nobody else’s do', OTHERWISE, async () => {
    const [target, alice, bob] = [await startTarget(), await udpPeer(), await udpPeer()];
    await proxying(target, () => [uriOf(bob)], { remainInDialog: true });
    const caller = new Caller(alice, target);
    caller.send(caller.invite());
    const invite = await bob.next('INVITE');
    const route = `<sip:127.0.0.1:${target.sipPort};lr>`;
    expect(invite.headers('Record-Route')).toEqual([route]);
    respond(target, bob, invite, 200, [`Record-Route: ${route}`]);
    caller.learn(await alice.next(200));
    const viaUs = (method: string, sequence: number): string =>
      caller
        .request(method, { sequence, extra: [`Route: ${route}`] })
        .replace(/^(\w+) \S+ /, `$1 sip:callee@127.0.0.1:${bob.port} `);
    caller.send(viaUs('ACK', 1));
    const ack = await bob.next('ACK');
    expect([ack.headers('Route'), ack.headers('Via').length, ack.uri]).toEqual([
      [],
      2,
      `sip:callee@127.0.0.1:${bob.port}`,
    ]);
    caller.send(viaUs('INVITE', 2));
    const again = await bob.next('INVITE');
    respond(target, bob, again, 200);
    await alice.next((message) => message.status === 200 && message.sequence === 2);
    const stranger = caller.request('INFO', { sequence: 3, extra: [`Route: ${route}`] });
    caller.send(stranger.replaceAll(caller.fromTag, 'stranger'));
    await alice.next(481);
    const bye = [
      `BYE sip:caller@127.0.0.1:${alice.port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${bob.port};branch=z9hG4bKbye${bob.port}`,
      `Route: ${route}`,
      'Max-Forwards: 70',
      `From: ${invite.header('To')};tag=t${bob.port}`,
      `To: ${invite.header('From')}`,
      `Call-ID: ${invite.header('Call-ID')}`,
      'CSeq: 1 BYE',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    bob.send(bye, target.sipPort);
    const heard = await alice.next('BYE');
    alice.send(responseText(alice, heard, 200), target.sipPort);
    await bob.next(200);
    await settle();
    caller.send(viaUs('INFO', 4));
    await alice.next(481);
  });
});
