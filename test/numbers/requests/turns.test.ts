import { expect, test } from 'vitest';
import { Turns } from '../../../src/numbers/requests/turns.ts';

test('works of one name come one after the other, also after one that failed; other names do not wait', async () => {
  const turns = new Turns();
  const said: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = turns.take('a', async () => {
    said.push('first begins');
    await gate.promise;
    said.push('first ends');
    throw new Error('no');
  });
  const second = turns.take('a', async () => void said.push('second'));
  await turns.take('b', async () => void said.push('other'));
  gate.resolve();
  await expect(first).rejects.toThrow('no');
  await second;
  expect(said).toEqual(['first begins', 'other', 'first ends', 'second']);
  expect(await turns.take('a', async () => 'again')).toBe('again');
});
