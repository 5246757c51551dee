// What a provider says may repeat what we sent, and then stands in a failure, a log or a page.

const REDACTED = '[redacted]';
const TEXT_MAX = 300;
/** Shorter ones would black out ordinary words. */
const SECRET_LENGTH_MIN = 6;

/** One line of at most 300 characters in which no secret stands, in none of the forms that we send it in. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < SECRET_LENGTH_MIN) continue;
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      clean = clean.replaceAll(form, REDACTED);
    }
  }
  clean = clean.replace(/\p{C}+/gu, ' ').trim();
  return clean.length > TEXT_MAX ? `${clean.slice(0, TEXT_MAX)}…` : clean;
}
