// Country of a telephone number, by calling code (ITU-T E.164 assignments) and, in zone 1, by area code (NANPA assignments).
//
// ISO 3166-1 codes. Codes that are no country have no entry: satellite (870, 881, 882, 883), freephone and shared cost (800, 808), premium
// (979), personal (878), and in zone 1 premium (900), personal (5xx easily recognised codes) and carrier codes (700, 710).

import type { E164 } from '../domain/e164.ts';

/** `code:country`; a code with several countries stands with the one that most of its numbers are in, exceptions in PREFIXES below. */
const CALLING_CODES = `
7:RU 20:EG 27:ZA 30:GR 31:NL 32:BE 33:FR 34:ES 36:HU 39:IT 40:RO 41:CH 43:AT 44:GB 45:DK 46:SE 47:NO 48:PL 49:DE
51:PE 52:MX 53:CU 54:AR 55:BR 56:CL 57:CO 58:VE 60:MY 61:AU 62:ID 63:PH 64:NZ 65:SG 66:TH
81:JP 82:KR 84:VN 86:CN 90:TR 91:IN 92:PK 93:AF 94:LK 95:MM 98:IR
211:SS 212:MA 213:DZ 216:TN 218:LY 220:GM 221:SN 222:MR 223:ML 224:GN 225:CI 226:BF 227:NE 228:TG 229:BJ 230:MU 231:LR 232:SL
233:GH 234:NG 235:TD 236:CF 237:CM 238:CV 239:ST 240:GQ 241:GA 242:CG 243:CD 244:AO 245:GW 246:IO 247:AC 248:SC 249:SD 250:RW
251:ET 252:SO 253:DJ 254:KE 255:TZ 256:UG 257:BI 258:MZ 260:ZM 261:MG 262:RE 263:ZW 264:NA 265:MW 266:LS 267:BW 268:SZ 269:KM
290:SH 291:ER 297:AW 298:FO 299:GL 350:GI 351:PT 352:LU 353:IE 354:IS 355:AL 356:MT 357:CY 358:FI 359:BG 370:LT 371:LV 372:EE
373:MD 374:AM 375:BY 376:AD 377:MC 378:SM 379:VA 380:UA 381:RS 382:ME 383:XK 385:HR 386:SI 387:BA 389:MK 420:CZ 421:SK 423:LI
500:FK 501:BZ 502:GT 503:SV 504:HN 505:NI 506:CR 507:PA 508:PM 509:HT 590:GP 591:BO 592:GY 593:EC 594:GF 595:PY 596:MQ 597:SR
598:UY 599:CW 670:TL 672:NF 673:BN 674:NR 675:PG 676:TO 677:SB 678:VU 679:FJ 680:PW 681:WF 682:CK 683:NU 685:WS 686:KI 687:NC
688:TV 689:PF 690:TK 691:FM 692:MH 850:KP 852:HK 853:MO 855:KH 856:LA 880:BD 886:TW 960:MV 961:LB 962:JO 963:SY 964:IQ 965:KW
966:SA 967:YE 968:OM 970:PS 971:AE 972:IL 973:BH 974:QA 975:BT 976:MN 977:NP 992:TJ 993:TM 994:AZ 995:GE 996:KG 998:UZ`;

/** Longer prefixes inside a calling code that belong to another country. */
const PREFIXES = `
76:KZ 77:KZ 441481:GG 447781:GG 447839:GG 447911:GG 441534:JE 447509:JE 447797:JE 447937:JE 447700:JE 447829:JE 441624:IM
447524:IM 447624:IM 447924:IM 3906698:VA 4779:SJ 6189162:CC 6189164:CX 262269:YT 262639:YT 262693:YT 35818:AX 5997:BQ 5993:BQ 5994:BQ
6721:AQ`;

