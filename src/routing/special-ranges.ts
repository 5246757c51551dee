// Numbers of a country that cost more than a call: premium services, shared cost, personal numbers and the like, by national numbering plan
// (regulators' plans, as of November 2026). Fraud goes there; so they are closed until an operator opens them.
//
// Invariant SR1. A number with the trunk prefix 0 behind its country code is none (`+44 0 909 …`): carriers that drop the 0 would dial what our
// tables do not see.

import type { E164 } from '../domain/e164.ts';

/** Digits after `+`. Prefixes; some need the length of the number to be told from a place. */
const SPECIAL: readonly RegExp[] = [
  // Zone 1: local premium exchanges (976); its area codes are in countries.ts.
  /^1\d{3}976/,
  // Russia, Kazakhstan; Egypt; South Africa.
  /^780[39]/,
  /^20900/,
  /^27(?:86|90)/,
  // Greece, Netherlands, Belgium, France, Spain, Hungary, Italy, Romania.
  /^30(?:90|801)/,
  /^319(?:00|06|09)/,
  /^32(?:90\d{6}$|70\d{6}$|78\d{6}$)/,
  /^338[1-9]/,
  /^34(?:80[367]|90[1257]|118|70)/,
  /^369[01]/,
  /^39(?:89|84|199|178|16[3-8]|144)/,
  /^4090/,
  // Switzerland, Austria, United Kingdom, Denmark, Sweden, Norway, Poland, Germany.
  /^41(?:90|84|878)/,
  /^43(?:9[0-4]|8[12]|118)/,
  /^44(?:9|8[47]|70|76(?!24))/,
  /^4590/,
  /^46(?:900|939|944|77)/,
  /^478[12]/,
  /^48(?:70|80[14]|300|400)/,
  /^49(?:900|190|180|13[78]|118|12\d|700)/,
  // America.
  /^51808/,
  /^52900/,
  /^54(?:60\d|810)/,
  /^55(?:900|300|500)/,
  /^56(?:600|700)/,
  /^57901/,
  /^58900/,
  // Asia, Pacific.
  /^60600/,
  /^61(?:19|13)/,
  /^64900/,
  /^651900/,
  /^661900/,
  /^81(?:990|570)/,
  /^8260/,
  /^90(?:900|888|898)/,
  /^91(?:1860\d{7}$|1900\d{7}$)/,
  /^852900/,
  /^9721(?:9|599)/,
  // Portugal, Ireland, Finland, Bulgaria, Lithuania, Latvia, Croatia, Slovenia, Czechia, Slovakia.
  /^351(?:6[04]|7[06]|808|884)/,
  /^353(?:15\d{8}$|1850\d{6}$|1890\d{6}$)/,
  /^358(?:600|700)/,
  /^35990/,
  /^370(?:90|80[89])/,
  /^37190/,
  /^3856[0-5]\d{4,7}$/,
  /^38690/,
  /^420(?:90|976|8[14])/,
  /^421900/,
];

/** Calling codes in whose plans no number begins with 0 behind the code. Italy, Gabon, Congo and others are none of them. */
const WITHOUT_ZERO =
  /^(?:20|27|3[0-4]|4[013-9]|6[0-46]|8[124]|86|9[0-48]|21[23]|23[34]|25[456]|35[1358]|359|381|38[5-79]|42[01]|880|886|852|962|966|97[127])0/;

/** `open`: digits of prefixes that the operator has opened, such as `44870`. */
export function isClosedRange(to: E164, open: readonly string[] = []): boolean {
  const digits = to.slice(1);
  if (WITHOUT_ZERO.test(digits)) return true;
  return SPECIAL.some((range) => range.test(digits)) && !open.some((prefix) => digits.startsWith(prefix));
}
