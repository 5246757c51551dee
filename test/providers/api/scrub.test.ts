import { expect, test } from 'vitest';
import { scrub } from '../../../src/providers/api/scrub.ts';

test('no form of a secret stays, and no line is broken', () => {
  const secret = 'S3cr3t/"with+odd signs';
  const said = `bad: ${secret}, ${encodeURIComponent(secret)}, ${JSON.stringify(secret)}\r\nX-Evil: 1\u0000`;
  const clean = scrub(said, [secret]);
  expect(clean).toBe('bad: [redacted], [redacted], "[redacted]" X-Evil: 1');
});

test('a long text is cut, after the secrets are out of it', () => {
  const secret = 'a-secret-that-stands-at-the-cut';
  const clean = scrub(`${'x'.repeat(290)}${secret}${'y'.repeat(500)}`, [secret]);
  expect(clean).toHaveLength(301);
  expect(clean).not.toContain('a-secret');
});

test('what is too short to be a secret blacks out no words', () => {
  expect(scrub('the call failed', ['', 'a', 'call'])).toBe('the call failed');
});
