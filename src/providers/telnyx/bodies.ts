// What our connections at Telnyx are set to.
//
// Whole objects are sent, also to change one field of them: whether their PATCH keeps the other fields of `inbound` is not documented.

import type Telnyx from 'telnyx';
import type { TrunkPlan } from '../provider.ts';
import type { TelnyxSettings } from '../settings.ts';

/** Ours are G.711; what stands in the list by default would be offered and then not be understood. */
const CODECS = ['G711U', 'G711A'];

export interface ConnectionParts {
  readonly profileId: string;
  /** null = not made yet. */
  readonly fqdnId: string | null;
}

interface Credentials {
  user_name: string;
  password: string;
}

/** User name and password are not in their request schema (trunk.ts), and so not in the package's type; it sends what it is given. */
export function fqdnConnectionBody(
  plan: TrunkPlan,
  settings: TelnyxSettings,
  { profileId, fqdnId }: ConnectionParts,
): Telnyx.FqdnConnectionUpdateParams & Credentials {
  return {
    active: true,
    transport_protocol: plan.gateway.transport.toUpperCase() as Uppercase<TrunkPlan['gateway']['transport']>,
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
export function credentialConnectionBody(
  plan: TrunkPlan,
  profileId: string,
): Telnyx.CredentialConnectionUpdateParams & Credentials {
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
function numberFormats(): Pick<
  Telnyx.InboundFqdn & Telnyx.CredentialInbound,
  'ani_number_format' | 'dnis_number_format'
> {
  return { ani_number_format: '+E.164', dnis_number_format: '+e164' };
}

function encryptionOf({ mediaEncryption }: TrunkPlan): 'SRTP' | null {
  return mediaEncryption === 'required' ? 'SRTP' : null;
}

/** Addresses are refused before it comes to this. */
function credentialsOf({ outbound }: TrunkPlan): Credentials {
  const { username, password } = outbound.kind === 'credentials' ? outbound : { username: '', password: '' };
  return { user_name: username, password };
}
