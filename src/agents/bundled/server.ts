// Starts the bundled agents (echo, speaker, code speaker) on a real WebSocket server in a thread of their own.

import { Worker } from 'node:worker_threads';

import { type Clock, systemClock } from '../../domain/clock.ts';
import { BundledAgentsError } from '../errors.ts';
import type { Announcement } from './code-speaker.ts';
import type { BundledThreadCommand, BundledThreadData, BundledThreadReport } from './thread.ts';

export interface BundledAgentsOptions {
  readonly host: string;
  /** 0 = a free port. */
  readonly port: number;
  /** Key of the X-Twilio-Signature that callers must send. */
  readonly authToken: string;
  readonly clock?: Clock;
  /** The thread died after it was started; its calls see a broken agent. */
  readonly onLost?: (error: Error) => void;
}

export interface BundledAgents {
  readonly echoUrl: string;
  readonly speakerUrl: string;
  readonly codeUrl: string;
  /** Tells the code speaker what the call with this ticket is to hear; it knows when this resolves. Rejects with BundledAgentsError. */
  announce(announcement: Announcement): Promise<void>;
  /** Disconnects all calls. Idempotent. */
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 2_000;
const ANNOUNCE_TIMEOUT_MS = 2_000;

/** Rejects with BundledAgentsError where the thread cannot listen. */
export async function startBundledAgents(options: BundledAgentsOptions): Promise<BundledAgents> {
  const { host, port, authToken, clock = systemClock } = options;
  const workerData: BundledThreadData = { kind: 'callin-bundled-agents', host, port, authToken };
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData, name: 'bundled-agents' });
  worker.on('error', (error) => options.onLost?.(new BundledAgentsError('the thread failed', error)));
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const listening = await firstReport(worker, clock);
  const base = `ws://${host.includes(':') ? `[${host}]` : host}:${listening}`;
  let closing: Promise<void> | undefined;
  return {
    echoUrl: `${base}/echo`,
    speakerUrl: `${base}/speaker`,
    codeUrl: `${base}/code`,
    announce: announcer(worker, clock, gone),
    close: () => {
      closing ??= stop(worker, gone, clock);
      return closing;
    },
  };
}

async function firstReport(worker: Worker, clock: Clock): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timer = clock.setTimer(
    () => reject(new BundledAgentsError('the thread did not start in time')),
    START_TIMEOUT_MS,
  );
  worker.once('message', (report: BundledThreadReport) => {
    if ('listening' in report) resolve(report.listening);
    else reject(new BundledAgentsError('failed' in report ? report.failed : 'the thread spoke out of turn'));
  });
  worker.once('error', (error) => reject(new BundledAgentsError('the thread failed', error)));
  worker.once('exit', () => reject(new BundledAgentsError('the thread ended')));
  try {
    return await promise;
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    timer.cancel();
  }
}

function announcer(worker: Worker, clock: Clock, gone: Promise<void>): BundledAgents['announce'] {
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const ended = new BundledAgentsError('the thread ended');
  let over = false;
  worker.on('message', (report: BundledThreadReport) => {
    if ('announced' in report) waiting.get(report.announced)?.resolve();
  });
  void gone.then(() => {
    over = true;
    for (const { reject } of waiting.values()) reject(ended);
  });
  return async (announcement) => {
    if (over) throw ended;
    const known = Promise.withResolvers<void>();
    const late = () => known.reject(new BundledAgentsError('the code speaker does not answer'));
    const timer = clock.setTimer(late, ANNOUNCE_TIMEOUT_MS);
    waiting.set(announcement.ticket, known);
    worker.postMessage({ announce: announcement } satisfies BundledThreadCommand);
    try {
      await known.promise;
    } finally {
      timer.cancel();
      waiting.delete(announcement.ticket);
    }
  };
}

async function stop(worker: Worker, gone: Promise<void>, clock: Clock): Promise<void> {
  const timer = clock.setTimer(() => void worker.terminate(), STOP_TIMEOUT_MS);
  worker.postMessage('close' satisfies BundledThreadCommand);
  await gone;
  timer.cancel();
}
