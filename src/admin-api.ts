// The running gateway's API as our command line tools ask it, as the operator. Address and token are those of the gateway's own configuration; the
// token is never an argument, which others could see.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from './config/load.ts';

const ROOT = join(import.meta.dirname, '..');
/** Longer than the gateway takes for anything. */
const ANSWER_MS = 600_000;

/** Something that the person at the keyboard can mend. */
export class NotDone extends Error {
  readonly code = 'not_done';
}

export interface AdminApi {
  /** Throws `NotDone` where there is no gateway, or it refuses. */
  ask(method: 'GET' | 'POST', path: string, content?: Content): Promise<unknown>;
}

export interface Content {
  readonly type: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

export interface ApiPlace {
  readonly url?: string | undefined;
  readonly config?: string | undefined;
}

export function openAdminApi(place: ApiPlace): AdminApi {
  // Nothing is decrypted here.
  const env = { CALLIN_AUTH__SECRET_KEY: Buffer.alloc(32).toString('base64'), ...process.env };
  const config = loadConfig({ root: ROOT, file: place.config ?? process.env['CALLIN_CONFIG'] ?? null, env });
  const { host, port } = config.http;
  if (place.url === undefined && port === 0) {
    throw new NotDone('the configuration lets the gateway pick its port: name its address with --url');
  }
  const base = place.url ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const token = config.auth.adminToken || readToken(resolve(ROOT, config.dataDir, 'admin-token'));
  return {
    async ask(method, path, content) {
      const answer = await reach(new URL(path, base), {
        method,
        headers: { authorization: `Bearer ${token}`, ...(content ? { 'content-type': content.type } : {}) },
        ...(content ? { body: content.body } : {}),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (!answer.ok) throw new NotDone(await refusalOf(answer));
      return await answer.json();
    },
  };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new NotDone(`no token: auth.adminToken is empty and ${file} cannot be read`, { cause });
  }
}

async function reach(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw new NotDone(`no gateway answers at ${url.origin}; start it, or name it with --url`, { cause });
  }
}

/** The problem in words, a line for each field. */
async function refusalOf(answer: Response): Promise<string> {
  // What is no JSON comes from something between us and the gateway: its status tells enough.
  const problem = (await answer.json().catch(() => ({}))) as Problem;
  const { title = `HTTP ${answer.status}`, code, detail, errors = [] } = problem;
  const fields = errors.map(({ field, message }) => `  ${field}: ${message}`);
  return [`${title}${code === undefined ? '' : ` (${code})`}`, ...(detail ? [`  ${detail}`] : []), ...fields].join(
    '\n',
  );
}

interface Problem {
  readonly title?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}
