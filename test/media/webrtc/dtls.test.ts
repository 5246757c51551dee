// The DTLS server of a browser's leg against a client in memory: what it lets in, and above all what it does not. werift by itself lets in
// every client that sends the messages in order, whatever is in them.

import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CipherContext, DtlsClient, HashAlgorithm, NamedCurveAlgorithm, SignatureAlgorithm } from 'werift';
import { beforeAll, describe, expect, test } from 'vitest';
import type { MasterKey, SrtpProfile } from '../../../src/media/srtp/keys.ts';
import { DtlsLeg, type DtlsIdentity } from '../../../src/media/webrtc/werift/dtls.ts';
import { fingerprintOf } from '../../../src/media/webrtc/werift/proof.ts';
import { eventually } from '../support/eventually.ts';

let server: DtlsIdentity;
let browser: DtlsIdentity;
let thief: DtlsIdentity;
beforeAll(async () => {
  [server, browser, thief] = await Promise.all([identity(), identity(), identity()]);
});

describe('a DTLS handshake', () => {
  test('gives both sides the same keys, by GCM where both can', async () => {
    const { leg, client, secured, failures } = connect(browser);
    await eventually('it is secured', () => secured.length > 0);
    const theirs = client.extractSessionKeys(16, 12);
    expect(secured).toEqual([
      {
        profile: 'AEAD_AES_128_GCM',
        ours: { key: theirs.remoteKey, salt: theirs.remoteSalt },
        theirs: { key: theirs.localKey, salt: theirs.localSalt },
      },
    ]);
    expect(failures).toEqual([]);
    leg.close();
  });

  test('falls back to AES-CM with HMAC-SHA1', async () => {
    const { leg, secured } = connect(browser, { srtpProfiles: [1] });
    await eventually('it is secured', () => secured.length > 0);
    expect(secured[0]).toMatchObject({ profile: 'AES_CM_128_HMAC_SHA1_80' });
    expect(secured[0]!.ours.salt).toHaveLength(14);
    leg.close();
  });

  test('takes an RSA certificate', async () => {
    const rsa = await identity('rsa');
    const { leg, secured, failures } = connect(rsa);
    await eventually('it is over', () => secured.length + failures.length > 0);
    expect(failures).toEqual([]);
    leg.close();
  });

  test('comes about although datagrams are lost both ways', async () => {
    const { leg, secured, failures } = connect(browser, { lost: (index) => index === 0 || index === 2 });
    await eventually('it is over', () => secured.length + failures.length > 0, 12_000);
    expect(failures).toEqual([]);
    leg.close();
  });

  test.each([
    ['another certificate than the description’s', () => connect(thief, {}, browser), 'the certificate is another'],
    [
      'the description’s certificate, copied off the wire, without its key',
      () => connect({ ...browser, keyPem: thief.keyPem }),
      'the key of the certificate is not proved',
    ],
    ['no extended master secret', () => connect(browser, { extendedMasterSecret: false }), 'no extended master secret'],
    ['no SRTP', () => connect(browser, { srtpProfiles: [] }), 'no common SRTP profile'],
  ])('with %s ends without keys', async (_what, start, detail) => {
    const { secured, failures } = start();
    await eventually('it fails', () => failures.length > 0);
    expect(failures).toEqual([expect.stringContaining(detail)]);
    expect(secured).toEqual([]);
  });

  test('that was changed on its way ends without keys', async () => {
    const { client, secured, failures } = connect(browser);
    client.cipher.verifyData = () => Buffer.alloc(12, 1);
    await eventually('it fails', () => failures.length > 0);
    expect(failures).toEqual(['the handshake was changed on its way']);
    expect(secured).toEqual([]);
  });

  test('without a certificate ends without keys', async () => {
    const { client, secured, failures } = connect(browser);
    // The client never learns that it was asked for one.
    Object.defineProperty(client.dtls, 'requestedCertificateTypes', { get: () => [], set: () => undefined });
    await eventually('it fails', () => failures.length > 0, 10_000);
    expect(secured).toEqual([]);
  });

  test('of which too much comes is given up', () => {
    const { leg, failures } = connect(browser, {}, browser, false);
    const fragment = Buffer.alloc(1200);
    // A ClientHello of 16 MB, piece by piece.
    Buffer.from([22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 4, 163, 1, 255, 255, 255, 0, 0, 0, 0, 0, 4, 151]).copy(fragment);
    fragment.writeUIntBE(1200 - 25, 22, 3);
    fragment.writeUInt16BE(1200 - 13, 11);
    for (let count = 0; count < 100; count++) leg.datagram(fragment);
    expect(failures).toEqual(['too much of a handshake']);
  });
});

