// What is taken out of a SIP message before a person sees it, in the ladder of a call or at a capture server: whatever proves, opens or was keyed.
// The one list of it. Diagnosis needs the rest: names stay, and of what is taken out the place where it was.
//
// Invariants
//   SM1. Strangers' messages are read here: every step is linear in the length of the text, but for factors that are bounded.
//   SM2. What cannot be read (compressed, base64) is taken out as a whole.
//   SM3. This file imports nothing, so that everybody may import it (docs/architecture.md).

export const REDACTED = '[redacted]';

const WORDS =
  'authorization|token|secret|passw(?:or)?d|passphrase|(?:api|access|private|auth)[-_]?key|cookie|credential|bearer|jwt|signature|pn-prid';
const SECRET_NAME = new RegExp(`${WORDS}|authentication-info$|(?:^|-)(?:auth|pin|dtmf|digits)(?:-|$)`, 'i');
/** Inside values: parameters of URIs and headers, and tokens that stand alone. */
const PARAM = new RegExp(
  `([;?&][\\w.+-]{0,40}?(?:${WORDS})[\\w.-]{0,40}\\s?=\\s?)(?:"[^"]*(?:"|$)|[^;&?\\s>",])+`,
  'gi',
);
const ALONE = /^(\s*(?:bearer|basic)\s+)[\w.~+/-]{8,}=*\s*$/i;

/** Lines of SDP, keyed digits (application/dtmf-relay), members of JSON. */
const SIGNAL = /^([ \t]*signal[ \t]*[=:])[^\r\n]*/gim;
const SECRET_LINES: readonly (readonly [RegExp, string])[] = [
  [/^([ \t]*a[ \t]*=[ \t]*crypto[ \t]*:(?:[ \t]*\d{1,9}[ \t]+[\w-]{1,64}(?=[ \t]))?)[^\r\n]*/gim, `$1 ${REDACTED}`],
  [/^([ \t]*a[ \t]*=[ \t]*(?:ice-pwd|key-mgmt)[ \t]*:)[^\r\n]*/gim, `$1${REDACTED}`],
  [/^([ \t]*k[ \t]*=)[^\r\n]*/gim, `$1${REDACTED}`],
  [SIGNAL, `$1${REDACTED}`],
  [new RegExp(`("[\\w.-]{0,40}?(?:${WORDS})[\\w.-]{0,40}"\\s{0,8}:\\s{0,8}")[^"\\r\\n]*`, 'gi'), `$1${REDACTED}`],
];
/** Bodies that are digits and nothing else; and `dtmf-relay`, of which the durations stay. */
const KEYED = /dtmf|telephone-event|digits|kpml-response/i;
const DTMF_RELAY = /^\s*application\s*\/\s*dtmf-relay\s*(?:;|$)/i;
const MULTIPART = /^\s*multipart\s*\//i;
/** In a part of a body: what it is, or how it is written. */
const PART_FIELD = /^(content-(?:type|encoding|transfer-encoding)|c)[ \t]*:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)/gim;
const PLAIN = /^\s*(?:identity|7bit|8bit|binary)?\s*$/i;

interface Field {
  readonly name: string;
  readonly value: string;
}

export interface BodyKind {
  /** Content-Type; empty without one. */
  readonly type: string;
  /** Nothing was done to it after it was written. */
  readonly isPlain: boolean;
}

/** A whole message as it is printed, perhaps without its end. */
export function withoutSecrets(text: string): string {
  const blank = /\r?\n\r?\n/.exec(text);
  const headEnd = blank?.index ?? text.length;
  const head = text.slice(0, headEnd);
  const fields: Field[] = [];
  const clean = head.replace(FIELD, (_field, name: string, colon: string, value: string) => {
    fields.push({ name, value });
    const shown = valueWithoutSecrets(name, value);
    return `${name}${colon}${shown === REDACTED ? ' ' : ''}${shown}`;
  });
  const startEnd = /\r?\n|$/.exec(clean)?.index ?? 0;
  const start = valueWithoutSecrets('', clean.slice(0, startEnd));
  if (blank === null) return `${start}${clean.slice(startEnd)}`;
  const bodyAt = headEnd + blank[0].length;
  return `${start}${clean.slice(startEnd)}${blank[0]}${bodyWithoutSecrets(text.slice(bodyAt), bodyKind(fields))}`;
}

/** A header field with its continuations. The name is looked at by itself: a word that is sought inside a repetition costs its square. */
const FIELD = /^([\w.!%*+`'~-]+)([ \t]*:)([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)/gm;

/** @param name of the header, in any form; empty: of none. */
export function valueWithoutSecrets(name: string, value: string): string {
  if (SECRET_NAME.test(name)) return REDACTED;
  const signed = /^(?:identity|y)$/i.test(name) ? withoutSignatures(value) : value;
  // Most values have neither.
  const plain = signed.includes('=') ? signed.replace(PARAM, `$1${REDACTED}`) : signed;
  return withoutPasswords(plain).replace(ALONE, `$1${REDACTED}`);
}

/** What its header fields, in any form, say of a body. */
export function bodyKind(fields: Iterable<Field>): BodyKind {
  let [type, isPlain] = ['', true];
  for (const { name, value } of fields) {
    if (/^(?:content-type|c)$/i.test(name)) type = value;
    if (/^(?:content-(?:transfer-)?encoding|e)$/i.test(name)) isPlain &&= PLAIN.test(value);
  }
  return { type, isPlain };
}

/** @param body of one character a byte, should it be no text. */
export function bodyWithoutSecrets(body: string, { type, isPlain }: BodyKind): string {
  if (body === '') return body;
  if (!isPlain || (MULTIPART.test(type) && !hasReadableParts(body))) return REDACTED;
  if (KEYED.test(type) && !MULTIPART.test(type)) {
    const isRelay = DTMF_RELAY.test(type) && body.search(SIGNAL) !== -1;
    if (!isRelay) return REDACTED;
  }
  return replaced(body, SECRET_LINES);
}

/** False where digits or what is not plain text are among them. */
function hasReadableParts(body: string): boolean {
  for (const [, name = '', value = ''] of body.matchAll(PART_FIELD)) {
    if (/encoding$/i.test(name) ? !PLAIN.test(value) : KEYED.test(value)) return false;
  }
  return true;
}

/** Of URIs, `sip:user:password@host`. Matches also where there is none, so that no character is looked at twice. */
function withoutPasswords(text: string): string {
  if (!text.includes('@')) return text;
  return text.replace(/(\bsips?:|:\/\/)([^\s@<>";?/]*)@?/gi, (whole, scheme: string, user: string) => {
    const colon = user.indexOf(':');
    return colon === -1 || !whole.endsWith('@') ? whole : `${scheme}${user.slice(0, colon)}:${REDACTED}@`;
  });
}

/** Of PASSporTs (RFC 8224), `header.payload.signature;info=…`: what they say stays, what proves it goes. */
function withoutSignatures(value: string): string {
  const passports = value.split(',').map((passport) => {
    const [token = '', ...params] = passport.split(';');
    const [header = '', payload, signature, ...rest] = token.split('.');
    if (payload === undefined || signature === undefined) return passport;
    return [[header, payload, REDACTED, ...rest].join('.'), ...params].join(';');
  });
  return passports.join(',');
}

function replaced(text: string, rules: readonly (readonly [RegExp, string])[]): string {
  let clean = text;
  for (const [pattern, replacement] of rules) clean = clean.replace(pattern, replacement);
  return clean;
}
