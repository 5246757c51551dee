// Configuration is read once, here, into one frozen typed object: default.yaml, then the file, then the environment.
//
// Invariants
//   K1. An unknown key, a wrong type or an impossible combination is an error that names the key, the variable and the reason.
//   K2. Nothing else in the program reads the environment or these files.

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Ajv, type ErrorObject } from 'ajv';
import { parse as parseYaml } from 'yaml';
import { callinVariables, variableOf } from './environment.ts';
import { ConfigError, type ConfigProblem } from './errors.ts';
import { parseRedisUrl } from './redis-url.ts';
import { type Config, configSchema } from './schema.ts';

export interface LoadOptions {
  /** The project's folder: holds config/default.yaml; relative paths in the configuration start here. */
  readonly root: string;
  /** File of --config or CALLIN_CONFIG; null = defaults and environment only. */
  readonly file: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A token of fewer characters can be guessed. */
const ADMIN_TOKEN_LENGTH_MIN = 16;

type Tree = { [key: string]: unknown };

/** @throws ConfigError naming every problem found. */
export function loadConfig(options: LoadOptions): Config {
  const defaults = readTree(join(options.root, 'config', 'default.yaml'));
  const known = leavesOf(defaults);
  const problems: ConfigProblem[] = [];
  const merged = structuredClone(defaults);
  if (options.file !== null) mergeTree(merged, readTree(options.file), '', problems);
  mergeEnvironment(merged, known, options.env, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  problems.push(...schemaProblems(merged));
  if (problems.length > 0) throw new ConfigError(problems);
  const config = merged as Config;
  problems.push(...combinationProblems(config));
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(config);
}

function readTree(path: string): Tree {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([
      { key: '(file)', variable: 'CALLIN_CONFIG', reason: `cannot be read: ${(error as Error).message}` },
    ]);
  }
  try {
    const tree: unknown = parseYaml(text) ?? {};
    if (isTree(tree)) return tree;
  } catch (error) {
    throw new ConfigError([
      { key: '(file)', variable: 'CALLIN_CONFIG', reason: `is not YAML: ${(error as Error).message}` },
    ]);
  }
  throw new ConfigError([{ key: '(file)', variable: 'CALLIN_CONFIG', reason: 'must be a mapping of keys' }]);
}

function mergeTree(target: Tree, source: Tree, path: string, problems: ConfigProblem[]): void {
  for (const [name, value] of Object.entries(source)) {
    const key = path === '' ? name : `${path}.${name}`;
    const existing = target[name];
    if (!Object.hasOwn(target, name)) problems.push(problem(key, 'unknown key'));
    else if (isTree(existing) && isTree(value)) mergeTree(existing, value, key, problems);
    else if (isTree(existing)) problems.push(problem(key, 'must be a mapping of keys'));
    else target[name] = value;
  }
}

function mergeEnvironment(
  target: Tree,
  keys: readonly string[],
  env: LoadOptions['env'],
  problems: ConfigProblem[],
): void {
  const byVariable = new Map(keys.map((key) => [variableOf(key), key]));
  for (const [variable, text] of callinVariables(env)) {
    const key = byVariable.get(variable);
    if (key === undefined) problems.push({ key: '(unknown)', variable, reason: 'no key has this variable' });
    else setLeaf(target, key.split('.'), scalarOf(text, target, key));
  }
}

/** Text stays text where the default is text; everything else reads like YAML (numbers, true, off, [a, b]). */
function scalarOf(text: string, target: Tree, key: string): unknown {
  const current = key.split('.').reduce<unknown>((node, part) => (isTree(node) ? node[part] : undefined), target);
  if (typeof current === 'string' && !/^(\d+|true|false|null)$/.test(text)) return text;
  if (typeof current === 'string' && current !== 'auto' && current !== 'off') return text;
  return parseYaml(text);
}

function setLeaf(target: Tree, path: readonly string[], value: unknown): void {
  const [first = '', ...rest] = path;
  const next = target[first];
  if (rest.length > 0 && isTree(next)) setLeaf(next, rest, value);
  else target[first] = value;
}

function leavesOf(tree: Tree, path = ''): string[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const key = path === '' ? name : `${path}.${name}`;
    return isTree(value) ? leavesOf(value, key) : [key];
  });
}

function schemaProblems(tree: Tree): ConfigProblem[] {
  const validate = new Ajv({ allErrors: true, strict: false }).compile(configSchema);
  if (validate(tree)) return [];
  const byKey = new Map<string, ErrorObject[]>();
  for (const error of validate.errors ?? []) {
    const key = error.instancePath.slice(1).replaceAll('/', '.');
    byKey.set(key, [...(byKey.get(key) ?? []), error]);
  }
  return [...byKey].map(([key, errors]) => problem(key, reasonOf(errors)));
}

