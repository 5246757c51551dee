// What the connections of one media thread share: buffers, masking keys, the TLS context, and the operator's policy. Made once per thread
// by whoever builds the stream factory; nothing here opens a socket.

import { randomBytes } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

import { type Clock, systemClock } from '../../domain/clock.ts';
import { createMaskSource, FramePool, type MaskSource } from './frame.ts';
import { MESSAGE_BYTES_MAX, READ_BYTES } from './limits.ts';

export interface ConnectionOptions {
  /** Only for the bounded wait at the close of a connection; everything else runs on `tick`. */
  readonly clock?: Clock;
  /** 16 random bytes in base64, one per handshake. */
  readonly handshakeKey?: () => string;
  readonly maskSource?: MaskSource;
  readonly messageBytesMax?: number;
  /** PEM of the authorities trusted for wss; undefined = those of the runtime. */
  readonly certificateAuthorities?: string;
  /** Is this resolved IP address allowed? Asked for the very address that is then dialled (no second look-up). */
  readonly addressAllowed?: (address: string) => boolean;
}

export class ConnectionResources {
  readonly clock: Clock;
  readonly handshakeKey: () => string;
  readonly nextMask: MaskSource;
  readonly messageBytesMax: number;
  readonly addressAllowed: ((address: string) => boolean) | undefined;
  readonly frames = new FramePool();
  /** Owned by whichever TCP connection's read callback is running. */
  readonly readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #certificateAuthorities: string | undefined;
  #secureContext: SecureContext | undefined;

  constructor(options: ConnectionOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.handshakeKey = options.handshakeKey ?? (() => randomBytes(16).toString('base64'));
    this.nextMask = options.maskSource ?? createMaskSource();
    this.messageBytesMax = options.messageBytesMax ?? MESSAGE_BYTES_MAX;
    this.addressAllowed = options.addressAllowed;
    this.#certificateAuthorities = options.certificateAuthorities;
  }

  /** Made at the first wss connection: reading the root certificates takes some ms and is then shared. */
  secureContext(): SecureContext {
    const ca = this.#certificateAuthorities;
    this.#secureContext ??= createSecureContext(ca === undefined ? {} : { ca });
    return this.#secureContext;
  }
}
