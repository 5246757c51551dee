// The default engine: nothing to install and no process beside ours. werift makes the DTLS handshake; ICE (lite) and SRTP are ours,
// because a server on an address of its own needs no more, and because werift 0.25 has no replay protection and opens sockets on every
// interface. So a leg has exactly one socket, on the configured host, and asks no STUN server.

import { CipherContext, HashAlgorithm, NamedCurveAlgorithm, SignatureAlgorithm } from 'werift';
import { X509Certificate } from 'node:crypto';
import { bindUdp } from '../../udp.ts';
import type {
  OpenedEndpoint,
  WebRtcEndpointHost,
  WebRtcEndpointParams,
  WebRtcEngine,
  WebRtcEngineOptions,
} from '../endpoint.ts';
import type { DtlsIdentity } from './dtls.ts';
import { WeriftEndpoint } from './endpoint.ts';
import { fingerprintOf } from './proof.ts';

/** Characters of an ICE user fragment and password: 48 and 192 bits (RFC 8445 section 5.3 wants 24 and 128). */
const UFRAG_BYTES = 6;
const PASSWORD_BYTES = 24;

export async function createWeriftEngine(options: WebRtcEngineOptions): Promise<WebRtcEngine> {
  const identity = await createIdentity();
  const text = (bytes: number) => options.randomBytes(bytes).toString('base64');
  return {
    async open(params: WebRtcEndpointParams, host: WebRtcEndpointHost): Promise<OpenedEndpoint> {
      const socket = await bindUdp(options.host, params.port);
      if (socket === 'in-use') return { ok: false, code: 'in-use', detail: 'the port is taken' };
      if (socket === 'failed') return { ok: false, code: 'failed', detail: `${options.host} cannot be bound` };
      const local = {
        iceUfrag: text(UFRAG_BYTES),
        icePwd: text(PASSWORD_BYTES),
        address: options.externalAddress ?? options.host,
        port: params.port,
        fingerprint: identity.fingerprint,
        ssrc: params.ssrc,
      };
      const endpoint = new WeriftEndpoint(
        { socket, local, remote: params.remote, identity, nowMs: options.nowMs },
        host,
      );
      return { ok: true, endpoint };
    },
    close: () => Promise.resolve(),
  };
}

/** A certificate for the life of the thread; browsers know it by its fingerprint alone. */
async function createIdentity(): Promise<DtlsIdentity> {
  const signatureHash = { signature: SignatureAlgorithm.ecdsa_3, hash: HashAlgorithm.sha256_4 } as const;
  const made = await CipherContext.createSelfSignedCertificateWithKey(signatureHash, NamedCurveAlgorithm.secp256r1_23);
  const value = fingerprintOf(new X509Certificate(made.certPem).raw, 'sha-256');
  return { certPem: made.certPem, keyPem: made.keyPem, signatureHash, fingerprint: { algorithm: 'sha-256', value } };
}
