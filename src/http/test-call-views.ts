// A prepared test call as the API shows it, once: its password is nowhere else.

import type { PreparedTestCall } from '../calls/test-calls.ts';
import { viewTime } from './views.ts';

export function viewTestCall(testCall: PreparedTestCall & { readonly wsUrl: string }): object {
  const { id, workspaceId, agentId, wsUrl, username, password, realm, expiresAt } = testCall;
  return {
    id,
    workspaceId,
    agentId,
    wsUrl,
    sipUri: `sip:${id}@${realm}`,
    username,
    password,
    realm,
    expiresAt: viewTime(expiresAt),
    iceServers: [],
  };
}
