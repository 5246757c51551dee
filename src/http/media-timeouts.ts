// A trunk's limits of its calls' audio as they are stored and shown: null is the node's.

export const NODE_TIMEOUTS = { firstPacketMs: null, silenceMs: null, heldMs: null, agentSilentMs: null } as const;
