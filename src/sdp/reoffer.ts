// Our offer inside a call that has descriptions already.

import type { LocalAudio } from './audio.ts';
import { makeOffer } from './offer.ts';
import { parseSdp } from './parse.ts';

/** As `makeOffer`, with the version that RFC 3264 section 8 asks for: that of `local.previous` where the text is the same, else one more. */
export function makeReoffer(local: LocalAudio & { readonly previous: string }): string {
  const parsed = parseSdp(local.previous);
  if (!parsed.ok) throw new TypeError(`our previous description does not parse: ${parsed.code}`);
  const version = Number(parsed.session.origin.sessionVersion);
  const unchanged = makeOffer({ ...local, version });
  return unchanged === local.previous ? unchanged : makeOffer({ ...local, version: version + 1 });
}
