// The engine for browsers as the configuration and the machine want it: chosen once at the start, told in the log and by GET /v1/node.

import { ConfigError } from './config/errors.ts';
import type { Config } from './config/schema.ts';
import { chooseWebRtcEngine, MediasoupUnavailable, type WebRtcEngineChoice } from './media/webrtc/choose.ts';
import type { Logger } from './observability/logger.ts';

export interface WebRtcParts {
  readonly choice: WebRtcEngineChoice;
  readonly connectTimeoutMs: number;
}

/** @throws ConfigError where mediasoup is demanded and cannot be had */
export async function chooseWebRtc(
  media: Config['media'],
  workerBin: string | undefined,
  logger: Logger,
): Promise<WebRtcParts> {
  try {
    const { choice, why } = await chooseWebRtcEngine(media.webrtc, workerBin);
    logger.info({ engine: choice.engine, setting: media.webrtc, why }, 'engine for browsers');
    return { choice, connectTimeoutMs: media.webrtcConnectTimeoutMs };
  } catch (error) {
    if (!(error instanceof MediasoupUnavailable)) throw error;
    throw new ConfigError([{ key: 'media.webrtc', variable: 'CALLIN_MEDIA__WEBRTC', reason: error.message }]);
  }
}
