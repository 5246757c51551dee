// Paths of the console: pure matching. `/w/{workspaceId}/…` is about one workspace, everything else about the node.

export interface RoutePattern<Name extends string> {
  readonly name: Name;
  /** Such as `/w/:workspaceId/calls/:callId`. */
  readonly path: string;
}

export interface RouteMatch<Name extends string> {
  readonly name: Name;
  readonly params: Readonly<Record<string, string>>;
}

/** The first pattern that fits; undefined where none does. A trailing slash makes no difference. */
export function matchRoute<Name extends string>(
  patterns: readonly RoutePattern<Name>[],
  pathname: string,
): RouteMatch<Name> | undefined {
  const parts = split(pathname);
  for (const { name, path } of patterns) {
    const params = matchParts(split(path), parts);
    if (params !== undefined) return { name, params };
  }
  return undefined;
}

function matchParts(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const given = parts[index] ?? '';
    if (!wanted.startsWith(':')) {
      if (wanted !== given) return undefined;
      continue;
    }
    const value = decoded(given);
    if (value === undefined) return undefined;
    params[wanted.slice(1)] = value;
  }
  return params;
}

function split(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

export type Query = Readonly<Record<string, string | undefined>>;

/** `{a: '1', b: ''}` -> `?a=1`: what is empty is left out, so that addresses stay short. */
export function queryText(query: Query): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (entries.length === 0) return '';
  return `?${new URLSearchParams(entries as [string, string][]).toString()}`;
}

export function readQuery(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}
