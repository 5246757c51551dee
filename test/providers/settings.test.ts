import { describe, expect, test } from 'vitest';
import { parsePrefix } from '../../src/routing/address.ts';
import { parseProviderSettings, ProviderSettingsError } from '../../src/providers/index.ts';
import { SETTINGS } from './stage.ts';

describe('config/providers.yaml', () => {
  test('as it comes is good, over TLS, and names only addresses and hosts', () => {
    const { twilio, telnyx } = SETTINGS;
    for (const url of [twilio.apiUrl, twilio.trunkingUrl, telnyx.apiUrl]) expect(url).toMatch(/^https:/);
    const strange = [...twilio.signalling, ...telnyx.signalling].filter(
      (text) => parsePrefix(text) === undefined && !/^[a-z0-9.-]+\.[a-z]{2,}$/.test(text),
    );
    expect(strange).toEqual([]);
  });

  test.each([
    ['an unknown key', 'twilio:\n  key: secret\n', 'twilio'],
    ['a key over plain HTTP', 'twilio:\n  apiUrl: http://api.twilio.com\n', 'apiUrl'],
    ['no YAML', ': : :\n\t-', 'is not YAML'],
    ['nothing', '', '(file)'],
  ])('with %s is refused, by name', (_name, text, words) => {
    expect(() => parseProviderSettings(text, 'providers.yaml')).toThrow(ProviderSettingsError);
    expect(() => parseProviderSettings(text, 'providers.yaml')).toThrow(words);
    expect(() => parseProviderSettings(text, 'providers.yaml')).toThrow('providers.yaml');
  });
});
