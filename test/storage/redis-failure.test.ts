import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { failureOf } from '../../src/storage/redis/failure.ts';

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError', command: { name: 'auth', args: ['hunter2'] } });
}

describe('what Redis or its client says', () => {
  test.each([
    ['LOADING Redis is loading the dataset in memory', 'LOADING'],
    ["READONLY You can't write against a read only replica. script: 7f, on @user_script:14.", 'READONLY'],
    ['MOVED 3999 127.0.0.1:6381', 'MOVED'],
    ['CLUSTERDOWN The cluster is down', 'CLUSTERDOWN'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'OOM'],
    ['MISCONF Redis is configured to save RDB snapshots, but it is unable to', 'MISCONF'],
    ['NOREPLICAS Not enough good replicas to write.', 'NOREPLICAS'],
    ['ERR unknown command', 'ERR'],
    // Redis 6 wraps what a script met.
    ['ERR Error running script (call to f_7f): @user_script:14: @user_script: 14: -READONLY You can not', 'READONLY'],
    [
      'ERR Error running script (call to f_7f): @user_script:9: @user_script: 9: -WRONGTYPE Operation against',
      'WRONGTYPE',
    ],
  ])('%s: refused, with its code', (text, redisCode) => {
    expect(failureOf(reply(text), null)).toMatchObject({ code: 'store_refused', redisCode });
  });

  test.each([
    ['Too many Cluster redirections. Last error: ReplyError: MOVED 3999 127.0.0.1:6381', 'MOVED'],
    ['Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN Hash slot not served', 'CLUSTERDOWN'],
  ])('%s: what counts is the last reason', (text, redisCode) => {
    expect(failureOf(new Error(text), null)).toMatchObject({ code: 'store_refused', redisCode });
  });

  test.each([
    ['connect ECONNREFUSED 127.0.0.1:6379', 'Redis: connect ECONNREFUSED 127.0.0.1:6379'],
    ['Command timed out', 'Redis: no answer in time'],
    ["Stream isn't writeable and enableOfflineQueue options is false", 'Redis: there is no connection'],
    [
      'Too many Cluster redirections. Last error: Error: Connection is closed.',
      'Redis: the connection was lost before an answer came',
    ],
    // A name that looks like a code is none where Redis did not say it.
    ['EAI_AGAIN redis.example.com', 'Redis: EAI_AGAIN redis.example.com'],
  ])('%s: unreachable', (text, message) => {
    expect(failureOf(new Error(text), null)).toMatchObject({ code: 'store_unreachable', message });
  });

  test('the last node that a Cluster asked tells more than the Cluster', () => {
    const failed = Object.assign(new Error('Failed to refresh slots cache.'), {
      lastNodeError: reply('WRONGPASS invalid'),
    });
    expect(failureOf(failed, null)).toMatchObject({ code: 'store_refused', redisCode: 'WRONGPASS' });
  });

  test('no password and no argument goes through', () => {
    for (const text of [
      "ERR unknown command 'AUTH', with args beginning with: 'hunter2'",
      'WRONGPASS hunter2 is not the password',
      'connect failed for hunter2',
    ]) {
      const shown = inspect(failureOf(reply(text), 'hunter2'), { depth: 9, showHidden: true });
      expect(shown).not.toContain('hunter2');
    }
  });
});
