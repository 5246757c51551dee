import type { CallRecord } from '../../src/domain/call.ts';
import type { Agent, ApiKey, PhoneNumber, Trunk, Workspace } from '../../src/domain/directory.ts';
import type { E164 } from '../../src/domain/e164.ts';

// Complete records for tests; every field is set so that what comes back can be compared as a whole.

export function workspace(over: Partial<Workspace> = {}): Workspace {
  return {
    id: 'ws_a',
    createdAt: 1_000,
    name: 'A',
    billingMode: 'prepaid',
    limits: { concurrentCalls: 5, callsPerSecond: null, spendPerHour: 2_500_000_000n, spendPerDay: 12_500_000_000n },
    ...over,
  };
}

export function agent(over: Partial<Agent> = {}): Agent {
  return {
    id: 'agent_a',
    createdAt: 1_000,
    workspaceId: 'ws_a',
    name: 'Agent',
    stream: {
      url: 'wss://agent.example/stream',
      protocol: 'twilio',
      codec: 'PCMU',
      headers: { 'X-Api-Key': 'header-secret' },
      authToken: 'agent-secret',
      customParameters: { tier: 'gold' },
    },
    fallbackAgentId: null,
    readyTimeoutMs: 3000,
    ...over,
  };
}

export function trunk(over: Partial<Trunk> = {}): Trunk {
  return {
    id: 'trunk_a',
    createdAt: 1_000,
    workspaceId: 'ws_a',
    kind: 'byoc',
    label: 'Carrier',
    inbound: { enabled: true, addresses: ['192.0.2.0/24'], mediaEncryption: 'off' },
    outbound: {
      enabled: true,
      gateways: [{ host: 'sip.example', port: 5060, priority: 1, weight: 10 }],
      transport: 'udp',
      mediaEncryption: 'off',
      username: 'user',
      password: 'trunk-secret',
      allowedCountries: ['US'],
    },
    codecs: ['PCMU', 'PCMA'],
    limits: { concurrentCalls: null, callsPerSecond: 10 },
    natAllowed: false,
    dtmf: 'info',
    mediaTimeouts: { firstPacketMs: null, silenceMs: 5000, heldMs: 60_000, agentSilentMs: null },
    ...over,
  };
}

export function number(over: Partial<PhoneNumber> = {}): PhoneNumber {
  return {
    id: 'num_a',
    createdAt: 1_000,
    e164: '+12025550100' as E164,
    workspaceId: 'ws_a',
    provider: 'byoc',
    trunkId: 'trunk_a',
    agentId: 'agent_a',
    supportsInbound: true,
    supportsOutbound: true,
    status: 'active',
    ...over,
  };
}

export function apiKey(over: Partial<ApiKey> = {}): ApiKey {
  return { id: 'key_a', createdAt: 1_000, workspaceId: 'ws_a', label: 'ci', tokenHash: 'ab'.repeat(32), ...over };
}

export function call(over: Partial<CallRecord> = {}): CallRecord {
  const line = { billedMs: 60_000, ratePerMinute: 12_000_000n, amount: 12_000_000n, rule: 'Per started minute' };
  return {
    id: 'call_a',
    createdAt: 1_000,
    direction: 'inbound',
    from: '+12025550199',
    to: '+12025550100',
    workspaceId: 'ws_a',
    trunkId: 'trunk_a',
    agentId: 'agent_a',
    class: 'byoc',
    state: 'ended',
    startedAt: 1_000,
    ringingAt: 1_100,
    answeredAt: 1_200,
    endedAt: 61_200,
    endReason: 'remote_hangup',
    sipStatus: 200,
    quality: null,
    timeline: [{ at: 1_000, offsetMs: 0, event: 'invite_received', detail: { trunk: 'trunk_a' } }],
    bill: {
      telephony: line,
      compute: { ...line, amount: 30_000_000n },
      total: 42_000_000n,
      currency: 'USD',
      rate: {
        version: 'rates_0123456789abcdef',
        number: '+12025550100',
        prefix: '1',
        effectiveFrom: Date.parse('2026-01-01'),
        connectFee: 0n,
        initialMs: 60_000,
        incrementMs: 1,
      },
      evidence: { start: 1_200, end: over.endedAt ?? 61_200, endedBy: 'bye' },
      final: true,
      flags: [],
    },
    ...over,
  };
}
