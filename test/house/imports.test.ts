import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

// House rules are code: who may import whom (docs/architecture.md). A room may import itself and any room on a lower floor.

const SRC = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'src');

const FLOORS: readonly (readonly string[])[] = [
  ['domain'],
  ['config', 'sdp'],
  ['sip-engine', 'media', 'routing', 'observability', 'storage', 'phone'],
  ['providers', 'signalling', 'agents', 'metering', 'ledger', 'directory'],
  ['numbers', 'calls', 'diagnosis', 'cluster', 'webhooks', 'reconciliation'],
  ['http', 'console'],
  ['main'],
];
/** Composition roots: files directly in src, and the rooms that start a whole program. */
const ROOT_ROOMS = new Set(['demo', 'node', 'setup']);
/** Rooms that import nothing of ours at all. */
const ISLANDS = new Set(['sip-engine', 'domain', 'phone', 'console']);
/** Pure files of a room that rooms on its own floor may import: what is taken out of SIP messages is listed once. They import nothing. */
const SHARED = new Set(['sip-engine/message/secrets.ts']);

describe('imports go down only', () => {
  const files = sourceFiles(SRC);

  test('every room stands on a known floor', () => {
    const unknown = [...new Set(files.map(roomOf))].filter((room) => floorOf(room) === undefined);
    expect(unknown).toEqual([]);
  });

  test('no file imports a room on its own floor or above', () => {
    const broken: string[] = [];
    for (const file of files) {
      const room = roomOf(file);
      for (const target of importsOf(file)) {
        const targetRoom = roomOf(target);
        if (targetRoom === room) continue;
        const ceiling = (floorOf(room) ?? -1) + (SHARED.has(nameOf(target)) ? 1 : 0);
        const allowed = !ISLANDS.has(room) && (floorOf(targetRoom) ?? 99) < ceiling;
        if (!allowed) broken.push(`${relative(SRC, file)} imports ${relative(SRC, target)}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('what a room shares with its floor imports nothing', () => {
    const shared = files.filter((file) => SHARED.has(nameOf(file)));
    expect(shared.map(nameOf)).toEqual([...SHARED]);
    expect(shared.flatMap(importsOf)).toEqual([]);
  });

  test('nothing in src imports from test or bench', () => {
    const outside = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => !target.startsWith(SRC + sep))
        .map((target) => `${relative(SRC, file)} imports ${target}`),
    );
    expect(outside).toEqual([]);
  });
});

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Absolute paths of the relative imports of a file, type imports, re-exports and worker URLs included. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const patterns = [
    /\bfrom\s+'(\.[^']+)'/g,
    /\bimport\(\s*'(\.[^']+)'/g,
    /\bimport\s+'(\.[^']+)'/g,
    /new URL\('(\.[^']+\.ts)'/g,
  ];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => join(dirname(file), match[1] ?? '')));
}

function nameOf(file: string): string {
  return relative(SRC, file).split(sep).join('/');
}

function roomOf(file: string): string {
  const parts = relative(SRC, file).split(sep);
  return parts.length === 1 || ROOT_ROOMS.has(parts[0] ?? '') ? 'main' : (parts[0] ?? '');
}

function floorOf(room: string): number | undefined {
  const floor = FLOORS.findIndex((rooms) => rooms.includes(room));
  return floor === -1 ? undefined : floor;
}
