// The DTLS server of one browser's leg: werift's handshake (1.2), our checks around it, SRTP keys out of it.
//
// Invariants
//   D1. Keys come out once, after the browser proved the certificate of its description (proof.ts), with the extended master secret
//       (RFC 7627) and a profile of ours. Every other end is a failure.
//   D2. After that no handshake begins anew (a ClientHello is dropped), and only an alert that is authentic ends it.
//   D3. What a peer may make us keep or compute is bounded: HANDSHAKE_BYTES_MAX of DTLS, then nothing more is read.

import { DtlsServer, type SrtpProfile as WeriftProfile, type Transport } from 'werift';
import type { DtlsFingerprint } from '../../../domain/webrtc-parameters.ts';
import { PROFILE_SIZES, type MasterKey, type SrtpProfile } from '../../srtp/keys.ts';
import { handshakeFault } from './proof.ts';

/** Of this thread; made once. */
export interface DtlsIdentity {
  readonly certPem: string;
  readonly keyPem: string;
  readonly signatureHash: { readonly signature: 3; readonly hash: 4 };
  readonly fingerprint: DtlsFingerprint;
}

export interface DtlsHost {
  send(datagram: Buffer): void;
  secured(profile: SrtpProfile, ours: MasterKey, theirs: MasterKey): void;
  failed(detail: string): void;
  closedByPeer(): void;
}

/** RFC 5764 section 4.1.2 and RFC 7714 section 14.2; ours first. */
const PROFILES: readonly (readonly [WeriftProfile, SrtpProfile])[] = [
  [7, 'AEAD_AES_128_GCM'],
  [1, 'AES_CM_128_HMAC_SHA1_80'],
];
/** A handshake has about 4 KB, repeated some times at worst. */
const HANDSHAKE_BYTES_MAX = 65_536;

const CONTENT = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;
const CLIENT_HELLO = 1;
const RECORD_HEADER_BYTES = 13;
/** Flights of werift's state machine: what we send between ClientHello and Finished, what the client sends then, and no more. */
const FLIGHT = { server: 4, client: 5, over: 99 } as const;
const CLOSE_NOTIFY = Buffer.from([1, 0]);
const FATAL = 2;

export class DtlsLeg {
  readonly #host: DtlsHost;
  readonly #fingerprints: readonly DtlsFingerprint[];
  readonly #server: DtlsServer;
  readonly #transport: Transport;
  #secured = false;
  #over = false;
  #bytes = 0;

  constructor(identity: DtlsIdentity, fingerprints: readonly DtlsFingerprint[], host: DtlsHost) {
    this.#host = host;
    this.#fingerprints = fingerprints;
    this.#transport = {
      type: 'webrtc',
      address: { address: '', family: '', port: 0 },
      closed: false,
      onData: () => undefined,
      send: (data) => {
        if (!this.#over) host.send(data);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
    this.#server = new DtlsServer({
      transport: this.#transport,
      cert: identity.certPem,
      key: identity.keyPem,
      signatureHash: identity.signatureHash,
      srtpProfiles: PROFILES.map(([id]) => id),
      extendedMasterSecret: true,
      certificateRequest: true,
    });
    const handle = this.#server.onHandleHandshakes;
    this.#server.onHandleHandshakes = async (messages) => {
      if (this.#secured && messages.some((message) => message.msg_type === CLIENT_HELLO)) return;
      await handle(messages);
    };
    this.#server.onConnect.subscribe(() => this.#connected());
    this.#server.onError.subscribe((error) => this.#fail(error instanceof Error ? error.message : String(error)));
    this.#server.onClose.subscribe(() => this.#fail('the peer ended the handshake'));
  }

  /** A datagram of the peer whose first byte says DTLS. */
  datagram(bytes: Buffer): void {
    const records = this.#over ? null : recordsOf(bytes);
    if (records === null) return;
    if (!this.#secured) {
      this.#feed(bytes);
      return;
    }
    for (const record of records) {
      if (record[0] === CONTENT.alert) this.#alert(record);
      else if (record[0] !== CONTENT.applicationData) this.#feed(record);
    }
  }

