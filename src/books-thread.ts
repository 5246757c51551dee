// The thread that owns the books: it takes the requests of a turn, runs them in one transaction, and answers once that is durable.
// It holds no state beyond the file, so killing it loses nothing that was answered.

import { parentPort, workerData } from 'node:worker_threads';
import { openCall, openFiles, rewrite, settleCall } from './books.ts';
import type { BooksReply, BooksRequest } from './books-protocol.ts';
import { Bundle } from './storage/bundle.ts';

if (parentPort === null) throw new Error('books-thread.ts is started by openBooks, as a worker');
const port = parentPort;
const replies = new Bundle<BooksReply>((messages) => port.postMessage(messages));
const reply = (message: BooksReply) => replies.add(message);

const { path } = workerData as { path: string };
const { commit, file, shut } = openFiles({
  path,
  onFlush: (commitMs, works) => reply({ type: 'flushed', commitMs, works }),
});

port.on('message', (requests: readonly BooksRequest[]) => {
  for (const request of requests) take(request);
});
reply({ type: 'ready' });

function take(request: BooksRequest): void {
  if (request.name === 'close') {
    shut();
    // The answers of what was just committed leave in the microtasks before this.
    setImmediate(() => port.close());
    return;
  }
  commit
    .run(() => perform(request))
    .then(
      (value) => reply({ type: 'done', id: request.id, value }),
      (error: Error & { code?: string }) =>
        reply({ type: 'failed', id: request.id, code: error.code ?? error.name, message: error.message }),
    );
}

function perform(request: Exclude<BooksRequest, { name: 'close' }>): unknown {
  const { books, journal } = file;
  switch (request.name) {
    case 'balance':
      return books.balance(...request.args);
    case 'reserve':
      return books.reserve(...request.args);
    case 'release':
      return books.release(...request.args);
    case 'settle':
      return books.settle(...request.args);
    case 'postFee':
      return books.postFee(...request.args);
    case 'postings':
      return books.postings(...request.args);
    case 'costs':
      return books.costs(...request.args);
    case 'sum':
      return books.sum(...request.args);
    case 'openCall':
      return openCall(file, ...request.args);
    case 'settleCall':
      return settleCall(file, ...request.args);
    case 'append':
      return journal.append(...request.args);
    case 'heartbeat':
      return journal.heartbeat(...request.args);
    case 'openCalls':
      return journal.openCalls();
    case 'history':
      return journal.history(...request.args);
    case 'chargedCalls':
      return journal.chargedCalls(...request.args);
    case 'lastPulses':
      return journal.lastPulses(...request.args);
    case 'probe':
      return rewrite(file);
  }
}
