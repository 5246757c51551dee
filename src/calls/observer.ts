// Facts about calls -> metrics. The only place that knows both vocabularies.

import type { CallRecord } from '../domain/call.ts';
import type { AgentProtocol } from '../domain/directory.ts';
import { verdictOf } from '../domain/reasons.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { CallLog, CallObserver } from './deps.ts';

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
