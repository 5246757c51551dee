// Thread entry of the bundled agents: audio of many demo calls must not disturb the main thread. Does nothing when imported elsewhere.

import { parentPort, workerData } from 'node:worker_threads';

import { systemClock } from '../../domain/clock.ts';
import { type Announcement, createCodeSpeaker, Tickets } from './code-speaker.ts';
import { echoAgent } from './echo.ts';
import { listen } from './listener.ts';
import { readCodePrompts, readPrompt } from './prompts.ts';
import { createSpeakerAgent } from './speaker.ts';

/** What the starter passes in and gets back. */
export interface BundledThreadData {
  readonly kind: 'callin-bundled-agents';
  readonly host: string;
  readonly port: number;
  readonly authToken: string;
}
export type BundledThreadReport =
  | { readonly listening: number }
  | { readonly failed: string }
  /** The code speaker knows this ticket from now on. */
  | { readonly announced: string };
export type BundledThreadCommand = 'close' | { readonly announce: Announcement };

const data = workerData as Partial<BundledThreadData> | null;
if (parentPort && data?.kind === 'callin-bundled-agents') await run(data as BundledThreadData, parentPort);

async function run({ host, port, authToken }: BundledThreadData, main: NonNullable<typeof parentPort>): Promise<void> {
  const report = (message: BundledThreadReport): void => main.postMessage(message);
  try {
    const speaker = createSpeakerAgent({
      welcome: readPrompt('welcome'),
      interrupted: readPrompt('interrupted'),
      again: readPrompt('again'),
    });
    const tickets = new Tickets(() => systemClock.monotonicMs());
    const agents = new Map([
      ['/echo', echoAgent],
      ['/speaker', speaker],
      ['/code', createCodeSpeaker(tickets, readCodePrompts())],
    ]);
    const listener = await listen({ host, port, authToken, agents });
    main.on('message', (command: BundledThreadCommand) => {
      if (command === 'close') return void listener.close().then(() => main.close());
      tickets.add(command.announce);
      report({ announced: command.announce.ticket });
    });
    report({ listening: listener.port });
  } catch (error) {
    report({ failed: error instanceof Error ? error.message : String(error) });
    main.close();
  }
}
