// Which language a code is spoken in where nobody said: that of the country which is called.

import type { CodeLanguage } from '../../agents/bundled/languages.ts';

const BY_COUNTRY: ReadonlyMap<string, CodeLanguage> = new Map(
  Object.entries({
    de: 'AT CH DE LI',
    es: 'AR BO CL CO CR CU DO EC ES GQ GT HN MX NI PA PE PR PY SV UY VE',
    fr: 'BE BF BJ CD CF CG CI CM DJ FR GA GF GN GP KM LU MC MG ML MQ NE RE SN TD TG',
    it: 'IT SM VA',
    pt: 'AO BR CV GW MZ PT ST TL',
  }).flatMap(([language, countries]) => countries.split(' ').map((country) => [country, language as CodeLanguage])),
);

/** English where we have none of the country's. */
export function languageOf(country: string): CodeLanguage {
  return BY_COUNTRY.get(country) ?? 'en';
}
