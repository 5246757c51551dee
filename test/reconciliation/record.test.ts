import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { CdrFileError } from '../../src/reconciliation/errors.ts';
import { readDuration, readMoney, readNumber } from '../../src/reconciliation/fields.ts';
import { LIMITS } from '../../src/reconciliation/limits.ts';
import { type CarrierMapping, parseMapping } from '../../src/reconciliation/mapping.ts';
import { readCdrFile, type TimeRange } from '../../src/reconciliation/read-file.ts';

const NOW = Date.parse('2026-02-01T00:00:00Z');

const FILE = {
  carrier: 'some',
  columns: {
    recordId: 'id',
    sipCallId: 'call_id',
    from: 'from',
    to: 'to',
    time: ['Start Time', 'started'],
    duration: 'duration',
    direction: 'direction',
    disposition: 'status',
    cost: 'cost',
    currency: 'currency',
  },
  time: { of: 'start', format: 'iso' },
  duration: { unit: 's', counts: 'actual' },
  direction: { inbound: ['in'], outbound: ['out'] },
  disposition: { answered: ['ANSWERED'], notAnswered: ['busy'], skip: ['ringing'] },
  cost: { currency: 'USD', sign: 'positive' },
};

const HEADER = 'id,call_id,from,to,START_TIME,duration,direction,status,cost,currency';
const ROW = 'r1,abc@host,+12025550199,+12025550100,2026-01-31T13:05:07Z,61.8,in,answered,0.0105,USD';

function mappingOf(over: object = {}): CarrierMapping {
  return parseMapping(stringify({ ...FILE, ...over }), 'some.yaml');
}

async function read(lines: readonly string[], over: object = {}, range: TimeRange | null = null) {
  return await readCdrFile(Buffer.from(lines.join('\n')), mappingOf(over), { range, nowMs: NOW });
}

/** Why the row with this cell instead is bad. */
async function badWith(cell: Partial<Record<string, string>>): Promise<string | undefined> {
  const names = HEADER.split(',');
  const cells = ROW.split(',').map((value, index) => cell[names[index] ?? ''] ?? value);
  const { badRows } = await read([HEADER, cells.join(',')]);
  return badRows[0]?.reason;
}

describe('a row', () => {
  test('becomes a record, whatever the case and the separators of the header', async () => {
    const { records, counts } = await read([HEADER, ROW]);
    expect(counts).toEqual({ rows: 1, bad: 0, skipped: 0, outOfRange: 0, repeated: 0 });
    expect(records).toEqual([
      {
        key: 'r1',
        line: 2,
        direction: 'inbound',
        from: '+12025550199',
        to: '+12025550100',
        at: Date.parse('2026-01-31T13:05:07Z'),
        durationMs: 61_800,
        answered: true,
        cost: 10_500_000n,
        sipCallId: 'abc@host',
        content: expect.stringMatching(/^[0-9a-f]{32}$/),
      },
    ]);
  });

  test.each<[string, Record<string, string>, string]>([
    ['time', { START_TIME: 'noon' }, 'time: is not a time such as 2026-01-31 13:05:00'],
    ['an old time', { START_TIME: '2020-01-31T13:05:07Z' }, 'time: is more than 400 days ago, or to come'],
    ['a time to come', { START_TIME: '2026-02-03T13:05:07Z' }, 'time: is more than 400 days ago, or to come'],
    ['duration', { duration: 'long' }, 'duration: is not a decimal number'],
    ['a negative duration', { duration: '-5' }, 'duration: is not a decimal number'],
    ['a huge duration', { duration: '9999999999' }, 'duration: is longer than four weeks'],
    ['direction', { direction: 'sideways' }, 'direction: is a word that the mapping does not know'],
    ['disposition', { status: 'vanished' }, 'disposition: is a word that the mapping does not know'],
    ['no called number', { to: '' }, 'to: is empty'],
    ['a number without +', { from: '12025550199' }, 'from: has no + and the mapping says e164'],
    ['cost', { cost: 'free' }, 'cost: is not a plain decimal amount'],
    ['a cost with an exponent', { cost: '1e-3' }, 'cost: is not a plain decimal amount'],
    ['another currency', { currency: 'EUR' }, "cost: is in another currency than the mapping's USD"],
    ['no id', { id: '' }, 'recordId: must have 1 to 128 characters'],
    ['a long id', { id: 'x'.repeat(129) }, 'recordId: must have 1 to 128 characters'],
  ])('bad %s', async (_name, cell, reason) => {
    expect(await badWith(cell)).toBe(reason);
  });

  test('a reason never repeats what stands in the row', async () => {
    for (const cell of [{ from: 'x'.repeat(300) }, { START_TIME: 'secret' }, { cost: 'secret' }, { status: 'secret' }])
      expect(await badWith(cell)).not.toMatch(/secret|xxx/);
  });

  test('fewer or more fields than the header', async () => {
    const { badRows } = await read([HEADER, `${ROW},more`, 'r2', ROW]);
    expect(badRows).toEqual([
      { line: 2, reason: '11 fields, the header has 10' },
      { line: 3, reason: '1 fields, the header has 10' },
    ]);
  });

  test('a call that was not answered lasts 0, even where the carrier counts its ringing', async () => {
    const { records } = await read([HEADER, ROW.replace('answered', 'BUSY')]);
    expect(records[0]).toMatchObject({ answered: false, durationMs: 0 });
  });

  test('calls that are not over, and rows of another kind, are skipped and counted', async () => {
    const only = { only: { direction: ['IN'] } };
    const { records, counts } = await read(
      [HEADER, ROW, ROW.replace(',in,', ',out,'), ROW.replace('answered', 'ringing')],
      only,
    );
    expect([records.length, counts.skipped, counts.rows]).toEqual([1, 2, 3]);
  });
});

