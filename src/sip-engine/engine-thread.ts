// The engine as seen from the thread that starts it: a handle over messages.
//
// Invariants
//   H1. `startEngineThread` settles: with a handle once the engine listens, or with an EngineStartError.
//   H2. `exited` resolves once, however the thread ends; a question still open then rejects.
import { Worker } from 'node:worker_threads';
import type { Ban, Way } from './guard/guard.ts';
import type { Offence } from './guard/offences.ts';
import type { EngineAddress, EngineOptions, EngineStats } from './engine-options.ts';
import type { FromThread, ToThread } from './thread-messages.ts';
import type { Certificate } from './transport/certificate.ts';

export interface EngineThread {
  /** Loopback port applications connect to. */
  readonly wirePort: number;
  readonly addresses: readonly EngineAddress[];
  /** Resolves when the thread has ended; `expected` after `close()`. */
  readonly exited: Promise<{ readonly expected: boolean; readonly code: number }>;
  stats(): Promise<EngineStats>;
  /** Addresses and CIDR blocks of all trunks, in place of those told before. Until the first time, the guard lets everybody in. */
  trust(networks: readonly string[]): void;
  /** It proved credentials of a trunk: for an hour it is no stranger. */
  acquaint(address: string): void;
  offend(address: string, way: Way, offence: Offence): void;
  /** Those that hold now. */
  bans(): Promise<readonly Ban[]>;
  /** False: nobody of that name is banned. */
  unban(network: string): Promise<boolean>;
  /** Shown from the next TLS handshake on. */
  renewCertificate(certificate: Certificate): void;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface EngineThreadOptions extends EngineOptions {
  /** Faults inside the engine that harmed no call: to be logged and counted. Not called after `close()`. */
  readonly onFault?: (message: string) => void;
  /** Once per ban, at most one call in a second; `more` are not named. */
  readonly onBans?: (bans: readonly Ban[], more: number) => void;
}

/** The engine could not start; `code` is the system's where there is one (EADDRINUSE, EACCES). */
export class EngineStartError extends Error {
  readonly code: string;

  constructor(code: string | undefined, message: string) {
    super(message);
    this.name = 'EngineStartError';
    this.code = code ?? 'engine_start_failed';
  }
}

export class EngineGoneError extends Error {
  readonly code = 'engine_gone';

  constructor() {
    super('the SIP engine thread has ended');
    this.name = 'EngineGoneError';
  }
}

/** @throws EngineStartError when an address cannot be bound or the thread cannot run. */
export async function startEngineThread(options: EngineThreadOptions): Promise<EngineThread> {
  const { onFault, onBans, ...engineOptions } = options;
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: engineOptions });
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  let closing = false;
  let nextId = 0;
  const post = (message: ToThread): void => worker.postMessage(message);
  const tell = (message: ToThread): void => {
    if (!closing) post(message);
  };
  const ask = <T>(question: (id: number) => ToThread): Promise<T> =>
    new Promise((resolve, reject) => {
      if (closing) {
        reject(new EngineGoneError());
        return;
      }
      nextId += 1;
      waiting.set(nextId, { resolve, reject });
      post(question(nextId));
    });

  const exited = new Promise<{ expected: boolean; code: number }>((resolve) => {
    worker.on('exit', (code) => {
      for (const { reject } of waiting.values()) reject(new EngineGoneError());
      waiting.clear();
      resolve({ expected: closing, code });
    });
  });
  const ready = await firstWord(worker, exited);
  worker.on('message', (message: FromThread) => {
    if ('id' in message) {
      waiting.get(message.id)?.resolve(answerIn(message) as never);
      waiting.delete(message.id);
    } else if (message.type === 'banned') {
      if (!closing) onBans?.(message.bans, message.more);
    } else if (message.type === 'fault' && !closing) {
      onFault?.(message.message);
    }
  });
  // An uncaught exception ends the thread; `exited` tells. Without a listener it would end this thread as well.
  worker.on('error', (error) => onFault?.(error instanceof Error ? (error.stack ?? error.message) : String(error)));

  return {
    wirePort: ready.wirePort,
    addresses: ready.addresses,
    exited,
    stats: () => ask<EngineStats>((id) => ({ type: 'stats', id })),
    trust: (networks) => tell({ type: 'trust', networks }),
    acquaint: (address) => tell({ type: 'acquaint', address }),
    offend: (address, way, offence) => tell({ type: 'offence', address, way, offence }),
    bans: () => ask<readonly Ban[]>((id) => ({ type: 'bans', id })),
    unban: (network) => ask<boolean>((id) => ({ type: 'unban', id, network })),
    renewCertificate: (certificate) => tell({ type: 'certificate', certificate }),
    close: async () => {
      if (!closing) {
        closing = true;
        post({ type: 'close' });
      }
      await exited;
    },
  };
}

function answerIn(message: Extract<FromThread, { id: number }>): unknown {
  if (message.type === 'stats') return message.stats;
  return message.type === 'bans' ? message.bans : message.found;
}

function firstWord(worker: Worker, exited: Promise<unknown>): Promise<Extract<FromThread, { type: 'ready' }>> {
  return new Promise((resolve, reject) => {
    worker.once('error', (error) => reject(new EngineStartError(undefined, String(error))));
    worker.once('message', (message: FromThread) => {
      if (message.type === 'ready') resolve(message);
      else if (message.type === 'fatal') reject(new EngineStartError(message.error.code, message.error.message));
    });
    void exited.then(() => reject(new EngineStartError(undefined, 'the thread ended before it was ready')));
  });
}
