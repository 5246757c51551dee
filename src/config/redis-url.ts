// The URL of Redis in its forms: one server, Sentinels that know the master, or a Cluster. Read in one place, so that the configuration
// refuses what the connection could not use. Nothing here repeats a password.
//
//   redis://[user:password@]host[:6379][/db]                                      rediss:// is the same over TLS
//   redis+sentinel://[user:password@]host[:26379],host…/master-name[/db]          the password is that of Redis
//   redis+cluster://[user:password@]host[:6379],host…
//
// User and password are percent-encoded where they have characters of a URL; an IPv6 address stands in brackets.

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** One for `single`; else where to ask first. */
  readonly nodes: readonly RedisNode[];
  readonly tls: boolean;
  readonly username: string | null;
  readonly password: string | null;
  /** Of `sentinel`; else empty. */
  readonly masterName: string;
  readonly db: number;
}

const FORM = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:(.*)@)?([^@/?#]*)([^?#]*)$/;
const NODE = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/;
const NODES_MAX = 100;

/** The address, or in words what is wrong with the text (without any of it). */
export function parseRedisUrl(text: string): RedisAddress | string {
  const match = FORM.exec(text);
  if (match === null)
    return 'must be redis://, rediss://, redis+sentinel:// or redis+cluster:// and hosts, without a query';
  const [, secure, form = 'single', credentials, hosts = '', path = ''] = match;
  const kind = form as RedisAddress['kind'];
  const nodes = hosts.split(',').map((host) => parseNode(host, kind === 'sentinel' ? 26_379 : 6_379));
  if (!nodes.every((node) => node !== undefined)) return 'must name hosts as host or host:port';
  if (nodes.length > NODES_MAX) return `must name at most ${NODES_MAX} hosts`;
  if (kind === 'single' && nodes.length > 1) return 'names several hosts: use redis+sentinel:// or redis+cluster://';
  const account = parseCredentials(credentials);
  if (account === undefined) return 'has a user or password that is not percent-encoded';
  const place = parsePath(kind, path);
  return typeof place === 'string' ? place : { kind, nodes, tls: secure === 's', ...account, ...place };
}

/** For logs and errors: everything but user and password. */
export function describeRedis({ kind, nodes, tls, masterName, db }: RedisAddress): string {
  const scheme = `redis${tls ? 's' : ''}${kind === 'single' ? '' : `+${kind}`}`;
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  const path = kind === 'cluster' ? '' : kind === 'sentinel' ? `/${masterName}/${db}` : `/${db}`;
  return `${scheme}://${hosts}${path}`;
}

function parseNode(text: string, defaultPort: number): RedisNode | undefined {
  const [whole, ipv6, name, digits] = NODE.exec(text) ?? [];
  const port = digits === undefined ? defaultPort : Number(digits);
  if (whole === undefined || port < 1 || port > 65_535) return undefined;
  return { host: ipv6 ?? name ?? '', port };
}

function parseCredentials(text: string | undefined): Pick<RedisAddress, 'username' | 'password'> | undefined {
  if (text === undefined) return { username: null, password: null };
  const colon = text.indexOf(':');
  const parts = colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  try {
    const [username = '', password = ''] = parts.map(decodeURIComponent);
    return { username: username === '' ? null : username, password: password === '' ? null : password };
  } catch {
    // A stray percent sign.
    return undefined;
  }
}

function parsePath(kind: RedisAddress['kind'], path: string): Pick<RedisAddress, 'masterName' | 'db'> | string {
  const parts = path.split('/').slice(1);
  if (parts.length > 0 && parts.at(-1) === '') parts.pop();
  const masterName = kind === 'sentinel' ? (parts.shift() ?? '') : '';
  const [dbText = '0', ...rest] = parts;
  if (kind === 'sentinel' && masterName === '') return 'must name the master: redis+sentinel://hosts/master-name';
  if (rest.length > 0 || !/^\d{1,5}$/.test(dbText)) return 'must end in the number of a database, or nothing';
  if (kind === 'cluster' && dbText !== '0') return 'cannot choose a database: a Cluster has only 0';
  return { masterName, db: Number(dbText) };
}