describe('a file', () => {
  test('without a header row: columns by number', async () => {
    const columns = { from: 1, to: 2, time: 3, duration: 4 };
    const bare = { csv: { header: false }, columns, direction: undefined, disposition: undefined, cost: undefined };
    const { records } = await read(['+12025550199,+12025550100,2026-01-31T13:05:07Z,62'], bare);
    expect(records[0]).toMatchObject({ direction: null, durationMs: 62_000, answered: true, cost: null, line: 1 });
    expect(records[0]?.key).toBe(records[0]?.content);
  });

  test('with lines before the header', async () => {
    const { records } = await read(['Report of January', '', HEADER, ROW], { csv: { skipLines: 2 } });
    expect(records[0]?.line).toBe(4);
  });

  test.each<[string, string[], string]>([
    [
      'without a column',
      [HEADER.replace('START_TIME', 'begin'), ROW],
      'lacks columns of the mapping: time (Start Time or started)',
    ],
    ['without anything', [''], 'the file is empty'],
    ['with a broken header', ['"id', ROW], 'line 1: the header cannot be read'],
    ['in UTF-16', ['\ufffd\ufffdi\u0000d\u0000'], 'line 1: the header cannot be read'],
  ])('%s cannot be read', async (_name, lines, message) => {
    const reading = read(lines);
    await expect(reading).rejects.toThrow(CdrFileError);
    await expect(reading).rejects.toThrow(message);
  });

  test('the same row twice counts once; the same record saying something else is a bad row', async () => {
    const { records, counts, badRows } = await read([HEADER, ROW, ROW, ROW.replace('61.8', '62')]);
    expect([records.length, counts.repeated, counts.bad]).toEqual([1, 1, 1]);
    expect(badRows).toEqual([{ line: 4, reason: 'the record of line 2 again, saying something else' }]);
  });

  test('a range takes its rows only, and the others are counted', async () => {
    const at = (time: string, id: string) => ROW.replace('2026-01-31T13:05:07Z', time).replace('r1', id);
    const range = { fromMs: Date.parse('2026-01-31T00:00:00Z'), toMs: Date.parse('2026-02-01T00:00:00Z') };
    const rows = [
      at('2026-01-30T23:59:59Z', 'a'),
      at('2026-01-31T00:00:00Z', 'b'),
      at('2026-01-31T23:59:59Z', 'c'),
      at('2026-02-01T00:00:00Z', 'd'),
    ];
    const { records, counts } = await read([HEADER, ...rows], {}, range);
    expect([records.map((record) => record.key), counts.outOfRange]).toEqual([['b', 'c'], 2]);
  });

  test('all bad rows are counted, the first are told', async () => {
    const { badRows, counts } = await read([HEADER, ...Array(LIMITS.badRowsTold + 5).fill('x')]);
    expect([badRows.length, counts.bad]).toEqual([LIMITS.badRowsTold, LIMITS.badRowsTold + 5]);
  });

  test('with more rows than the limit is refused', async () => {
    await expect(read([HEADER, ...Array(LIMITS.rowsMax + 1).fill('x')])).rejects.toThrow('more than 200000 rows');
  });

  test('the event loop has its turn while a large file is read', async () => {
    let turns = 0;
    const count = setInterval(() => {
      turns += 1;
    }, 1);
    const rows = Array.from({ length: 20_000 }, (_, index) => ROW.replace('r1', `r${index}`));
    const { records } = await read([HEADER, ...rows]);
    clearInterval(count);
    expect(records).toHaveLength(20_000);
    expect(turns).toBeGreaterThan(5);
  });
});

