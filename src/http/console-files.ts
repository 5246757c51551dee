// The built console, read into memory: what is served is a lookup in a table of the files that are there, so no path leads out of the folder.
//
// Invariants
//   CF1. A file is served under its own name only; what is no file is the page (its router knows the rest), unless it looks like a file.
//   CF2. Bounded: so many files of such a size. The folder is read again when its page was built anew.

import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

export interface ConsoleFile {
  readonly type: string;
  /** Its name has the hash of its content: it never changes. */
  readonly immutable: boolean;
  readonly isPage: boolean;
  readonly etag: string;
  readonly bytes: Buffer;
  /** Made at the first request for it; null where it would not be smaller. */
  encoded(encoding: Encoding): Promise<Buffer | null>;
}

export type Encoding = 'br' | 'gzip';

export interface ConsoleFiles {
  /** `path` without the leading slash, as the router decoded it. Undefined: there is no such file. `null`: nothing was built. */
  find(path: string): Promise<ConsoleFile | undefined | null>;
}

const PAGE = 'index.html';
const FILES_MAX = 1_000;
const FILE_BYTES_MAX = 10 * 1024 * 1024;
/** Below, the headers are most of the answer. */
const COMPRESS_FROM_BYTES = 1_024;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wav': 'audio/wav',
  '.mp3': 'audio/mpeg',
};
const COMPRESSIBLE = /^(?:text\/|image\/svg|application\/(?:json|manifest))/;

export function openConsoleFiles(folder: string): ConsoleFiles {
  let files: ReadonlyMap<string, ConsoleFile> = new Map();
  let builtAtMs = 0;
  let reading: Promise<void> = Promise.resolve();

  const refresh = async (): Promise<void> => {
    const mtimeMs = await builtAt(folder);
    if (mtimeMs === builtAtMs) return;
    files = mtimeMs === 0 ? new Map() : await readFolder(folder);
    builtAtMs = mtimeMs;
  };

  return {
    async find(path) {
      const known = files.get(path);
      if (known?.immutable === true) return known;
      // One after the other: the folder is read once, however many ask.
      reading = reading.then(refresh);
      await reading;
      const page = files.get(PAGE);
      if (page === undefined) return null;
      return files.get(path) ?? (looksLikeFile(path) ? undefined : page);
    },
  };
}

function looksLikeFile(path: string): boolean {
  return path.startsWith('assets/') || extname(path) !== '';
}

/** 0 = it is not. */
async function builtAt(folder: string): Promise<number> {
  try {
    return (await stat(join(folder, PAGE))).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function readFolder(folder: string): Promise<ReadonlyMap<string, ConsoleFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).slice(0, FILES_MAX);
  const files = new Map<string, ConsoleFile>();
  for (const entry of paths) {
    const file = join(entry.parentPath, entry.name);
    if ((await stat(file)).size > FILE_BYTES_MAX) continue;
    const path = relative(folder, file).split(sep).join('/');
    files.set(path, fileOf(path, await readFile(file)));
  }
  return files;
}

function fileOf(path: string, bytes: Buffer): ConsoleFile {
  const type = TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream';
  const encodings = new Map<Encoding, Promise<Buffer | null>>();
  const isCompressible = COMPRESSIBLE.test(type) && bytes.length >= COMPRESS_FROM_BYTES;
  return {
    type,
    immutable: path.startsWith('assets/'),
    isPage: path === PAGE,
    etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
    bytes,
    encoded(encoding) {
      if (!isCompressible) return Promise.resolve(null);
      const made = encodings.get(encoding) ?? compress(bytes, encoding);
      encodings.set(encoding, made);
      return made;
    },
  };
}

/** Off the main thread; done once per file and kept. */
async function compress(bytes: Buffer, encoding: Encoding): Promise<Buffer | null> {
  const compressed =
    encoding === 'br'
      ? await promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } })
      : await promisify(gzip)(bytes);
  return compressed.length < bytes.length ? compressed : null;
}

/** The best takes seconds for a bundle; this is as small as gzip's best and takes a tenth of one. */
const BROTLI_QUALITY = 6;
