// The fields of a digest challenge or answer (RFC 7616 sections 3.3 and 3.4): `name=token` and `name="quoted"`, names in lower case.
//
// Invariant DF1. Strangers write what is read here: the work is linear in the length of the text.

export function digestFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [, name = '', quoted, token] of text.matchAll(FIELD)) {
    fields.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, '$1') ?? token ?? '');
  }
  return fields;
}

/** DF1: a name is tried from its first character only; without that, a long run of letters is read again from each of them. */
const FIELD = /(?<![A-Za-z0-9-])([A-Za-z0-9-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;
