// The webhooks' thread, which once, at the first event it is to store, dies of an error: a file beside the database remembers that it did.

import { existsSync, writeFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const { path } = workerData as { readonly path: string };
const died = `${path}.died`;

await import('../../src/webhooks/webhooks-thread.ts');
parentPort?.on('message', ({ operation }: { readonly operation?: string }) => {
  if (operation !== 'store' || existsSync(died)) return;
  writeFileSync(died, '');
  throw new Error('planted');
});
