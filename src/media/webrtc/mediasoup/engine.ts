// The engine with a process of its own: one mediasoup worker per media thread, driven from the thread. It carries ICE (lite), DTLS, SRTP
// and RTCP towards the browser; RTP comes to us unencrypted over the worker's pipe.
//
//   worker     open                         worker dies                              close
//   none       started, then as running     -                                        -
//   running    a router and two transports  its endpoints fail with engine_lost      ended
//   dead       started anew                 -                                        -

import { createWorker } from 'mediasoup';
import type { types } from 'mediasoup';
import type {
  OpenedEndpoint,
  WebRtcEndpointHost,
  WebRtcEndpointParams,
  WebRtcEngine,
  WebRtcEngineOptions,
} from '../endpoint.ts';
import { openMediasoupEndpoint } from './endpoint.ts';

export function createMediasoupEngine(options: WebRtcEngineOptions, workerBin: string): WebRtcEngine {
  let worker: Promise<types.Worker> | null = null;

  function running(): Promise<types.Worker> {
    worker ??= start();
    return worker;
  }

  function start(): Promise<types.Worker> {
    const starting = createWorker({ workerBin, logLevel: 'error', logTags: [] });
    const forget = (): void => {
      if (worker === starting) worker = null;
    };
    starting.then((started) => started.on('died', forget), forget);
    return starting;
  }

  return {
    async open(params: WebRtcEndpointParams, host: WebRtcEndpointHost): Promise<OpenedEndpoint> {
      return openMediasoupEndpoint(await running(), options, params, host);
    },
    async close(): Promise<void> {
      const started = worker;
      worker = null;
      if (started === null) return;
      const ended = await started;
      const gone = new Promise<void>((resolve) => ended.on('subprocessclose', resolve));
      ended.close();
      if (!ended.subprocessClosed) await gone;
    },
  };
}
