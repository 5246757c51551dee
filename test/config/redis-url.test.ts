import { describe, expect, test } from 'vitest';
import { describeRedis, parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';

const single: RedisAddress = {
  kind: 'single',
  nodes: [{ host: '127.0.0.1', port: 6379 }],
  tls: false,
  username: null,
  password: null,
  masterName: '',
  db: 0,
};

describe('the URL of Redis', () => {
  test.each<[string, Partial<RedisAddress>]>([
    ['redis://127.0.0.1', {}],
    ['redis://127.0.0.1/', {}],
    ['redis://127.0.0.1:6380/3', { nodes: [{ host: '127.0.0.1', port: 6380 }], db: 3 }],
    ['rediss://redis.example.com', { nodes: [{ host: 'redis.example.com', port: 6379 }], tls: true }],
    ['redis://[::1]:7000', { nodes: [{ host: '::1', port: 7000 }] }],
    ['redis://:secret@127.0.0.1', { password: 'secret' }],
    ['redis://edge:se%40c%3Ar%2Fet@127.0.0.1', { username: 'edge', password: 'se@c:r/et' }],
    ['redis://edge:a:b@127.0.0.1', { username: 'edge', password: 'a:b' }],
    [
      'redis+sentinel://edge:secret@10.0.0.1:26380,10.0.0.2/mymaster/2',
      {
        kind: 'sentinel',
        nodes: [
          { host: '10.0.0.1', port: 26380 },
          { host: '10.0.0.2', port: 26379 },
        ],
        username: 'edge',
        password: 'secret',
        masterName: 'mymaster',
        db: 2,
      },
    ],
    [
      'redis+sentinel://10.0.0.1/mymaster',
      { kind: 'sentinel', nodes: [{ host: '10.0.0.1', port: 26379 }], masterName: 'mymaster' },
    ],
    [
      'redis+cluster://a:7000,b:7001,[::1]:7002',
      {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 7001 },
          { host: '::1', port: 7002 },
        ],
      },
    ],
  ])('%s is read', (text, over) => {
    expect(parseRedisUrl(text)).toEqual({ ...single, ...over });
  });

  test.each([
    ['', 'must be redis://'],
    ['127.0.0.1:6379', 'must be redis://'],
    ['http://127.0.0.1', 'must be redis://'],
    ['redis+replica://127.0.0.1', 'must be redis://'],
    ['redis://127.0.0.1?family=6', 'without a query'],
    ['redis://', 'host:port'],
    ['redis://host:port', 'host:port'],
    ['redis://host:0', 'host:port'],
    ['redis://host:70000', 'host:port'],
    ['redis+cluster://a,,b', 'host:port'],
    ['redis+cluster://a b', 'host:port'],
    ['redis://a,b', 'several hosts'],
    ['redis://127.0.0.1/first', 'number of a database'],
    ['redis://127.0.0.1/0/1', 'number of a database'],
    ['redis+sentinel://10.0.0.1', 'name the master'],
    ['redis+sentinel://10.0.0.1/m/x', 'number of a database'],
    ['redis+cluster://a/1', 'cannot choose a database'],
    ['redis://edge:10%@127.0.0.1', 'not percent-encoded'],
    [`redis+cluster://${'a,'.repeat(100)}a`, 'at most 100'],
  ])('%s is refused', (text, reason) => {
    expect(parseRedisUrl(text)).toContain(reason);
  });

  test('what is refused is not repeated: there may be a password in it', () => {
    for (const text of ['redis:/edge:hunter2@host', 'redis://edge:hunter2@host:x', 'redis://e:hunter2%@host'])
      expect(parseRedisUrl(text)).not.toContain('hunter2');
  });

  test.each([
    ['redis://edge:hunter2@127.0.0.1/1', 'redis://127.0.0.1:6379/1'],
    ['rediss://[::1]', 'rediss://[::1]:6379/0'],
    ['redis+sentinel://edge:hunter2@a,b/m', 'redis+sentinel://a:26379,b:26379/m/0'],
    ['redis+cluster://edge:hunter2@a:7000', 'redis+cluster://a:7000'],
  ])('%s is described without its user and password', (text, said) => {
    expect(describeRedis(parseRedisUrl(text) as RedisAddress)).toBe(said);
  });
});
