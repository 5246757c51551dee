// Test calls from a browser.

import { Type } from 'typebox';
import { id, object, optional, time } from './common.ts';

export const newTestCall = object({ workspaceId: optional(id), agentId: id });

export const testCallSchema = object(
  {
    id,
    workspaceId: id,
    agentId: id,
    wsUrl: Type.String({ description: 'the WebSocket to connect to, subprotocol `sip` (RFC 7118)' }),
    sipUri: Type.String({ description: 'whom to call: the Request-URI of the INVITE' }),
    username: Type.String({ description: 'for From (`sip:username@realm`) and for the digest' }),
    password: Type.String({ description: 'shown once' }),
    realm: Type.String(),
    expiresAt: time,
    iceServers: Type.Array(
      object({
        urls: Type.Array(Type.String()),
        username: optional(Type.String()),
        credential: optional(Type.String()),
      }),
      { description: 'for RTCPeerConnection; empty: the browser reaches this node directly' },
    ),
  },
  { title: 'TestCall' },
);
