// The thread that writes call records into the directory's file, beside the connection that the main thread reads with (WAL lets both go
// on). It holds no state: killing it loses nothing that was answered.

import { parentPort, workerData } from 'node:worker_threads';
import { inTransaction, openDatabase } from '../storage/sqlite.ts';
import type { CallRecordsReply, CallRecordsRequest } from './call-records.ts';
import { callRowStatement } from './call-rows.ts';
import { DIRECTORY_MIGRATIONS } from './migrations.ts';

if (parentPort === null) throw new Error('call-records-thread.ts is started by startCallRecordsThread, as a worker');
const port = parentPort;
const reply = (message: CallRecordsReply) => port.postMessage(message);

const { path } = workerData as { path: string };
const database = openDatabase(path, DIRECTORY_MIGRATIONS);
const write = callRowStatement(database);

port.on('message', (request: CallRecordsRequest) => {
  if (request.type === 'close') {
    database.close();
    port.close();
    return;
  }
  const { id, rows } = request;
  try {
    inTransaction(database, () => rows.forEach(write));
    reply({ type: 'done', id });
  } catch (error) {
    const { code, name, message } = error as Error & { code?: string };
    reply({ type: 'failed', id, code: code ?? name, message });
  }
});
reply({ type: 'ready' });
