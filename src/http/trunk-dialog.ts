// How calls of a trunk are signalled from the first ringing to the end: early media, reliable responses, session timers; as the API takes and
// shows it.

import { Type } from 'typebox';
import type { Trunk } from '../domain/directory.ts';
import { SESSION_EXPIRES_SEC } from '../domain/session-timer.ts';
import { nullable } from './schemas/common.ts';

const sessionExpiresSec = nullable(
  Type.Integer({ minimum: 90, maximum: 86_400 }),
  'seconds of the session timer that is asked for (RFC 4028): 90 to 86400, or null for none',
);

export const inboundDialogShape = {
  earlyMedia: Type.Enum(['off', 'ringback'], {
    description: 'what callers hear while the agent is being connected; ringback: 183 with SDP, and a ringing tone',
  }),
  reliableProvisionals: Type.Boolean({
    description: '100rel with all callers that can do it, not only with those that demand it',
  }),
  sessionExpiresSec,
};

export const outboundDialogShape = {
  earlyMedia: Type.Enum(['off', 'agent'], {
    description: 'audio before the answer; agent: the agent hears it and is heard, unbilled',
  }),
  sessionExpiresSec,
};

export function viewInboundDialog({ inbound }: Trunk): object {
  return {
    earlyMedia: inbound.earlyMedia ?? 'off',
    reliableProvisionals: inbound.reliableProvisionals ?? false,
    sessionExpiresSec: expiresOf(inbound),
  };
}

export function viewOutboundDialog({ outbound }: Trunk): object {
  return { earlyMedia: outbound.earlyMedia ?? 'off', sessionExpiresSec: expiresOf(outbound) };
}

function expiresOf({ sessionExpiresSec = SESSION_EXPIRES_SEC }: { readonly sessionExpiresSec?: number | null }) {
  return sessionExpiresSec;
}
