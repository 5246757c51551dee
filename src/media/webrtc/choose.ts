// Which engine carries the legs of browsers on this node.
//
//   setting     mediasoup's worker runs    it does not
//   auto        mediasoup                  werift
//   werift      werift                     werift
//   mediasoup   mediasoup                  MediasoupUnavailable: the node does not start
//   off         off                        off

import { findMediasoupWorker, type MediasoupWorker } from './mediasoup/worker-binary.ts';

export type WebRtcSetting = 'auto' | 'werift' | 'mediasoup' | 'off';

export type WebRtcEngineChoice =
  | { readonly engine: 'off' }
  | { readonly engine: 'werift' }
  | { readonly engine: 'mediasoup'; readonly workerBin: string };

export class MediasoupUnavailable extends Error {
  readonly code = 'mediasoup_unavailable';

  constructor(missing: string) {
    super(`media.webrtc is mediasoup, and ${missing}`);
    this.name = 'MediasoupUnavailable';
  }
}

export interface ChosenEngine {
  readonly choice: WebRtcEngineChoice;
  /** Why this one, for the log. */
  readonly why: string;
}

/** `workerBin`: MEDIASOUP_WORKER_BIN. @throws MediasoupUnavailable */
export async function chooseWebRtcEngine(
  setting: WebRtcSetting,
  workerBin: string | undefined,
  find: (workerBin: string | undefined) => Promise<MediasoupWorker> = findMediasoupWorker,
): Promise<ChosenEngine> {
  if (setting === 'off' || setting === 'werift') return { choice: { engine: setting }, why: 'as configured' };
  const worker = await find(workerBin);
  if (worker.ok) {
    return { choice: { engine: 'mediasoup', workerBin: worker.path }, why: `worker ${worker.version}` };
  }
  if (setting === 'mediasoup') throw new MediasoupUnavailable(worker.missing);
  return { choice: { engine: 'werift' }, why: worker.missing };
}
