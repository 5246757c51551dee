import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { variableOf } from '../../src/config/environment.ts';
import { ConfigError } from '../../src/config/errors.ts';
import { loadConfig } from '../../src/config/load.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const SECRET_KEY = Buffer.alloc(32, 7).toString('base64');
const folder = mkdtempSync(join(tmpdir(), 'callin-config-'));
let files = 0;

function load(yaml: string | null, env: Record<string, string> = {}) {
  let file: string | null = null;
  if (yaml !== null) {
    file = join(folder, `${++files}.yaml`);
    writeFileSync(file, yaml);
  }
  return loadConfig({ root: ROOT, file, env: { CALLIN_AUTH__SECRET_KEY: SECRET_KEY, ...env } });
}

function problemsOf(yaml: string | null, env: Record<string, string> = {}) {
  try {
    load(yaml, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  test('the defaults are valid, loopback only, and frozen', () => {
    const config = load(null);
    expect([config.http.host, config.sip.host, config.media.host]).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
    expect(config.sip.udpPort).toBe(5060);
    expect([config.sip.tlsPort, config.sip.wsPort, config.sip.wssPort, config.sip.tls.cert]).toEqual([
      5061,
      5062,
      5063,
      '',
    ]);
    expect(Object.isFrozen(config.sip.drachtio)).toBe(true);
  });

  test('a file overrides single keys and leaves the rest', () => {
    const config = load('sip:\n  udpPort: 0\n');
    expect(config.sip.udpPort).toBe(0);
    expect(config.sip.tcpPort).toBe(5060);
  });

  test('the environment wins over the file', () => {
    const config = load('sip: { udpPort: 0 }', {
      CALLIN_SIP__UDP_PORT: '5080',
      CALLIN_SIP__TCP_PORT: 'off',
      CALLIN_DEMO: 'true',
    });
    expect([config.sip.udpPort, config.sip.tcpPort, config.demo]).toEqual([5080, 'off', true]);
  });

  test('text that looks like a number stays text where the key is text', () => {
    expect(load(null, { CALLIN_AUTH__ADMIN_TOKEN: '1234567890123456' }).auth.adminToken).toBe('1234567890123456');
  });

  test.each([
    ['sip.udpPort', 'CALLIN_SIP__UDP_PORT'],
    ['media.rtpPortMin', 'CALLIN_MEDIA__RTP_PORT_MIN'],
    ['demo', 'CALLIN_DEMO'],
  ])('%s is set by %s', (key, variable) => {
    expect(variableOf(key)).toBe(variable);
  });

  test.each([
    ['sip: { udpPort: 70000 }', 'sip.udpPort', 'must be <= 65535 or "off"'],
    ['sip: { udpPort: yes please }', 'sip.udpPort', 'must be integer or "off"'],
    ['sip: { engine: asterisk }', 'sip.engine', 'must be "embedded" or "drachtio"'],
  ])('%s: what is allowed is said in a few words', (yaml, key, reason) => {
    expect(problemsOf(yaml)).toMatchObject([{ key, reason }]);
  });

  test.each([
    ['an unknown key', 'sip: { udpPorts: 1 }', {}, 'sip.udpPorts', 'unknown key'],
    ['an unknown variable', null, { CALLIN_SIP__UDPPORT: '1' }, '(unknown)', 'no key has this variable'],
    ['a wrong type', 'http: { port: yes please }', {}, 'http.port', 'must be integer'],
    ['a port out of range', null, { CALLIN_HTTP__PORT: '70000' }, 'http.port', '<= 65535'],
    ['a scalar where a mapping belongs', 'sip: 5060', {}, 'sip', 'mapping'],
    ['an odd first RTP port', 'media: { rtpPortMin: 40001 }', {}, 'media.rtpPortMin', 'even'],
    ['an empty RTP range', 'media: { rtpPortMin: 40000, rtpPortMax: 40000 }', {}, 'media.rtpPortMax', 'above'],
    ['redis without a URL', 'store: { kind: redis }', {}, 'store.redis.url', 'needed'],
    [
      'redis with a URL that is none',
      null,
      { CALLIN_STORE__KIND: 'redis', CALLIN_STORE__REDIS__URL: 'http://127.0.0.1' },
      'store.redis.url',
      'must be redis://',
    ],
    ['drachtio without a secret', 'sip: { engine: drachtio }', {}, 'sip.drachtio.secret', 'needed'],
    ['no SIP port at all', 'sip: { udpPort: off, tcpPort: off }', {}, 'sip.udpPort', 'cannot all be off'],
    ['a certificate without a key', 'sip: { tls: { cert: a.pem } }', {}, 'sip.tls.key', 'go together'],
    ['a key without a certificate', 'sip: { tls: { key: a.pem } }', {}, 'sip.tls.cert', 'go together'],
    ['a page that is no origin', 'sip: { wsOrigins: [console.example.com] }', {}, 'sip.wsOrigins', 'must be origins'],
    ['a WebSocket URL that is none', 'sip: { wsUrl: https://edge.example.com }', {}, 'sip.wsUrl', 'pattern'],
    ['a further host that is a name', 'sip: { moreHosts: [localhost] }', {}, 'sip.moreHosts', 'IP addresses'],
    ['a WebSocket host that is a name', 'sip: { wsHost: localhost }', {}, 'sip.wsHost', 'IP address'],
    ['a media host that is a name', 'media: { host: localhost }', {}, 'media.host', 'IP address'],
    ['a media host that is any', 'media: { host: 0.0.0.0 }', {}, 'media.externalAddress', 'needed with'],
    ['a SIP host that is any', 'sip: { host: "::" }', {}, 'sip.externalAddress', 'needed with'],
    [
      'a reader of metrics that is no address',
      'http: { metricsAllowed: [10.0.0.0/8, everybody] }',
      {},
      'http.metricsAllowed',
      'CIDR',
    ],
    ['a proxy that is no address', 'http: { trustedProxies: [proxy.example] }', {}, 'http.trustedProxies', 'CIDR'],
    ['an admin token that can be guessed', null, { CALLIN_AUTH__ADMIN_TOKEN: 'x' }, 'auth.adminToken', 'at least 16'],
    [
      'a short former key',
      null,
      { CALLIN_AUTH__FORMER_SECRET_KEYS: '["c2hvcnQ="]' },
      'auth.formerSecretKeys',
      '32 bytes',
    ],
    ['a short secret key', null, { CALLIN_AUTH__SECRET_KEY: 'c2hvcnQ=' }, 'auth.secretKey', '32 bytes'],
    ['no secret key outside the demo', null, { CALLIN_AUTH__SECRET_KEY: '' }, 'auth.secretKey', 'needed'],
    ['a file that is not YAML', 'sip: [', {}, '(file)', 'not YAML'],
  ])('%s is named with its key and reason', (_what, yaml, env, key, reason) => {
    const found = problemsOf(yaml, env as Record<string, string>);
    expect(found.map((each) => each.key)).toContain(key);
    expect(found.find((each) => each.key === key)?.reason).toContain(reason);
  });

  test('every problem is reported at once', () => {
    expect(problemsOf('nope: 1\nsip: { also: 2 }')).toHaveLength(2);
  });
});
