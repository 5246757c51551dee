// Thread entry of the bundled agents: audio of many demo calls must not disturb the main thread. Does nothing when imported elsewhere.

import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

import { readWav } from '../wav.ts';
import { echoAgent } from './echo.ts';
import { listen } from './listener.ts';
import { createSpeakerAgent } from './speaker.ts';

/** What the starter passes in and gets back. */
export interface BundledThreadData {
  readonly kind: 'callin-bundled-agents';
  readonly host: string;
  readonly port: number;
  readonly authToken: string;
}
export type BundledThreadReport = { readonly listening: number } | { readonly failed: string };

const data = workerData as Partial<BundledThreadData> | null;
if (parentPort && data?.kind === 'callin-bundled-agents') await run(data as BundledThreadData, parentPort);

async function run({ host, port, authToken }: BundledThreadData, main: NonNullable<typeof parentPort>): Promise<void> {
  const report = (message: BundledThreadReport): void => main.postMessage(message);
  try {
    const speaker = createSpeakerAgent({
      welcome: prompt('welcome'),
      interrupted: prompt('interrupted'),
      again: prompt('again'),
    });
    const agents = new Map([
      ['/echo', echoAgent],
      ['/speaker', speaker],
    ]);
    const listener = await listen({ host, port, authToken, agents });
    main.once('message', () => void listener.close().then(() => main.close()));
    report({ listening: listener.port });
  } catch (error) {
    report({ failed: error instanceof Error ? error.message : String(error) });
    main.close();
  }
}

function prompt(name: string): Buffer {
  const outcome = readWav(readFileSync(new URL(`./prompts/${name}.wav`, import.meta.url)));
  if (!outcome.ok || outcome.wav.encoding !== 'PCMU' || outcome.wav.sampleRateHz !== 8000) {
    throw new Error(`prompt ${name}.wav is not µ-law at 8 kHz`);
  }
  return outcome.wav.data;
}
