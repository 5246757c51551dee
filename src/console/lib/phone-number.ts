// Numbers as people read them. What is copied or sent is always the E.164 form.

/** Digit groups by calling code; the last group takes what is left. Others are cut into threes. */
const GROUPS: Readonly<Record<string, readonly number[]>> = {
  '1': [3, 3, 4],
  '7': [3, 3, 2, 2],
  '31': [2, 3, 4],
  '32': [3, 2, 2, 2],
  '33': [1, 2, 2, 2, 2],
  '34': [3, 3, 3],
  '39': [3, 3, 4],
  '41': [2, 3, 2, 2],
  '44': [4, 3, 3],
  '45': [2, 2, 2, 2],
  '46': [2, 3, 2, 2],
  '47': [2, 2, 2, 2],
  '48': [3, 3, 3],
  '49': [3, 4, 4],
  '52': [2, 4, 4],
  '55': [2, 5, 4],
  '61': [3, 3, 3],
  '351': [3, 3, 3],
  '353': [2, 3, 4],
};
const TWO_DIGIT_CODES = /^(?:2[07]|3[0123469]|4[013456789]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

/** `+12025550100` -> `+1 202 555 0100`. What is no E.164 number (a SIP user, `anonymous`) stays as it is; a test call comes from `browser`. */
export function readable(e164: string): string {
  if (e164 === 'browser') return 'Browser';
  if (!/^\+[1-9]\d{6,14}$/.test(e164)) return e164;
  const digits = e164.slice(1);
  const code = callingCode(digits);
  const national = digits.slice(code.length);
  const sizes = code === '44' && national.startsWith('2') ? [2, 4, 4] : (GROUPS[code] ?? []);
  return `+${[code, ...grouped(national, sizes)].join(' ')}`;
}

function callingCode(digits: string): string {
  if (digits.startsWith('1') || digits.startsWith('7')) return digits.slice(0, 1);
  return TWO_DIGIT_CODES.test(digits) ? digits.slice(0, 2) : digits.slice(0, 3);
}

function grouped(digits: string, sizes: readonly number[]): string[] {
  const groups: string[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at >= digits.length) break;
    groups.push(digits.slice(at, at + size));
    at += size;
  }
  for (; at < digits.length; at += 3) groups.push(digits.slice(at, at + 3));
  const last = groups.at(-1);
  if (last !== undefined && last.length === 1 && groups.length > 1) {
    groups.pop();
    groups[groups.length - 1] += last;
  }
  return groups;
}

/** What was typed or pasted, in E.164 form: blanks, dashes, brackets, `00` and `011` are understood. Undefined where it cannot be one. */
export function toE164(typed: string, callingCodeOfCountry = ''): string | undefined {
  let text = typed.trim().replaceAll(/[\s().\-/\u00a0]/g, '');
  if (text.startsWith('00')) text = `+${text.slice(2)}`;
  else if (callingCodeOfCountry === '1' && text.startsWith('011')) text = `+${text.slice(3)}`;
  else if (!text.startsWith('+') && callingCodeOfCountry !== '') {
    const national = callingCodeOfCountry === '1' ? text.replace(/^1(?=\d{10}$)/, '') : text.replace(/^0/, '');
    text = `+${callingCodeOfCountry}${national}`;
  }
  return /^\+[1-9]\d{6,14}$/.test(text) ? text : undefined;
}

/** Several numbers in one field, apart by commas, semicolons or line breaks. */
export function readNumbers(typed: string): { readonly numbers: readonly string[]; readonly wrong: readonly string[] } {
  const parts = typed
    .split(/[,;\n]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const read = parts.map((part) => ({ part, e164: toE164(part) }));
  return {
    numbers: [...new Set(read.flatMap(({ e164 }) => e164 ?? []))],
    wrong: read.filter(({ e164 }) => e164 === undefined).map(({ part }) => part),
  };
}

/** Digits of a search, as the API takes them: `202 555` -> `202555`. */
export function searchDigits(typed: string): string {
  return typed.replaceAll(/[^+0-9]/g, '').slice(0, 20);
}
