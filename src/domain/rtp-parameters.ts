// What offer and answer agreed on for one audio stream (RFC 3264): SDP makes it, media lives by it.

import type { AudioCodec } from './directory.ts';
import type { SrtpParameters } from './srtp.ts';

export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export function canSend(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

export function canReceive(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

export interface RtpParameters {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly rtcpMux: boolean;
  readonly codec: AudioCodec;
  /** Payload type of what we send: the remote description's number. */
  readonly payloadType: number;
  /** Payload type of what we hear: our description's number. Differs where the answerer chose its own (RFC 3264 section 5.1). */
  readonly receivePayloadType: number;
  /** RFC 4733, sent and heard; null where not agreed on. */
  readonly telephoneEventPayloadType: number | null;
  readonly receiveTelephoneEventPayloadType: number | null;
  /** Clock of the events heard and sent; absent = 8000, which is the one of all codecs of telephone bandwidth. */
  readonly telephoneEventClockHz?: 8000 | 16000 | 48000;
  /** Our direction. */
  readonly direction: MediaDirection;
  /** Absent = plain RTP, and for browsers, whose keys come out of DTLS. */
  readonly srtp?: SrtpParameters;
}
