import { describe, expect, test } from 'vitest';
import {
  bodyOf as agentBody,
  EMPTY_AGENT,
  mistakesOf as agentMistakes,
} from '../../src/console/pages/agents/agent-draft.ts';
import { bodyOf, draftOf, EMPTY_TRUNK, mistakesOf, newGateway } from '../../src/console/pages/byoc/trunk-draft.ts';
import { advancedSet, inboundSet, outboundSet } from '../../src/console/pages/byoc/identity-words.ts';
import { newPair } from '../../src/console/lib/pair.ts';
import type { Trunk } from '../../src/console/api/types.ts';

const TRUNK: Trunk = {
  id: 'trunk_1',
  createdAt: '2026-11-25T20:00:00Z',
  workspaceId: 'demo',
  kind: 'byoc',
  label: 'HQ',
  inbound: {
    enabled: true,
    addresses: ['203.0.113.10', 'sip.example'],
    transport: null,
    mediaEncryption: 'off',
    auth: { username: 'pbx', passwordSet: true },
    calledNumberFrom: 'to',
    callerNumberFrom: 'asserted',
    country: 'DE',
    stripPrefix: null,
    earlyMedia: 'off',
    reliableProvisionals: false,
    sessionExpiresSec: null,
    sbc: [],
  },
  outbound: {
    enabled: true,
    transport: 'tls',
    mediaEncryption: 'required',
    username: 'me',
    register: false,
    allowedCountries: ['US'],
    callerIdMode: 'from_and_pai',
    techPrefix: null,
    numberFormat: 'national',
    callerNumberFormat: null,
    country: 'DE',
    fromDomain: 'ims.carrier.example',
    fromUser: 'acme',
    displayName: null,
    identityHeader: 'p_preferred_identity',
    privacy: 'id',
    diversion: '+4930123456',
    userPhone: true,
    authRealm: null,
    failoverStatuses: [503],
    attemptTimeoutMs: 6000,
    earlyMedia: 'off',
    sessionExpiresSec: null,
    registration: { user: null, domain: null, expiresSec: 3600, calledNumber: null },
    gateways: [{ host: 'sip.example', port: 5061, priority: 1, weight: 1 }],
    passwordSet: true,
  },
  codecs: ['PCMU'],
  limits: { concurrentCalls: 10, callsPerSecond: null },
  natAllowed: false,
  srtp: { suites: ['AES_CM_128_HMAC_SHA1_80'], keysInClear: false },
  transfer: 'refer',
  carrierTransfer: 'off',
  redirects: 'off',
  agentHeaders: [],
  attestation: 'ignored',
  dtmf: 'auto',
  mediaTimeouts: { firstPacketMs: null, silenceMs: null, heldMs: null, agentSilentMs: null },
  registration: null,
  health: null,
};

