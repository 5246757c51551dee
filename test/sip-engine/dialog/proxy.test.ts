import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../../src/sip-engine/engine.ts';
import { type RawMessage, RawSipPeer, responseText, SDP } from '../../support/raw-sip-peer.ts';
import { Caller, clientRequest, txnOf } from '../conformance/caller.ts';
import { application, atEnd, SECRET, startTarget, type Target, udpPeer } from '../conformance/target.ts';
import { WireClient } from '../conformance/wire-client.ts';

// Peers that do not play along: what is passed on ends all the same, nothing stays behind, and nobody is rung whom nobody calls any more.

const uriOf = (peer: RawSipPeer): string => `sip:callee@${peer.address}:${peer.port}`;

interface Order {
  readonly remains?: boolean;
  readonly redirects?: boolean;
  readonly atOnce?: boolean;
  readonly finalTimeout?: string;
  /** Peers are not on loopback. */
  readonly isFar?: boolean;
  /** Alice calls over a WebSocket. */
  readonly isBrowser?: boolean;
}

/** A call of Alice's that an application passes on to these. */
async function passedOn(targets: readonly RawSipPeer[], order: Order = {}) {
  const here = { host: '127.0.0.1', port: 0 };
  const anywhere = { host: '0.0.0.0', port: 0 };
  const target = await startTarget({
    fakeClock: true,
    engine: { udp: order.isFar === true ? anywhere : here, ...(order.isBrowser === true ? { ws: here } : {}) },
  });
  const alice = order.isBrowser === true ? await RawSipPeer.ws(target.wsPort) : await udpPeer();
  atEnd(() => alice.close());
  const client = await application(target, 'invite');
  const caller = new Caller(alice, target);
  caller.send(caller.invite());
  const invite = await client.nextSip('INVITE');
  const tokens = [
    order.remains === true ? 'remainInDialog' : '',
    'fullResponse',
    order.redirects === true ? 'followRedirects' : '',
    order.atOnce === true ? 'simultaneous' : 'serial',
    '',
    order.finalTimeout ?? '',
    ...targets.map(uriOf),
  ];
  client.send(`proxy|${txnOf(invite)}|${tokens.join('|')}`, clientRequest('INVITE', uriOf(targets[0]!)));
  const say = (peer: RawSipPeer, request: RawMessage, status: number, extra: readonly string[] = []): void => {
    const body = status === 200 && request.method === 'INVITE' ? { body: SDP } : {};
    peer.send(responseText(peer, request, status, { toTag: `t${peer.port}`, extra, ...body }), target.sipPort);
  };
  const hangUp = async (): Promise<void> => {
    caller.send(caller.request('CANCEL', { branch: caller.inviteBranch }));
    await alice.next((message) => message.status === 200 && message.header('CSeq').endsWith('CANCEL'));
  };
  return { target, alice, caller, client, say, hangUp };
}

const isFinal = ({ status }: RawMessage): boolean => (status ?? 0) >= 200;

/** Every transaction over UDP has come to its end after this, with nobody saying anything. */
async function nothingIsLeft(target: Target): Promise<void> {
  await target.advance(70_000, 5_000);
  expect(target.holds().transactions).toBe(0);
}

describe('a call that is passed on and given up', () => {
  test('is over when who was cancelled says nothing more', async () => {
    const bob = await udpPeer();
    const { target, alice, say, hangUp } = await passedOn([bob]);
    const invite = await bob.next('INVITE');
    say(bob, invite, 180);
    await alice.next(180);
    await hangUp();
    say(bob, await bob.next('CANCEL'), 200);
    await target.advance(33_000, 1_000);
    expect((await alice.next(isFinal)).status).toBe(487);
    await nothingIsLeft(target);
  });

  test('is over when it was cancelled before the first answer, and that was the last', async () => {
    const bob = await udpPeer();
    const { target, alice, say, hangUp } = await passedOn([bob]);
    const invite = await bob.next('INVITE');
    await hangUp();
    say(bob, invite, 100);
    say(bob, await bob.next('CANCEL'), 200);
    await target.advance(33_000, 1_000);
    expect((await alice.next(isFinal)).status).toBe(487);
    await nothingIsLeft(target);
  });

  test('leaves nothing of a target that rang too long and never said that it stopped', async () => {
    const [bob, carol] = [await udpPeer(), await udpPeer()];
    const { target, alice, caller, say } = await passedOn([bob, carol], { finalTimeout: '2s' });
    say(bob, await bob.next('INVITE'), 180);
    await alice.next(180);
    await target.advance(2_500);
    say(bob, await bob.next('CANCEL'), 200);
    say(carol, await carol.next('INVITE'), 404);
    expect((await alice.next(isFinal)).status).toBe(404);
    caller.ack(caller.inviteBranch);
    await nothingIsLeft(target);
  });

  test('is answered by whom it was taken from, should that be the first: nobody else is rung then', async () => {
    const [bob, carol] = [await udpPeer(), await udpPeer()];
    const { target, alice, say } = await passedOn([bob, carol], { finalTimeout: '2s' });
    const invite = await bob.next('INVITE');
    say(bob, invite, 180);
    await alice.next(180);
    await target.advance(2_500);
    const other = await carol.next('INVITE');
    say(carol, other, 180);
    await alice.next(180);
    say(bob, invite, 200);
    await alice.next(200);
    say(carol, await carol.next('CANCEL'), 200);
    say(carol, other, 487);
    await carol.next('ACK');
  });

  test('is cancelled in the place of a caller whose connection is gone and cannot be made again', async () => {
    const bob = await udpPeer();
    const { target, alice, say } = await passedOn([bob], { isBrowser: true });
    const invite = await bob.next('INVITE');
    say(bob, invite, 180);
    await alice.next(180);
    await alice.close();
    say(bob, await bob.next('CANCEL'), 200);
    say(bob, invite, 487);
    await bob.next('ACK');
    await nothingIsLeft(target);
  });

  test('is cancelled where it was sent, though its name has another address by now', async () => {
    const [first, second] = [await udpPeer('127.0.0.2'), await udpPeer('127.0.0.3')];
    const addresses = [first.address, second.address];
    const here = { host: '127.0.0.1', port: 0 };
    const engine = await createEngine(
      { udp: here, wire: { ...here, secret: SECRET } },
      { resolve: async () => addresses.shift() },
    );
    atEnd(() => engine.close());
    const client = await WireClient.ready(engine.wirePort, SECRET);
    atEnd(() => client.close());
    const placed = await client.ask(
      'sip||',
      clientRequest('INVITE', `sip:x@carrier.example:${first.port}`, ['From: <sip:a@b>', 'Contact: <sip:a@b>']),
    );
    const invite = await first.next('INVITE');
    const port = engine.addresses[0]?.port ?? 0;
    first.send(responseText(first, invite, 180, { toTag: 'r' }), port);
    await client.nextSip('SIP/2.0 180');
    await client.ask(`cancel|${placed.tokens[10]}|`, clientRequest('CANCEL', invite.uri));
    expect((await first.next('CANCEL')).branch).toBe(invite.branch);
  });
});