  /** Tells the peer where there is a secured association, and stops the repetition of flights. */
  close(): void {
    if (this.#secured && !this.#over) this.#host.send(this.#closeNotify());
    this.#over = true;
    this.#server.dtls.flight = FLIGHT.over;
  }

  #feed(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > HANDSHAKE_BYTES_MAX) {
      if (!this.#secured) this.#fail('too much of a handshake');
      return;
    }
    try {
      this.#transport.onData(Buffer.from(bytes), ['', 0]);
    } catch (error) {
      if (!this.#secured) this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** D2. werift (0.25) believes an alert that is not encrypted, and one that is labelled so and is not. */
  #alert(record: Buffer): void {
    const { cipher, sessionType } = this.#server;
    const header = {
      type: CONTENT.alert,
      version: record.readUInt16BE(1),
      epoch: record.readUInt16BE(3),
      sequenceNumber: record.readUIntBE(5, 6),
    };
    let alert: Buffer;
    try {
      alert = cipher.cipher.decrypt(sessionType, record.subarray(RECORD_HEADER_BYTES), header);
    } catch (error) {
      // Not the peer's.
      void error;
      return;
    }
    if (alert[0] === FATAL || alert[1] === CLOSE_NOTIFY[1]) this.#host.closedByPeer();
  }

  /** Called by werift for every Finished that it answered, repetitions included. */
  #connected(): void {
    if (this.#secured || this.#over) return;
    const { dtls, cipher, srtp } = this.#server;
    const fault = handshakeFault(
      {
        opening: dtls.handshakeCache[FLIGHT.server]?.data ?? [],
        client: dtls.handshakeCache[FLIGHT.client]?.data ?? [],
        masterSecret: cipher.masterSecret,
      },
      this.#fingerprints,
    );
    if (fault !== null) return this.#fail(fault);
    if (!dtls.remoteExtendedMasterSecret) return this.#fail('no extended master secret');
    const profile = PROFILES.find(([id]) => id === srtp.srtpProfile)?.[1];
    if (profile === undefined) return this.#fail('no common SRTP profile');
    const { keyBytes, saltBytes } = PROFILE_SIZES[profile];
    const keys = this.#server.extractSessionKeys(keyBytes, saltBytes);
    this.#secured = true;
    this.#host.secured(
      profile,
      { key: keys.localKey, salt: keys.localSalt },
      { key: keys.remoteKey, salt: keys.remoteSalt },
    );
  }

  #fail(detail: string): void {
    if (this.#over) return;
    this.close();
    this.#host.failed(detail);
  }

  #closeNotify(): Buffer {
    const { dtls, cipher } = this.#server;
    const header = {
      type: CONTENT.alert,
      version: 0xfefd,
      epoch: dtls.epoch,
      sequenceNumber: ++dtls.recordSequenceNumber,
    };
    const sealed = cipher.cipher.encrypt(this.#server.sessionType, CLOSE_NOTIFY, header);
    const record = Buffer.alloc(RECORD_HEADER_BYTES + sealed.length);
    record.writeUInt8(header.type, 0);
    record.writeUInt16BE(header.version, 1);
    record.writeUInt16BE(header.epoch, 3);
    record.writeUIntBE(header.sequenceNumber, 5, 6);
    record.writeUInt16BE(sealed.length, 11);
    sealed.copy(record, RECORD_HEADER_BYTES);
    return record;
  }
}

/** The records of a datagram, header included; null = not DTLS (RFC 6347 section 4.1). */
function recordsOf(bytes: Buffer): Buffer[] | null {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + RECORD_HEADER_BYTES > bytes.length) return null;
    const end = at + RECORD_HEADER_BYTES + bytes.readUInt16BE(at + 11);
    const type = bytes[at]!;
    if (end > bytes.length || type < CONTENT.changeCipherSpec || type > CONTENT.applicationData) return null;
    records.push(bytes.subarray(at, end));
    at = end;
  }
  return records;
}
