import { expect, test } from 'vitest';
import { Bundle } from '../../src/storage/bundle.ts';

function bundle() {
  const sent: (readonly number[])[] = [];
  return { sent, box: new Bundle<number>((items) => sent.push(items)) };
}

test('what is added in one turn leaves as one message, in its order', async () => {
  const { sent, box } = bundle();
  for (const item of [1, 2, 3]) box.add(item);
  expect(sent).toEqual([]);
  await Promise.resolve();
  expect(sent).toEqual([[1, 2, 3]]);
});

test('what continuations of the same depth add leaves with it', async () => {
  const { sent, box } = bundle();
  await Promise.all([1, 2, 3].map(async (item) => box.add((await Promise.resolve(item)) * 10)));
  expect(sent).toEqual([[10, 20, 30]]);
});

test('a message is never empty and nothing leaves twice', async () => {
  const { sent, box } = bundle();
  box.add(1);
  box.flush();
  box.flush();
  await Promise.resolve();
  box.add(2);
  await Promise.resolve();
  expect(sent).toEqual([[1], [2]]);
});

test('what the sender adds while it sends leaves with the next message', async () => {
  const sent: (readonly number[])[] = [];
  const box = new Bundle<number>((items) => {
    sent.push(items);
    if (sent.length === 1) box.add(9);
  });
  box.add(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toEqual([[1], [9]]);
});
