import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { parse as parseYaml } from 'yaml';
import { twilioSignature } from '../../src/agents/dial.ts';
import { FAILURES } from '../../src/agents/errors.ts';
import { variableOf } from '../../src/config/environment.ts';
import { REASONS } from '../../src/domain/reasons.ts';
import { createMetrics } from '../../src/observability/metrics.ts';

// What the documentation names exists, and what exists is documented. A page that lies costs an operator the night.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DOCS = join(ROOT, 'docs');
const PAGES = [
  join(ROOT, 'README.md'),
  join(ROOT, 'CHANGELOG.md'),
  join(ROOT, 'deploy', 'README.md'),
  ...readdirSync(DOCS)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(DOCS, name)),
];
/** Made by a command of package.json, not part of a fresh checkout. */
const MADE_LATER = new Set(['bench/RESULTS.md']);

const textOf = (page: string): string => readFileSync(page, 'utf8');
const operations = textOf(join(DOCS, 'operations.md'));
const agents = textOf(join(DOCS, 'agents.md'));

/** Rows of the first table under a heading, as cells. */
function tableUnder(page: string, heading: string): string[][] {
  const start = page.indexOf(`\n## ${heading}\n`);
  expect(start, `heading ${heading}`).not.toBe(-1);
  const section = page.slice(start + 1).split(/\n## /, 1)[0] ?? '';
  const table = /(?:^\|.*\|\n)+/m.exec(section)?.[0] ?? '';
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

describe('operations.md', () => {
  test('signalling 23: tells every reason with its SIP status and result, and no other', () => {
    const told = tableUnder(operations, 'Reasons').map(([code = '', status, result]) => [code, Number(status), result]);
    const real = Object.entries(REASONS).map(([code, verdict]) => [`\`${code}\``, verdict.sipStatus, verdict.result]);
    expect(told.toSorted()).toEqual(real.toSorted());
  });

  test('tells every metric in its table, and no other anywhere', async () => {
    const page = await createMetrics({ processDefaults: false }).render();
    const real = new Set([...page.matchAll(/^# TYPE (\w+)/gm)].map((match) => match[1]));
    const told = tableUnder(operations, 'Metrics and alerts').map(([name = '']) => name.replaceAll('`', ''));
    expect(told.toSorted()).toEqual([...real].toSorted());
    const mentioned = [...operations.matchAll(/\bcallin_[a-z_]+/g)].map(([name]) =>
      name.replace(/_(?:bucket|sum|count)$/, ''),
    );
    expect(mentioned.filter((name) => !real.has(name))).toEqual([]);
  });
});

describe('carriers.md', () => {
  const page = textOf(join(DOCS, 'carriers.md'));
  const section = page.slice(page.indexOf('\n## What is tested, and where\n'));
  const filesIn = (cell: string) =>
    [...cell.matchAll(/`([\w/.-]+\.(?:test\.ts|xml))`/g)].map((match) => match[1] ?? '');

  test('names for each item of signalling tests that are named after it', () => {
    const rows = tableUnder(page, 'What is tested, and where');
    expect(rows.map(([item]) => Number(item))).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
    const missing = rows.flatMap(([item, , files = '']) =>
      filesIn(files).filter((file) => {
        const named = new RegExp(`signalling (?:\\d+(?:,| and) )*${item}\\b`);
        return !named.test(textOf(join(ROOT, 'test', file)));
      }),
    );
    expect(missing).toEqual([]);
  });

  test('names sipp scenarios that are there', () => {
    const named = filesIn(section).filter((file) => file.endsWith('.xml'));
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((file) => !existsSync(join(ROOT, 'test', 'interop', 'sipp', file)))).toEqual([]);
  });
});

test('agents.md tells every way an agent can fail, and no other', () => {
  const told = tableUnder(agents, 'When your side fails').map(([code = '']) => code.replaceAll('`', ''));
  expect(told.toSorted()).toEqual(Object.keys(FAILURES).toSorted());
});

describe.each(PAGES.map((page) => [relative(ROOT, page), page] as const))('%s', (_name, page) => {
  const text = textOf(page);

  test('links to files and headings that exist', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
    const broken = links.filter((link) => !/^https?:/.test(link) && !resolves(page, link));
    expect(broken).toEqual([]);
  });

  test('names environment variables and configuration keys that exist', () => {
    const defaults: unknown = parseYaml(textOf(join(ROOT, 'config', 'default.yaml')));
    const { leaves, branches } = keysOf(defaults);
    const variables = new Set(['CALLIN_CONFIG', ...leaves.map(variableOf)]);
    const sections = branches.filter((key) => !key.includes('.')).join('|');
    const keys = new RegExp(`\`((?:${sections})\\.[A-Za-z.]+)(?:: [^\`]*)?\``, 'g');
    const named = [...text.matchAll(keys)]
      .map((match) => match[1] ?? '')
      .filter((key) => !/\.(?:ts|md|yaml)$/.test(key));
    expect(
      [...text.matchAll(/\bCALLIN_[A-Z_]+/g)].map(([name]) => name).filter((name) => !variables.has(name)),
    ).toEqual([]);
    expect(named.filter((key) => ![...leaves, ...branches].includes(key))).toEqual([]);
  });
});

/** A path relative to the page, a heading of it, or a heading of this page (as GitHub makes anchors). */
function resolves(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#', 2);
  const target = path === '' ? page : join(dirname(page), path);
  if (MADE_LATER.has(relative(ROOT, target))) return true;
  if (!existsSync(target)) return false;
  return anchor === undefined || headingsOf(textOf(target)).includes(anchor);
}

function headingsOf(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function keysOf(tree: unknown, path = ''): { leaves: string[]; branches: string[] } {
  const found = { leaves: [] as string[], branches: [] as string[] };
  for (const [name, value] of Object.entries(tree as object)) {
    const key = path === '' ? name : `${path}.${name}`;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      found.leaves.push(key);
      continue;
    }
    const below = keysOf(value, key);
    found.branches.push(key, ...below.branches);
    found.leaves.push(...below.leaves);
  }
  return found;
}

describe('docs/examples/agent.mjs', () => {
  const token = 'a-token';
  let agent: ChildProcess;
  let url: string;

  beforeAll(async () => {
    // The port of the URL is not the one it listens on: only the text is signed.
    url = 'ws://127.0.0.1:9000/media';
    agent = spawn(process.execPath, [join(DOCS, 'examples', 'agent.mjs')], {
      env: { ...process.env, AUTH_TOKEN: token, STREAM_URL: url, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve, reject) => {
      agent.stdout?.once('data', (data) => resolve(String(data)));
      agent.once('exit', (code) => reject(new Error(`the example ended with ${code}`)));
    });
    url = `ws://127.0.0.1:${/on port (\d+)/.exec(line)?.[1]}/media`;
  });
  afterAll(() => void agent.kill());

  const dial = (signature: string): WebSocket => new WebSocket(url, { headers: { 'X-Twilio-Signature': signature } });

  test('refuses an upgrade that is not signed by the gateway', async () => {
    const socket = dial(twilioSignature('another', 'ws://127.0.0.1:9000/media'));
    const error = await new Promise<Error>((resolve, reject) => {
      socket.once('error', resolve);
      socket.once('open', () => reject(new Error('it was accepted')));
    });
    expect(error.message).toContain('401');
  });

  test('greets, asks for a mark, echoes after it, and hangs up on *', async () => {
    const socket = dial(twilioSignature(token, 'ws://127.0.0.1:9000/media'));
    const heard: { event: string; media?: { payload: string }; mark?: { name: string } }[] = [];
    const say = (message: object) => socket.send(JSON.stringify(message));
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.on('message', (data) => {
      heard.push(JSON.parse(String(data)));
      const last = heard.at(-1);
      if (last?.event === 'mark') {
        say({ event: 'media', media: { payload: 'too early' } });
        say({ event: 'mark', mark: last.mark });
        say({ event: 'media', media: { payload: 'AAAA' } });
      }
      if (last?.media?.payload === 'AAAA') say({ event: 'dtmf', dtmf: { digit: '*' } });
    });
    socket.once('open', () => {
      say({ event: 'connected' });
      say({ event: 'start', streamSid: 'MZ1', start: { streamSid: 'MZ1' } });
    });
    expect(await closed).toBe(1000);
    expect(heard.map((message) => message.event)).toEqual(['media', 'mark', 'media']);
    expect(Buffer.from(heard[0]?.media?.payload ?? '', 'base64')).toHaveLength(3200);
  });
});
