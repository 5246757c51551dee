// How the audio of a leg is encrypted: the policy of its trunk, and what came of it, for the timeline (sdp/encryption.ts has the rules).

import { type MediaEncryption, type SipTransport, srtpOf, type Trunk } from '../domain/directory.ts';
import type { RtpParameters } from '../domain/rtp-parameters.ts';
import { agreedEncryption, type LocalAudio, type LocalEncryption, newEncryption } from '../sdp/index.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';

type Randomness = Pick<CallDeps, 'randomBytes'>;

/** `protocol`: what the INVITE came over, and our answers go back over. Undefined = off. */
export function inboundEncryption(deps: Randomness, trunk: Trunk, protocol: string): LocalEncryption | undefined {
  return encryptionOf(deps, trunk, trunk.inbound.mediaEncryption, protocol === 'tls');
}

/** `transport`: what this attempt goes over. Each attempt has its own keys: a gateway that did not take a call does not know those of the next. */
export function outboundEncryption(
  deps: Randomness,
  trunk: Trunk,
  transport: SipTransport,
): LocalEncryption | undefined {
  return encryptionOf(deps, trunk, trunk.outbound.mediaEncryption, transport === 'tls');
}

/** False where an offer of ours would have to hold keys and must not. */
export function canOffer(encryption: LocalEncryption | undefined): boolean {
  return encryption === undefined || encryption.keysAllowed || encryption.policy === 'optional';
}

/** Offer and answer have met: media goes by them, the timeline has what is new about encryption. Returns our side as it is from now on. */
export function negotiated(call: Call, local: LocalAudio, remote: RtpParameters): LocalAudio {
  call.media?.negotiate(remote);
  const { encryption } = local;
  if (encryption === undefined) return local;
  const suite = remote.srtp?.suite ?? null;
  if (suite !== null && suite !== encryption.agreed) call.note('audio_encrypted', { suite });
  if (suite === null && suite !== encryption.agreed) call.note('audio_plain', { encryption: encryption.policy });
  return { ...local, encryption: agreedEncryption(encryption, remote.srtp) };
}

function encryptionOf(
  { randomBytes }: Randomness,
  trunk: Trunk,
  policy: MediaEncryption,
  isSecure: boolean,
): LocalEncryption | undefined {
  if (policy === 'off') return undefined;
  const { suites, keysInClear } = srtpOf(trunk);
  return newEncryption({ policy, keysAllowed: isSecure || keysInClear, suites, randomBytes });
}
