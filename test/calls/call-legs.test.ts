import { expect, test } from 'vitest';
import { CallLegs, type LegControl } from '../../src/calls/call-legs.ts';

function legs() {
  const told: string[] = [];
  const failures: unknown[] = [];
  const own = new CallLegs({ leg: (id) => void told.push(id), byeFailed: (error) => void failures.push(error) });
  const acts: string[] = [];
  const leg = (name: string, failure?: Error): LegControl => ({
    refuse: (reason) => void acts.push(`${name} refuse ${reason}`),
    hangUp: async (reason) => {
      acts.push(`${name} bye ${reason}`);
      if (failure !== undefined) throw failure;
    },
  });
  return { acts, failures, leg, legs: own, told };
}

test('nobody is told of a stranger’s legs; of a customer’s, as soon as he is known, each once', () => {
  const { legs: own, told } = legs();
  own.known('a');
  own.known('b');
  expect([told, own.isIdentified]).toEqual([[], false]);
  own.identified();
  expect(own.isIdentified).toBe(true);
  own.known('c');
  own.identified();
  expect(told).toEqual(['a', 'b', 'c']);
});

test('a leg that takes over hands the former back, which the call does not end', () => {
  const { acts, leg, legs: own } = legs();
  const first = leg('first');
  expect(own.take(first)).toBeNull();
  expect(own.take(leg('second'))).toBe(first);
  own.drop('api_hangup', true);
  expect(acts).toEqual(['second bye api_hangup']);
});

test('an unanswered leg is refused; a call without a leg has nothing to drop', () => {
  const { acts, leg, legs: own } = legs();
  own.drop('busy', false);
  own.drop('busy', true);
  own.take(leg('only'));
  own.drop('busy', false);
  expect(acts).toEqual(['only refuse busy']);
});

test('a BYE that fails is told', async () => {
  const { failures, leg, legs: own } = legs();
  const failure = new Error('no');
  own.take(leg('only', failure));
  own.drop('api_hangup', true);
  await Promise.resolve();
  await Promise.resolve();
  expect(failures).toEqual([failure]);
});
