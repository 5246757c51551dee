// Numbers that no telephone has: 555-0100 to 555-0199 of an area code are set aside for fiction, and in 800 only 555-0199. The stock is the
// same in every run.

import { type E164, isE164 } from '../../domain/e164.ts';
import type { NumberSearch, NumberType } from '../provider.ts';

export interface StockArea {
  readonly areaCode: string;
  readonly country: string;
  readonly type: NumberType;
  readonly locality: string | null;
  readonly region: string | null;
}

const LOCAL: Readonly<Record<string, string>> = {
  US: `202:Washington,DC 206:Seattle,WA 213:Los_Angeles,CA 215:Philadelphia,PA 303:Denver,CO 305:Miami,FL 312:Chicago,IL 404:Atlanta,GA
    415:San_Francisco,CA 503:Portland,OR 512:Austin,TX 602:Phoenix,AZ 614:Columbus,OH 617:Boston,MA 646:New_York,NY 702:Las_Vegas,NV
    704:Charlotte,NC 713:Houston,TX 808:Honolulu,HI 907:Anchorage,AK`,
  CA: '204:Winnipeg,MB 403:Calgary,AB 416:Toronto,ON 418:Quebec,QC 514:Montreal,QC 604:Vancouver,BC 613:Ottawa,ON 902:Halifax,NS',
};
/** The same in both countries. */
const TOLL_FREE = ['833', '844', '855', '866', '877', '888', '800'];

const FICTIONAL = 100;
/** Coprime with 100: goes through all of them in an order that looks like chance. */
const STRIDE = 37;

const AREAS: readonly StockArea[] = [
  ...Object.entries(LOCAL).flatMap(([country, list]) =>
    list
      .trim()
      .split(/\s+/)
      .map((entry) => localArea(country, entry)),
  ),
  ...Object.keys(LOCAL).flatMap((country) => TOLL_FREE.map((areaCode) => tollFreeArea(country, areaCode))),
];

/** One of each area in turn, so that a short list shows many places. */
export function* stockFor({ country, type, areaCode }: NumberSearch): Generator<{ e164: E164; area: StockArea }> {
  const areas = AREAS.filter(
    (area) => area.country === country && area.type === type && (areaCode === null || area.areaCode === areaCode),
  );
  for (let place = 0; place < FICTIONAL; place += 1) {
    for (const area of areas) {
      const e164 = numberAt(area, place);
      if (e164 !== null) yield { e164, area };
    }
  }
}

/** null where it is not for sale here. */
export function areaOf(e164: E164, type: NumberType): StockArea | null {
  const [, areaCode, last = ''] = /^\+1(\d{3})5550(1\d\d)$/.exec(e164) ?? [];
  if (areaCode === '800' && last !== '199') return null;
  return AREAS.find((area) => area.areaCode === areaCode && area.type === type) ?? null;
}

function numberAt({ areaCode }: StockArea, place: number): E164 | null {
  const line = 100 + ((place * STRIDE + 3) % FICTIONAL);
  const e164 = `+1${areaCode}5550${line}`;
  return isE164(e164) && (areaCode !== '800' || line === 199) ? e164 : null;
}

function localArea(country: string, entry: string): StockArea {
  const [areaCode = '', locality = '', region = ''] = entry.split(/[:,]/);
  return { areaCode, country, type: 'local', locality: locality.replaceAll('_', ' '), region };
}

function tollFreeArea(country: string, areaCode: string): StockArea {
  return { areaCode, country, type: 'tollfree', locality: null, region: null };
}
