// Where providers are and from where their calls come: config/providers.yaml, read once, frozen. Every mistake is named.

import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { parse as parseYaml } from 'yaml';

const object = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

/** Plain http only toward this machine, for tests. */
const baseUrl = Type.String({
  pattern: '^(?:https://[a-z0-9.-]+(?::\\d{1,5})?|http://127\\.0\\.0\\.1:\\d{1,5})(?:/[a-z0-9]+)?$',
});
const hostName = Type.String({ pattern: '^[a-z0-9][a-z0-9.-]{2,252}$' });
const addresses = Type.Array(Type.String({ minLength: 3, maxLength: 253 }), { minItems: 1, maxItems: 200 });

const settingsSchema = object({
  twilio: object({ apiUrl: baseUrl, trunkingUrl: baseUrl, terminationDomain: hostName, signalling: addresses }),
  telnyx: object({
    apiUrl: baseUrl,
    region: Type.Enum(['US', 'Europe', 'Australia']),
    outboundHost: hostName,
    signalling: addresses,
  }),
});

export type ProviderSettings = Static<typeof settingsSchema>;
export type TwilioSettings = ProviderSettings['twilio'];
export type TelnyxSettings = ProviderSettings['telnyx'];

export class ProviderSettingsError extends Error {
  readonly code = 'provider_settings_invalid';
  constructor(fileName: string, problems: readonly string[]) {
    super(problems.map((problem) => `${fileName}: ${problem}`).join('\n'));
    this.name = 'ProviderSettingsError';
  }
}

const compiled = Compile(settingsSchema);

/** Throws ProviderSettingsError. */
export function parseProviderSettings(text: string, fileName: string): ProviderSettings {
  let tree: unknown;
  try {
    tree = parseYaml(text);
  } catch (error) {
    throw new ProviderSettingsError(fileName, [`is not YAML: ${(error as Error).message}`]);
  }
  if (compiled.Check(tree)) return tree;
  const problems = [...compiled.Errors(tree)].map(
    ({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.') || '(file)'}: ${message}`,
  );
  throw new ProviderSettingsError(fileName, problems);
}
