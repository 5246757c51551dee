// How the audio of a leg is encrypted: the policy of its trunk, and what came of it, for the timeline (sdp/encryption.ts has the rules).

import { type MediaEncryption, type SipTransport, srtpOf, type Trunk } from '../domain/directory.ts';
import type { RtpParameters } from '../domain/rtp-parameters.ts';
import type { InboundInvite, OutboundLeg } from '../signalling/leg.ts';
import { agreedEncryption, type LocalAudio, type LocalEncryption, newEncryption } from '../sdp/index.ts';
import type { Call } from './call.ts';
import type { CallDeps } from './deps.ts';

type Randomness = Pick<CallDeps, 'randomBytes'>;

/**
 * Undefined = off. The INVITE came over TLS, our answers go back over it, and so do requests of ours within the call: a Contact that names another
 * transport would take our description there with the next session refresh.
 */
export function inboundEncryption(
  deps: Randomness,
  trunk: Trunk,
  { source, headers }: Pick<InboundInvite, 'source' | 'headers'>,
): LocalEncryption | undefined {
  const isSafe = source.protocol === 'tls' && !leadsInClear(headers['contact'] ?? '');
  return encryptionOf(deps, trunk, trunk.inbound.mediaEncryption, isSafe);
}

/** `transport`: what this attempt goes over. Each attempt has its own keys: a gateway that did not take a call does not know those of the next. */
export function outboundEncryption(
  deps: Randomness,
  trunk: Trunk,
  transport: SipTransport,
): LocalEncryption | undefined {
  return encryptionOf(deps, trunk, trunk.outbound.mediaEncryption, transport === 'tls');
}

/** The same of a call to a carrier, once its answer is there: its Contact would take our keys where they must not go. */
export function answerLeadsInClear(
  trunk: Trunk,
  remote: RtpParameters,
  leg: Pick<OutboundLeg, 'dialog'> | null,
): boolean {
  return remote.srtp !== undefined && !srtpOf(trunk).keysInClear && leadsInClear(leg?.dialog?.remoteTarget ?? '');
}

function leadsInClear(target: string): boolean {
  return !/^[^;]*<?sips:/i.test(target) && /;\s*transport=(?!tls\b)/i.test(target);
}

/** False where an offer of ours would have to hold keys and must not. */
export function canOffer(encryption: LocalEncryption | undefined): boolean {
  return encryption === undefined || encryption.keysAllowed || encryption.policy === 'optional';
}

/** Our side for an exchange within the call that came over this transport: keys that travel over TLS do not leave it. */
export function localOver(local: LocalAudio, protocol: string | undefined): LocalAudio {
  const { encryption } = local;
  const isClear = protocol === 'udp' || protocol === 'tcp';
  if (encryption === undefined || !encryption.keysAllowed || encryption.keysInClear || !isClear) return local;
  return { ...local, encryption: { ...encryption, keysAllowed: false } };
}

/** Offer and answer have met: media goes by them, the timeline has what is new about encryption. Returns our side as it is from now on. */
export function negotiated(call: Call, local: LocalAudio, remote: RtpParameters): LocalAudio {
  call.media?.negotiate(remote);
  const { encryption } = local;
  if (encryption === undefined) return { ...local, agreed: remote };
  const suite = remote.srtp?.suite ?? null;
  if (suite !== null && suite !== encryption.agreed) call.note('audio_encrypted', { suite });
  if (suite === null && suite !== encryption.agreed) call.note('audio_plain', { encryption: encryption.policy });
  return { ...local, agreed: remote, encryption: agreedEncryption(encryption, remote.srtp) };
}

function encryptionOf(
  { randomBytes }: Randomness,
  trunk: Trunk,
  policy: MediaEncryption,
  isSecure: boolean,
): LocalEncryption | undefined {
  if (policy === 'off') return undefined;
  const { suites, keysInClear } = srtpOf(trunk);
  return newEncryption({ policy, keysAllowed: isSecure || keysInClear, keysInClear, suites, randomBytes });
}
