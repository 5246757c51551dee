// The engine with a process of its own: one mediasoup worker per media thread, driven from the thread. It carries ICE (lite), DTLS, SRTP
// and RTCP towards the browser; RTP comes to us unencrypted over the worker's pipe.
//
//   worker     open                         worker dies, or hangs                    close
//   none       started, then as running     -                                        -
//   running    a router and two transports  its endpoints fail with engine_lost      ended
//   dead       started anew                 -                                        -
//   closed     refused                      -                                        -

import type { types } from 'mediasoup';
import type {
  OpenedEndpoint,
  WebRtcEndpointHost,
  WebRtcEndpointParams,
  WebRtcEngine,
  WebRtcEngineOptions,
} from '../endpoint.ts';
import { openMediasoupEndpoint } from './endpoint.ts';
import { answerOf, endWorker, startWorker } from './worker.ts';

export function createMediasoupEngine(options: WebRtcEngineOptions, workerBin: string): WebRtcEngine {
  let worker: Promise<types.Worker> | null = null;
  let closed = false;

  function running(): Promise<types.Worker> {
    if (closed) throw new Error('the engine for browsers is closed');
    worker ??= start();
    return worker;
  }

  function start(): Promise<types.Worker> {
    const starting = startWorker(workerBin, 'error');
    const forget = (): void => {
      if (worker === starting) worker = null;
    };
    starting.then((started) => started.on('died', forget), forget);
    return starting;
  }

  return {
    async open(params: WebRtcEndpointParams, host: WebRtcEndpointHost): Promise<OpenedEndpoint> {
      const started = await running();
      return answerOf(started, openMediasoupEndpoint(started, options, params, host));
    },
    async close(): Promise<void> {
      closed = true;
      await worker?.then(endWorker, () => undefined);
    },
  };
}
