// The console under /console/: its files and its page, with a policy that lets in what is ours and nothing else.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ConsoleFile, type Encoding, openConsoleFiles } from './console-files.ts';
import type { HttpDeps } from './deps.ts';
import { Problem } from './problems.ts';
import type { Method } from './route.ts';

const HOME = '/console/';
const YEAR = 'public, max-age=31536000, immutable';

const HEADERS = {
  'permissions-policy': 'microphone=(self), camera=(), geolocation=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
};

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Callin Edge</title></head>
<body><h1>The console is not built</h1><p>Run <code>npm run console</code> in the folder of the gateway, then load this page again. The API works without it:
<a href="/docs">docs</a>.</p></body></html>
`;

/** What exists here, for those who ask with another method. */
export const CONSOLE_PATHS: readonly { readonly method: Method | 'HEAD'; readonly path: string }[] = (
  ['/', '/console', '/console/*'] as const
).flatMap((path) => (['GET', 'HEAD'] as const).map((method) => ({ method, path })));

export function mountConsole(app: FastifyInstance, { consoleFolder, node, testCalls }: HttpDeps): void {
  if (consoleFolder === undefined) return;
  const files = openConsoleFiles(consoleFolder);
  const method = ['GET', 'HEAD'];

  app.route({ method, url: '/', handler: async (_request, reply) => reply.redirect(HOME, 302) });
  app.route({ method, url: '/console', handler: async (_request, reply) => reply.redirect(HOME, 308) });
  app.route({
    method,
    url: '/console/*',
    async handler(request, reply) {
      const path = (request.params as Readonly<Record<string, string>>)['*'] ?? '';
      const file = await files.find(path);
      if (file === undefined) throw new Problem('route_not_found');
      reply.headers({ ...HEADERS, 'content-security-policy': policyFor(request, node().ports, testCalls.wsUrl) });
      if (file === null) return reply.code(503).type('text/html; charset=utf-8').send(NOT_BUILT);
      return await sendFile(request, reply, file);
    },
  });
}

async function sendFile(request: FastifyRequest, reply: FastifyReply, file: ConsoleFile): Promise<FastifyReply> {
  const encoding = encodingFor(request.headers['accept-encoding']);
  const compressed = encoding === null ? null : await file.encoded(encoding);
  const etag = `"${file.etag}${compressed === null ? '' : `-${encoding}`}"`;
  reply.headers({ 'cache-control': cacheControl(file), vary: 'accept-encoding', etag });
  if (hasTag(request.headers['if-none-match'], etag)) return reply.code(304).send();
  if (compressed !== null && encoding !== null) reply.header('content-encoding', encoding);
  return reply.type(file.type).send(compressed ?? file.bytes);
}

function cacheControl({ immutable, isPage }: ConsoleFile): string {
  if (immutable) return YEAR;
  return isPage ? 'no-store' : 'no-cache';
}

/** The better one that the browser takes; null = none. */
function encodingFor(accepted: string | string[] | undefined): Encoding | null {
  const names = String(accepted ?? '')
    .split(',')
    .map((each) => each.trim().toLowerCase())
    .filter((each) => !/;\s*q=0(?:\.0*)?$/.test(each))
    .map((each) => each.split(';', 1)[0]);
  return names.includes('br') ? 'br' : names.includes('gzip') ? 'gzip' : null;
}

function hasTag(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
}

/** Scripts, styles and fonts from here only, none of them inline; connections to here, to the SIP engine's own ports, and where test calls go. */
function policyFor(
  request: FastifyRequest,
  ports: Readonly<Record<string, number | null>>,
  wsUrl: string | null,
): string {
  const sockets = new Set(sipSockets(request.headers.host, ports));
  if (wsUrl !== null) sockets.add(new URL(wsUrl).origin);
  const directives = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self' data:",
    'font-src': "'self'",
    'manifest-src': "'self'",
    'media-src': "'self' blob:",
    'worker-src': "'self'",
    'connect-src': ["'self'", ...sockets].join(' '),
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  };
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}

/** Where a browser's phone connects to: the host that the page came from, on the ports where the SIP engine speaks WebSocket. */
function sipSockets(host: string | undefined, ports: Readonly<Record<string, number | null>>): string[] {
  const name = /^([A-Za-z0-9.-]{1,253})(?::\d{1,5})?$/.exec(host ?? '')?.[1];
  // An IPv6 address cannot be written in a policy: then any host, on these ports.
  const at = (scheme: string, port: number | null | undefined) =>
    typeof port === 'number' && port > 0 ? [`${scheme}://${name ?? '*'}:${port}`] : [];
  return [...at('ws', ports['sipWs']), ...at('wss', ports['sipWss'])];
}