const AREAS_OUTSIDE_US = `
204:CA 226:CA 236:CA 249:CA 250:CA 257:CA 263:CA 289:CA 306:CA 343:CA 354:CA 365:CA 367:CA 368:CA 382:CA 387:CA 403:CA 416:CA
418:CA 428:CA 431:CA 437:CA 438:CA 450:CA 460:CA 468:CA 474:CA 506:CA 514:CA 519:CA 548:CA 579:CA 581:CA 584:CA 587:CA 600:CA
604:CA 613:CA 622:CA 639:CA 647:CA 672:CA 683:CA 705:CA 709:CA 742:CA 753:CA 778:CA 780:CA 782:CA 807:CA 819:CA 825:CA 867:CA
873:CA 879:CA 902:CA 905:CA 942:CA
242:BS 246:BB 264:AI 268:AG 284:VG 340:VI 345:KY 441:BM 473:GD 649:TC 658:JM 664:MS 670:MP 671:GU 684:AS 721:SX 758:LC 767:DM
784:VC 787:PR 809:DO 829:DO 849:DO 868:TT 869:KN 876:JM 939:PR`;

/** Area codes of zone 1 that are no place: premium, personal, carrier and inbound international services. */
const AREAS_NOT_DIALLED = new Set([
  '456',
  '500',
  '521',
  '522',
  '523',
  '524',
  '525',
  '526',
  '527',
  '528',
  '529',
  '532',
  '533',
  '535',
  '538',
  '542',
  '543',
  '544',
  '545',
  '546',
  '547',
  '549',
  '550',
  '552',
  '553',
  '554',
  '556',
  '558',
  '566',
  '569',
  '577',
  '578',
  '588',
  '589',
  '700',
  '710',
  '900',
]);

const CODE_DIGITS_MAX = 3;

const codes = table(CALLING_CODES);
const prefixes = table(PREFIXES);
const areas = table(AREAS_OUTSIDE_US);

/** Every country that a number can be in, by its ISO 3166-1 code, sorted. */
export const COUNTRIES: readonly string[] = [
  ...new Set([...codes.values(), ...prefixes.values(), ...areas.values(), 'US']),
].sort();

/** Calling code by country; of a country that lies inside another's code, that code. */
const codesByCountry = new Map<string, string>([
  ['US', '1'],
  ...[...areas.values()].map((country) => [country, '1'] as const),
  ...[...prefixes].map(([prefix, country]) => [country, codeWithin(prefix)] as const),
  ...[...codes].map(([code, country]) => [country, code] as const),
]);

/** `49` of DE; undefined for what is no country. */
export function callingCodeOf(country: string): string | undefined {
  return codesByCountry.get(country);
}

function codeWithin(prefix: string): string {
  for (let length = CODE_DIGITS_MAX; length > 0; length--) {
    if (codes.has(prefix.slice(0, length))) return prefix.slice(0, length);
  }
  return prefix;
}

const PREFIX_DIGITS_MAX = Math.max(...[...prefixes.keys()].map((prefix) => prefix.length));

/** ISO 3166-1 code, or undefined where the number is in no country. */
export function countryOf(number: E164): string | undefined {
  const digits = number.slice(1);
  if (digits.startsWith('1')) return northAmerican(digits);
  for (let length = PREFIX_DIGITS_MAX; length > 1; length--) {
    const country = prefixes.get(digits.slice(0, length));
    if (country !== undefined) return country;
  }
  for (let length = CODE_DIGITS_MAX; length > 0; length--) {
    const country = codes.get(digits.slice(0, length));
    if (country !== undefined) return country;
  }
  return undefined;
}

/** 1 NXX NXX XXXX, N = 2-9. */
function northAmerican(digits: string): string | undefined {
  const area = digits.slice(1, 4);
  if (!/^1[2-9]\d{2}[2-9]\d{6}$/.test(digits) || /^.(?:11|9\d)$/.test(area) || AREAS_NOT_DIALLED.has(area))
    return undefined;
  return areas.get(area) ?? 'US';
}

function table(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .trim()
      .split(/\s+/)
      .map((entry) => entry.split(':') as [string, string]),
  );
}
