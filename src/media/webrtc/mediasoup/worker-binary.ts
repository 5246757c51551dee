// Is there a mediasoup worker, and does it run? Its package is optional and installed without its install script, so the binary is one
// that the operator built or brought (MEDIASOUP_WORKER_BIN), or one that stands in the package's folder all the same.

import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { endWorker, startWorker } from './worker.ts';

export type MediasoupWorker =
  | { readonly ok: true; readonly path: string; readonly version: string }
  /** What is missing, as the rest of a sentence. */
  | { readonly ok: false; readonly missing: string };

const BINARY = join('worker', 'out', 'Release', 'mediasoup-worker');

/** Starts the worker once and ends it. */
export async function findMediasoupWorker(workerBin: string | undefined, withinMs?: number): Promise<MediasoupWorker> {
  const folder = packageFolder();
  if (folder === null) return { ok: false, missing: 'the optional package mediasoup is not installed' };
  const path = workerBin ?? join(folder, BINARY);
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const hint =
      workerBin === undefined ? 'no worker binary in the package, and MEDIASOUP_WORKER_BIN is not set' : path;
    return { ok: false, missing: `mediasoup has no worker to run (${hint}: ${code})` };
  }
  try {
    const { version } = await import('mediasoup');
    await endWorker(await startWorker(path, 'none', withinMs));
    return { ok: true, path, version };
  } catch (error) {
    return { ok: false, missing: `mediasoup's worker does not run: ${(error as Error).message}` };
  }
}

function packageFolder(): string | null {
  try {
    // The main module is <folder>/node/lib/index.js.
    return dirname(dirname(dirname(createRequire(import.meta.url).resolve('mediasoup'))));
  } catch (error) {
    // Not installed is an answer, not a fault.
    void error;
    return null;
  }
}
