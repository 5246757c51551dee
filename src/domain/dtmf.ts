// Keys of a telephone as texts: what may be asked to be sent, and how a trunk carries them.

/**
 * How keys travel on a trunk. `auto`: RTP telephone events where both sides agreed on them, else tones in the audio. `rfc4733`: telephone
 * events, and nothing where they were not agreed on. `info`: SIP INFO. `inband`: tones in the audio, and tones in the carrier's are heard.
 * Telephone events and INFO are heard whatever it says.
 */
export type DtmfMode = 'auto' | 'rfc4733' | 'info' | 'inband';

/** In the order of their event codes, RFC 4733 table 3. */
export const DTMF_KEYS = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'] as const;
export type DtmfKey = (typeof DTMF_KEYS)[number];

/** Of one request; a card number with a PIN and pauses fits three times. */
export const DTMF_TEXT_CHARACTERS_MAX = 64;
/** Keys, and `w` (half a second) and `p` (a second) between them; at least one key. */
export const DTMF_TEXT_PATTERN = '^[wp]*[0-9*#A-Da-d][0-9*#A-Da-dwp]*$';
/** What is queued in a call and has not been sent, in characters. */
export const DTMF_QUEUE_CHARACTERS_MAX = 128;

/** ITU-T Q.24 wants 40 ms of tone and 40 ms of pause recognised; menus built on slow detectors want more. */
export const DTMF_TONE_MS = 100;
export const DTMF_TONE_MS_MIN = 60;
export const DTMF_TONE_MS_MAX = 1000;
export const DTMF_GAP_MS = 100;
export const DTMF_GAP_MS_MIN = 60;
export const DTMF_GAP_MS_MAX = 1000;

/** Keys to be sent one after another. Durations are rounded up to 20 ms. */
export interface DtmfRequest {
  readonly text: string;
  readonly toneMs: number;
  readonly gapMs: number;
}

/** `queued`: they go out. `queue_full`: with them more would wait than may. `unavailable`: telephone events were not agreed on. `gone`: the call is over. */
export type DtmfOutcome = 'queued' | 'queue_full' | 'unavailable' | 'gone';

/** How a press came or went. */
export type DtmfKind = Exclude<DtmfMode, 'auto'>;

const TEXT = new RegExp(DTMF_TEXT_PATTERN);
const PAUSE_MS: Readonly<Record<string, number>> = { w: 500, p: 1000 };

export function isDtmfText(text: string): boolean {
  return text.length <= DTMF_TEXT_CHARACTERS_MAX && TEXT.test(text);
}

/** Event code of a key in either case; -1 for a pause. */
export function dtmfCode(character: string): number {
  return DTMF_KEYS.indexOf(character.toUpperCase() as DtmfKey);
}

export function dtmfPauseMs(character: string): number {
  return PAUSE_MS[character] ?? 0;
}

/** Keys without pauses. */
export function dtmfKeyCount(text: string): number {
  return [...text].filter((character) => dtmfCode(character) !== -1).length;
}
