// What a trunk makes different for the audio of its calls.

import type { Trunk } from '../domain/directory.ts';
import type { MediaPolicy, MediaTimeouts } from '../media/session.ts';

/** The trunk's own limits over those of the node. */
export function mediaPolicy({ dtmf = 'auto', mediaTimeouts }: Trunk, node: MediaTimeouts): MediaPolicy {
  const own = mediaTimeouts ?? {};
  return {
    dtmf,
    timeouts: {
      firstPacketMs: own.firstPacketMs ?? node.firstPacketMs,
      silenceMs: own.silenceMs ?? node.silenceMs,
      heldMs: own.heldMs ?? node.heldMs ?? null,
      agentSilentMs: own.agentSilentMs ?? node.agentSilentMs ?? null,
    },
  };
}
