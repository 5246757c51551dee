import { afterEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/sip-engine/engine.ts';
import { RawMessage, SDP } from '../../support/raw-sip-peer.ts';
import { REFERENCE } from '../support/reference-server.ts';
import { TcpListener, UdpPeer } from '../support/transport-probe.ts';
import { clientRequest, respond, unique } from './caller.ts';
import { SECRET } from './target.ts';
import { WireClient } from './wire-client.ts';

// A gateway with an address in each of two networks and one of IPv6: what a peer is told of us leads back the way it came.

const HOSTS = ['127.0.0.1', '127.0.0.2', '::1'] as const;
const url = (host: string): string => (host.includes(':') ? `[${host}]` : host);

let engine: Engine;
let client: WireClient;
const peers: UdpPeer[] = [];

afterEach(async () => {
  client.close();
  await engine.close();
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

async function start(hosts: readonly string[] = HOSTS): Promise<void> {
  const listen = hosts.map((host) => ({ host, port: 0 }));
  const wire = { host: '127.0.0.1', port: 0, secret: SECRET };
  engine = await createEngine({ udp: listen, tcp: listen, wire });
  client = await WireClient.ready(engine.wirePort, SECRET, 'invite');
}

function portAt(host: string, protocol = 'udp'): number {
  return engine.addresses.find((address) => address.host === host && address.protocol === protocol)?.port ?? 0;
}

async function peerAt(host: string): Promise<UdpPeer> {
  const peer = await UdpPeer.open(host);
  peers.push(peer);
  return peer;
}

async function heard(peer: UdpPeer, start: string): Promise<RawMessage & { readonly fromPort: number }> {
  for (let count = 1; ; count++) {
    const found = peer.received.find(({ text }) => text.startsWith(start));
    const message =
      found && Object.assign(new RawMessage(found.text, { address: '', port: 0 }), { fromPort: found.port });
    if (message !== undefined) return message;
    await peer.receive(Math.max(count, peer.received.length + 1));
  }
}

function request(method: string, host: string, peer: UdpPeer, callId: string, to = ''): string {
  const body = method === 'INVITE' ? SDP : '';
  return [
    `${method} sip:x@${url(host)}:${portAt(host)} SIP/2.0`,
    `Via: SIP/2.0/UDP ${url(host)}:${peer.port};branch=${unique('z9hG4bK')}`,
    'Max-Forwards: 70',
    `From: <sip:a@${url(host)}>;tag=a`,
    `To: <sip:x@${url(host)}>${to}`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:a@${url(host)}:${peer.port}>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

// The reference is started with one address (reference-server.ts).
describe.skipIf(REFERENCE !== undefined)('several listeners of one protocol (4.9; signalling 7: IPv6)', () => {
  test.each(HOSTS)(
    'a call to %s is answered from there, with a Contact that leads there, and ended from there',
    async (host) => {
      await start();
      const peer = await peerAt(host);
      peer.send(request('INVITE', host, peer, unique('call')), portAt(host), host);
      const invite = await client.nextSip('INVITE');
      expect(invite.tokens.slice(10, 12)).toEqual([host, String(portAt(host))]);
      await respond(client, invite, 200, { body: SDP });
      const ok = await heard(peer, 'SIP/2.0 200');
      expect([ok.fromPort, ok.header('Contact')]).toEqual([portAt(host), `<sip:${url(host)}:${portAt(host)}>`]);
      peer.send(request('ACK', host, peer, ok.header('Call-ID'), `;tag=${ok.tag('To')}`), portAt(host), host);
      const ack = await client.nextSip('ACK');
      await client.ask(`sip||${ack.tokens[9]}`, clientRequest('BYE', 'sip:placeholder'));
      const bye = await heard(peer, 'BYE');
      expect([bye.fromPort, bye.header('Via').split(';')[0]]).toEqual([
        portAt(host),
        `SIP/2.0/UDP ${url(host)}:${portAt(host)}`,
      ]);
    },
  );

  test.each(['127.0.0.2', '::1'])(
    'a call of ours to a peer at %s leaves from the listener nearest to it',
    async (host) => {
      await start();
      const peer = await peerAt(host);
      await client.ask('sip||', clientRequest('INVITE', `sip:b@${url(host)}:${peer.port}`, [], SDP));
      const invite = await heard(peer, 'INVITE');
      expect([invite.fromPort, invite.header('Contact'), invite.header('Via').split(';')[0]]).toEqual([
        portAt(host),
        `<sip:${url(host)}:${portAt(host)}>`,
        `SIP/2.0/UDP ${url(host)}:${portAt(host)}`,
      ]);
    },
  );

  test('over TCP it is called from the address of that listener', async () => {
    await start();
    const listener = await TcpListener.open('::1');
    await client.ask('sip||', clientRequest('INVITE', `sip:b@[::1]:${listener.port};transport=tcp`, [], SDP));
    const peer = await listener.peer(0);
    await peer.until(({ text }) => text.includes('INVITE'));
    expect([peer.socket.remoteAddress, peer.text]).toEqual([
      '::1',
      expect.stringContaining(`[::1]:${portAt('::1', 'tcp')}`),
    ]);
    await listener.close();
  });

  test('one wildcard of IPv6 serves both families, and is called by an address of the peer’s', async () => {
    await start(['::']);
    const port = portAt('::');
    for (const host of ['127.0.0.1', '::1']) {
      const peer = await peerAt(host);
      await client.ask('sip||', clientRequest('OPTIONS', `sip:b@${url(host)}:${peer.port}`));
      const options = await heard(peer, 'OPTIONS');
      const via = options.header('Via').split(';')[0] ?? '';
      expect([options.fromPort, via.includes('[')]).toEqual([port, host === '::1']);
    }
  });
});
