// Check characters of national and tax ids, by the name that a requirement file gives them. Each takes the compact form (no blanks, capitals).
// A value that passes is well formed; that it exists, and whose it is, a person finds out.

export const CHECKSUMS = {
  /** Spain: DNI, NIE (letter = number mod 23) and CIF of a company. Orden EHA/451/2008, RD 1065/2007. */
  es_nif: isSpanishId,
  /** Italy: partita IVA, as Luhn (DM 23 December 1976). */
  it_partita_iva: (text) => /^\d{11}$/.test(text) && isLuhn(text),
  /** Italy: codice fiscale of a person (DM 345 of 2004) or of a body (as partita IVA). */
  it_codice_fiscale: isItalianFiscalCode,
  /** France: SIREN, Luhn over 9 digits. */
  fr_siren: (text) => /^\d{9}$/.test(text) && isLuhn(text),
  /** Germany: Umsatzsteuer-Identifikationsnummer, ISO 7064 mod 11,10. */
  de_ust_id: (text) => /^DE[1-9]\d{8}$/.test(text) && isMod11And10(text.slice(2)),
  /** Brazil: CPF of a person. */
  br_cpf: (text) => /^\d{11}$/.test(text) && !isOneDigit(text) && isBrazilian(text, 9, 11),
  /** Brazil: CNPJ of a company; letters since July 2026 (IN RFB 2229/2024). */
  br_cnpj: (text) => /^[0-9A-Z]{12}\d{2}$/.test(text) && !isOneDigit(text) && isBrazilian(text, 12, 9),
  /** Australia: ABN, weighted sum divisible by 89. */
  au_abn: isAustralianBusinessNumber,
  /** India: GSTIN, mod 36. */
  in_gstin: isIndianGstin,
} as const satisfies Record<string, (text: string) => boolean>;

export type Checksum = keyof typeof CHECKSUMS;

const SPANISH_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE';
const SPANISH_COMPANY_LETTERS = 'JABCDEFGHI';

function isSpanishId(text: string): boolean {
  const person = /^([XYZ]?)(\d{7,8})([A-Z])$/.exec(text);
  if (person !== null) {
    const [, kind = '', digits = '', letter] = person;
    const isNie = kind !== '';
    if (digits.length !== (isNie ? 7 : 8)) return false;
    const number = Number(`${isNie ? 'XYZ'.indexOf(kind) : ''}${digits}`);
    return SPANISH_LETTERS[number % 23] === letter;
  }
  const company = /^([ABCDEFGHJNPQRSUVW])(\d{7})([0-9A-J])$/.exec(text);
  if (company === null) return false;
  const [, kind = '', digits = '', control = ''] = company;
  const sum = digitsOf(digits).reduce(
    (total, digit, index) => total + (index % 2 === 0 ? crossSum(digit * 2) : digit),
    0,
  );
  const expected = (10 - (sum % 10)) % 10;
  const isDigit = control === String(expected);
  const isLetter = control === SPANISH_COMPANY_LETTERS[expected];
  // Public bodies, foreign companies and the like have a letter, corporations a digit, the others either.
  if ('NPQRSW'.includes(kind)) return isLetter;
  if ('ABEH'.includes(kind)) return isDigit;
  return isDigit || isLetter;
}

/** Value of a character at an odd position (counted from 1) of a codice fiscale. */
const ITALIAN_ODD: Readonly<Record<string, number>> = Object.fromEntries(
  [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23].flatMap(
    (value, index) => [[String.fromCharCode(65 + index), value], ...(index < 10 ? [[String(index), value]] : [])],
  ),
);

function isItalianFiscalCode(text: string): boolean {
  if (/^\d{11}$/.test(text)) return isLuhn(text);
  // Digits may be replaced by letters where two persons would have the same code (omocodia).
  if (!/^[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]$/.test(text))
    return false;
  const sum = [...text.slice(0, 15)].reduce((total, character, index) => {
    const even = /\d/.test(character) ? Number(character) : character.charCodeAt(0) - 65;
    return total + (index % 2 === 0 ? (ITALIAN_ODD[character] ?? 0) : even);
  }, 0);
  return text[15] === String.fromCharCode(65 + (sum % 26));
}

/** Two check digits, each mod 11 over all before it; weights go up from 2 to `weightMax` and begin again. */
function isBrazilian(text: string, length: number, weightMax: number): boolean {
  const values = [...text].map((character) => character.charCodeAt(0) - 48);
  return [length, length + 1].every((end) => {
    let sum = 0;
    let weight = 2;
    for (const value of values.slice(0, end).toReversed()) {
      sum += value * weight;
      weight = weight === weightMax ? 2 : weight + 1;
    }
    const rest = sum % 11;
    return values[end] === (rest < 2 ? 0 : 11 - rest);
  });
}

const ABN_WEIGHTS = [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19];

function isAustralianBusinessNumber(text: string): boolean {
  if (!/^[1-9]\d{10}$/.test(text)) return false;
  const sum = digitsOf(text).reduce(
    (total, digit, index) => total + (index === 0 ? digit - 1 : digit) * (ABN_WEIGHTS[index] ?? 0),
    0,
  );
  return sum % 89 === 0;
}

function isIndianGstin(text: string): boolean {
  if (!/^\d{2}[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]$/.test(text)) return false;
  const sum = [...text.slice(0, 14)].reduce((total, character, index) => {
    const product = Number.parseInt(character, 36) * (index % 2 === 0 ? 1 : 2);
    return total + Math.floor(product / 36) + (product % 36);
  }, 0);
  return Number.parseInt(text[14] ?? '', 36) === (36 - (sum % 36)) % 36;
}

function isMod11And10(digits: string): boolean {
  const values = digitsOf(digits);
  const check = values.pop();
  let product = 10;
  for (const value of values) {
    const sum = (value + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return check === (11 - product) % 10;
}

function isLuhn(digits: string): boolean {
  const sum = digitsOf(digits)
    .toReversed()
    .reduce((total, digit, index) => total + (index % 2 === 0 ? digit : crossSum(digit * 2)), 0);
  return sum % 10 === 0;
}

function isOneDigit(text: string): boolean {
  return new Set(text).size === 1;
}

function digitsOf(text: string): number[] {
  return [...text].map(Number);
}

function crossSum(value: number): number {
  return value > 9 ? value - 9 : value;
}
