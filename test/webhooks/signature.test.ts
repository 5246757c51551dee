import { describe, expect, test } from 'vitest';
import { newSecret, signedHeaders } from '../../src/webhooks/signature.ts';

describe('the signature', () => {
  test('is what the libraries of Standard Webhooks compute for their own test message', () => {
    const headers = signedHeaders(
      { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' },
      1_614_265_330_000,
      ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    );
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test('of two secrets stands twice, the present one first', () => {
    const [one, two] = [newSecret(() => new Uint8Array(32).fill(1)), newSecret(() => new Uint8Array(32).fill(2))];
    const of = (...secrets: string[]) =>
      signedHeaders({ id: 'x', body: '{}' }, 1_999, secrets)['webhook-signature'] ?? '';
    expect(of(one, two)).toBe(`${of(one)} ${of(two)}`);
    expect(of(one)).not.toBe(of(two));
  });

  test('has the whole seconds of the attempt', () => {
    expect(signedHeaders({ id: 'x', body: '' }, 1_999, [])['webhook-timestamp']).toBe('1');
  });

  test('a secret is 32 random bytes in base64', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);
    const secret = newSecret((size) => bytes.subarray(0, size));
    expect(secret).toBe(`whsec_${Buffer.from(bytes).toString('base64')}`);
  });
});