describe('fields', () => {
  test.each<[string, 's' | 'ms' | 'hms', number | string]>([
    ['', 's', 0],
    ['62', 's', 62_000],
    ['61.8', 's', 61_800],
    ['0.0009', 's', 0],
    ['61800', 'ms', 61_800],
    ['0:01:02', 'hms', 62_000],
    ['1:02', 'hms', 62_000],
    ['90:00', 'hms', 5_400_000],
    ['10:00:00.5', 'hms', 36_000_500],
    ['0:61:00', 'hms', 'is not hours:minutes:seconds'],
    ['0:00:60', 'hms', 'is not hours:minutes:seconds'],
    ['62', 'hms', 'is not hours:minutes:seconds'],
    ['1e3', 's', 'is not a decimal number'],
    ['0x10', 's', 'is not a decimal number'],
    ['١٢', 's', 'is not a decimal number'],
  ])('duration "%s" in %s', (text, unit, expected) => {
    const parsed = readDuration(text, unit);
    expect(parsed.ok ? parsed.value : parsed.reason).toBe(expected);
  });

  test.each<[string, 'positive' | 'negative', '.' | ',', bigint | null | string]>([
    ['', 'positive', '.', null],
    ['0.0105', 'positive', '.', 10_500_000n],
    ['-0.0105', 'negative', '.', 10_500_000n],
    ['0.0105', 'negative', '.', -10_500_000n],
    ['-0.0105', 'positive', '.', -10_500_000n],
    ['+1', 'positive', '.', 1_000_000_000n],
    ['0', 'negative', '.', 0n],
    ['0,0105', 'positive', ',', 10_500_000n],
    ['0.0000000001', 'positive', '.', 1n],
    ['0.0000000010', 'positive', '.', 1n],
    ['1,000.00', 'positive', '.', 'is not a plain decimal amount'],
    ['$1', 'positive', '.', 'is not a plain decimal amount'],
    ['1.', 'positive', '.', 'is not a plain decimal amount'],
    ['9999999999', 'positive', '.', 'is not a plain decimal amount'],
  ])('money "%s", %s, %s', (text, sign, decimal, expected) => {
    const parsed = readMoney(text, { sign, decimal });
    expect(parsed.ok ? parsed.value : parsed.reason).toBe(expected);
  });

  const e164 = { format: 'e164', countryCode: '', trunkPrefix: '', internationalPrefix: '' } as const;
  const digits = { ...e164, format: 'digits' } as const;
  const german = { format: 'national', countryCode: '49', trunkPrefix: '0', internationalPrefix: '00' } as const;
  const american = { format: 'national', countryCode: '1', trunkPrefix: '1', internationalPrefix: '011' } as const;
  test.each<[string, CarrierMapping['numbers'], string]>([
    ['+12025550100', e164, '+12025550100'],
    ['+1 (202) 555-0100', e164, '+12025550100'],
    ['sip:+12025550100@192.0.2.1:5060;user=phone', e164, '+12025550100'],
    ['<sip:+12025550100@carrier.example>', e164, '+12025550100'],
    ['tel:+1-202-555-0100', e164, '+12025550100'],
    ['12025550100', digits, '+12025550100'],
    ['+12025550100', digits, '+12025550100'],
    ['030123456', german, '+4930123456'],
    ['0012025550100', german, '+12025550100'],
    ['+12025550100', german, '+12025550100'],
    ['2025550100', american, '+12025550100'],
    ['12025550100', american, '+12025550100'],
    ['011441632960000', american, '+441632960000'],
    ['911', e164, '911'],
    ['911', digits, '911'],
    ['Anonymous', e164, 'anonymous'],
    ['sip:anonymous@anonymous.invalid', e164, 'anonymous'],
    ['', e164, ''],
    ['12025550100', e164, 'has no + and the mapping says e164'],
    ['x'.repeat(65), e164, 'is too long'],
  ])('number "%s"', (text, numbers, expected) => {
    const parsed = readNumber(text, numbers);
    expect(parsed.ok ? parsed.value : parsed.reason).toBe(expected);
  });
});
