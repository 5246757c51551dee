// Facts about calls -> metrics and log. The only place that knows both vocabularies.

import type { CallRecord, TimelineEntry } from '../domain/call.ts';
import type { AgentProtocol } from '../domain/directory.ts';
import { verdictOf } from '../domain/reasons.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { CallLog, CallObserver } from './deps.ts';

/** What tells an operator why a call had trouble. Of `route` the checks that failed. */
const TROUBLE = new Set([
  'agent_failed',
  'agent_lost',
  'answer_refused',
  'audio_not_authentic',
  'carrier_reason',
  'early_media_refused',
  'gateway_rests',
  'headers_refused',
  'keys_in_clear',
  'limit',
  'media_refused',
  'offer_refused',
  'one_way_audio',
  'redirect_not_followed',
  'rejected',
  'webrtc_failed',
]);
/** Where a call came from, and went to: told of an unanswered one, and of one that a gateway refused. */
const WHEREABOUTS = new Set(['invite', 'inviting']);
/** Six attempts, each with its answer and a word, fit. */
const TROUBLE_MAX = 20;

export function createCallObserver(metrics: Metrics, log: CallLog): CallObserver {
  return {
    started: (direction) => metrics.callsActive.inc({ direction }),
    withdrawn: (direction) => metrics.callsActive.dec({ direction }),
    ringing(direction, delayMs) {
      if (direction === 'outbound') metrics.postDialDelaySeconds.observe(delayMs / 1000);
    },
    answered(callId, direction, setupMs) {
      metrics.callSetupSeconds.observe({ direction }, setupMs / 1000);
      log.info({ callId, direction, setupMs: Math.round(setupMs) }, 'call answered');
    },
    agentConnected: (protocol, connectMs) =>
      metrics.agentConnectSeconds.observe({ protocol: protocol as AgentProtocol }, connectMs / 1000),
    oneWayAudio: (missing) => metrics.oneWayAudioTotal.inc({ missing }),
    ended(call, reason, talkMs) {
      const { result } = verdictOf(reason);
      const callClass = call.class ?? 'none';
      metrics.callsActive.dec({ direction: call.direction });
      metrics.callsTotal.inc({ direction: call.direction, class: callClass, result, reason });
      if (talkMs !== null) metrics.callDurationSeconds.observe({ class: callClass }, talkMs / 1000);
      if (call.quality !== null) metrics.rtpJitterSeconds.observe(call.quality.jitterMs / 1000);
      log.info(
        {
          callId: call.id,
          direction: call.direction,
          reason,
          result,
          sipStatus: call.sipStatus,
          trunkId: call.trunkId,
          workspaceId: call.workspaceId,
          agentId: call.agentId,
          ...billOf(call),
          ...troubleOf(call, result === 'answered'),
        },
        'call ended',
      );
    },
  };
}

function billOf(call: CallRecord): object {
  return call.bill === null
    ? {}
    : { telephonyMs: call.bill.telephony.billedMs, computeMs: call.bill.compute.billedMs, flags: call.bill.flags };
}

/** Nothing for a call that went well. What carriers write in words stays in the timeline: it may hold numbers that no policy of the log sees. */
function troubleOf(call: CallRecord, wasAnswered: boolean): object {
  const isWhereTold = !wasAnswered || call.timeline.some(({ event }) => event === 'rejected');
  const telling = call.timeline.filter(
    ({ event, detail }) =>
      TROUBLE.has(event) ||
      (isWhereTold && WHEREABOUTS.has(event)) ||
      (event === 'route' && detail?.['result'] === 'failed'),
  );
  return telling.length === 0 ? {} : { trouble: telling.slice(-TROUBLE_MAX).map(inWords) };
}

function inWords({ event, detail = {} }: TimelineEntry): object {
  const { text: _carriersWords, ...facts } = detail;
  return { event, ...facts };
}