describe('a secured association', () => {
  test('does not begin anew, whoever sends a ClientHello', async () => {
    const { leg, toLeg, secured, failures, closed } = connect(browser);
    await eventually('it is secured', () => secured.length > 0);
    const hello = toLeg.find((bytes) => bytes[0] === 22 && bytes[13] === 1)!;
    leg.datagram(hello);
    const second = new DtlsClient({
      transport: transport((bytes) => leg.datagram(bytes)).transport,
      srtpProfiles: [7],
    });
    void second.connect().catch(() => undefined);
    await sleep(50);
    expect([secured.length, failures, closed.count]).toEqual([1, [], 0]);
    leg.close();
  });

  test('is not ended by an alert that anybody could have written', async () => {
    const { leg, secured, closed } = connect(browser);
    await eventually('it is secured', () => secured.length > 0);
    leg.datagram(Buffer.from([21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0]));
    leg.datagram(Buffer.from([24, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0]));
    leg.datagram(Buffer.from([21, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 26, ...new Array<number>(26).fill(0)]));
    leg.datagram(Buffer.from([21, 254, 253]));
    expect(closed.count).toBe(0);
    leg.close();
  });

  test('is ended by the peer’s close_notify, and ends with ours', async () => {
    const one = connect(browser);
    await eventually('it is secured', () => one.secured.length > 0);
    const { dtls, cipher, sessionType } = one.client;
    const header = { type: 21, version: 0xfefd, epoch: 1, sequenceNumber: ++dtls.recordSequenceNumber };
    const sealed = cipher.cipher.encrypt(sessionType, Buffer.from([1, 0]), header);
    const record = Buffer.alloc(13);
    record.writeUInt8(21, 0);
    record.writeUInt16BE(0xfefd, 1);
    record.writeUInt16BE(1, 3);
    record.writeUIntBE(header.sequenceNumber, 5, 6);
    record.writeUInt16BE(sealed.length, 11);
    one.leg.datagram(Buffer.concat([record, sealed]));
    expect(one.closed.count).toBe(1);

    const two = connect(browser);
    await eventually('it is secured', () => two.secured.length > 0);
    await sleep(20);
    let ended = false;
    two.client.onClose.subscribe(() => {
      ended = true;
    });
    two.leg.close();
    await eventually('the client is told', () => ended);
    const sent = two.fromLeg.length;
    two.leg.close();
    two.leg.datagram(Buffer.from([22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect(two.fromLeg.length).toBe(sent);
  });
});

type Change = {
  srtpProfiles?: (1 | 7)[];
  extendedMasterSecret?: boolean;
  /** Datagrams of each direction, by their number, that never arrive. */
  lost?: (index: number) => boolean;
};

/** `described`: whose fingerprint the description has. */
function connect(who: DtlsIdentity, { lost = () => false, ...change }: Change = {}, described = who, begin = true) {
  const secured: { profile: SrtpProfile; ours: MasterKey; theirs: MasterKey }[] = [];
  const failures: string[] = [];
  const toLeg: Buffer[] = [];
  const fromLeg: Buffer[] = [];
  const closed = { count: 0 };
  const wire = transport((bytes) => {
    toLeg.push(bytes);
    if (!lost(toLeg.length - 1)) queueMicrotask(() => leg.datagram(bytes));
  });
  const leg = new DtlsLeg(server, [described.fingerprint], {
    send: (bytes) => {
      fromLeg.push(bytes);
      if (!lost(fromLeg.length - 1)) queueMicrotask(() => wire.transport.onData(bytes, ['', 0]));
    },
    secured: (profile, ours, theirs) => secured.push({ profile, ours, theirs }),
    failed: (detail) => failures.push(detail),
    closedByPeer: () => {
      closed.count++;
    },
  });
  const client = new DtlsClient({
    transport: wire.transport,
    cert: who.certPem,
    key: who.keyPem,
    signatureHash: who.signatureHash,
    srtpProfiles: [7, 1],
    extendedMasterSecret: true,
    ...change,
  });
  if (begin) void client.connect().catch(() => undefined);
  return { leg, client, secured, failures, toLeg, fromLeg, closed };
}

function transport(send: (bytes: Buffer) => void) {
  return {
    transport: {
      type: 'memory',
      address: { address: '', family: '', port: 0 },
      closed: false,
      onData: (_bytes: Buffer, _from: readonly [string, number]): void => undefined,
      send: (bytes: Buffer) => {
        send(Buffer.from(bytes));
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    },
  };
}

async function identity(kind: 'ecdsa' | 'rsa' = 'ecdsa'): Promise<DtlsIdentity> {
  const signature = kind === 'rsa' ? SignatureAlgorithm.rsa_1 : SignatureAlgorithm.ecdsa_3;
  const made = await CipherContext.createSelfSignedCertificateWithKey(
    { signature, hash: HashAlgorithm.sha256_4 },
    NamedCurveAlgorithm.secp256r1_23,
  );
  const value = fingerprintOf(new X509Certificate(made.certPem).raw, 'sha-256');
  const signatureHash = made.signatureHash as DtlsIdentity['signatureHash'];
  return { certPem: made.certPem, keyPem: made.keyPem, signatureHash, fingerprint: { algorithm: 'sha-256', value } };
}
