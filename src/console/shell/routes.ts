// Every page by its path. A name is also the file of the page.

import type { RoutePattern } from '../lib/route.ts';

export const ROUTES = [
  { name: 'home', path: '/' },
  { name: 'numbers', path: '/w/:workspaceId/numbers' },
  { name: 'buy', path: '/w/:workspaceId/numbers/buy' },
  { name: 'twilio', path: '/w/:workspaceId/numbers/twilio' },
  { name: 'telnyx', path: '/w/:workspaceId/numbers/telnyx' },
  { name: 'requests', path: '/w/:workspaceId/requests' },
  { name: 'new-request', path: '/w/:workspaceId/requests/new' },
  { name: 'request', path: '/w/:workspaceId/requests/:requestId' },
  { name: 'byoc', path: '/w/:workspaceId/byoc' },
  { name: 'new-trunk', path: '/w/:workspaceId/byoc/new' },
  { name: 'trunk', path: '/w/:workspaceId/byoc/:trunkId' },
  { name: 'agents', path: '/w/:workspaceId/agents' },
  { name: 'new-agent', path: '/w/:workspaceId/agents/new' },
  { name: 'agent', path: '/w/:workspaceId/agents/:agentId' },
  { name: 'calls', path: '/w/:workspaceId/calls' },
  { name: 'call', path: '/w/:workspaceId/calls/:callId' },
  { name: 'billing', path: '/w/:workspaceId/billing' },
  { name: 'test-call', path: '/w/:workspaceId/test-call' },
  { name: 'diagnosis', path: '/w/:workspaceId/diagnosis' },
  { name: 'webhooks', path: '/w/:workspaceId/webhooks' },
  { name: 'webhook', path: '/w/:workspaceId/webhooks/:webhookId' },
  { name: 'keys', path: '/w/:workspaceId/keys' },
  { name: 'workspaces', path: '/workspaces' },
  { name: 'review', path: '/review' },
  { name: 'review-request', path: '/review/:requestId' },
  { name: 'node', path: '/node' },
] as const satisfies readonly RoutePattern<string>[];

/** There for the operator alone. */
export const OPERATOR_PAGES: ReadonlySet<string> = new Set(['workspaces', 'review', 'review-request']);

export type PageName = (typeof ROUTES)[number]['name'];
