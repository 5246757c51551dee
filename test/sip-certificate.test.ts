import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../src/config/errors.ts';
import { loadConfig } from '../src/config/load.ts';
import type { Config } from '../src/config/schema.ts';
import type { Logger } from '../src/observability/logger.ts';
import { readSipAuthorities, readSipCertificate, watchSipCertificate } from '../src/sip-certificate.ts';
import type { Certificate } from '../src/sip-engine/index.ts';
import { webSocketUrl } from '../src/sip-engine-parts.ts';
import { anotherCertificate, CERTIFICATE, LACK, securely } from './sip-engine/support/secure-transport.ts';
import { FakeClock } from './support/fake-clock.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const KEY = { CALLIN_AUTH__SECRET_KEY: Buffer.alloc(32, 7).toString('base64') };

let folder: string;
let config: Config;
let clock: FakeClock;
let renewed: Certificate[];
let lines: string[];
let seconds = 0;

function configOf(env: Record<string, string>): Config {
  return loadConfig({ root: ROOT, file: null, env: { ...KEY, ...env } });
}

/** With a time of its own, as a renewal has. */
function write({ cert, key }: Certificate): void {
  seconds += 10;
  for (const [name, text] of Object.entries({ cert, key })) {
    writeFileSync(join(folder, `${name}.pem`), text);
    utimesSync(join(folder, `${name}.pem`), 1_000_000 + seconds, 1_000_000 + seconds);
  }
}

function watch(): () => void {
  const log = (_fields: object, message: string) => void lines.push(message);
  const logger = { info: log, error: log } as unknown as Logger;
  return watchSipCertificate({ config, root: folder, clock, logger, onRenewed: (next) => void renewed.push(next) });
}

function problemOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ key, reason }) => `${key} ${reason}`).join();
    throw error;
  }
  return 'none';
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'callin-cert-'));
  clock = new FakeClock();
  renewed = [];
  lines = [];
  // Relative paths start at the project's folder, which is the test's here.
  config = configOf({ CALLIN_SIP__TLS__CERT: 'cert.pem', CALLIN_SIP__TLS__KEY: 'key.pem' });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe(`the certificate of SIP over TLS${LACK}`, () => {
  securely('is read from its files', () => {
    write(CERTIFICATE);
    expect(readSipCertificate(config, folder)).toEqual(CERTIFICATE);
    expect(readSipCertificate(configOf({}), folder)).toBeNull();
  });

  securely('that cannot be used stops the start and names the key', () => {
    expect(problemOf(() => readSipCertificate(config, folder))).toMatch(/^sip\.tls\.cert cannot be read/);
    write({ cert: CERTIFICATE.cert, key: anotherCertificate().key });
    expect(problemOf(() => readSipCertificate(config, folder))).toMatch(/do not fit/);
    write({ cert: 'no PEM', key: CERTIFICATE.key });
    expect(problemOf(() => readSipCertificate(config, folder))).toMatch(/^sip\.tls\.cert/);
  });

  securely('that was renewed is shown within half a minute; what stays the same is not looked into', () => {
    write(CERTIFICATE);
    const stop = watch();
    clock.advance(60_000);
    expect(renewed).toEqual([]);
    const next = anotherCertificate();
    write(next);
    clock.advance(30_000);
    expect(renewed).toEqual([next]);
    clock.advance(300_000);
    expect([renewed.length, lines]).toEqual([1, ['the certificate of SIP over TLS was renewed']]);
    stop();
    expect(clock.pendingTimers).toBe(0);
  });

  securely('that does not fit yet leaves the old one, and is taken when it does', () => {
    write(CERTIFICATE);
    const stop = watch();
    const next = anotherCertificate();
    write({ cert: next.cert, key: CERTIFICATE.key });
    clock.advance(30_000);
    rmSync(join(folder, 'key.pem'));
    clock.advance(30_000);
    expect(renewed).toEqual([]);
    expect(lines).toHaveLength(2);
    write(next);
    clock.advance(30_000);
    expect(renewed).toEqual([next]);
    stop();
  });

  securely('of authorities is one file, and says what is wrong with it', () => {
    const withCa = configOf({ CALLIN_SIP__TLS__CA: 'cert.pem' });
    expect(problemOf(() => readSipAuthorities(withCa, folder))).toMatch(/^sip\.tls\.ca cannot be read/);
    writeFileSync(join(folder, 'cert.pem'), 'nothing');
    expect(problemOf(() => readSipAuthorities(withCa, folder))).toMatch(/^sip\.tls\.ca/);
    write(CERTIFICATE);
    expect(readSipAuthorities(withCa, folder)).toEqual([CERTIFICATE.cert]);
    expect(readSipAuthorities(configOf({}), folder)).toEqual([]);
  });
});

describe('where browsers are told to connect', () => {
  const ws = { protocol: 'ws' as const, host: '127.0.0.1', port: 5062 };
  const wss = { protocol: 'wss' as const, host: '0.0.0.0', port: 5063 };

  test.each([
    ['nowhere without a listener', {}, [], null],
    ['not even with a URL', { CALLIN_SIP__WS_URL: 'wss://edge.example/sip' }, [], null],
    ['loopback as it comes', {}, [ws], 'ws://127.0.0.1:5062'],
    ['TLS where there is one', { CALLIN_SIP__HOST: '192.0.2.1' }, [ws, wss], 'wss://192.0.2.1:5063'],
    ['the name outside', { CALLIN_SIP__EXTERNAL_ADDRESS: 'edge.example' }, [ws, wss], 'wss://edge.example:5063'],
    ['IPv6', { CALLIN_SIP__HOST: '2001:db8::1' }, [wss], 'wss://[2001:db8::1]:5063'],
    ['what the operator says', { CALLIN_SIP__WS_URL: 'wss://edge.example/sip' }, [ws], 'wss://edge.example/sip'],
  ])('%s', (_what, env, addresses, url) => {
    expect(webSocketUrl(configOf(env as Record<string, string>), addresses)).toBe(url);
  });
});
