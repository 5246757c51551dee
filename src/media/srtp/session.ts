// Hot path: SRTP and SRTCP of one session whose keys never change, both directions: those of a browser (DTLS).

import type { MasterKey, SrtpProfile } from './keys.ts';
import { SrtpReceiver } from './receiver.ts';
import { SrtpSender } from './sender.ts';

export class SrtpSession {
  readonly #sender: SrtpSender;
  readonly #receiver: SrtpReceiver;

  constructor(profile: SrtpProfile, send: MasterKey, receive: MasterKey) {
    this.#sender = new SrtpSender(profile, send);
    this.#receiver = new SrtpReceiver(profile, receive);
  }

  protectRtp(packet: Buffer): Buffer {
    return this.#sender.protectRtp(packet);
  }

  protectRtcp(packet: Buffer): Buffer {
    return this.#sender.protectRtcp(packet);
  }

  unprotectRtp(packet: Buffer): Buffer | null {
    return this.#receiver.unprotectRtp(packet);
  }

  unprotectRtcp(packet: Buffer): Buffer | null {
    return this.#receiver.unprotectRtcp(packet);
  }
}
