import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { closedInOrder, closeFailure, connectFailure, FAILURES, VIOLATIONS } from '../../src/agents/errors.ts';

const README = readFileSync(new URL('../../src/agents/README.md', import.meta.url), 'utf8');

describe('the catalogue', () => {
  test('every failure stands in the documentation with its meaning, and no other', () => {
    const documented = [...README.matchAll(/^\| `(agent_\w+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [
      code,
      meaning,
    ]);
    expect(Object.fromEntries(documented)).toEqual(FAILURES);
  });

  test('every violation stands in the documentation', () => {
    const documented = [...README.matchAll(/`(ws_\w+)`/g)].map(([, code]) => code);
    expect(documented.toSorted()).toEqual(
      Object.values(VIOLATIONS)
        .map(({ code }) => code)
        .toSorted(),
    );
  });
});

describe('the verdict on a socket error', () => {
  const error = (code: string, syscall = 'connect'): NodeJS.ErrnoException =>
    Object.assign(new Error(code), { code, syscall });

  test.each([
    [error('ECONNREFUSED'), 'connecting', 'agent_refused'],
    [error('EHOSTUNREACH'), 'connecting', 'agent_refused'],
    [error('ECONNRESET', 'read'), 'connecting', 'agent_refused'],
    [error('ETIMEDOUT'), 'connecting', 'agent_connect_timeout'],
    [error('ENOTFOUND', 'getaddrinfo'), 'connecting', 'agent_dns_failed'],
    [error('EAI_AGAIN', 'getaddrinfo'), 'connecting', 'agent_dns_failed'],
    [error('ECONNRESET', 'read'), 'securing', 'agent_tls_failed'],
    [error('CERT_HAS_EXPIRED'), 'securing', 'agent_tls_failed'],
    [error('ECONNRESET', 'read'), 'upgrading', 'agent_handshake_rejected'],
    [error('EPIPE', 'write'), 'upgrading', 'agent_handshake_rejected'],
  ] as const)('%s while %s is %s', (problem, stage, code) => {
    const failure = connectFailure(problem, stage);
    expect(failure.code).toBe(code);
    expect(failure.detail).toContain(problem.code);
  });
});

test('close codes are sorted into orderly and not, each of the others with a failure', () => {
  const orderly = Array.from({ length: 4000 }, (_, index) => 1000 + index).filter(closedInOrder);
  expect(orderly.slice(0, 2)).toEqual([1000, 1005]);
  expect(orderly[2]).toBe(3000);
  expect(closeFailure(1001, '')).toEqual({ code: 'agent_broken', detail: 'closed with 1001' });
  expect(closeFailure(1008, 'no')).toEqual({ code: 'agent_protocol_error', detail: 'closed with 1008: no' });
});