describe('a redirect rings nobody', () => {
  const redirectTo = (peer: RawSipPeer): string[] => [`Contact: <${uriOf(peer)}>`];

  test('after the caller has given up', async () => {
    const [old, moved] = [await udpPeer(), await udpPeer()];
    const { alice, say, hangUp } = await passedOn([old], { redirects: true });
    const invite = await old.next('INVITE');
    say(old, invite, 180);
    await alice.next(180);
    await hangUp();
    say(old, await old.next('CANCEL'), 200);
    say(old, invite, 302, redirectTo(moved));
    await alice.next(isFinal);
    expect(await moved.rest()).toEqual([]);
  });

  test('of those whom only somebody nearer to us can reach', async ({ skip }) => {
    const outward = Object.values(networkInterfaces())
      .flatMap((entries) => entries ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal);
    if (outward === undefined) return skip('this machine has no address but loopback ones');
    const [old, moved] = [await udpPeer(outward.address), await udpPeer()];
    const { alice, say } = await passedOn([old], { redirects: true, isFar: true });
    say(old, await old.next('INVITE'), 302, redirectTo(moved));
    expect((await alice.next(isFinal)).status).toBe(302);
    expect(await moved.rest()).toEqual([]);
  });

  test('after somebody has refused for all', async () => {
    const [old, moved, done] = [await udpPeer(), await udpPeer(), await udpPeer()];
    const { alice, say } = await passedOn([old, done], { redirects: true, atOnce: true });
    const invite = await old.next('INVITE');
    say(old, invite, 180);
    await alice.next(180);
    say(done, await done.next('INVITE'), 603);
    await old.next('CANCEL');
    say(old, invite, 302, redirectTo(moved));
    expect((await alice.next(isFinal)).status).toBe(603);
    expect(await moved.rest()).toEqual([]);
  });
});

describe('a re-INVITE of a call that was passed on', () => {
  async function talking() {
    const bob = await udpPeer();
    const call = await passedOn([bob], { remains: true });
    const { target, alice, caller, say } = call;
    const route = `<sip:127.0.0.1:${target.sipPort};lr>`;
    const invite = await bob.next('INVITE');
    say(bob, invite, 200, [`Record-Route: ${route}`]);
    caller.learn(await alice.next(200));
    const send = (method: string, sequence: number, branch?: string): void =>
      caller.send(
        caller
          .request(method, { sequence, extra: [`Route: ${route}`], ...(branch === undefined ? {} : { branch }) })
          .replace(/^(\w+) \S+ /, `$1 ${uriOf(bob)} `),
      );
    send('ACK', 1);
    await bob.next('ACK');
    send('INVITE', 2, 'z9hG4bKagain');
    const again = await bob.next('INVITE');
    say(bob, again, 180);
    await alice.next(({ status, sequence }) => status === 180 && sequence === 2);
    return { ...call, bob, again, send };
  }

  test('is cancelled at its other end, too', async () => {
    const { bob, alice, again, send, say } = await talking();
    send('CANCEL', 2, 'z9hG4bKagain');
    const cancel = await bob.next('CANCEL');
    expect(cancel.branch).toBe(again.branch);
    say(bob, cancel, 200);
    say(bob, again, 487);
    expect((await alice.next(({ status }) => status === 487)).sequence).toBe(2);
  });

  test('does not ring for ever', async () => {
    const { target, bob, alice, say } = await talking();
    await target.advance(190_000, 5_000);
    say(bob, await bob.next('CANCEL'), 200);
    await target.advance(33_000, 5_000);
    expect((await alice.next(({ status }) => status === 408)).sequence).toBe(2);
    await nothingIsLeft(target);
  });
});
