// The fields of a digest challenge or answer (RFC 7616 sections 3.3 and 3.4): `name=token` and `name="quoted"`, names in lower case.

export function digestFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [, name = '', quoted, token] of text.matchAll(
    /([A-Za-z0-9-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g,
  )) {
    fields.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, '$1') ?? token ?? '');
  }
  return fields;
}
