// The mapping file of a carrier: how its export is read. YAML in, a frozen object out; every mistake is named at once.
// config/carriers/generic.yaml has every key with its meaning.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { parse as parseYaml } from 'yaml';
import { parseMoney } from '../domain/money.ts';
import { CARRIER_TOLERANCE_MS } from '../metering/carrier-record.ts';
import { CarrierUnknownError, MappingError } from './errors.ts';
import { patternProblem } from './time.ts';
import { isZone } from './zone.ts';

const object = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const optional = Type.Optional;
const words = Type.Array(Type.String({ maxLength: 64 }), { maxItems: 50 });
/** A header name, several of which the first that is there counts, or the number of the column from 1. */
const name = Type.String({ minLength: 1, maxLength: 128 });
const column = Type.Union([Type.Integer({ minimum: 1, maximum: 250 }), name, Type.Array(name, { minItems: 1 })]);
const milliseconds = (maximum: number) => Type.Integer({ minimum: 0, maximum });
const timeFormat = Type.String({ minLength: 1, maxLength: 64 });
const digits = Type.String({ pattern: '^[0-9]{0,4}$' });

const mappingSchema = object({
  carrier: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' }),
  trunks: optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }))),
  csv: optional(
    object({
      delimiter: optional(Type.String({ pattern: '^[,;|\\t]$' })),
      header: optional(Type.Boolean()),
      skipLines: optional(Type.Integer({ minimum: 0, maximum: 100 })),
    }),
  ),
  columns: object({
    recordId: optional(column),
    sipCallId: optional(column),
    from: column,
    to: column,
    time: column,
    duration: column,
    direction: optional(column),
    disposition: optional(column),
    cost: optional(column),
    currency: optional(column),
  }),
  only: optional(Type.Record(name, words)),
  time: object({
    of: Type.Enum(['start', 'answer']),
    format: Type.Union([timeFormat, Type.Array(timeFormat, { minItems: 1, maxItems: 5 })]),
    zone: optional(Type.String({ minLength: 1, maxLength: 64 })),
    zones: optional(Type.Record(Type.String(), Type.String({ pattern: '^[+-][0-9]{2}:[0-9]{2}$' }))),
  }),
  duration: object({
    unit: Type.Enum(['s', 'ms', 'hms']),
    counts: Type.Enum(['actual', 'billed']),
    initialMs: optional(milliseconds(3_600_000)),
    incrementMs: optional(Type.Integer({ minimum: 1, maximum: 3_600_000 })),
  }),
  numbers: optional(
    object({
      format: Type.Enum(['e164', 'digits', 'national']),
      countryCode: optional(digits),
      trunkPrefix: optional(digits),
      internationalPrefix: optional(digits),
    }),
  ),
  direction: optional(
    Type.Union([object({ always: Type.Enum(['inbound', 'outbound']) }), object({ inbound: words, outbound: words })]),
  ),
  disposition: optional(object({ answered: words, notAnswered: words, skip: optional(words) })),
  cost: optional(
    object({
      currency: Type.String({ pattern: '^[A-Z]{3}$' }),
      sign: Type.Enum(['positive', 'negative']),
      decimal: optional(Type.Enum(['.', ','])),
    }),
  ),
  match: optional(object({ windowMs: milliseconds(600_000) })),
  tolerance: optional(
    object({
      durationMs: optional(milliseconds(60_000)),
      cost: optional(Type.String({ pattern: '^\\d{1,6}(\\.\\d{1,9})?$' })),
    }),
  ),
});

type MappingFile = Static<typeof mappingSchema>;
export type Column = Static<typeof column>;
export type ColumnName = keyof MappingFile['columns'];

/** With every default filled in. */
export interface CarrierMapping {
  readonly carrier: string;
  /** Hash of the content: what was read with another mapping is told apart. */
  readonly version: string;
  /** Trunks of customers that this carrier's export covers, beside the managed ones. */
  readonly trunks: readonly string[];
  readonly csv: { readonly delimiter: string; readonly header: boolean; readonly skipLines: number };
  readonly columns: MappingFile['columns'];
  readonly only: Readonly<Record<string, readonly string[]>>;
  readonly time: {
    readonly of: 'start' | 'answer';
    /** Tried in order. */
    readonly formats: readonly string[];
    readonly zone: string;
    readonly zones: Readonly<Record<string, string>>;
  };
  readonly duration: {
    readonly unit: 's' | 'ms' | 'hms';
    readonly counts: 'actual' | 'billed';
    readonly initialMs: number;
    readonly incrementMs: number;
  };
  readonly numbers: {
    readonly format: 'e164' | 'digits' | 'national';
    readonly countryCode: string;
    readonly trunkPrefix: string;
    readonly internationalPrefix: string;
  };
  readonly direction: MappingFile['direction'] | null;
  readonly disposition: {
    readonly answered: readonly string[];
    readonly notAnswered: readonly string[];
    readonly skip: readonly string[];
  } | null;
  readonly cost: {
    readonly currency: string;
    readonly sign: 'positive' | 'negative';
    readonly decimal: '.' | ',';
  } | null;
  readonly windowMs: number;
  readonly toleranceMs: number;
  readonly costTolerance: bigint;
}

