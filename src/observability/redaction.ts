// What must never reach a log: secrets by the name of their field and by their shape inside texts, phone numbers by policy.
//
// Invariants
//   R1. Nothing is changed in place: the caller's object is copied.
//   R2. The work is bounded (depth, entries, text length): a log line may be fed by the network.

/** `last4`: `+1202555…` becomes `+*******0100`. `hide`: no digit stays. */
export type NumberPolicy = 'show' | 'last4' | 'hide';

const REDACTED = '[redacted]';
/** Deeper than anything we log on purpose. */
const DEPTH_MAX = 6;
/** Widest object we log on purpose is a SIP header map. */
const ENTRIES_MAX = 100;
/** A whole SIP message with SDP fits. */
const TEXT_MAX = 8192;

/** Field names, lower case without `-` and `_`. Names that end like a secret are secrets too (`accountAuthToken`). */
const SECRET_NAMES = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'setcookie',
  'crypto',
  'inline',
  'credentials',
  'privatekey',
  'masterkey',
  'sealingkey',
]);
const SECRET_ENDINGS = ['password', 'token', 'secret', 'apikey'];
/** Fields that hold a number in whatever form the carrier wrote it. */
const NUMBER_NAMES = new Set(['from', 'to', 'e164', 'number', 'callerid', 'calleruser', 'calleduser', 'destination']);

/** Each starts with a literal and repeats nothing inside a repetition: linear in the length of the text. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  // Header lines of SIP and HTTP messages.
  [/((?:proxy-)?authorization\s*:\s*)[^\r\n]+/gi, `$1${REDACTED}`],
  // SDES (RFC 4568): the master key follows `inline:`.
  [/(a=crypto:\d+\s+\S+\s+)[^\r\n]+/gi, `$1${REDACTED}`],
  [/(inline:)[\w+/=|:]+/gi, `$1${REDACTED}`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/((?:password|auth_?token|api_?key|secret)["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi, `$1${REDACTED}`],
  // Our own keys and sessions, wherever somebody has put them.
  [/\bcallin_(?:sk_|session=)[\w-]+/g, REDACTED],
  // Secrets of webhooks, as customers are shown them.
  [/\bwhsec_[\w+/=-]+/g, REDACTED],
  // Credentials in a URL.
  [/(:\/\/[^\s:/@]{0,128}:)[^\s@/]{1,512}(@)/g, `$1${REDACTED}$2`],
];
const NUMBERS_IN_TEXT = /\+[1-9]\d{6,14}\b|(?<=\b(?:sips?|tel):)\d{7,18}\b/g;

export function createRedactor(numbers: NumberPolicy): (value: unknown) => unknown {
  const maskDigits = (digits: string): string => {
    if (numbers === 'show') return digits;
    const shown = numbers === 'last4' ? 4 : 0;
    const hidden = digits.replace(/\D/g, '').length - shown;
    return `${digits.startsWith('+') ? '+' : ''}${'*'.repeat(Math.max(hidden, 0))}${shown > 0 ? digits.slice(-shown) : ''}`;
  };

  const text = (raw: string): string => {
    let clean = raw.length > TEXT_MAX ? `${raw.slice(0, TEXT_MAX)}…` : raw;
    for (const [pattern, replacement] of SECRET_TEXTS) clean = clean.replace(pattern, replacement);
    return numbers === 'show' ? clean : clean.replace(NUMBERS_IN_TEXT, maskDigits);
  };

  const field = (name: string, value: unknown, depth: number): unknown => {
    const plain = name.toLowerCase().replace(/[-_]/g, '');
    if (value !== null && value !== undefined && isSecretName(plain)) return REDACTED;
    if (typeof value === 'string' && NUMBER_NAMES.has(plain) && /^\+?[\d\s().-]{7,}$/.test(value)) {
      return maskDigits(value);
    }
    return walk(value, depth);
  };

  const walk = (value: unknown, depth: number): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= DEPTH_MAX) return '[deep]';
    if (value instanceof Error) return error(value, depth);
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((item) => walk(item, depth + 1));
    return fields(value, depth);
  };

  const fields = (value: object, depth: number): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(value)
        .slice(0, ENTRIES_MAX)
        .map(([name, inner]) => [name, field(name, inner, depth + 1)]),
    );

  const error = (value: Error, depth: number): Record<string, unknown> => ({
    ...fields(value, depth),
    type: value.name,
    message: text(value.message),
    ...(value.stack === undefined ? {} : { stack: text(value.stack) }),
    ...(value.cause === undefined ? {} : { cause: walk(value.cause, depth + 1) }),
  });

  return (value) => walk(value, 0);
}

function isSecretName(plain: string): boolean {
  return SECRET_NAMES.has(plain) || SECRET_ENDINGS.some((ending) => plain.endsWith(ending));
}
