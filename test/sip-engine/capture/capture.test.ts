import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Capture } from '../../../src/sip-engine/capture/capture.ts';
import { createEngine } from '../../../src/sip-engine/engine.ts';
import { RawSipPeer, requestText } from '../../support/raw-sip-peer.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { inviteBytes } from '../support/sip-text.ts';
import { readHep } from './read-hep.ts';

const closers: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** `port`: of the first one, for another at the same port. */
async function homer(address = '127.0.0.1', port = 0) {
  const socket = createSocket('udp4');
  const packets: Buffer[] = [];
  socket.on('message', (bytes) => packets.push(bytes));
  socket.bind(port, address);
  await once(socket, 'listening');
  closers.push(() => new Promise((resolve) => void socket.close(() => resolve(undefined))));
  return { port: (socket.address() as AddressInfo).port, packets };
}

async function engineWith(port: number) {
  const here = { host: '127.0.0.1', port: 0 };
  const capture = { host: '127.0.0.1', port, id: 7, password: '' };
  const engine = await createEngine({ udp: here, tcp: here, wire: { ...here, secret: 'any' }, capture });
  closers.push(() => engine.close());
  return { engine, sipPort: engine.addresses[0]?.port ?? 0 };
}

/** Refused with 503, since no application is there. */
async function ask(sipPort: number, headers: string[], body = '') {
  const peer = await RawSipPeer.udp();
  closers.push(() => peer.close());
  const uri = `sip:127.0.0.1:${sipPort}`;
  const from = `<${uri}>;tag=a`;
  const ids = {
    method: 'INVITE',
    uri,
    callId: 'captured@here',
    from,
    to: `<${uri}>`,
    sequence: 1,
    branch: 'z9hG4bKcap',
  };
  const text = requestText(peer, ids).replace(/Content-Length: 0\r\n\r\n$/i, '');
  peer.send(`${text}${headers.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`, sipPort);
  await peer.next(({ status }) => (status ?? 0) >= 200);
  return peer;
}

describe('signalling 24: copies for Homer', () => {
  test('of every message in both directions, with where it came from and where it went', async () => {
    const { port, packets } = await homer();
    const { sipPort, engine } = await engineWith(port);
    const peer = await ask(sipPort, [`Contact: <sip:a@127.0.0.1>`]);
    await expect.poll(() => packets.length).toBeGreaterThanOrEqual(2);
    const read = packets.map(readHep);
    expect(read[0]).toMatchObject({
      from: '127.0.0.1',
      fromPort: peer.port,
      toPort: sipPort,
      captureId: 7,
      correlation: 'captured@here',
    });
    expect(read[0]?.['payload']).toMatch(/^INVITE /);
    expect(read.at(-1)).toMatchObject({ fromPort: sipPort, toPort: peer.port });
    expect(read.at(-1)?.['payload']).toMatch(/^SIP\/2.0 503 /);
    expect(engine.stats().capture).toEqual({ sent: packets.length, dropped: 0 });
  });

  test('without credentials, keys of media and keyed digits', async () => {
    const { port, packets } = await homer();
    const { sipPort } = await engineWith(port);
    const sdp = 'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PLANTEDKEY\r\na=ice-pwd:PLANTEDPWD\r\n';
    await ask(
      sipPort,
      [
        'Contact: <sip:a@127.0.0.1>',
        'Content-Type: application/sdp',
        'Authorization: Digest username="u", response="PLANTEDHASH"',
        'X-Api-Key: PLANTEDTOKEN',
      ],
      sdp,
    );
    await expect.poll(() => packets.length).toBeGreaterThanOrEqual(2);
    const all = packets.map((bytes) => bytes.toString('latin1')).join();
    expect(all).toContain('a=crypto:1 AES_CM_128_HMAC_SHA1_80 [redacted]');
    expect(all).not.toContain('PLANTED');
  });

  test('are lost, and nothing else, where the server has a name that nobody knows: that is said once', async () => {
    const faults: unknown[] = [];
    const capture = new Capture(
      { host: 'homer.invalid', port: 9060, id: 7, password: '' },
      new FakeEngineClock(),
      (error) => faults.push(error),
    );
    closers.push(() => capture.close());
    const flow = { protocol: 'udp' as const, address: '127.0.0.1', port: 5060 };
    const send = () => capture.sent(inviteBytes(), flow, { address: '127.0.0.1', port: 5060 });
    send();
    await expect.poll(() => faults.length).toBe(1);
    send();
    await expect.poll(() => capture.stats).toEqual({ sent: 0, dropped: 2 });
    expect(faults).toHaveLength(1);
  });

  test('follow the name of the server, and find it when it has an address again', async () => {
    const old = await homer();
    const moved = await homer('127.0.0.2', old.port);
    const clock = new FakeEngineClock();
    const faults: unknown[] = [];
    let address: string | Error = new Error('getaddrinfo ENOTFOUND homer');
    const addressOf = async () => {
      if (typeof address !== 'string') throw address;
      return address;
    };
    const options = { host: 'homer', port: old.port, id: 7, password: '' };
    const capture = new Capture(options, clock, (error) => faults.push(error), addressOf);
    closers.push(() => capture.close());
    const flow = { protocol: 'udp' as const, address: '127.0.0.1', port: 5060 };
    const send = () => capture.sent(inviteBytes(), flow, { address: '127.0.0.1', port: 5060 });
    /** A copy of that moment or of a later one arrives: looking up takes its time. */
    const arrivesAt = async ({ packets }: { readonly packets: readonly Buffer[] }) => {
      const before = packets.length;
      const sendOne = () => {
        send();
        return packets.length;
      };
      await expect.poll(sendOne).toBeGreaterThan(before);
    };

    send();
    await expect.poll(() => capture.stats).toEqual({ sent: 0, dropped: 1 });
    address = '127.0.0.1';
    clock.advance(30_000);
    await arrivesAt(old);
    address = '127.0.0.2';
    clock.advance(30_000);
    await arrivesAt(moved);
    address = new Error('getaddrinfo EAI_AGAIN homer');
    clock.advance(30_000);
    await expect.poll(() => faults.length).toBe(2);
    clock.advance(30_000);
    const atOld = old.packets.length;
    await arrivesAt(moved);
    expect([old.packets.length, faults.length]).toEqual([atOld, 2]);
  });

  test('are lost, and nothing else, where nobody takes them', async () => {
    const { sipPort, engine } = await engineWith(9);
    await ask(sipPort, ['Contact: <sip:a@127.0.0.1>']);
    const { capture } = engine.stats();
    expect((capture?.sent ?? 0) + (capture?.dropped ?? 0)).toBeGreaterThan(0);
  });
});
