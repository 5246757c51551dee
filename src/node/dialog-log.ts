// The live SIP dialogs of this node in a file, for the next process should this one not come to hang up (signalling/orphans.ts): a line when one
// begins, a line when it ends. Written behind the calls: the last moments before a crash may be missing, and nothing but a BYE is lost with them.
//
// Invariants
//   DL1. The file is as long as `GARBAGE_MAX` lines and twice what lives; then it is written anew. Lines that are none are skipped.
//   DL2. A disk that does not take it costs BYEs after a crash, and one line in the log; never a call.

import {
  createWriteStream,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  type WriteStream,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { DialogFacts, DialogLog } from '../signalling/index.ts';

export interface NodeDialogLog extends DialogLog {
  close(): Promise<void>;
}

const FILE = 'dialogs.log';
/** Numbers of telephones stand in it. */
const OWNER_ONLY = 0o600;
const GARBAGE_MAX = 10_000;
const LINE_MAX = 16_384;

type Line = { readonly opened: DialogFacts } | { readonly closed: string };

export function openDialogLog(dataDir: string, log: { warn(fields: object, message: string): void }): NodeDialogLog {
  const path = join(dataDir, FILE);
  const live = readLive(path);
  const left = [...live.values()];
  let garbage = 0;
  let failed = false;
  let stream: WriteStream | null = null;
  const fail = (error: unknown) => {
    if (!failed)
      log.warn(
        { err: error },
        'live SIP dialogs cannot be written down: after a crash nobody is told that they are over',
      );
    failed = true;
    stream?.destroy();
    stream = null;
  };
  const rewrite = () => {
    stream?.end();
    const text = [...live.values()].map((opened) => `${JSON.stringify({ opened })}\n`).join('');
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(`${path}.new`, text, { mode: OWNER_ONLY });
    renameSync(`${path}.new`, path);
    // Opened now: what an earlier stream still writes goes to the file that was, wherever its name is.
    stream = createWriteStream(path, { fd: openSync(path, 'a', OWNER_ONLY) });
    stream.on('error', fail);
    garbage = 0;
  };
  const write = (line: Line) => {
    if (failed) return;
    try {
      if (stream === null || garbage > GARBAGE_MAX + live.size) rewrite();
      stream?.write(`${JSON.stringify(line)}\n`);
    } catch (error) {
      fail(error);
    }
  };
  return {
    left: () => left.splice(0),
    opened(dialog) {
      live.set(dialog.id, dialog);
      write({ opened: dialog });
    },
    closed(id) {
      if (!live.delete(id)) return;
      garbage += 2;
      write({ closed: id });
    },
    close: () => new Promise((resolve) => (stream === null ? resolve() : stream.end(() => resolve()))),
  };
}

function readLive(path: string): Map<string, DialogFacts> {
  const live = new Map<string, DialogFacts>();
  for (const text of linesOf(path)) {
    const line = parsed(text);
    if (line === null) continue;
    if ('closed' in line) live.delete(line.closed);
    else live.set(line.opened.id, line.opened);
  }
  return live;
}

/** None where there is no file, or none that can be read: it is written anew. */
function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** The last line of a crash may be half a line. */
function parsed(text: string): Line | null {
  if (text === '' || text.length > LINE_MAX) return null;
  try {
    const line = JSON.parse(text) as Partial<{ opened: Partial<DialogFacts>; closed: string }>;
    if (typeof line.closed === 'string') return { closed: line.closed };
    const { opened } = line;
    const texts = [opened?.id, opened?.callId, opened?.local, opened?.remote, opened?.target, opened?.nextHop];
    const areTexts = [...texts, ...(opened?.routes ?? [null])].every((field) => typeof field === 'string');
    const isWhole = typeof opened?.openedAtMs === 'number' && Array.isArray(opened.routes) && areTexts;
    return isWhole ? { opened: opened as DialogFacts } : null;
  } catch {
    return null;
  }
}
