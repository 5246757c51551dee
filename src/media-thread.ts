// Composition root of a media thread: joins the data plane with the agent dialects. Loaded as a worker by the media pool.

import { parentPort, workerData } from 'node:worker_threads';
import { createAddressPolicy } from './agents/address-policy.ts';
import { createAgentStreamFactory } from './agents/dialects.ts';
import type { MediaThreadConfig } from './media/thread/messages.ts';
import { runMediaThread } from './media/thread/thread.ts';

/** What the gateway hands through the pool. */
export interface MediaEntryData {
  /** CIDR blocks beyond the public Internet in which agents may live. */
  readonly openNetworks: readonly string[];
  /** URLs of this process's own agents, which are dialled whatever networks are open. */
  readonly ownAgents: readonly string[];
}

if (parentPort === null) throw new Error('media-thread.ts runs as a worker of the media pool');
const config = workerData as MediaThreadConfig & { readonly entryData: MediaEntryData };
const { openNetworks, ownAgents } = config.entryData;
const addressAllowed = createAddressPolicy(openNetworks);
runMediaThread(parentPort, config, createAgentStreamFactory({ addressAllowed, ownUrls: ownAgents }));
