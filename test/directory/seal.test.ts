import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createSealer } from '../../src/directory/seal.ts';

const KEY = new Uint8Array(32).fill(1);
const HERE = { workspaceId: 'ws_a', record: 'trunk_a', field: 'outbound.password' };
const sealer = createSealer({ keys: [KEY], randomBytes });

describe('seal', () => {
  test('opens where it was sealed', () => {
    for (const secret of ['', 'x', 'pässwörd \u{1f511}', 'y'.repeat(10_000)]) {
      expect(sealer.unseal(sealer.seal(secret, HERE), HERE)).toBe(secret);
    }
  });

  test('the same secret is never sealed to the same text', () => {
    expect(sealer.seal('a', HERE)).not.toBe(sealer.seal('a', HERE));
  });

  test.each([
    ['another workspace', { ...HERE, workspaceId: 'ws_b' }],
    ['the operator', { ...HERE, workspaceId: null }],
    ['another record', { ...HERE, record: 'trunk_b' }],
    ['another field', { ...HERE, field: 'stream.authToken' }],
  ])('does not open in %s', (_where, place) => {
    expect(() => sealer.unseal(sealer.seal('a', HERE), place)).toThrow(
      expect.objectContaining({ code: 'unseal_failed' }),
    );
  });

  test('parts that join to the same text are different places', () => {
    const sealed = sealer.seal('a', { workspaceId: 'ws', record: 'a|b', field: 'c' });
    const other = { workspaceId: 'ws|a', record: 'b', field: 'c' };
    expect(() => sealer.unseal(sealed, other)).toThrow(expect.objectContaining({ code: 'unseal_failed' }));
  });

  test('any changed bit is noticed', () => {
    const sealed = sealer.seal('secret', HERE);
    const [version, id, body = ''] = sealed.split('.');
    const bytes = Buffer.from(body, 'base64url');
    for (let i = 0; i < bytes.length; i += 1) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => sealer.unseal(`${version}.${id}.${changed.toString('base64url')}`, HERE)).toThrow(
        'changed or moved',
      );
    }
  });

  test.each(['', 'secret', 'v1.00000000.AAAA', 'v2.x.y', `v1.${'0'.repeat(8)}.${'A'.repeat(60)}`])(
    '%j is not sealed by us',
    (text) => {
      expect(() => sealer.unseal(text, HERE)).toThrow(expect.objectContaining({ code: 'unseal_failed' }));
    },
  );

  test('a truncated text is refused', () => {
    const sealed = sealer.seal('secret', HERE);
    for (const length of [sealed.length - 1, sealed.length - 10, 20]) {
      expect(() => sealer.unseal(sealed.slice(0, length), HERE)).toThrow(
        expect.objectContaining({ code: 'unseal_failed' }),
      );
    }
  });

  test('a key of another length is refused when it is set up', () => {
    expect(() => createSealer({ keys: [new Uint8Array(16)], randomBytes })).toThrow(TypeError);
    expect(() => createSealer({ keys: [], randomBytes })).toThrow(TypeError);
  });
});
