// What a country asks for before it gives a number: plain data, read from config/number-requirements (requirement-files.ts). Nothing in the code
// knows a country.

import type { Nano } from '../../domain/money.ts';
import type { Checksum } from './checksums.ts';

export const NUMBER_TYPES = ['local', 'mobile', 'national', 'tollfree'] as const;
export const REQUEST_TYPES = ['new', 'porting'] as const;
export type NumberType = (typeof NUMBER_TYPES)[number];
export type RequestType = (typeof REQUEST_TYPES)[number];

/** All that one kind of request needs. There is one for each country, type and request type on offer. */
export interface Requirement {
  /** ISO 3166-1. */
  readonly country: string;
  readonly countryName: string;
  readonly type: NumberType;
  readonly typeLabel: string;
  readonly requestType: RequestType;
  /** For people, before they begin. */
  readonly notes: readonly string[];
  readonly fields: readonly FieldRule[];
  readonly documents: readonly DocumentRule[];
  /** For each number. */
  readonly fees: { readonly activation: Nano; readonly monthly: Nano };
  readonly currency: string;
  /** Working days, as carriers there usually need. */
  readonly reviewDays: { readonly from: number; readonly to: number };
  /** The address must be in the area of the number; null = anywhere in the country, or looked at by people. */
  readonly areas: AreaRule | null;
}

export type FieldFormat = 'text' | 'email' | 'phone' | 'date';

export interface FieldRule {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly example: string;
  readonly required: boolean;
  readonly format: FieldFormat;
  /** Of the whole value, after `normalise`. */
  readonly pattern: string | null;
  readonly minLength: number;
  readonly maxLength: number;
  /** One of these, where there are any. */
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly checksum: Checksum | null;
  /** `trim`: blanks at both ends go. `compact`: blanks, dots, dashes and slashes go everywhere, letters become capitals. */
  readonly normalise: 'trim' | 'compact';
  /** A PIN of the current carrier: shown to the operator, never again to the customer. */
  readonly secret: boolean;
  /** Asked for only then; null = always. */
  readonly when: Condition | null;
}

export interface DocumentRule {
  readonly kind: string;
  readonly label: string;
  readonly help: string;
  readonly required: boolean;
  /** Not older than this; null = of any age. A person looks at it. */
  readonly maxAgeMonths: number | null;
  readonly when: Condition | null;
}

/** Another field has one of these values. */
export interface Condition {
  readonly field: string;
  readonly is: readonly string[];
}

export interface AreaRule {
  /** Field that has the area code, and field that has the postal code. */
  readonly areaField: string;
  readonly postalField: string;
  /** By area code. */
  readonly areas: Readonly<Record<string, { readonly name: string; readonly postalPrefixes: readonly string[] }>>;
}

export interface Requirements {
  readonly all: readonly Requirement[];
  get(country: string, type: string, requestType: string): Requirement | undefined;
  find(filter: { readonly country?: string; readonly type?: string }): readonly Requirement[];
}
