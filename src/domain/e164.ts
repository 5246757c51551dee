// Telephone numbers in E.164 form: `+`, country code, 7 to 15 digits in all (ITU-T E.164). A branded type, so that a raw
// SIP user part cannot be used where a checked number is meant.

declare const e164Brand: unique symbol;
export type E164 = string & { readonly [e164Brand]: true };

const E164_PATTERN = /^\+[1-9]\d{6,14}$/;

export function isE164(text: string): text is E164 {
  return E164_PATTERN.test(text);
}

/**
 * Normalises what carriers put in a user part: `+1 202…`, `1202…`, `001202…`, `011…` (from NANP), tel: separators.
 * Undefined where no country code can be told without guessing.
 */
export function normaliseE164(text: string): E164 | undefined {
  const bare = text.replace(/[\s().-]/g, '');
  if (!/^\+?\d+$/.test(bare)) return undefined;
  const digits = bare.startsWith('+') ? bare.slice(1) : bare.replace(/^(?:00|011)/, '');
  const candidate = `+${digits}`;
  return isE164(candidate) ? candidate : undefined;
}
