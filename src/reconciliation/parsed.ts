// What came of reading a text: the value, or why not, in words that do not repeat it.

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function unreadable(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
