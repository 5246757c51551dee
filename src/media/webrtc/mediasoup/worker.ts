// A worker process: started, asked and ended, and no wait for it is endless.
//
// P1. One that opens no leg in time, or does not end in time, hangs and is killed. What waits for it is then told by its death, as if it
//     had died by itself.
// P2. Once `endWorker` resolved the process is gone.

import type { types } from 'mediasoup';

const ANSWER_MS = 5000;
/** Both together are less than what a media thread is given to stop (pool.ts). */
const CLOSE_MS = 500;
const END_MS = 1000;

export class WorkerSilent extends Error {
  readonly code = 'mediasoup_worker_silent';

  constructor(withinMs: number) {
    super(`it did not say within ${withinMs} ms that it runs`);
    this.name = 'WorkerSilent';
  }
}

/** One that never says that it runs cannot be reached, and ends with us. @throws WorkerSilent, or what ended it */
export async function startWorker(
  workerBin: string,
  logLevel: 'error' | 'none',
  withinMs = ANSWER_MS,
): Promise<types.Worker> {
  const { createWorker } = await import('mediasoup');
  const starting = createWorker({ workerBin, logLevel, logTags: [] });
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new WorkerSilent(withinMs)), withinMs);
  });
  try {
    return await Promise.race([starting, silent]);
  } catch (error) {
    void starting.then(
      (late) => late.close(),
      () => undefined,
    );
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** What the worker answers, or rejects with when it dies. */
export async function answerOf<T>(worker: types.Worker, answer: Promise<T>, withinMs = ANSWER_MS): Promise<T> {
  const timer = setTimeout(() => kill(worker), withinMs);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Resolves when all that the worker was told is done: it does it in order, so one more answer says so. Also when it died, and after
 * CLOSE_MS when it hangs.
 */
export async function caughtUp(worker: types.Worker): Promise<void> {
  if (worker.closed) return;
  const done = worker.getResourceUsage().then(
    () => undefined,
    () => undefined,
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}

export async function endWorker(worker: types.Worker): Promise<void> {
  const gone = new Promise<void>((resolve) => worker.on('subprocessclose', resolve));
  worker.close();
  if (!worker.subprocessClosed) await answerOf(worker, gone, END_MS);
}

function kill(worker: types.Worker): void {
  try {
    process.kill(worker.pid, 'SIGKILL');
  } catch (error) {
    // Gone meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
