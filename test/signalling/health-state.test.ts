import { describe, expect, test } from 'vitest';
import {
  type GatewayHealth,
  type HealthEvent,
  isAlive,
  newHealth,
  nextHealth,
  trunkState,
} from '../../src/signalling/health-state.ts';

const OK: HealthEvent = { ok: true };
const FAIL: HealthEvent = { ok: false, error: 'silence' };
const EVENTS = { o: OK, f: FAIL } as const;

/** `events`: o = answered, f = failed; one second apart. */
function having(events: string, from: GatewayHealth = newHealth(0)): GatewayHealth {
  return [...events].reduce((health, event, i) => nextHealth(health, EVENTS[event as 'o' | 'f'], (i + 1) * 1000), from);
}

describe('the state of a gateway', () => {
  test.each([
    ['', 'unknown', 0],
    ['o', 'up', 1000],
    ['f', 'unknown', 0],
    ['ff', 'unknown', 0],
    ['ffo', 'up', 3000],
    ['fff', 'down', 3000],
    ['of', 'up', 1000],
    ['off', 'up', 1000],
    ['offo', 'up', 1000],
    ['offoff', 'up', 1000],
    ['offf', 'down', 4000],
    ['fffffff', 'down', 3000],
    ['fffo', 'down', 3000],
    ['fffof', 'down', 3000],
    ['fffofo', 'down', 3000],
    ['fffoo', 'up', 5000],
    ['fffoofff', 'down', 8000],
  ])('after "%s" is %s since %i', (events, state, since) => {
    expect(having(events)).toMatchObject({ state, since });
  });

  test('the last error is told until something works again', () => {
    expect(having('of').lastError).toBe('silence');
    expect(having('ofo').lastError).toBeNull();
  });

  test('counts stop growing', () => {
    let health = newHealth(0);
    for (let i = 0; i < 2_000; i += 1) health = nextHealth(health, FAIL, i);
    expect(health.failures).toBe(1_000);
  });
});

test.each([
  [200, true],
  [401, true],
  [403, true],
  [404, true],
  [405, true],
  [481, true],
  [501, true],
  [603, true],
  [408, false],
  [500, false],
  [502, false],
  [503, false],
  [504, false],
])('%i says that somebody is there: %s', (status, alive) => {
  expect(isAlive(status)).toBe(alive);
});

test.each([
  [[], 'unknown'],
  [['unknown'], 'unknown'],
  [['up', 'down'], 'up'],
  [['down', 'unknown'], 'unknown'],
  [['down', 'down'], 'down'],
] as const)('a trunk whose gateways are %j is %s', (states, state) => {
  expect(trunkState(states)).toBe(state);
});
