// Countries by ISO 3166-1 code: names come from the browser, calling codes are needed only where a person types a number.

/** Those a personal number is most often of; any other is typed with its +. */
export const CALLING_CODES: Readonly<Record<string, string>> = {
  US: '1',
  CA: '1',
  GB: '44',
  AU: '61',
  AT: '43',
  BE: '32',
  BR: '55',
  CH: '41',
  CZ: '420',
  DE: '49',
  DK: '45',
  ES: '34',
  FI: '358',
  FR: '33',
  HK: '852',
  IE: '353',
  IL: '972',
  IN: '91',
  IT: '39',
  JP: '81',
  MX: '52',
  NL: '31',
  NO: '47',
  NZ: '64',
  PL: '48',
  PT: '351',
  RO: '40',
  SE: '46',
  SG: '65',
  ZA: '27',
};

/** For lists of countries that may be called. */
export const COUNTRY_CODES: readonly string[] =
  'AD AE AR AT AU BE BG BR CA CH CL CN CO CR CY CZ DE DK DO EE EG ES FI FR GB GR HK HR HU ID IE IL IN IS IT JP KE KR LI LT LU LV MA MC MT MX MY NG NL NO NZ PE PH PL PR PT RO RS SA SE SG SI SK TH TR TW UA US UY VN ZA'.split(
    ' ',
  );

const names = new Intl.DisplayNames(['en'], { type: 'region' });

export function countryName(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (names.of(code) ?? code) : code;
}

export function byName(codes: readonly string[]): string[] {
  return codes.toSorted((a, b) => countryName(a).localeCompare(countryName(b), 'en'));
}
