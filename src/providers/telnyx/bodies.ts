// What our connections at Telnyx are set to.
//
// Whole objects are sent, also to change one field of them: whether their PATCH keeps the other fields of `inbound` is not documented.

import type { TrunkPlan } from '../provider.ts';
import type { TelnyxSettings } from '../settings.ts';

/** Ours are G.711; what stands in the list by default would be offered and then not be understood. */
const CODECS = ['G711U', 'G711A'];

export interface ConnectionParts {
  readonly profileId: string;
  /** null = not made yet. */
  readonly fqdnId: string | null;
}

/** User name and password are not in their request schema (trunk.ts). */
export function fqdnConnectionBody(plan: TrunkPlan, settings: TelnyxSettings, { profileId, fqdnId }: ConnectionParts) {
  return {
    active: true,
    transport_protocol: plan.gateway.transport.toUpperCase(),
    encrypted_media: encryptionOf(plan),
    dtmf_type: 'RFC 2833',
    ...credentialsOf(plan),
    inbound: {
      ...numberFormats(),
      codecs: CODECS,
      sip_region: settings.region,
      ...(fqdnId === null ? {} : { default_primary_fqdn_id: fqdnId, default_routing_method: 'sequential' }),
    },
    outbound: {
      outbound_voice_profile_id: profileId,
      ip_authentication_method: 'credential-authentication',
      localization: 'US',
    },
  };
}

/** For calls out alone. */
export function credentialConnectionBody(plan: TrunkPlan, profileId: string) {
  return {
    active: true,
    encrypted_media: encryptionOf(plan),
    dtmf_type: 'RFC 2833',
    sip_uri_calling_preference: 'disabled',
    ...credentialsOf(plan),
    inbound: { ...numberFormats(), codecs: CODECS },
    outbound: { outbound_voice_profile_id: profileId, localization: 'US' },
  };
}

/** Theirs would be national without a plus. */
function numberFormats() {
  return { ani_number_format: '+E.164', dnis_number_format: '+e164' };
}

function encryptionOf({ mediaEncryption }: TrunkPlan): 'SRTP' | null {
  return mediaEncryption === 'required' ? 'SRTP' : null;
}

function credentialsOf({ outbound }: TrunkPlan): { user_name: string; password: string } | Record<string, never> {
  return outbound.kind === 'credentials' ? { user_name: outbound.username, password: outbound.password } : {};
}
