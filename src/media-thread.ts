// Composition root of a media thread: joins the data plane with the agent dialects. Loaded as a worker by the media pool.

import { parentPort, workerData } from 'node:worker_threads';
import { createAgentStream } from './agents/dialects.ts';
import type { MediaThreadConfig } from './media/thread/messages.ts';
import { runMediaThread } from './media/thread/thread.ts';

if (parentPort === null) throw new Error('media-thread.ts runs as a worker of the media pool');
runMediaThread(parentPort, workerData as MediaThreadConfig, createAgentStream);
