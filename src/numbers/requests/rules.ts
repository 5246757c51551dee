// What the fields and documents of a request are worth by its requirement: pure, so that the API, the console's view and the state machine see the
// same.

import { CHECKSUMS } from './checksums.ts';
import type { NumberRequest } from './request.ts';
import type { Condition, DocumentRule, FieldRule, Requirement } from './requirement.ts';

export type ValueCheck =
  | { readonly ok: true; readonly value: string }
  /** A sentence that goes on from the field's name: "must be …". Never repeats the value. */
  | { readonly ok: false; readonly problem: string };

/** Longer ones are not looked at. */
export const VALUE_LENGTH_MAX = 1_000;

/** Control characters, and characters that turn the direction of what people read. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
const EMAIL =
  /^[^\s@<>"(),;:\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$/;
const PHONE = /^\+[1-9]\d{6,14}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Answers the value as it is to be stored. */
export function checkValue(rule: FieldRule, given: string): ValueCheck {
  const value = normalised(rule, given);
  const problem = problemOf(rule, value);
  return problem === undefined ? { ok: true, value } : { ok: false, problem };
}

function normalised({ normalise, format }: FieldRule, given: string): string {
  const text = given.normalize('NFC').trim();
  if (format === 'phone') return text.replaceAll(/[\s().-]/g, '');
  return normalise === 'compact' ? text.replaceAll(/[\s./-]/g, '').toUpperCase() : text;
}

function problemOf(rule: FieldRule, value: string): string | undefined {
  const { minLength, maxLength, options, pattern, checksum, example } = rule;
  if (value === '') return 'must not be empty';
  if (value.length > VALUE_LENGTH_MAX || value.length > maxLength) return `must have at most ${maxLength} characters`;
  if (value.length < minLength) return `must have at least ${minLength} characters`;
  if (UNPRINTABLE.test(value)) return 'must be one line of printable text';
  if (options.length > 0 && !options.some((option) => option.value === value))
    return `must be one of ${options.map((option) => option.value).join(', ')}`;
  const format = formatProblem(rule, value);
  if (format !== undefined) return format;
  if (pattern !== null && !new RegExp(pattern, 'u').test(value)) return `must look like ${example}`;
  if (checksum !== null && !CHECKSUMS[checksum](value))
    return 'has a check digit or letter that does not fit: please look at it again';
  return undefined;
}

function formatProblem({ format }: FieldRule, value: string): string | undefined {
  if (format === 'email' && !EMAIL.test(value)) return 'must be an e-mail address';
  if (format === 'phone' && !PHONE.test(value))
    return 'must be a telephone number with its country code, such as +34600123456';
  if (format === 'date' && !isDate(value)) return 'must be a day such as 2026-12-24';
  return undefined;
}

function isDate(text: string): boolean {
  if (!DATE.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(text);
}

export type FieldStatus = 'saved' | 'pending' | 'invalid';

export interface FieldState {
  readonly rule: FieldRule;
  readonly status: FieldStatus;
  readonly value: string | null;
  /** Wall-clock ms; null = never saved. */
  readonly savedAt: number | null;
  /** Of `invalid`. */
  readonly problem: string | null;
}

export interface Assessment {
  /** Those that are asked for, as the saved values stand now. */
  readonly fields: readonly FieldState[];
  readonly documents: readonly { readonly rule: DocumentRule; readonly count: number }[];
  /** Names of required fields without a value, and of all fields with one that does not do. */
  readonly missingFields: readonly string[];
  readonly missingDocuments: readonly string[];
}

type Assessed = Pick<NumberRequest, 'fields' | 'documents'>;

export function assess(requirement: Requirement, request: Assessed): Assessment {
  const fields = requirement.fields
    .filter((rule) => isAsked(rule.when, request))
    .map((rule) => fieldState(rule, requirement, request));
  const stored = request.documents.filter((document) => document.state === 'stored');
  const documents = requirement.documents
    .filter((rule) => isAsked(rule.when, request))
    .map((rule) => ({ rule, count: stored.filter((document) => document.kind === rule.kind).length }));
  return {
    fields,
    documents,
    missingFields: fields
      .filter(({ rule, status }) => status === 'invalid' || (rule.required && status === 'pending'))
      .map(({ rule }) => rule.name),
    missingDocuments: documents.filter(({ rule, count }) => rule.required && count === 0).map(({ rule }) => rule.kind),
  };
}

/** A saved value is looked at again: the rules may have changed since, and some depend on other fields. */
function fieldState(rule: FieldRule, requirement: Requirement, request: Assessed): FieldState {
  const saved = request.fields[rule.name];
  if (saved === undefined) return { rule, status: 'pending', value: null, savedAt: null, problem: null };
  const { value, savedAt } = saved;
  const outcome = checkValue(rule, value);
  const problem = outcome.ok ? areaProblem(rule, requirement, request) : outcome.problem;
  return { rule, status: problem === null ? 'saved' : 'invalid', value, savedAt, problem };
}

/** The address must be in the area of the number. */
function areaProblem(rule: FieldRule, { areas }: Requirement, { fields }: Assessed): string | null {
  if (areas === null || (rule.name !== areas.areaField && rule.name !== areas.postalField)) return null;
  const code = fields[areas.areaField]?.value;
  if (code === undefined) return null;
  const area = Object.hasOwn(areas.areas, code) ? areas.areas[code] : undefined;
  if (area === undefined) return rule.name === areas.areaField ? 'is no area code that numbers are offered in' : null;
  const postal = fields[areas.postalField]?.value;
  if (rule.name !== areas.postalField || postal === undefined) return null;
  if (area.postalPrefixes.some((prefix) => postal.startsWith(prefix))) return null;
  return `must be in the area of ${code} (${area.name}): postal codes that begin with ${area.postalPrefixes.join(', ')}`;
}

function isAsked(when: Condition | null, { fields }: Assessed): boolean {
  return when === null || when.is.includes(fields[when.field]?.value ?? '');
}

export function fieldRuleOf(requirement: Requirement, name: string): FieldRule | undefined {
  return requirement.fields.find((rule) => rule.name === name);
}

export function documentRuleOf(requirement: Requirement, kind: string): DocumentRule | undefined {
  return requirement.documents.find((rule) => rule.kind === kind);
}
