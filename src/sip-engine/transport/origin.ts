// From which pages a browser may connect. A browser always says where its page comes from; other programs say what they like, or nothing, and
// are let in: the rule protects people at browsers, credentials protect us. (RFC 6455 section 10.2)

/**
 * Each entry is an origin (`https://console.example.com`), `same-host` (the page comes from the host that was connected to, whatever its port;
 * all names of loopback are one host) or `any`.
 */
export type OriginPolicy = readonly string[];

export function isOriginAllowed(origin: string | undefined, host: string | undefined, policy: OriginPolicy): boolean {
  if (origin === undefined || policy.includes('any')) return true;
  const given = hostOf(origin);
  // `null`: a page without an origin, such as a file.
  if (given === undefined) return false;
  if (policy.some((entry) => entry.toLowerCase() === origin.toLowerCase())) return true;
  const ours = policy.includes('same-host') ? hostOf(`http://${host}`) : undefined;
  return ours !== undefined && (given === ours || (isLoopback(given) && isLoopback(ours)));
}

function hostOf(url: string): string | undefined {
  return URL.parse(url)?.hostname || undefined;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
