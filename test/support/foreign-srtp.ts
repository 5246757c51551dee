// SRTP of somebody else, for tests: written from RFC 3711 and RFC 7714 in the plainest way, with nothing of src in it. One direction; the
// roll-over counter is the test's to give.

import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';

export type ForeignSuite =
  | 'AES_CM_128_HMAC_SHA1_80'
  | 'AES_CM_128_HMAC_SHA1_32'
  | 'AEAD_AES_128_GCM'
  | 'AEAD_AES_256_GCM';

export class ForeignSrtp {
  readonly #suite: ForeignSuite;
  readonly #key: Buffer;
  readonly #salt: Buffer;
  #reports = 0;

  /** `keyAndSalt` as in a=crypto: base64. */
  constructor(suite: ForeignSuite, keyAndSalt: string) {
    const bytes = Buffer.from(keyAndSalt, 'base64');
    const keyBytes = suite === 'AEAD_AES_256_GCM' ? 32 : 16;
    this.#suite = suite;
    this.#key = bytes.subarray(0, keyBytes);
    this.#salt = bytes.subarray(keyBytes);
  }

  /** An RTP packet with a header of 12 bytes. */
  protect(packet: Buffer, counter = 0): Buffer {
    const [header, payload] = [packet.subarray(0, 12), packet.subarray(12)];
    const ssrc = packet.subarray(8, 12);
    const index = Buffer.alloc(6);
    index.writeUInt32BE(counter, 0);
    packet.copy(index, 4, 2, 4);
    if (this.#isGcm) {
      const nonce = xored(this.#derived(2, 12), Buffer.concat([Buffer.alloc(2), ssrc, index]));
      const cipher = createCipheriv(this.#gcm, this.#derived(0, this.#key.length), nonce);
      cipher.setAAD(header);
      return Buffer.concat([header, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
    }
    const closed = Buffer.concat([header, this.#counterMode(0, 2, ssrc, index, payload)]);
    return Buffer.concat([closed, this.#mac(1, Buffer.concat([closed, index.subarray(0, 4)]), this.#tagBytes)]);
  }

  /** The RTP packet, or null where it is not authentic. */
  unprotect(packet: Buffer, counter = 0): Buffer | null {
    const [header, ssrc] = [packet.subarray(0, 12), packet.subarray(8, 12)];
    const index = Buffer.alloc(6);
    index.writeUInt32BE(counter, 0);
    packet.copy(index, 4, 2, 4);
    if (this.#isGcm) {
      const nonce = xored(this.#derived(2, 12), Buffer.concat([Buffer.alloc(2), ssrc, index]));
      return this.#openGcm(0, nonce, header, packet.subarray(12));
    }
    const closed = packet.subarray(0, packet.length - this.#tagBytes);
    const tag = this.#mac(1, Buffer.concat([closed, index.subarray(0, 4)]), this.#tagBytes);
    if (!timingSafeEqual(tag, packet.subarray(closed.length))) return null;
    return Buffer.concat([header, this.#counterMode(0, 2, ssrc, index, closed.subarray(12))]);
  }

  protectReport(report: Buffer): Buffer {
    const [clear, rest, ssrc] = [report.subarray(0, 8), report.subarray(8), report.subarray(4, 8)];
    const word = Buffer.alloc(4);
    word.writeUInt32BE((0x8000_0000 | ++this.#reports) >>> 0);
    const index = Buffer.from([0, 0, word[0]! & 0x7f, word[1]!, word[2]!, word[3]!]);
    if (this.#isGcm) {
      const nonce = xored(this.#derived(5, 12), Buffer.concat([Buffer.alloc(2), ssrc, index]));
      const cipher = createCipheriv(this.#gcm, this.#derived(3, this.#key.length), nonce);
      cipher.setAAD(Buffer.concat([clear, word]));
      return Buffer.concat([clear, cipher.update(rest), cipher.final(), cipher.getAuthTag(), word]);
    }
    const closed = Buffer.concat([clear, this.#counterMode(3, 5, ssrc, index, rest), word]);
    return Buffer.concat([closed, this.#mac(4, closed, 10)]);
  }

  unprotectReport(packet: Buffer): Buffer | null {
    const [clear, ssrc] = [packet.subarray(0, 8), packet.subarray(4, 8)];
    const word = this.#isGcm ? packet.subarray(-4) : packet.subarray(-14, -10);
    const index = Buffer.from([0, 0, word[0]! & 0x7f, word[1]!, word[2]!, word[3]!]);
    if (this.#isGcm) {
      const nonce = xored(this.#derived(5, 12), Buffer.concat([Buffer.alloc(2), ssrc, index]));
      const opened = this.#openGcm(3, nonce, Buffer.concat([clear, word]), packet.subarray(8, -4));
      return opened === null ? null : Buffer.concat([clear, opened.subarray(12)]);
    }
    const closed = packet.subarray(0, -10);
    if (!timingSafeEqual(this.#mac(4, closed, 10), packet.subarray(-10))) return null;
    return Buffer.concat([clear, this.#counterMode(3, 5, ssrc, index, closed.subarray(8, -4))]);
  }

  get #isGcm(): boolean {
    return this.#suite.startsWith('AEAD');
  }

  get #gcm(): 'aes-128-gcm' | 'aes-256-gcm' {
    return this.#key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
  }

  get #tagBytes(): number {
    return this.#suite === 'AES_CM_128_HMAC_SHA1_32' ? 4 : 10;
  }

  /** RFC 3711 section 4.3.3: the label stands 7 bytes from the end of the salt of 14. */
  #derived(label: number, bytes: number): Buffer {
    const block = Buffer.concat([this.#salt, Buffer.alloc(16 - this.#salt.length)]);
    block[7] = block[7]! ^ label;
    return createCipheriv(`aes-${this.#key.length * 8}-ctr`, this.#key, block).update(Buffer.alloc(bytes));
  }

  #counterMode(keyLabel: number, saltLabel: number, ssrc: Buffer, index: Buffer, bytes: Buffer): Buffer {
    const place = Buffer.concat([Buffer.alloc(4), ssrc, index]);
    const block = Buffer.concat([xored(this.#derived(saltLabel, 14), place), Buffer.alloc(2)]);
    return createCipheriv('aes-128-ctr', this.#derived(keyLabel, 16), block).update(bytes);
  }

  #mac(label: number, bytes: Buffer, tagBytes: number): Buffer {
    return createHmac('sha1', this.#derived(label, 20)).update(bytes).digest().subarray(0, tagBytes);
  }

  /** `aad` with the plain text behind it. */
  #openGcm(keyLabel: number, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer | null {
    const decipher = createDecipheriv(this.#gcm, this.#derived(keyLabel, this.#key.length), nonce, {
      authTagLength: 16,
    });
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(-16));
    const plain = decipher.update(sealed.subarray(0, -16));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return Buffer.concat([aad, plain]);
  }
}

function xored(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ b[at]!));
}
