// What a page's WebRTC connection sends and plays, as the browser itself measures it (totalAudioEnergy of getStats).

import type { Page } from 'playwright-core';

export interface Audio {
  /** Of the microphone. */
  readonly sent: number;
  /** Of what came from the other side. */
  readonly heard: number;
  /** How much of it there was. */
  readonly seconds: number;
}

type Watched = typeof globalThis & { connections?: RTCPeerConnection[]; listeners?: AudioContext[] };

/** Runs in the page before its own scripts: connections, and what listens to streams, are of modules and nowhere else to be found. */
export function keepConnections(): void {
  const watched = globalThis as Watched;
  const kept: RTCPeerConnection[] = [];
  watched.connections = kept;
  watched.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      kept.push(this);
    }
  };
  const listeners: AudioContext[] = [];
  watched.listeners = listeners;
  watched.AudioContext = class extends AudioContext {
    constructor(options?: AudioContextOptions) {
      super(options);
      listeners.push(this);
    }
  };
}

/** How many level meters listen to a stream. */
export async function listenersOf(page: Page): Promise<number> {
  return await page.evaluate(
    () => ((globalThis as Watched).listeners ?? []).filter(({ state }) => state !== 'closed').length,
  );
}

/** Of the newest connection. */
export async function audioOf(page: Page): Promise<Audio> {
  return await page.evaluate(async () => {
    const connection = (globalThis as Watched).connections?.at(-1);
    const audio = { sent: 0, heard: 0, seconds: 0 };
    for (const report of (await connection?.getStats())?.values() ?? []) {
      if (report.kind !== 'audio') continue;
      if (report.type === 'media-source') audio.sent = report.totalAudioEnergy ?? 0;
      if (report.type === 'inbound-rtp') {
        audio.heard = report.totalAudioEnergy ?? 0;
        audio.seconds = report.totalSamplesDuration ?? 0;
      }
    }
    return audio;
  });
}
