import { describe, expect, test } from 'vitest';
import { createLogger, loggerOfCall } from '../../src/observability/logger.ts';
import type { NumberPolicy } from '../../src/observability/redaction.ts';

const CANARY = 'c4n4ry-VALUE';

function capture(numbers?: NumberPolicy) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: 'debug', destination, ...(numbers ? { numbers } : {}) });
  return { logger, text: () => lines.join(''), records: () => lines.map((line) => JSON.parse(line)) };
}

const SIP_MESSAGE = [
  'INVITE sip:+12025550100@127.0.0.1 SIP/2.0',
  `Proxy-Authorization: Digest username="u", response="${CANARY}"`,
  'Content-Type: application/sdp',
  '',
  `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${CANARY}|2^20|1:4`,
].join('\r\n');

describe('redaction', () => {
  test.each([
    ['a field', (log: Log) => log.info({ password: CANARY }, 'x')],
    ['a field deep down', (log: Log) => log.info({ a: { b: { c: { authToken: CANARY } } } }, 'x')],
    ['a list of objects', (log: Log) => log.info({ trunks: [{ outbound: { password: CANARY } }] }, 'x')],
    ['a header map', (log: Log) => log.info({ headers: { Authorization: `Bearer ${CANARY}` } }, 'x')],
    ['names in other spellings', (log: Log) => log.info({ 'X-Api-Key': CANARY, auth_token: CANARY }, 'x')],
    ['a composed name', (log: Log) => log.info({ adminToken: CANARY, drachtioSecret: CANARY }, 'x')],
    ['the bindings of a child', (log: Log) => log.child({ token: CANARY }).info('x')],
    ['a SIP message in a field', (log: Log) => log.info({ raw: SIP_MESSAGE }, 'x')],
    ['a SIP message as the message', (log: Log) => log.info(SIP_MESSAGE)],
    ['an argument of the message', (log: Log) => log.info('got %s', `Authorization: Bearer ${CANARY}`)],
    ['a key of ours in a text', (log: Log) => log.info(`it was callin_sk_${CANARY}, cookie callin_session=${CANARY}`)],
    ['an object argument', (log: Log) => log.info({ a: 1 }, 'got %j', { secret: CANARY })],
    ['an error message', (log: Log) => log.error(new Error(`password=${CANARY} refused`))],
    ['an error with fields', (log: Log) => log.error({ err: Object.assign(new Error('x'), { apiKey: CANARY }) }, 'x')],
    [
      'the cause of an error',
      (log: Log) => log.error(new Error('outer', { cause: new Error(`Bearer ${CANARY}`) }), 'x'),
    ],
    ['a URL with credentials', (log: Log) => log.info({ url: `redis://user:${CANARY}@host/0` }, 'x')],
  ])('hides a secret in %s', (_where, act) => {
    const { logger, text, records } = capture();
    act(logger);
    expect(text()).not.toContain(CANARY);
    expect(text()).toContain('[redacted]');
    expect(records()).toHaveLength(1);
  });

  test('leaves what is no secret alone', () => {
    const { logger, records } = capture();
    logger.info({ trunkId: 'trunk_a', status: 486, nested: { list: [1, 'two', null, true] }, amount: 12n }, 'refused');
    expect(records()[0]).toMatchObject({
      level: 'info',
      msg: 'refused',
      trunkId: 'trunk_a',
      status: 486,
      nested: { list: [1, 'two', null, true] },
      amount: '12',
    });
  });

  test('does not change the object it was given', () => {
    const { logger } = capture();
    const given = { password: CANARY, from: '+12025550100' };
    logger.info(given, 'x');
    expect(given).toEqual({ password: CANARY, from: '+12025550100' });
  });

  test.each<[NumberPolicy, string]>([
    ['last4', '+*******0100'],
    ['hide', '+***********'],
    ['show', '+12025550100'],
  ])('numbers under policy %s', (policy, expected) => {
    const { logger, records } = capture(policy);
    logger.info({ from: '+12025550100', note: 'call sip:12025550100@host' }, 'to +12025550100');
    expect(records()[0].from).toBe(expected);
    expect(records()[0].msg).toBe(`to ${expected}`);
    expect(records()[0].note.includes('12025550100')).toBe(policy === 'show');
  });

  test('a number written without plus is masked where the field says that it is one', () => {
    const { logger, records } = capture();
    logger.info({ calledUser: '0012025550100', durationMs: 12025550100 }, 'x');
    expect(records()[0]).toMatchObject({ calledUser: '*********0100', durationMs: 12025550100 });
  });

  test('endless depth, width and text are cut', () => {
    const { logger, text } = capture();
    const loop: Record<string, unknown> = { wide: Array.from({ length: 10_000 }, () => 'x'), long: 'y'.repeat(1e6) };
    loop['self'] = loop;
    logger.info(loop, 'x');
    expect(text().length).toBeLessThan(100_000);
    expect(text()).toContain('[deep]');
  });
});

describe('logger', () => {
  test('lines of one call carry its id and an RFC 3339 time', () => {
    const { logger, records } = capture();
    loggerOfCall(logger, 'call_a').warn({ event: 'late' }, 'x');
    expect(records()[0]).toMatchObject({ callId: 'call_a', level: 'warn', event: 'late' });
    expect(records()[0].time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('an error comes out with type, message, stack and code', () => {
    const { logger, records } = capture();
    logger.error(Object.assign(new TypeError('bad'), { code: 'E_BAD' }));
    expect(records()[0]).toMatchObject({ msg: 'bad', err: { type: 'TypeError', message: 'bad', code: 'E_BAD' } });
    expect(records()[0].err.stack).toContain('logger.test');
  });

  test('below the level nothing is written', () => {
    const { logger, text } = capture();
    logger.trace({ a: 1 }, 'x');
    expect(text()).toBe('');
  });
});

type Log = ReturnType<typeof createLogger>;
