// CALLIN_* variables <-> dotted keys. `sip.udpPort` <-> `CALLIN_SIP__UDP_PORT`.

const PREFIX = 'CALLIN_';
/** Set by people or scripts for the program itself, not configuration keys. */
const NOT_KEYS = new Set(['CALLIN_CONFIG']);

export function variableOf(key: string): string {
  return (
    PREFIX +
    key
      .split('.')
      .map((part) => part.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())
      .join('__')
  );
}

/** All CALLIN_ variables of an environment as [variable, value]. */
export function callinVariables(env: Readonly<Record<string, string | undefined>>): [string, string][] {
  const found: [string, string][] = [];
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith(PREFIX) && !NOT_KEYS.has(name) && value !== undefined) found.push([name, value]);
  }
  return found;
}
