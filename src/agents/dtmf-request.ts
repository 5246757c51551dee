// What an agent asks to be sent as keys, in whichever words of its dialect: checked once, here.

import {
  DTMF_GAP_MS,
  DTMF_GAP_MS_MAX,
  DTMF_GAP_MS_MIN,
  DTMF_TONE_MS,
  DTMF_TONE_MS_MAX,
  DTMF_TONE_MS_MIN,
  type DtmfRequest,
  isDtmfText,
} from '../domain/dtmf.ts';

/** Null where it cannot be used: nothing is sent then, not the part before the first wrong character either. */
export function dtmfRequest(digits: unknown, toneMs?: unknown, gapMs?: unknown): DtmfRequest | null {
  if (typeof digits !== 'string' || !isDtmfText(digits)) return null;
  const tone = within(toneMs ?? DTMF_TONE_MS, DTMF_TONE_MS_MIN, DTMF_TONE_MS_MAX);
  const gap = within(gapMs ?? DTMF_GAP_MS, DTMF_GAP_MS_MIN, DTMF_GAP_MS_MAX);
  return tone === null || gap === null ? null : { text: digits, toneMs: tone, gapMs: gap };
}

function within(value: unknown, min: number, max: number): number | null {
  return typeof value === 'number' && value >= min && value <= max ? value : null;
}