describe('a trunk that is edited', () => {
  test('comes back as it was where nothing was changed, without touching its secrets', () => {
    const body = bodyOf(draftOf(TRUNK), TRUNK) as Record<string, Record<string, unknown>>;
    expect(body['inbound']).toEqual({
      enabled: true,
      addresses: ['203.0.113.10', 'sip.example'],
      transport: null,
      mediaEncryption: 'off',
      calledNumberFrom: 'to',
      callerNumberFrom: 'asserted',
      country: 'DE',
      stripPrefix: null,
    });
    expect(body['outbound']).not.toHaveProperty('password');
    expect(body['outbound']).toMatchObject({
      gateways: TRUNK.outbound.gateways,
      allowedCountries: ['US'],
      techPrefix: null,
      numberFormat: 'national',
      country: 'DE',
      fromDomain: 'ims.carrier.example',
      fromUser: 'acme',
      displayName: null,
      identityHeader: 'p_preferred_identity',
      privacy: 'id',
      diversion: '+4930123456',
      userPhone: true,
      authRealm: null,
    });
    // What the form does not show is left as it is.
    for (const field of ['callerNumberFormat', 'failoverStatuses', 'attemptTimeoutMs', 'sessionExpiresSec']) {
      expect(body['outbound']).not.toHaveProperty(field);
    }
    expect(body['limits']).toEqual({ concurrentCalls: 10, callsPerSecond: null });
    expect(body['dtmf']).toBe('auto');
  });

  test('signalling 4: a gateway without a port, and no transport, stay so: as the DNS says', () => {
    const gateways = [{ host: 'sip.example', port: null, priority: 1, weight: 1 }];
    const stored = { ...TRUNK, outbound: { ...TRUNK.outbound, transport: null, gateways, register: true } };
    const body = bodyOf(draftOf(stored), stored) as Record<string, Record<string, unknown>>;
    expect(body['outbound']).toMatchObject({
      transport: null,
      register: true,
      gateways: [{ host: 'sip.example', priority: 1, weight: 1 }],
    });
  });

  test('takes a diversion as people write numbers, a realm, and how keys travel; what is empty is none', () => {
    const draft = {
      ...draftOf(TRUNK),
      diversion: '0049 (30) 765-4321',
      authRealm: ' carrier.example ',
      dtmf: 'info',
    } as const;
    expect(bodyOf(draft, TRUNK)).toMatchObject({
      outbound: { diversion: '+49307654321', authRealm: 'carrier.example', userPhone: true },
      dtmf: 'info',
    });
    const none = { ...draft, diversion: ' ', authRealm: '', userPhone: false };
    expect(bodyOf(none, TRUNK)).toMatchObject({ outbound: { diversion: null, authRealm: null, userPhone: false } });
  });

  test('says of a diversion and a realm what the API would say, at their fields', () => {
    const wrong = { ...draftOf(TRUNK), diversion: '030 12', authRealm: 'bücher.example' };
    expect(Object.keys(mistakesOf(wrong, TRUNK))).toEqual(['outbound.diversion', 'outbound.authRealm']);
    // Where nothing goes out, nothing of it is asked.
    expect(mistakesOf({ ...wrong, outbound: false }, TRUNK)).toEqual({});
  });

  test('says in a few words what is set in the parts that are closed', () => {
    const draft = draftOf(TRUNK);
    expect(inboundSet(draft)).toEqual([
      'called number in To',
      'caller in P-Asserted-Identity, else From',
      'national numbers of Germany',
    ]);
    expect(outboundSet(draft)).toEqual([
      'P-Preferred-Identity',
      'domain ims.carrier.example',
      'user acme',
      'national numbers of Germany',
      'number hidden',
    ]);
    expect(outboundSet({ ...EMPTY_TRUNK, callerIdMode: 'pai', numberFormat: '00', techPrefix: '99#' })).toEqual([
      'not in From',
      'numbers as 0012025550100',
      'prefix 99#',
    ]);
    expect(advancedSet({ ...draft, authRealm: 'carrier.example' })).toEqual([
      'diversion +49 301 23456',
      'realm carrier.example',
      'user=phone',
    ]);
    for (const set of [inboundSet, outboundSet, advancedSet]) expect(set(EMPTY_TRUNK)).toEqual([]);
  });

  test('loses its credentials only when they are taken away', () => {
    const without = { ...draftOf(TRUNK), inboundDigest: false, username: '' };
    expect(bodyOf(without, TRUNK)).toMatchObject({
      inbound: { auth: null },
      outbound: { username: null, password: null },
    });
  });

  test('a new one brings its numbers along, and understands a port in the host', () => {
    const draft = {
      ...EMPTY_TRUNK,
      label: 'HQ',
      numbers: '+12025550190, +12025550191',
      addresses: '203.0.113.10\n198.51.100.0/28',
      gateways: [newGateway('sip.example.com:5080')],
    };
    expect(mistakesOf(draft)).toEqual({});
    expect(bodyOf(draft)).toMatchObject({
      numbers: [{ e164: '+12025550190' }, { e164: '+12025550191' }],
      inbound: { addresses: ['203.0.113.10', '198.51.100.0/28'] },
      outbound: { gateways: [{ host: 'sip.example.com', port: 5080 }] },
    });
  });

  test('says what is missing before the gateway is asked', () => {
    expect(
      Object.keys(mistakesOf({ ...EMPTY_TRUNK, numbers: '123', concurrentCalls: '-1', inboundDigest: true })),
    ).toEqual([
      'label',
      'numbers',
      'inbound.addresses',
      'inbound.auth.username',
      'inbound.auth.password',
      'outbound.gateways',
      'limits.concurrentCalls',
    ]);
  });
});

describe('an agent that is edited', () => {
  test('sends its secret only when one was typed, and null when it is taken away', () => {
    const draft = { ...EMPTY_AGENT, name: ' Mine ', url: 'wss://agent.example/media' };
    expect(agentBody(draft)).toMatchObject({ name: 'Mine', fallbackAgentId: null, readyTimeoutMs: 5000 });
    expect(agentBody(draft)['stream']).not.toHaveProperty('authToken');
    expect(agentBody({ ...draft, authToken: 's3cret' })).toMatchObject({ stream: { authToken: 's3cret' } });
    expect(agentBody({ ...draft, clearAuthToken: true })).toMatchObject({ stream: { authToken: null } });
  });

  test('leaves out lines without a name', () => {
    const draft = { ...EMPTY_AGENT, customParameters: [newPair('tenant', 't1'), newPair('', 'x')] };
    expect(agentBody(draft)).toMatchObject({ stream: { customParameters: { tenant: 't1' } } });
  });

  test('says what is wrong with it', () => {
    expect(Object.keys(agentMistakes({ ...EMPTY_AGENT, url: 'http://x', readyTimeoutMs: '5' }))).toEqual([
      'name',
      'stream.url',
      'readyTimeoutMs',
    ]);
  });
});
