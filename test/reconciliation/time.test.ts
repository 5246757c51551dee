import { describe, expect, test } from 'vitest';
import { compileTime, type TimeFormat } from '../../src/reconciliation/time.ts';

/** As RFC 3339, or why not. */
function read(text: string, over: Partial<TimeFormat> & { format?: string } = {}): string {
  const { format = 'iso', ...rest } = over;
  const parsed = compileTime({ formats: [format], zone: 'UTC', zones: {}, ...rest })(text);
  return parsed.ok ? new Date(parsed.value).toISOString() : parsed.reason;
}

describe('iso', () => {
  test.each([
    ['2026-01-31T13:05:07Z', '2026-01-31T13:05:07.000Z'],
    ['2026-01-31 13:05:07', '2026-01-31T13:05:07.000Z'],
    ['2026-01-31 13:05:07 UTC', '2026-01-31T13:05:07.000Z'],
    ['2026-01-31T13:05:07.25+01:00', '2026-01-31T12:05:07.250Z'],
    ['2026-01-31T13:05:07,123456789-0530', '2026-01-31T18:35:07.123Z'],
    ['2026-01-31 13:05:07+00', '2026-01-31T13:05:07.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
  ])('%s', (text, instant) => {
    expect(read(text)).toBe(instant);
  });

  test.each([
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-13-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-10T24:00:00Z',
    '2026-01-10T10:60:00Z',
    '2026-01-10T10:10:61Z',
  ])('%s is not in the calendar', (text) => {
    expect(read(text)).toBe('is no day or time of the calendar');
  });

  test.each(['', '2026-01-31', '13:05:07', '31/01/2026 13:05:07', '2026-01-31T13:05Z', ' 2026-01-31T13:05:07Z', 'x'])(
    '"%s" is no such time',
    (text) => {
      expect(read(text)).toBe('is not a time such as 2026-01-31 13:05:00');
    },
  );
});

describe('counts of seconds', () => {
  test.each([
    ['unix', '1767225600', '2026-01-01T00:00:00.000Z'],
    ['unix', '1767225600.0625', '2026-01-01T00:00:00.062Z'],
    ['unixMs', '1767225600062', '2026-01-01T00:00:00.062Z'],
    ['unix', '-1', 'is not a count of seconds'],
    ['unix', '1e9', 'is not a count of seconds'],
    ['unix', '', 'is not a count of seconds'],
  ])('%s %s', (format, text, instant) => {
    expect(read(text, { format })).toBe(instant);
  });
});

describe('patterns', () => {
  test.each([
    ['dd/MM/yyyy HH:mm:ss', '31/01/2026 13:05:07', '2026-01-31T13:05:07.000Z'],
    ['MM/dd/yyyy hh:mm:ss a', '01/31/2026 12:05:07 AM', '2026-01-31T00:05:07.000Z'],
    ['M/d/yyyy h:mm:ss a', '1/5/2026 12:05:07 pm', '2026-01-05T12:05:07.000Z'],
    ['EEE, dd MMM yyyy HH:mm:ss ZZ', 'Sat, 31 Jan 2026 13:05:07 +0000', '2026-01-31T13:05:07.000Z'],
    ['EEE, dd MMM yyyy HH:mm:ss ZZ', 'Sat, 31 Jan 2026 13:05:07 -0800', '2026-01-31T21:05:07.000Z'],
    ['HH:mm:ss zzz yyyy-MM-dd', '13:05:07 PST 2026-01-31', '2026-01-31T21:05:07.000Z'],
    ["yyyy-MM-dd'T'HH:mm:ss.SSS", '2026-01-31T13:05:07.042', '2026-01-31T13:05:07.042Z'],
    ['yyyy.MM.dd HH.mm.ss', '2026.01.31 13.05.07', '2026-01-31T13:05:07.000Z'],
    ['HH:mm:ss zzz yyyy-MM-dd', '13:05:07 CET 2026-01-31', 'has a time zone that `zones` of the mapping does not name'],
    [
      'HH:mm:ss zzz yyyy-MM-dd',
      '13:05:07 ABCDE 2026-01-31',
      'has a time zone that `zones` of the mapping does not name',
    ],
    ['yyyy.MM.dd HH.mm.ss', '2026-01-31 13:05:07', "is not a time of the mapping's format"],
    ['dd MMM yyyy HH:mm:ss', '31 Foo 2026 13:05:07', 'is no day or time of the calendar'],
    ['M/d/yyyy h:mm:ss a', '1/5/2026 13:05:07 PM', 'is no day or time of the calendar'],
    ['M/d/yyyy h:mm:ss a', '1/5/2026 0:05:07 AM', 'is no day or time of the calendar'],
  ])('%s of %s', (format, text, instant) => {
    expect(read(text, { format, zones: { PST: '-08:00' } })).toBe(instant);
  });

  test('of several formats the first that fits counts, and the first says what is wrong', () => {
    const formats = ['iso', 'MM/dd/yyyy HH:mm:ss'];
    expect(read('01/31/2026 13:05:07', { formats })).toBe('2026-01-31T13:05:07.000Z');
    expect(read('2026-01-31 13:05:07', { formats })).toBe('2026-01-31T13:05:07.000Z');
    expect(read('noon', { formats })).toBe('is not a time such as 2026-01-31 13:05:00');
  });
});

describe('time zones', () => {
  test.each([
    ['America/New_York', '2026-01-15 12:00:00', '2026-01-15T17:00:00.000Z'],
    ['America/New_York', '2026-07-15 12:00:00', '2026-07-15T16:00:00.000Z'],
    ['America/New_York', '2026-03-08 01:59:59', '2026-03-08T06:59:59.000Z'],
    ['America/New_York', '2026-03-08 03:00:00', '2026-03-08T07:00:00.000Z'],
    ['America/New_York', '2026-11-01 00:59:59', '2026-11-01T04:59:59.000Z'],
    ['America/New_York', '2026-11-01 02:00:00', '2026-11-01T07:00:00.000Z'],
    ['Asia/Kolkata', '2026-01-15 12:00:00', '2026-01-15T06:30:00.000Z'],
    ['Asia/Kathmandu', '2026-01-15 12:00:00', '2026-01-15T06:15:00.000Z'],
    ['Pacific/Kiritimati', '2026-01-01 12:00:00', '2025-12-31T22:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-07-01 12:00:00', '2026-07-01T01:30:00.000Z'],
    ['Europe/London', '2026-06-01 12:00:00', '2026-06-01T11:00:00.000Z'],
  ])('%s %s', (zone, text, instant) => {
    expect(read(text, { zone })).toBe(instant);
  });

  test('an hour that does not exist, or exists twice, is not guessed', () => {
    const zone = 'America/New_York';
    expect(read('2026-03-08 02:30:00', { zone })).toMatch(/does not exist in America\/New_York/);
    expect(read('2026-11-01 01:30:00', { zone })).toMatch(/is there twice in America\/New_York/);
    // An offset settles it.
    expect(read('2026-11-01 01:30:00-04:00', { zone })).toBe('2026-11-01T05:30:00.000Z');
  });

  test('every hour of a year reads back', () => {
    const reader = compileTime({ formats: ['iso'], zone: 'Europe/Berlin', zones: {} });
    const local = new Intl.DateTimeFormat('sv-SE', {
      timeZone: 'Europe/Berlin',
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    let doubtful = 0;
    for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 3_600_000) {
      const parsed = reader(local.format(at));
      if (parsed.ok) expect(parsed.value).toBe(at);
      else doubtful += 1;
    }
    expect(doubtful).toBe(2);
  });
});
