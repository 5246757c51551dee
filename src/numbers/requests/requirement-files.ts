// Reads config/number-requirements: one YAML file per country, checked as a whole at the start. Every mistake is named with file, key and reason.
// config/number-requirements/es.yaml has every key with its meaning.
//
//   fields, documents   what can be asked for, defined once per country
//   types               local, mobile, national, tollfree: each request type names the fields and documents that it needs
//
// Invariants
//   RF1. A file that is loaded asks for nothing that cannot be given: the example of every field passes its own rule.
//   RF2. There is one requirement for each country, type and request type.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { parse as parseYaml } from 'yaml';
import { parseMoney } from '../../domain/money.ts';
import { RequirementFilesError } from './errors.ts';
import {
  definitionMistakes,
  fieldRule,
  type RequirementFile,
  requirementFileSchema,
  typeMistakes,
} from './requirement-file.ts';
import {
  type AreaRule,
  type DocumentRule,
  NUMBER_TYPES,
  type NumberType,
  REQUEST_TYPES,
  type RequestType,
  type Requirement,
  type Requirements,
} from './requirement.ts';

const FILE_NAME = /^[a-z]{2}\.yaml$/;
const MISTAKES_MAX = 50;
const check = Compile(requirementFileSchema);

/** @throws RequirementFilesError with the mistakes of all files. */
export function loadRequirements(folder: string, currency: string): Requirements {
  const mistakes: string[] = [];
  const all = namesOf(folder, mistakes).flatMap((fileName) => {
    const parsed = parseRequirementFile(textOf(folder, fileName, mistakes), fileName, currency);
    if ('mistakes' in parsed) mistakes.push(...parsed.mistakes);
    return 'mistakes' in parsed ? [] : parsed.requirements;
  });
  if (mistakes.length > 0) throw new RequirementFilesError(mistakes.slice(0, MISTAKES_MAX));
  return createRequirements(all);
}

export function createRequirements(all: readonly Requirement[]): Requirements {
  const byKey = new Map(all.map((each) => [keyOf(each.country, each.type, each.requestType), each]));
  return {
    all,
    get: (country, type, requestType) => byKey.get(keyOf(country, type, requestType)),
    find: ({ country, type }) =>
      all.filter((each) => (country ?? each.country) === each.country && (type ?? each.type) === each.type),
  };
}

export type ParsedFile = { readonly requirements: readonly Requirement[] } | { readonly mistakes: readonly string[] };

export function parseRequirementFile(text: string, fileName: string, currency: string): ParsedFile {
  const file = readYaml(text);
  if (typeof file === 'string') return { mistakes: [`${fileName}: (file): ${file}`] };
  if (!check.Check(file.tree)) {
    const found = [...check.Errors(file.tree)].map(({ instancePath, message, params }) => {
      const unknown = (params as { additionalProperties?: readonly string[] }).additionalProperties;
      const key = instancePath.slice(1).replaceAll('/', '.') || '(file)';
      return `${fileName}: ${key}: ${unknown === undefined ? message : `unknown key ${unknown.join(', ')}`}`;
    });
    return { mistakes: [...new Set(found)] };
  }
  const mistakes = [
    ...fileMistakes(file.tree, fileName, currency),
    ...definitionMistakes(file.tree),
    ...typeMistakes(file.tree),
  ];
  if (mistakes.length > 0) return { mistakes: mistakes.map((mistake) => `${fileName}: ${mistake}`) };
  return { requirements: requirementsOf(file.tree) };
}

function namesOf(folder: string, mistakes: string[]): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => FILE_NAME.test(name))
      .toSorted();
  } catch (error) {
    mistakes.push(`${folder}: (folder): cannot be read: ${(error as Error).message}`);
    return [];
  }
}

function textOf(folder: string, fileName: string, mistakes: string[]): string {
  try {
    return readFileSync(join(folder, fileName), 'utf8');
  } catch (error) {
    mistakes.push(`${fileName}: (file): cannot be read: ${(error as Error).message}`);
    return '';
  }
}

function readYaml(text: string): { readonly tree: unknown } | string {
  try {
    return { tree: parseYaml(text) };
  } catch (error) {
    return `is not YAML: ${(error as Error).message.split('\n', 1)[0]}`;
  }
}

function fileMistakes(file: RequirementFile, fileName: string, currency: string): string[] {
  const mistakes: string[] = [];
  if (`${file.country.toLowerCase()}.yaml` !== fileName)
    mistakes.push(`country: must be ${fileName.slice(0, 2).toUpperCase()}, as the file is named`);
  if (['US', 'CA'].includes(file.country))
    mistakes.push('country: numbers of US and CA are bought at once and need no request');
  if (file.currency !== currency) mistakes.push(`currency: is ${file.currency}, but billing.currency is ${currency}`);
  return mistakes;
}

function requirementsOf(file: RequirementFile): Requirement[] {
  return NUMBER_TYPES.flatMap((type) =>
    REQUEST_TYPES.flatMap((requestType) => requirementOf(file, type, requestType) ?? []),
  );
}

function requirementOf(file: RequirementFile, type: NumberType, requestType: RequestType): Requirement | undefined {
  const offered = file.types[type];
  const request = offered?.requests[requestType];
  if (offered === undefined || request === undefined) return undefined;
  return deepFreeze({
    country: file.country,
    countryName: file.name,
    type,
    typeLabel: offered.label,
    requestType,
    notes: [...(offered.notes ?? []), ...(request.notes ?? [])],
    fields: request.fields.map((name) => fieldRule(name, file)),
    documents: request.documents.map((kind) => documentRule(kind, file)),
    fees: { activation: moneyOf(request.fees.activation), monthly: moneyOf(request.fees.monthly) },
    currency: file.currency,
    reviewDays: { from: request.reviewDays[0] ?? 0, to: request.reviewDays[1] ?? 0 },
    areas: offered.areas === undefined || requestType === 'porting' ? null : areaRule(offered.areas),
  });
}

function documentRule(kind: string, file: RequirementFile): DocumentRule {
  const document = file.documents[kind];
  if (document === undefined) throw new Error(`no document ${kind}`);
  return {
    kind,
    label: document.label,
    help: document.help,
    required: document.required ?? true,
    maxAgeMonths: document.maxAgeMonths ?? null,
    when: document.when ?? null,
  };
}

function areaRule({
  areaField,
  postalField,
  codes,
}: NonNullable<NonNullable<RequirementFile['types']['local']>['areas']>): AreaRule {
  const areas = Object.entries(codes).map(
    ([code, { name, postal }]) => [code, { name, postalPrefixes: postal }] as const,
  );
  return { areaField, postalField, areas: Object.fromEntries(areas) };
}

function moneyOf(text: string): bigint {
  const amount = parseMoney(text);
  if (amount === undefined) throw new Error('the schema lets decimal amounts pass alone');
  return amount;
}

function keyOf(country: string, type: string, requestType: string): string {
  return `${country} ${type} ${requestType}`;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child);
    Object.freeze(value);
  }
  return value;
}
