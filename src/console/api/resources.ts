// What the API answers with, under the names that the pages use. The shapes are made from the gateway's own schemas (types.ts).

import type { Agent, Bill, ProviderAccount, Trunk } from './types.ts';

export type {
  AccountNumber,
  Agent,
  ApiKey,
  AvailableNumber,
  Bill,
  Call,
  CallQuality,
  CreatedApiKey as CreatedKey,
  CreatedWebhook,
  Diagnosis,
  DiagnosisStep,
  ExplainedBill,
  ImportedNumber,
  Ladder as SipLadder,
  Node as NodeInfo,
  Notice as ProviderNotice,
  NumberFailure,
  NumberOrder,
  NumberRequest,
  NumberRequirement,
  PersonalNumber,
  PhoneNumber,
  Posting,
  ProviderAccount,
  RouteExplanation,
  SavedTrunk,
  Session,
  Statement,
  TestCall,
  TimelineEntry,
  Trunk,
  TrunkCheck,
  Usage,
  Webhook,
  WebhookDelivery,
  Workspace,
} from './types.ts';

export type AgentProtocol = Agent['stream']['protocol'];
export type BillLine = Bill['telephony'];
export type MediaEncryption = Trunk['inbound']['mediaEncryption'];
export type Transport = NonNullable<Trunk['outbound']['transport']>;
export type SetupStep = ProviderAccount['provisioning']['steps'][number];