/** What is allowed at one key: of a choice each part, but not that it is one, nor that a given word would be a text. */
function reasonOf(errors: readonly ErrorObject[]): string {
  const hasWords = errors.some(({ keyword }) => keyword === 'const');
  const telling = errors.filter(
    ({ keyword, params }) => keyword !== 'anyOf' && !(hasWords && keyword === 'type' && params['type'] === 'string'),
  );
  const parts = [...new Set((telling.length > 0 ? telling : errors).map(wordsOf))];
  return parts.map((part, index) => (index === 0 ? part : part.replace(/^must be /, ''))).join(' or ');
}

function wordsOf(error: ErrorObject): string {
  if (error.keyword === 'const') return `must be ${JSON.stringify(error.params['allowedValue'])}`;
  return error.message ?? error.keyword;
}

function combinationProblems(config: Config): ConfigProblem[] {
  const found: ConfigProblem[] = [];
  const { sip, media, store } = config;
  if (media.rtpPortMin % 2 !== 0)
    found.push(problem('media.rtpPortMin', 'must be even: RTP uses even ports (RFC 3550 section 11)'));
  if (media.rtpPortMax <= media.rtpPortMin) found.push(problem('media.rtpPortMax', 'must be above media.rtpPortMin'));
  if (isIP(media.host) === 0) found.push(problem('media.host', 'must be an IP address: it stands in our SDP'));
  for (const [key, host, external] of [
    ['media', media.host, media.externalAddress],
    ['sip', sip.host, sip.externalAddress],
  ] as const) {
    if ((host === '0.0.0.0' || host === '::') && external === null) {
      found.push(
        problem(`${key}.externalAddress`, `is needed with ${key}.host ${host}: the other side cannot send there`),
      );
    }
  }
  for (const key of ['metricsAllowed', 'trustedProxies'] as const) {
    if (!config.http[key].every(isAddressOrNetwork))
      found.push(problem(`http.${key}`, 'must be IP addresses or CIDR blocks'));
  }
  if (config.auth.adminToken !== '' && config.auth.adminToken.length < ADMIN_TOKEN_LENGTH_MIN) {
    found.push(
      problem(
        'auth.adminToken',
        `must have at least ${ADMIN_TOKEN_LENGTH_MIN} characters, or be empty for one that is made`,
      ),
    );
  }
  if (store.kind === 'redis') {
    const address = store.redis.url === '' ? 'is needed with store.kind redis' : parseRedisUrl(store.redis.url);
    if (typeof address === 'string') found.push(problem('store.redis.url', address));
  }
  if (sip.engine === 'drachtio' && sip.drachtio.secret === '')
    found.push(problem('sip.drachtio.secret', 'is needed with sip.engine drachtio'));
  if (sip.engine === 'drachtio' && sip.hep.host !== '')
    found.push(problem('sip.hep.host', 'is of the embedded engine: a drachtio-server has its own capture-server'));
  if (sip.drachtio.ca !== '' && !sip.drachtio.tls)
    found.push(problem('sip.drachtio.ca', 'is for the certificate of a server with sip.drachtio.tls'));
  if ((sip.tls.cert === '') !== (sip.tls.key === ''))
    found.push(
      problem(sip.tls.cert === '' ? 'sip.tls.cert' : 'sip.tls.key', 'is needed: certificate and key go together'),
    );
  const listensOnTls = sip.tlsPort !== 'off' && sip.tls.cert !== '';
  if (sip.engine === 'embedded' && sip.udpPort === 'off' && sip.tcpPort === 'off' && !listensOnTls)
    found.push(problem('sip.udpPort', 'udpPort, tcpPort and tlsPort (which needs sip.tls) cannot all be off'));
  if (!sip.moreHosts.every((host) => isIP(host) !== 0)) found.push(problem('sip.moreHosts', 'must be IP addresses'));
  if (isIP(sip.wsHost) === 0) found.push(problem('sip.wsHost', 'must be an IP address'));
  if (!sip.wsOrigins.every(isOriginRule))
    found.push(problem('sip.wsOrigins', 'must be origins such as https://console.example.com, same-host or any'));
  if (!config.demo && config.auth.secretKey === '') {
    found.push(
      problem(
        'auth.secretKey',
        'is needed to encrypt stored secrets: 32 random bytes in base64 (openssl rand -base64 32)',
      ),
    );
  }
  if (config.auth.secretKey !== '' && !isSecretKey(config.auth.secretKey)) {
    found.push(problem('auth.secretKey', 'must be 32 bytes in base64'));
  }
  if (!config.auth.formerSecretKeys.every(isSecretKey)) {
    found.push(problem('auth.formerSecretKeys', 'must be 32 bytes in base64 each'));
  }
  return found;
}

function isSecretKey(text: string): boolean {
  return Buffer.from(text, 'base64').length === 32;
}

function isAddressOrNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const width = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && width > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width));
}

function isOriginRule(text: string): boolean {
  return text === 'same-host' || text === 'any' || URL.parse(text)?.origin === text;
}

function problem(key: string, reason: string): ConfigProblem {
  return { key, variable: variableOf(key), reason };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child);
    Object.freeze(value);
  }
  return value;
}
