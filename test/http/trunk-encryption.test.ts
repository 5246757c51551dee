import { describe, expect, test } from 'vitest';
import type { SipTransport } from '../../src/domain/directory.ts';
import { SRTP_SUITES } from '../../src/domain/srtp.ts';
import { Problem } from '../../src/http/problems.ts';
import { DEFAULT_SETTINGS, mergeSettings, type SettingsChange } from '../../src/http/trunk-settings.ts';

const ALL: readonly SipTransport[] = ['udp', 'tcp', 'tls'];

/** The field that is refused, and what is said of it; null = taken. */
function refusalOf(change: SettingsChange, transports = ALL, stored = DEFAULT_SETTINGS): string | null {
  try {
    mergeSettings(stored, change, transports);
    return null;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return (error.options.fields ?? []).map(({ field, message }) => `${field} ${message}`).join();
  }
}

describe('security 5: encrypted audio in the settings of a trunk', () => {
  test('by default it is off, with all suites, and keys in clear are not allowed', () => {
    expect(mergeSettings(DEFAULT_SETTINGS, {}, ALL)).toMatchObject({
      inbound: { mediaEncryption: 'off' },
      outbound: { mediaEncryption: 'off' },
      srtp: { suites: SRTP_SUITES, keysInClear: false },
    });
  });

  test.each([
    ['required over TLS', { outbound: { mediaEncryption: 'required', transport: 'tls' } }],
    ['optional over TLS', { outbound: { mediaEncryption: 'optional', transport: 'tls' } }],
    ['optional over what the DNS says', { outbound: { mediaEncryption: 'optional', transport: null } }],
    ['required of calls in over TLS', { inbound: { mediaEncryption: 'required', transport: 'tls' } }],
    ['required of calls in over any transport', { inbound: { mediaEncryption: 'required' } }],
    [
      'required over UDP with the exception',
      { outbound: { mediaEncryption: 'required' }, srtp: { keysInClear: true } },
    ],
    ['one suite', { srtp: { suites: ['AES_CM_128_HMAC_SHA1_80'] } }],
  ] as const)('%s is taken', (_name, change) => {
    expect(refusalOf(change)).toBeNull();
  });

  test.each([
    ['outbound', 'required over UDP', { outbound: { mediaEncryption: 'required', transport: 'udp' } }],
    ['outbound', 'required over the default, UDP', { outbound: { mediaEncryption: 'required' } }],
    ['outbound', 'optional over TCP', { outbound: { mediaEncryption: 'optional', transport: 'tcp' } }],
    ['outbound', 'required over what the DNS says', { outbound: { mediaEncryption: 'required', transport: null } }],
    ['inbound', 'required of calls in over UDP', { inbound: { mediaEncryption: 'required', transport: 'udp' } }],
    ['inbound', 'optional of calls in over TCP', { inbound: { mediaEncryption: 'optional', transport: 'tcp' } }],
  ] as const)('%s: %s is refused by name', (side, _name, change) => {
    expect(refusalOf(change)).toMatch(new RegExp(`^${side}\\.mediaEncryption (?:required|optional) needs `));
  });

  test('without TLS at this gateway it is refused, also of calls in', () => {
    const noTls: readonly SipTransport[] = ['udp', 'tcp'];
    expect(refusalOf({ inbound: { mediaEncryption: 'required' } }, noTls)).toMatch(/not switched on/);
    expect(refusalOf({ inbound: { mediaEncryption: 'required' }, srtp: { keysInClear: true } }, noTls)).toBeNull();
  });

  test('a change that takes the safe way away is refused, whichever field it is', () => {
    const secure = mergeSettings(
      DEFAULT_SETTINGS,
      { outbound: { mediaEncryption: 'required', transport: 'tls' } },
      ALL,
    );
    expect(refusalOf({ outbound: { transport: 'udp' } }, ALL, secure)).toMatch(/^outbound.mediaEncryption/);
    const excepted = mergeSettings(
      DEFAULT_SETTINGS,
      { outbound: { mediaEncryption: 'required' }, srtp: { keysInClear: true } },
      ALL,
    );
    expect(refusalOf({ srtp: { keysInClear: false } }, ALL, excepted)).toMatch(/^outbound.mediaEncryption/);
    // What was stored and is not touched stays.
    expect(refusalOf({ natAllowed: true }, ['udp'], secure)).toBeNull();
  });
});
