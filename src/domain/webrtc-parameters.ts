// What offer and answer agree on for the transport of a browser's leg (RFC 8839 ICE, RFC 8842 DTLS): SDP makes it, media lives by it.
// Our side is always the passive one: the browser sends the ICE checks and the DTLS ClientHello.

export interface DtlsFingerprint {
  readonly algorithm: 'sha-256' | 'sha-384' | 'sha-512';
  /** Upper-case hex bytes with colons. */
  readonly value: string;
}

/** The browser's side. Its candidates are not among it: we answer where its checks come from, and send nowhere else. */
export interface WebRtcRemote {
  readonly iceUfrag: string;
  readonly icePwd: string;
  /** At least one; the certificate must match one of them. */
  readonly fingerprints: readonly DtlsFingerprint[];
  /** SSRC of its audio where the description names one. */
  readonly ssrc: number | null;
  /** Identification of the audio stream, and the header extension that carries it in RTP (RFC 9143); null where not offered. */
  readonly mid: string | null;
  readonly midExtension: number | null;
}

/** Our side, as the engine that carries the leg made it. */
export interface WebRtcLocal {
  readonly iceUfrag: string;
  readonly icePwd: string;
  /** The one host candidate, over UDP. */
  readonly address: string;
  readonly port: number;
  readonly fingerprint: DtlsFingerprint;
  /** SSRC of the audio that we send. */
  readonly ssrc: number;
}