const WINDOW_DEFAULT_MS = 60_000;
const check = Compile(mappingSchema);

/** Reads `<folder>/<carrier>.yaml` anew each time, so that a mended mapping needs no restart. */
export function loadMapping(folder: string, carrier: string): CarrierMapping {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(carrier)) throw new CarrierUnknownError('no such carrier');
  const file = join(folder, `${carrier}.yaml`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CarrierUnknownError(`no mapping file ${carrier}.yaml`, { cause });
  }
  const mapping = parseMapping(text, `${carrier}.yaml`);
  if (mapping.carrier !== carrier)
    throw new MappingError(`${carrier}.yaml: carrier: must be ${carrier}, as the file is named`);
  return mapping;
}

/** Throws MappingError with every mistake, one per line. */
export function parseMapping(text: string, fileName: string): CarrierMapping {
  const file = readYaml(text, fileName);
  if (!check.Check(file)) {
    const mistakes = [...check.Errors(file)].map(({ instancePath, message, params }) => {
      const unknown = (params as { additionalProperties?: readonly string[] }).additionalProperties;
      const key = instancePath.slice(1).replaceAll('/', '.') || '(file)';
      return `${fileName}: ${key}: ${unknown === undefined ? message : `unknown key ${unknown.join(', ')}`}`;
    });
    throw new MappingError([...new Set(mistakes)].slice(0, 20).join('\n'));
  }
  const mistakes = combinationMistakes(file).map((mistake) => `${fileName}: ${mistake}`);
  if (mistakes.length > 0) throw new MappingError(mistakes.join('\n'));
  return withDefaults(file);
}

function readYaml(text: string, fileName: string): unknown {
  try {
    return parseYaml(text);
  } catch (cause) {
    throw new MappingError(`${fileName}: is not YAML: ${(cause as Error).message}`, { cause });
  }
}

function combinationMistakes(file: MappingFile): string[] {
  const mistakes: string[] = [];
  for (const format of [file.time.format].flat()) {
    const problem = patternProblem(format);
    if (problem !== undefined) mistakes.push(`time.format: ${problem}`);
  }
  if (!isZone(file.time.zone ?? 'UTC')) mistakes.push('time.zone: is no IANA time zone such as Europe/Berlin');
  if (file.csv?.header === false) {
    const named = Object.entries(file.columns).filter(([, where]) => typeof where !== 'number');
    for (const [key] of named) mistakes.push(`columns.${key}: must be a number, because csv.header is false`);
    if (Object.keys(file.only ?? {}).length > 0) mistakes.push('only: needs the names of a header');
  }
  if (file.numbers?.format === 'national' && (file.numbers.countryCode ?? '') === '')
    mistakes.push('numbers.countryCode: is needed with format national');
  const hasDirection = file.direction !== undefined && !('always' in file.direction);
  if (hasDirection !== (file.columns.direction !== undefined))
    mistakes.push('direction: inbound and outbound words and columns.direction belong together');
  if ((file.disposition === undefined) !== (file.columns.disposition === undefined))
    mistakes.push('disposition: and columns.disposition belong together');
  if ((file.cost === undefined) !== (file.columns.cost === undefined))
    mistakes.push('cost: and columns.cost belong together');
  if (file.columns.currency !== undefined && file.cost === undefined)
    mistakes.push('columns.currency: needs cost.currency to compare with');
  if (file.duration.counts === 'billed' && file.duration.incrementMs === undefined)
    mistakes.push('duration.incrementMs: is needed where billed time is counted');
  return mistakes;
}

function withDefaults(file: MappingFile): CarrierMapping {
  const { csv = {}, numbers, disposition, cost, duration, time } = file;
  const filled = {
    carrier: file.carrier,
    trunks: file.trunks ?? [],
    csv: { delimiter: csv.delimiter ?? ',', header: csv.header ?? true, skipLines: csv.skipLines ?? 0 },
    columns: file.columns,
    only: file.only ?? {},
    time: { of: time.of, formats: [time.format].flat(), zone: time.zone ?? 'UTC', zones: time.zones ?? {} },
    duration: { initialMs: 0, incrementMs: 1, ...duration },
    numbers: { format: 'e164' as const, countryCode: '', trunkPrefix: '', internationalPrefix: '', ...numbers },
    direction: file.direction ?? null,
    disposition: disposition === undefined ? null : { skip: [], ...disposition },
    cost: cost === undefined ? null : { decimal: '.' as const, ...cost },
    windowMs: file.match?.windowMs ?? WINDOW_DEFAULT_MS,
    toleranceMs: file.tolerance?.durationMs ?? CARRIER_TOLERANCE_MS,
    costTolerance: file.tolerance?.cost ?? '0',
  };
  const hash = createHash('sha256').update(JSON.stringify(filled)).digest('hex');
  return Object.freeze({
    ...filled,
    version: `map_${hash.slice(0, 16)}`,
    costTolerance: parseMoney(filled.costTolerance) ?? 0n,
  });
}
