import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { currentDocument } from '../../src/api-types.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';

// The lines of docs/api.md run, in order, against a real gateway; and the lines of every page name routes that there are.

const DOCS = new URL('../../docs/', import.meta.url);
const PAGE = readFileSync(new URL('api.md', DOCS), 'utf8');
const hasTools = ['bash', 'curl'].every((tool) => spawnSync(tool, ['--version']).status === 0);

/** Blocks of a language, as they stand. */
const blocksOf = (page: string, language: string): string[] =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '');

/** Commands of all shell blocks; continued lines and bodies of several lines are one. */
function commandsOf(page: string): string[] {
  const text = [...blocksOf(page, 'sh'), ...blocksOf(page, 'bash')].join('\n').replaceAll('\\\n', ' ');
  return text.split(/\n(?=[#\w])/).flatMap((part) => part.match(/\bcurl\b[\s\S]*?(?=\| |;|\n#|$)/g) ?? []);
}

interface Line {
  readonly command: string;
  readonly method: string;
  readonly path: string;
}

function lineOf(command: string): Line | undefined {
  const path = /(\/(?:v1|healthz|readyz|metrics)[^\s"'?)]*)/.exec(command)?.[1];
  if (path === undefined) return undefined;
  const given = /-X +([A-Z]+)/.exec(command)?.[1];
  const sends = / (?:-d|--data|--data-binary|-F|-T) /.test(command);
  return { command, method: given ?? (sends ? 'POST' : 'GET'), path };
}

describe('the lines of the pages', () => {
  const routes = Object.entries(currentDocument().paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    })),
  );
  const pages = readdirSync(DOCS).filter((name) => name.endsWith('.md'));

  test.each(pages)('%s: ask for routes that there are', (name) => {
    const lines = commandsOf(readFileSync(new URL(name, DOCS), 'utf8'))
      .map(lineOf)
      .filter((line) => line !== undefined);
    if (name === 'api.md') expect(lines.length).toBeGreaterThan(40);
    const unknown = lines.filter(
      ({ method, path }) => !routes.some((route) => route.method === method && route.pattern.test(path)),
    );
    expect(unknown.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });
});

describe.skipIf(!hasTools)('docs/api.md on a gateway (needs bash and curl)', () => {
  let gateway: RunningGateway;
  let carrier: Phone;
  const folder = mkdtempSync(join(tmpdir(), 'callin-page-'));

  beforeAll(async () => {
    gateway = await startGateway();
    carrier = await createPhone({ seed: 4 });
    carrier.onCall((call) => void call.answer());
  });
  afterAll(async () => {
    await gateway?.stop();
    await carrier?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('every line does what it says', { timeout: 60_000 }, async () => {
    const lines = blocksOf(PAGE, 'sh')
      .join('\n')
      .replace('API=http://127.0.0.1:8080', `API=http://127.0.0.1:${gateway.http.port}`)
      .replace('ADMIN=$(cat data/admin-token)', `ADMIN=${gateway.adminToken}`)
      .replace('"port": 5070', `"port": ${carrier.port}`);
    // A refusal ends the script, with what was refused.
    const script = `set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\nset -v\n${lines}\necho; echo all done\n`;
    const { status, output } = await run(script, folder);
    expect(output.slice(-2_000)).toMatch(/all done\s*$/);
    expect(status).toBe(0);
    expect(output).toContain('event: ready');
    expect(output).toContain('"verdict":"accepted"');
    await expect.poll(() => carrier.incoming.length).toBe(1);
  });
});

function run(script: string, cwd: string): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const shell = spawn('bash', ['-c', script], { cwd });
    let output = '';
    const take = (chunk: unknown): void => {
      output += String(chunk);
    };
    shell.stdout.on('data', take);
    shell.stderr.on('data', take);
    shell.on('error', reject).on('close', (status) => resolve({ status, output }));
  });
}
