// What media tells of a live call, and what comes of it: a line in its timeline, or its end.
//
//   event             before the answer     after it
//   agent-closed      agent_unreachable     agent_hangup
//   agent-lost        agent_unreachable     agent_slow, or agent_lost
//   thread-lost       node_limit            media_timeout
//   media-timeout     (none comes)          hold_timeout, agent_silent, answer_unconfirmed, or media_timeout
//
// Invariants
//   ME1. An end has the instant of the last proof that media has of it: nobody pays for the time in which it was waited for more.

import type { MediaEvent } from '../media/session.ts';
import type { Call } from './call.ts';
import type { CallObserver } from './deps.ts';

type EventOf<Type extends MediaEvent['type']> = Extract<MediaEvent, { type: Type }>;

export function takeMediaEvent(call: Call, event: MediaEvent, observer: Pick<CallObserver, 'oneWayAudio'>): void {
  const { confirmation, progress } = call;
  switch (event.type) {
    case 'srtp-rejected':
      return call.note('audio_not_authentic');
    case 'first-packet':
      // Before the answer there is nothing to prove.
      confirmation.proved();
      return call.note('first_packet');
    case 'dtmf':
    case 'dtmf-asked':
    case 'dtmf-due':
      return call.keys.onMedia(event);
    case 'held':
      return call.note('held');
    case 'resumed':
      return call.note('resumed', { heldMs: Math.round(event.heldMs) });
    case 'one-way-audio':
      observer.oneWayAudio?.(event.missing);
      return call.note('one_way_audio', { missing: event.missing });
    case 'webrtc-connected':
      return call.note('webrtc_connected');
    case 'media-timeout':
      return timedOut(call, event);
    case 'agent-closed':
      return void call.end(progress.isAnswered ? 'agent_hangup' : 'agent_unreachable', 'agent', event.atMs);
    case 'agent-lost':
      return agentLost(call, event);
    case 'agent-asked':
      return call.onAsked?.(event.ask);
    case 'thread-lost':
      return void call.end(progress.isAnswered ? 'media_timeout' : 'node_limit', 'media', event.atMs);
  }
}

function timedOut(call: Call, { atMs, cause, lastProofMs, limit }: EventOf<'media-timeout'>): void {
  if (cause !== undefined) call.note('webrtc_failed', { cause });
  if (limit === 'held') return void call.end('hold_timeout', 'command', atMs);
  if (limit === 'agent_silent') return void call.end('agent_silent', 'agent', atMs);
  if (lastProofMs === null) call.metered?.flag('no_media');
  if (lastProofMs === null && cause === undefined && call.confirmation.isDoubted) {
    // Neither an ACK nor a packet: nothing says that our answer ever arrived.
    call.metered?.flag('answer_unconfirmed');
    return void call.end('answer_unconfirmed', 'signalling', atMs);
  }
  // Without any proof it ends where it began: at the answer (progress.ts P3).
  void call.end('media_timeout', 'media', lastProofMs ?? 0);
}

function agentLost(call: Call, { atMs, failure, lastProofMs }: EventOf<'agent-lost'>): void {
  call.note('agent_lost', { code: failure.code, detail: failure.detail });
  call.agentDetached(lastProofMs);
  if (!call.progress.isAnswered) return void call.end('agent_unreachable', 'agent');
  void call.end(failure.code === 'agent_slow' ? 'agent_slow' : 'agent_lost', 'agent', atMs);
}
