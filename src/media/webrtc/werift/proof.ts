// Does the browser hold the key of the certificate it showed, and is the handshake the one it saw? werift's DTLS server (0.25) takes a
// client's CertificateVerify and Finished without looking into them, so that a certificate copied off the wire would pass. Here both are
// checked against the transcript that werift keeps (RFC 5246 sections 7.4.8 and 7.4.9, RFC 6347 section 4.2.6).
//
// Invariant W1. The certificate is the one in the transcript, never one sent later.

import { createHash, createHmac, timingSafeEqual, verify, X509Certificate } from 'node:crypto';
import type { DtlsFingerprint } from '../../../domain/webrtc-parameters.ts';

/** One handshake message, as the transcript has it. */
export interface HandshakeMessage {
  readonly msg_type: number;
  readonly message_seq: number;
  /** Its body. */
  readonly fragment: Buffer;
  serialize(): Buffer;
}

export interface Handshake {
  /** ClientHello to ServerHelloDone, in the order of the transcript. */
  readonly opening: readonly HandshakeMessage[];
  /** What the client sent then, in any order: Certificate to Finished. */
  readonly client: readonly HandshakeMessage[];
  readonly masterSecret: Buffer;
}

const MESSAGE = { certificate: 11, certificateVerify: 15, finished: 20 } as const;
/** What our CertificateRequest allows (SignatureAndHashAlgorithm), and the key each needs. */
const SCHEMES: ReadonlyMap<number, 'rsa' | 'ec'> = new Map([
  [0x0401, 'rsa'],
  [0x0403, 'ec'],
]);
const VERIFY_DATA_BYTES = 12;

/** Null = proved; else what is not. */
export function handshakeFault(handshake: Handshake, fingerprints: readonly DtlsFingerprint[]): string | null {
  const find = (type: number) => handshake.client.find((message) => message.msg_type === type);
  const [shown, signed, finished] = [MESSAGE.certificate, MESSAGE.certificateVerify, MESSAGE.finished].map(find);
  const certificate = shown === undefined ? null : firstCertificate(shown.fragment);
  if (certificate === null || signed === undefined || finished === undefined) return 'the handshake is incomplete';
  if (!matches(certificate, fingerprints)) return 'the certificate is another than the description names';
  if (!signatureHolds(certificate, signed.fragment, transcriptBefore(handshake, signed))) {
    return 'the key of the certificate is not proved';
  }
  const expected = clientVerifyData(handshake.masterSecret, transcriptBefore(handshake, finished));
  const given = finished.fragment;
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return 'the handshake was changed on its way';
  return null;
}

function transcriptBefore(handshake: Handshake, message: HandshakeMessage): Buffer {
  const before = handshake.client
    .filter((other) => other.message_seq < message.message_seq)
    .toSorted((a, b) => a.message_seq - b.message_seq);
  return Buffer.concat([...handshake.opening, ...before].map((part) => part.serialize()));
}

/** |list 24|certificate 24| bytes … */
function firstCertificate(body: Buffer): Buffer | null {
  if (body.length < 6) return null;
  const length = body.readUIntBE(3, 3);
  return length === 0 || 6 + length > body.length ? null : body.subarray(6, 6 + length);
}

function matches(certificate: Buffer, fingerprints: readonly DtlsFingerprint[]): boolean {
  return fingerprints.some(({ algorithm, value }) => fingerprintOf(certificate, algorithm) === value);
}

export function fingerprintOf(certificate: Buffer, algorithm: DtlsFingerprint['algorithm']): string {
  const digest = createHash(algorithm.replace('-', '')).update(certificate).digest('hex').toUpperCase();
  return digest.match(/../g)!.join(':');
}

/** |scheme 16|length 16| signature */
function signatureHolds(certificate: Buffer, body: Buffer, transcript: Buffer): boolean {
  if (body.length < 4) return false;
  const keyType = SCHEMES.get(body.readUInt16BE(0));
  const signature = body.subarray(4);
  if (keyType === undefined || signature.length !== body.readUInt16BE(2)) return false;
  try {
    const key = new X509Certificate(certificate).publicKey;
    return key.asymmetricKeyType === keyType && verify('sha256', transcript, key, signature);
  } catch (error) {
    // A certificate or a signature that cannot even be read proves nothing.
    void error;
    return false;
  }
}

/** RFC 5246 section 7.4.9 with SHA-256: P_SHA256 needs one round for 12 bytes. */
function clientVerifyData(masterSecret: Buffer, transcript: Buffer): Buffer {
  const seed = Buffer.concat([Buffer.from('client finished'), createHash('sha256').update(transcript).digest()]);
  const hmac = (data: Buffer) => createHmac('sha256', masterSecret).update(data).digest();
  return hmac(Buffer.concat([hmac(seed), seed])).subarray(0, VERIFY_DATA_BYTES);
}
