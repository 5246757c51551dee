// Every page, loaded when it is first looked at.

import { type ComponentType, lazy } from 'react';
import type { PageName } from '../shell/routes.ts';

export interface PageProps {
  readonly params: Readonly<Record<string, string>>;
}

const page = <M extends object>(load: () => Promise<M>, pick: (module: M) => ComponentType<PageProps>) =>
  lazy(async () => ({ default: pick(await load()) }));

export const PAGES: Readonly<Record<Exclude<PageName, 'home'>, ComponentType<PageProps>>> = {
  numbers: page(
    () => import('./numbers/numbers.tsx'),
    (m) => m.NumbersPage,
  ),
  agents: page(
    () => import('./agents/agents.tsx'),
    (m) => m.AgentsPage,
  ),
  'new-agent': page(
    () => import('./agents/agent.tsx'),
    (m) => m.NewAgentPage,
  ),
  agent: page(
    () => import('./agents/agent.tsx'),
    (m) => m.AgentPage,
  ),
  calls: page(
    () => import('./calls/calls.tsx'),
    (m) => m.CallsPage,
  ),
  call: page(
    () => import('./calls/call.tsx'),
    (m) => m.CallPage,
  ),
  byoc: page(
    () => import('./byoc/byoc.tsx'),
    (m) => m.ByocPage,
  ),
  'new-trunk': page(
    () => import('./byoc/trunk.tsx'),
    (m) => m.NewTrunkPage,
  ),
  trunk: page(
    () => import('./byoc/trunk.tsx'),
    (m) => m.TrunkPage,
  ),
  billing: page(
    () => import('./billing/billing.tsx'),
    (m) => m.BillingPage,
  ),
  webhooks: page(
    () => import('./webhooks/webhooks.tsx'),
    (m) => m.WebhooksPage,
  ),
  webhook: page(
    () => import('./webhooks/webhook.tsx'),
    (m) => m.WebhookPage,
  ),
  keys: page(
    () => import('./node/keys.tsx'),
    (m) => m.KeysPage,
  ),
  workspaces: page(
    () => import('./node/workspaces.tsx'),
    (m) => m.WorkspacesPage,
  ),
  node: page(
    () => import('./node/node.tsx'),
    (m) => m.NodePage,
  ),
  buy: page(
    () => import('./numbers/buy.tsx'),
    (m) => m.BuyPage,
  ),
  twilio: page(
    () => import('./numbers/import.tsx'),
    (m) => m.TwilioPage,
  ),
  telnyx: page(
    () => import('./numbers/import.tsx'),
    (m) => m.TelnyxPage,
  ),
  requests: page(
    () => import('./requests/requests.tsx'),
    (m) => m.RequestsPage,
  ),
  'new-request': page(
    () => import('./requests/new-request.tsx'),
    (m) => m.NewRequestPage,
  ),
  request: page(
    () => import('./requests/request.tsx'),
    (m) => m.RequestPage,
  ),
  review: page(
    () => import('./requests/review.tsx'),
    (m) => m.ReviewPage,
  ),
  'review-request': page(
    () => import('./requests/review.tsx'),
    (m) => m.ReviewRequestPage,
  ),
  'test-call': page(
    () => import('./test-call/test-call.tsx'),
    (m) => m.TestCallPage,
  ),
  diagnosis: page(
    () => import('./node/diagnosis.tsx'),
    (m) => m.DiagnosisPage,
  ),
};
