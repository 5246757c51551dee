// Hot path: the cipher of one direction, behind one face for its two kinds.
//
//             in clear     encrypted            behind it
//  SRTP       RTP header   payload              [MKI] tag            AES-CM and HMAC-SHA1 (counter-mode.ts)
//                                               tag [MKI]            AES-GCM (gcm.ts)
//  SRTCP      8 bytes      rest                 E + index 31 [MKI] tag
//                                               tag E + index 31 [MKI]
//
// Packets come here without MKI. `out` is the caller's, and longer than any packet that is given.

import { GcmTransform } from './gcm.ts';
import { CounterModeTransform } from './counter-mode.ts';
import type { MasterKey, SrtpProfile } from './keys.ts';

export interface SrtpTransform {
  /** What stands behind an RTP packet. */
  readonly rtpTrailerBytes: number;
  /** The same of an RTCP compound, its index included. */
  readonly rtcpTrailerBytes: number;
  /** Bytes at the end of a packet that stand behind the MKI. */
  readonly bytesBehindMki: number;
  readonly rtcpBytesBehindMki: number;
  /** Encrypts `out[start, end)` in place; returns the length of the SRTP packet. */
  sealRtp(out: Buffer, start: number, end: number, ssrc: number, index: number): number;
  sealRtcp(out: Buffer, end: number, ssrc: number, index: number): number;
  /** Writes the RTP packet into `out` and returns its length; -1 = not authentic, and `out` holds nothing of use. */
  openRtp(packet: Buffer, start: number, ssrc: number, index: number, out: Buffer): number;
  /** E and the index as they stand in the packet; it is long enough. */
  rtcpWord(packet: Buffer): number;
  openRtcp(packet: Buffer, ssrc: number, index: number, out: Buffer): number;
}

export function createTransform(profile: SrtpProfile, master: MasterKey): SrtpTransform {
  switch (profile) {
    case 'AEAD_AES_128_GCM':
    case 'AEAD_AES_256_GCM':
      return new GcmTransform(profile, master);
    case 'AES_CM_128_HMAC_SHA1_80':
      return new CounterModeTransform(profile, master, 10);
    case 'AES_CM_128_HMAC_SHA1_32':
      return new CounterModeTransform(profile, master, 4);
  }
}
