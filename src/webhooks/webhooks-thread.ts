// The thread that stores and sends webhooks: TLS, name look-ups and fsyncs for customers' receivers stay away from the signalling. It holds
// no state beyond the file, so killing it loses nothing that was answered.

import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { createAddressPolicy } from '../agents/address-policy.ts';
import { systemClock } from '../domain/clock.ts';
import { createIds } from '../domain/ids.ts';
import { WebhookEngine } from './engine.ts';
import type { WebhookObserver } from './observer.ts';
import type { ObservedReply, WebhooksReply, WebhooksRequest, WebhooksThreadData } from './thread-messages.ts';

if (parentPort === null) throw new Error('webhooks-thread.ts is started by startWebhooksThread, as a worker');
const port = parentPort;
const reply = (message: WebhooksReply) => port.postMessage(message);
const observed = <Name extends keyof WebhookObserver>(name: Name, ...args: Parameters<WebhookObserver[Name]>) =>
  reply({ type: 'observed', name, args } as ObservedReply);

const { path, sealingKey, formerKeys = [], openNetworks } = workerData as WebhooksThreadData;
const engine = new WebhookEngine({
  path,
  sealingKey,
  formerKeys,
  clock: systemClock,
  ids: createIds(randomBytes),
  random: Math.random,
  addressAllowed: createAddressPolicy(openNetworks),
  onListening: (workspaceId, events) => reply({ type: 'listening', workspaceId, events }),
  observer: {
    attempt: (event, result) => observed('attempt', event, result),
    // An endpoint of the engine's has secrets, and an error may have anything: only what the log needs crosses.
    failed: ({ id, workspaceId }, delivery, { status, error }) =>
      observed('failed', { id, workspaceId }, { id: delivery.id }, { status, error }),
    gone: ({ id, workspaceId }) => observed('gone', { id, workspaceId }),
    storeFailed: (operation, error) => observed('storeFailed', operation, { ...plain(error) }),
    backlog: (backlog) => observed('backlog', backlog),
  },
});

port.on('message', (request: WebhooksRequest) => {
  if (request.type === 'close') {
    // The answers of what was just committed leave in the microtasks before this.
    void engine.close().finally(() => setImmediate(() => port.close()));
    return;
  }
  const { id, operation, args } = request;
  const perform = engine[operation].bind(engine) as (...args: readonly unknown[]) => Promise<unknown>;
  perform(...args).then(
    (value) => reply({ type: 'done', id, value }),
    (error: unknown) => reply({ type: 'failed', id, ...plain(error) }),
  );
});
reply({ type: 'ready' });

function plain(error: unknown): { code: string; message: string } {
  const { code, name, message } = error as Error & { readonly code?: string };
  return { code: code ?? name, message };
}
