import { describe, expect, test } from 'vitest';
import { createAddressPolicy } from '../../src/agents/address-policy.ts';
import { WebhookUrlRefused } from '../../src/webhooks/errors.ts';
import { checkUrl } from '../../src/webhooks/url.ts';

const policy = createAddressPolicy(['10.20.0.0/16']);

describe('an endpoint’s URL', () => {
  test.each([
    'https://receiver.example/hook',
    'https://receiver.example:8443/hook?token=x',
    'https://1.1.1.1/',
    'https://[2606:4700::1111]/',
    'https://10.20.0.1/hook',
    'http://10.20.0.1:8080/hook',
    // Names are judged when they are connected to.
    'http://receiver.internal/hook',
  ])('%s may be saved', (url) => {
    expect(() => checkUrl(url, policy)).not.toThrow();
  });

  test.each([
    'ftp://receiver.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'receiver.example',
    '',
    'https://',
    'https://a b/',
    'https://user@receiver.example/',
    'https://user:pass@receiver.example/',
    'https://receiver.example/#part',
    'https://receiver.example:0/',
    'https://receiver.example:99999/',
    // Plain http over the Internet.
    'http://1.1.1.1/',
    'http://[2606:4700::1111]/',
    // Addresses that are not public and not opened, in each way of writing them.
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://0/',
    'https://10.0.0.1/',
    'https://10.21.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://①②⑦.0.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
  ])('%s is refused', (url) => {
    expect(() => checkUrl(url, policy)).toThrow(WebhookUrlRefused);
  });

  test('a refusal does not repeat the URL', () => {
    for (const url of ['https://user:s3cret@receiver.example/', 'https://127.0.0.1/s3cret', 's3cret']) {
      expect(() => checkUrl(url, policy)).toThrow(/^must(?!.*s3cret)/);
    }
  });
});
