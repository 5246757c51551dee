import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { createFormReader, type Form } from '../../src/http/form.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('FO3 who sends slowly takes places from himself: others still get theirs', async () => {
  const clock = new FakeClock();
  const reader = createFormReader(clock, { atOnceMax: 8, timeoutMs: 1_000 });
  const shape = { fields: Type.Object({}), file: { name: 'file', description: '', bytesMax: 100 } };
  const read = reader.of(shape);
  const begin = (asker: string): Promise<Form> => {
    const request = Object.assign(new PassThrough(), {
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    return read(request as unknown as IncomingMessage, asker)();
  };
  const slow = ['a', 'a', 'a'].map((asker) => begin(asker));
  await expect(begin('a')).rejects.toMatchObject({ code: 'uploads_busy' });
  const others = ['b', 'b'].map((asker) => begin(asker));
  clock.advance(1_000);
  for (const each of [...slow, ...others]) await expect(each).rejects.toMatchObject({ code: 'request_timeout' });
  const again = begin('a');
  clock.advance(1_000);
  await expect(again).rejects.toMatchObject({ code: 'request_timeout' });
});
