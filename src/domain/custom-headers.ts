// Headers that customers and agents may put into SIP requests of ours: names that begin with X-, values of one line. What is checked here cannot end
// a line, begin a header or replace one of ours.

export type CustomHeaders = Readonly<Record<string, string>>;

/** `X-` and up to 60 more; no name of a header of ours begins so. */
export const CUSTOM_HEADER_NAME = /^[Xx]-[A-Za-z0-9](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?$/;
export const CUSTOM_HEADERS_MAX = 16;
/** Printable ASCII: what else a carrier makes of a value cannot be told. */
export const CUSTOM_HEADER_VALUE = /^[\x20-\x7e]{0,256}$/;

/** Undefined where one of them cannot be sent; names that differ in case only are one name twice, which cannot be either. */
export function readCustomHeaders(value: unknown): CustomHeaders | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value as Record<string, unknown>);
  const names = new Set(entries.map(([name]) => name.toLowerCase()));
  if (entries.length > CUSTOM_HEADERS_MAX || names.size !== entries.length) return undefined;
  const isSound = entries.every(
    ([name, text]) => CUSTOM_HEADER_NAME.test(name) && typeof text === 'string' && CUSTOM_HEADER_VALUE.test(text),
  );
  return isSound ? (Object.fromEntries(entries) as CustomHeaders) : undefined;
}
