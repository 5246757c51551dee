import { describe, expect, test } from 'vitest';
import { carrierReasonText, levelText, problemText, verdictText } from '../../src/console/lib/carrier-words.ts';
import { endAdvice } from '../../src/console/lib/end-advice.ts';
import { timelineLine } from '../../src/console/lib/timeline-words.ts';
import { REASONS } from '../../src/domain/reasons.ts';

const NAMES: Readonly<Record<string, string>> = { agent_1: 'Echo', trunk_1: 'HQ' };
const line = (event: string, detail?: Parameters<typeof timelineLine>[1]): string => {
  const { what, how, isBad } = timelineLine(event, detail, (id) => NAMES[id]);
  return `${isBad ? '! ' : ''}${what} | ${how}`;
};

describe('a line of a timeline', () => {
  test('says which servers were tried, what each answered, and what the carrier gave as its reason', () => {
    const server = { trunkId: 'trunk_1', gateway: 'sip.example:5060', server: 'udp 192.0.2.1:5060' };
    expect(line('inviting', server)).toBe('INVITE sent | to udp 192.0.2.1:5060, trunk HQ');
    // A server that failed is not the called party.
    expect(line('rejected', { status: 503, text: 'Service Unavailable' })).toBe('! Refused | 503 Service Unavailable');
    expect(line('carrier_reason', { sip: null, q850: 38, text: 'Network out of order' })).toBe(
      'The carrier’s reason | Q.850 38: network out of order',
    );
    expect(line('next_gateway', { why: 'answered 503', attempt: 2, of: 3 })).toBe(
      'Next server is tried | answered 503, attempt 2 of 3',
    );
    expect(line('ended', { reason: 'busy', evidence: 'signalling' })).toBe('Ended | Busy, proved by signalling');
  });

  test('says how the way was found', () => {
    expect(line('route', { check: 'caller_id', result: 'ok', seen: 'a number of the workspace' })).toBe(
      'Route: caller id | a number of the workspace',
    );
    expect(line('route', { check: 'trunk', result: 'failed', seen: 'no trunk' })).toBe(
      '! Route: trunk, failed | no trunk',
    );
    expect(line('route', { check: 'gateways', result: 'ok', gateway: 'a (priority 1)' })).toBe(
      'Route: order of servers | a (priority 1)',
    );
  });

  test('says who calls and what the carrier says of that', () => {
    expect(line('invite', { sourceAddress: '192.0.2.1', sourcePort: 5060, transport: 'udp' })).toBe(
      'INVITE | from 192.0.2.1:5060 over UDP',
    );
    // To a workspace the operator's carrier is not shown.
    expect(line('invite', { transport: 'tls' })).toBe('INVITE | from the carrier over TLS');
    expect(
      line('attestation', { level: 'A', source: 'verstat', carrierVerdict: 'passed', verified: false, problem: null }),
    ).toBe('STIR/SHAKEN | A: the caller may use this number, signature good, says the carrier');
    expect(line('attestation', { level: null, carrierVerdict: null, problem: 'stale' })).toBe(
      'STIR/SHAKEN | nobody vouches for the number, its token is too old',
    );
  });

  test('has times, names and words in place of milliseconds, ids and codes; what it does not know it shows as it came', () => {
    expect(line('agent_connected', { agentId: 'agent_1', protocol: 'twilio', connectMs: 8 })).toBe(
      'Agent is there | Echo, protocol twilio, connect 8 ms',
    );
    expect(line('agent_failed', { agentId: 'agent_2', code: 'agent_handshake_rejected', detail: 'status 401' })).toBe(
      '! Agent could not be reached | agent_2, its server refused the upgrade, status 401',
    );
    expect(line('routed', { trunkId: 'trunk_1', numberId: 'number_1', agentId: 'agent_1', class: 'byoc' })).toBe(
      'Routed | trunk HQ, agent Echo, class BYOC',
    );
    expect(line('caller', { source: 'P-Asserted-Identity', name: 'Ann' })).toBe(
      'Caller’s number | in P-Asserted-Identity, Ann',
    );
    expect(line('resumed', { heldMs: 3_400 })).toBe('Resumed | held 3.4 s');
    expect(line('transfer_refused', { by: 'agent', code: 'transfer_target_invalid' })).toBe(
      '! Transfer refused | by agent, transfer target invalid',
    );
    expect(line('something_new', { someThing: 1, isIt: true, isNot: false, none: null })).toBe(
      'Something new | some thing 1, is it',
    );
    expect(line('confirmed')).toBe('ACK | ');
  });
});

describe('the carrier’s words', () => {
  test('a reason is said once, in words and with its figures', () => {
    expect(carrierReasonText({ sip: null, q850: 17, text: 'User busy' })).toBe('Q.850 17: busy, “User busy”');
    expect(carrierReasonText({ sip: 200, q850: null, text: 'Call completed elsewhere' })).toBe(
      'SIP 200, “Call completed elsewhere”',
    );
    expect(carrierReasonText({ sip: null, q850: 99, text: null })).toBe('Q.850 99');
    expect(carrierReasonText({ sip: null, q850: null, text: null })).toBe('');
  });

  test('an attestation never says more than the carrier did', () => {
    expect(['A', 'B', 'C', null].map(levelText)).toEqual([
      'A: the caller may use this number',
      'B: a known customer, the number was not checked',
      'C: the call came from elsewhere, nobody knows the caller',
      'nobody vouches for the number',
    ]);
    expect(['passed', 'failed', 'not_validated', null].map(verdictText)).toEqual([
      'signature good, says the carrier',
      'signature bad, says the carrier',
      'signature not checked by the carrier',
      '',
    ]);
    expect([problemText('other_caller'), problemText(null)]).toEqual(['its token is for another caller', '']);
  });
});

/** What is nobody's fault, or never the end of a call that has a record. */
const NORMAL = [
  'agent_hangup',
  'api_cancelled',
  'api_hangup',
  'bad_request',
  'busy',
  'cancelled',
  'hold_timeout',
  'max_duration',
  'no_answer',
  'remote_hangup',
  'replaces_answered',
  'replaces_over',
  'replaces_unknown',
  'transfer_not_allowed',
  'transferred',
];

test('every end of a call that should not have been says where to look', () => {
  const silent = Object.keys(REASONS).filter((reason) => endAdvice(reason) === undefined);
  expect(silent.toSorted()).toEqual(NORMAL);
});
